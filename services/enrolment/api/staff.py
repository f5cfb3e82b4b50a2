"""An agency's whole staff: imported from a workbook, and listed."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel

from services.enrolment.api.asking import (
    AgencyInPath,
    Key,
    Now,
    Opened,
    UnsupportedMedia,
    file_of,
    in_thread,
    listed_from,
    media_type_of,
    new_router,
)
from services.enrolment.api.learners import LearnerView
from services.enrolment.domain.roster import examine
from services.enrolment.domain.staff import OF_ANOTHER_AGENCY, Member
from services.enrolment.handlers.staff import others_staff, receive_staff_list, tell_staff_list
from services.enrolment.sheets import read_staff
from shared.kernel.errors import Invalid
from shared.kernel.ids import fresh, learner_id
from shared.web.identity import Access, allow
from shared.web.paging import After, Limit, Page, page

router = new_router("staff")
_Officer = Annotated[Access, allow("nominator", "organiser")]
_MOST_SHOWN = 1_000
_SENT = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


class ImportView(BaseModel):
    """What a staff list changed, in people."""

    agency: str
    rows: int
    joined: int
    moved: int
    changed: int
    unchanged: int
    left: int


@router.post("/agencies/{code:path}/staff", openapi_extra=_SENT)
async def post_staff(
    code: AgencyInPath, request: Request, who: _Officer, works: Opened, key: Key, now: Now
) -> ImportView:
    """Take an agency's whole staff from a workbook, or nothing of it if a row is wrong.

    Whom another agency of the node has not let go an organiser of the whole node takes over, and nobody else.
    """
    if media_type_of(request) != "multipart/form-data":
        raise UnsupportedMedia("unsupported-media-type", "send a form with a file")
    async with request.form(max_files=1, max_fields=10) as form:
        content, name = await file_of(form)
    sheet = await in_thread(partial(read_staff, content, name))
    rows = await in_thread(
        partial(
            examine,
            listed_from(sheet.rows),
            now.day,
            lambda nip: (learner_id(nip, key), ""),
        )
    )
    takes_over = who.person.agency is None
    if who.person.agency == code:
        listed = [each.learner_id for each in rows if not each.reasons]
        theirs = await works.run(partial(others_staff, code, listed))
        against = (OF_ANOTHER_AGENCY,)
        rows = [
            replace(each, reasons=against) if each.learner_id in theirs else each for each in rows
        ]
    wrong = [{"row": each.row, "reasons": list(each.reasons)} for each in rows if each.reasons]
    if wrong:
        raise Invalid(
            "rows-refused",
            f"{len(wrong)} of {len(rows)} rows are wrong, so nothing was imported",
            {"rows": wrong[:_MOST_SHOWN]},
        )
    members = [Member(each.learner_id, each.card(code, "")) for each in rows]
    list_id = fresh()
    use_case = partial(
        receive_staff_list, list_id, code, members, (now.now, now.day), takes_over=takes_over
    )  # fmt: skip
    await works.run(use_case, who.scope)
    counts = (await tell_staff_list(list_id, works)).counts
    return ImportView.model_validate({"agency": code, "rows": len(rows), **counts})


@router.get("/agencies/{code:path}/staff")
async def list_staff(
    code: AgencyInPath, who: _Officer, works: Opened, after: After = "", limit: Limit = 100
) -> Page[LearnerView]:
    """List who works at an agency now."""
    ours = {"agency": code, "active": True, "home_node": {"$in": ["", None]}}
    where = {**ours, "_id": {"$gt": after}}
    found = await works.open(who.scope).learners.find(where, limit=limit + 1)
    return page(found, limit, LearnerView.of, lambda each: each.id)
