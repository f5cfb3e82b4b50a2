"""What every door of this service asks with: works, today, ids in paths, files."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile

from services.enrolment.domain.cohort.shape import AgencyCode
from services.enrolment.domain.roster import Listed, Row
from services.enrolment.handlers.rosters import Today
from services.enrolment.sheets import SheetRow, tidy
from services.enrolment.store import EnrolmentWork
from shared.kernel.clock import local_date
from shared.kernel.errors import Invalid, Refusal, Unavailable
from shared.store.works import Works
from shared.web.idempotency import IdempotentRoute
from shared.web.parts import works
from shared.web.problems import PROBLEMS
from shared.web.strictness import take_only

_AGENCY: TypeAdapter[str] = TypeAdapter(AgencyCode)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
A_WORKBOOK: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A workbook",
        "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}},
    }
}

Opened = Annotated[Works[EnrolmentWork], Depends(works)]
CohortId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Id = Annotated[str, Path(min_length=1, max_length=64)]
Code = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Version = Annotated[int, Path(ge=1, le=10_000)]
AgencyInPath = Annotated[AgencyCode, Path()]


def new_router(tag: str) -> APIRouter:
    """Make a router whose POSTs are answered once and whose problems are documented."""
    return APIRouter(route_class=IdempotentRoute, responses=PROBLEMS, tags=[tag])


def today(request: Request) -> Today:
    """Tell the instant of a request, and the day that it has at this node."""
    now, node = request.app.state.clock.now(), request.app.state.settings.node
    return Today(now, local_date(now, node), node)


def pseudonym_key(request: Request) -> bytes:
    """Give the key of the federation's pseudonyms; Unavailable while its file cannot be read."""
    try:
        key: bytes = request.app.state.pseudonym_key()
    except (OSError, ValueError) as broken:
        raise Unavailable("the pseudonym key cannot be read") from broken
    return key


Now = Annotated[Today, Depends(today)]
Key = Annotated[bytes, Depends(pseudonym_key)]


def workbook(content: bytes, name: str) -> Response:
    """Answer with a workbook to be saved under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.xlsx"'}
    return Response(content, media_type=XLSX, headers=headers)


class UnsupportedMedia(Refusal):
    """The body's media type is none that this door takes."""

    status = 415


def read_agency(part: object) -> str:
    """Read a form's `agency`; anything but a region code is Invalid."""
    try:
        return _AGENCY.validate_python(part)
    except ValidationError as broken:
        raise Invalid("bad-agency", "the form's part `agency` is no region code") from broken


def listed_from(rows: Iterable[SheetRow]) -> list[Listed]:
    """Take the rows of a sheet into a list."""
    return [
        Listed(
            row=each.row,
            nip=each.cells["nip"],
            name=each.cells["name"],
            position=each.cells["position"],
            position_level=each.cells["position_level"],
            employment=each.cells["employment"],
            unit=each.cells["agency"],
            email=each.cells["email"],
            phone=each.cells["phone"],
            disability=each.cells["disability"] == "true",
            duty_3t=each.cells["duty_3t"] == "true",
            faults=each.errors,
        )
        for each in rows
    ]


_WRITTEN = ("nip", "name", "position", "position_level", "unit", "email", "phone")


def listed_as_sent(rows: Iterable[Row]) -> list[Listed]:
    """Take rows sent as JSON into a list, their texts as tidy as those of a sheet."""
    listed = []
    for number, row in enumerate(rows, 1):
        each = row.listed(number)
        texts: dict[str, Any] = {name: tidy(getattr(each, name)) for name in _WRITTEN}
        faults = () if texts["name"] else ("missing-name",)
        listed.append(replace(each, **texts, faults=faults))
    return listed


async def file_of(form: FormData, *others: str) -> tuple[bytes, str]:
    """Tell the content and the name of a form's `file`; Invalid where it has parts beside that and the `others`."""
    take_only([name for name, _ in form.multi_items()], {"file", *others}, "part")
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid("file-missing", "the form has no part `file` that is a file")
    return await file.read(), file.filename or ""


def media_type_of(request: Request) -> str:
    """Tell the media type of a request's body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def read_body(model: type[BaseModel], body: bytes) -> Any:  # noqa: ANN401 - the model's own type
    """Read a JSON body, with the same problems as any other route's."""
    try:
        return model.model_validate_json(body)
    except ValidationError as broken:
        raise RequestValidationError(broken.errors(include_url=False)) from broken


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """Tell a body's JSON Schema without references, for routes that take several media types."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def inline(part: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(part, Mapping):
            name = str(part.get("$ref", "")).removeprefix("#/$defs/")
            return (
                inline(parts[name]) if name else {key: inline(each) for key, each in part.items()}
            )
        return [inline(each) for each in part] if isinstance(part, list) else part

    inlined_schema: dict[str, Any] = inline(schema)
    return inlined_schema


in_thread = run_in_threadpool
"""Long computations, such as reading a workbook, leave the loop to others."""
