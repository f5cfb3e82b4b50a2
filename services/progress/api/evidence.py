"""Evidence as it comes in: one piece, or thousands in one call."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Request
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from services.progress.api.parts import (
    EnrolmentId,
    EnrolmentPath,
    Gives,
    ProgressWorks,
    SeesRecords,
)
from services.progress.domain.evidence import Evidence, EvidenceKind, Giver, Reason, Verdict
from services.progress.handlers.records import take_evidence
from services.progress.store import record_of
from shared.events.plan import Judge, Slug
from shared.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from shared.web.idempotency import IdempotentRoute
from shared.web.identity import Access
from shared.web.paging import After, Limit, Page, page
from shared.web.problems import PROBLEMS

router = APIRouter(route_class=IdempotentRoute, responses=PROBLEMS, tags=["evidence"])

_SLICE = 100
"""Records handled and written together: others get the loop between slices."""

_READ = 500
"""Items read before others get the loop."""

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _text(given: object) -> object:
    if not isinstance(given, str | datetime):
        raise ValueError("a time is written as ISO 8601 text")  # noqa: TRY004 - pydantic's own way
    return given


Instant = Annotated[AwareDatetime, BeforeValidator(_text), Field(ge=_EARLIEST, le=_LATEST)]


class Given(BaseModel):
    """One piece of evidence.

    `completed` and `score` name an activity, `attendance` a session of a group, `approved` and
    `sent-back` a document.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    enrolment_id: EnrolmentId | None = None
    kind: Literal["completed", "score", "attendance", "approved", "sent-back"]
    at: Instant
    source: str = Field(min_length=1, max_length=200)
    by: Judge | None = None
    activity: Slug | None = None
    score: Annotated[float, Field(ge=0, le=100, strict=True)] | None = None
    sessions: Slug | None = None
    session: Slug | None = None
    present: StrictBool | None = None
    document: Slug | None = None
    reason: str | None = Field(default=None, max_length=2000)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        told = tuple(name for name in _PARTS if getattr(self, name) is not None)
        if told != _NEEDS[self.kind] and (self.kind, told) != ("sent-back", ("document",)):
            raise ValueError(f"{self.kind} needs exactly: {', '.join(_NEEDS[self.kind])}")
        return self


_PARTS = ("activity", "score", "sessions", "session", "present", "document", "reason")
_NEEDS: dict[str, tuple[str, ...]] = {
    "completed": ("activity",),
    "score": ("activity", "score"),
    "attendance": ("sessions", "session", "present"),
    "approved": ("document",),
    "sent-back": ("document", "reason"),
}


class GivenFor(Given):
    """One piece of evidence for the enrolment that it names."""

    enrolment_id: EnrolmentId


_given = TypeAdapter(GivenFor)
_SCHEMA = {
    "type": "array",
    "maxItems": 5000,
    "items": {"anyOf": [_given.json_schema(), {"description": "refused as `invalid`"}]},
}


class Bulk(BaseModel):
    """Up to 5,000 pieces of evidence; each is judged for itself."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[Any], Field(max_length=5000), WithJsonSchema(_SCHEMA)]


class Taken(BaseModel):
    """What became of one piece of evidence."""

    status: Literal["accepted", "repeated"]


class Result(BaseModel):
    """What became of the piece at this index; `reason` where it was refused."""

    index: int
    status: Literal["accepted", "repeated", "refused"]
    reason: Reason | None = None


class Results(BaseModel):
    """What became of each piece, and how many there were of each."""

    results: list[Result]
    accepted: int
    repeated: int
    refused: int


class Shown(BaseModel):
    """One piece of evidence on a record; who entered it is for organisers and auditors."""

    kind: EvidenceKind
    about: str
    group: str
    at: datetime
    value: float
    by: str
    source: str
    reason: str
    entered_by: str | None


@router.post("/enrolments/{enrolment_id}/evidence")
async def give_evidence(
    enrolment_id: EnrolmentPath, given: Given, request: Request, works: ProgressWorks, who: Gives
) -> Taken:
    """Take one piece of evidence; the same piece again is `repeated`."""
    if given.enrolment_id not in (None, enrolment_id):
        raise Invalid("invalid", "the body names another enrolment than the path")
    now = request.app.state.clock.now()
    giver = _giver(who)
    offered = {enrolment_id: [_evidence(given, giver)]}
    taken = await works.run(lambda work: take_evidence(offered, giver, now, work), who.scope)
    verdict = taken[enrolment_id][0]
    if verdict.status == "refused":
        raise _refusal(verdict)
    return Taken(status=verdict.status)


@router.post("/evidence")
async def give_much_evidence(
    body: Bulk, request: Request, works: ProgressWorks, who: Gives
) -> Results:
    """Take many pieces of evidence, each judged for itself; what is sent again is `repeated`."""
    now = request.app.state.clock.now()
    giver = _giver(who)
    results: list[Result] = []
    places: dict[str, list[int]] = {}
    offered: dict[str, list[Evidence]] = {}
    for index, item in enumerate(body.items):
        if index % _READ == _READ - 1:
            await asyncio.sleep(0)
        results.append(Result(index=index, status="refused", reason="invalid"))
        try:
            given = _given.validate_python(item)
        except ValidationError:
            continue
        places.setdefault(given.enrolment_id, []).append(index)
        offered.setdefault(given.enrolment_id, []).append(_evidence(given, giver))
    for part in _slices(offered):
        taken = await works.run(partial(take_evidence, part, giver, now), who.scope)
        for enrolment_id, verdicts in taken.items():
            for index, verdict in zip(places[enrolment_id], verdicts, strict=True):
                results[index] = Result(index=index, status=verdict.status, reason=verdict.reason)
    counts = {name: sum(each.status == name for each in results) for name in _STATUSES}
    return Results(results=results, **counts)


_STATUSES = ("accepted", "repeated", "refused")


@router.get("/enrolments/{enrolment_id}/evidence")
async def list_evidence(
    enrolment_id: EnrolmentPath,
    works: ProgressWorks,
    who: SeesRecords,
    after: After = "",
    limit: Limit = 200,
) -> Page[Shown]:
    """List the evidence of a record in order of time, corrections among it."""
    record = await record_of(works.open(who.scope), enrolment_id)
    if after and not after.isdecimal():
        raise Invalid("invalid-page", "this is not where a page ended")
    start = int(after[:9] or 0)
    in_time = sorted(record.evidence, key=lambda each: each.at)
    found = list(enumerate(in_time[start : start + limit + 1], start + 1))
    full = bool(who.roles & {"organiser", "auditor"})
    return page(found, limit, lambda each: _shown(each[1], full=full), lambda each: str(each[0]))


def _slices(offered: Mapping[str, list[Evidence]]) -> Iterator[dict[str, Sequence[Evidence]]]:
    left = iter(offered.items())
    while part := dict(islice(left, _SLICE)):
        yield dict(part)


def _giver(who: Access) -> Giver:
    return Giver(who.person.subject, who.roles, who.person.learner_id)


def _evidence(given: Given, giver: Giver) -> Evidence:
    at = given.at.astimezone(UTC)
    if given.kind == "attendance":
        about, value = given.session, float(bool(given.present))
    elif given.kind in ("approved", "sent-back"):
        about, value = given.document, float(given.kind == "approved")
    else:
        about, value = given.activity, 1.0 if given.score is None else given.score
    return Evidence(
        kind=_KINDS[given.kind],
        about=about or "",
        at=at,
        value=value,
        by=given.by or "",
        source=given.source,
        group=given.sessions or "",
        reason=given.reason or "",
        entered_by=giver.subject,
    )


_KINDS: dict[str, EvidenceKind] = {
    "completed": "completed",
    "score": "score",
    "attendance": "attendance",
    "approved": "document",
    "sent-back": "document",
}


def _shown(evidence: Evidence, *, full: bool) -> Shown:
    return Shown(
        kind=evidence.kind,
        about=evidence.about,
        group=evidence.group,
        at=evidence.at,
        value=evidence.value,
        by=evidence.by,
        source=evidence.source,
        reason=evidence.reason,
        entered_by=evidence.entered_by if full else None,
    )


def _refusal(verdict: Verdict) -> Refusal:
    kind, detail = _REFUSALS[verdict.reason or "invalid"]
    return kind(verdict.reason or "invalid", detail)


_REFUSALS: dict[Reason, tuple[type[Refusal], str]] = {
    "unknown-enrolment": (NotFound, "there is no such enrolment here"),
    "from-the-future": (Invalid, "this has not happened yet"),
    "withdrawn": (Conflict, "the learner has left the cohort"),
    "unknown-activity": (Invalid, "no gate of this programme asks for the activity"),
    "unknown-document": (Invalid, "no gate of this programme asks for the document"),
    "unknown-session": (Invalid, "the cohort has no such session in that group"),
    "not-assigned": (Forbidden, "you are not assigned to this learner in that role"),
    "wrong-role": (Invalid, "the gate asks for the word of another role"),
    "too-much-evidence": (Conflict, "this record takes no more evidence"),
    "invalid": (Invalid, "the evidence does not fit its kind"),
}
