"""Rosters: lists that agencies send, endorse and follow row by row."""

import hashlib
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any, NamedTuple, Self

from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.enrolment.api.asking import (
    A_WORKBOOK,
    CohortId,
    Id,
    Key,
    Now,
    Opened,
    UnsupportedMedia,
    file_of,
    in_thread,
    inlined,
    listed_as_sent,
    listed_from,
    media_type_of,
    new_router,
    read_agency,
    read_body,
    workbook,
)
from services.enrolment.domain.cohort.shape import AgencyCode, Day
from services.enrolment.domain.placement import Placement
from services.enrolment.domain.roster import (
    MOST_ROWS,
    Letter,
    Listed,
    Nominee,
    Result,
    Roster,
    Row,
    examine,
)
from services.enrolment.handlers.abroad import send_roster
from services.enrolment.handlers.rosters import (
    Nomination,
    Today,
    draft_roster,
    endorse_roster,
    judge_roster,
)
from services.enrolment.sheets import (
    nominations_template,
    read_nominations,
    staff_template,
    write_roster,
)
from services.enrolment.store import EnrolmentWork
from shared.events.fact import Value
from shared.kernel.errors import TooLarge
from shared.kernel.ids import derived, enrolment_id, learner_id
from shared.store.works import Works
from shared.web.identity import Access, allow
from shared.web.paging import After, Limit, Page, page

router = new_router("rosters")
_Sender = Annotated[Access, allow("nominator", "organiser")]
_Endorser = Annotated[Access, allow("endorser")]
_Reader = Annotated[Access, allow("nominator", "endorser", "organiser")]


class RosterBody(Value):
    """A nomination list as JSON."""

    agency: AgencyCode
    rows: Annotated[tuple[Row, ...], Field(min_length=1, max_length=MOST_ROWS)]


class EndorsementBody(Value):
    """The letter by which rows are endorsed; `rows` null endorses all."""

    letter_number: Annotated[str, Field(min_length=1, max_length=100)]
    letter_date: Day
    rows: Annotated[tuple[int, ...], Field(max_length=MOST_ROWS)] | None = None


class _Answer(NamedTuple):
    """What a host has told of a row."""

    status: str
    reasons: tuple[str, ...]


class RowView(BaseModel):
    """One row as it stands: draft, or what became of it with the reasons."""

    row: int
    nip: str
    name: str
    status: str
    reasons: tuple[str, ...]
    enrolment_id: str | None
    learner_id: str | None

    @classmethod
    def of(cls, nominee: Nominee, roster: Roster, placement: Placement | None = None) -> Self:
        """Show a row; of one that was sent abroad, what its host has told."""
        result: Result | _Answer | None = roster.results.get(str(nominee.row))
        if placement and not result and roster.list_abroad in placement.asked:
            result = _Answer(*placement.stands_for(roster.list_abroad))
        status = result.status if result else "refused" if nominee.reasons else "draft"
        return cls(
            row=nominee.row,
            nip=nominee.nip,
            name=nominee.name,
            status=status,
            reasons=result.reasons if result else nominee.reasons,
            enrolment_id=nominee.enrolment_id or None,
            learner_id=nominee.learner_id or None,
        )


class RosterSummary(BaseModel):
    """A list in few words."""

    id: str
    cohort_id: str
    home_node: str
    host_node: str
    agency: str
    status: str
    letter_number: str | None
    letter_date: date | None
    count: int

    @classmethod
    def of(cls, roster: Roster) -> Self:
        """Show a list without its rows."""
        return cls.model_validate(_summary(roster))


class RosterView(RosterSummary):
    """A list row by row."""

    rows: list[RowView]

    @classmethod
    def of(cls, roster: Roster, placements: Mapping[str, Placement] | None = None) -> Self:
        """Show a list with its rows, and with what became of them abroad."""
        told = placements or {}
        rows = [RowView.of(each, roster, told.get(each.enrolment_id)) for each in roster.rows]
        return cls.model_validate({**_summary(roster), "rows": rows})


def _summary(roster: Roster) -> dict[str, Any]:
    return {
        "id": roster.id,
        "cohort_id": roster.cohort_id,
        "home_node": roster.home_node,
        "host_node": roster.host_node,
        "agency": roster.agency,
        "status": roster.status,
        "letter_number": roster.letter.number if roster.letter else None,
        "letter_date": roster.letter.dated if roster.letter else None,
        "count": len(roster.rows),
    }


async def show_roster(roster: Roster, works: Works[EnrolmentWork]) -> RosterView:
    """Show a list; what hosts have told of its rows is looked up."""
    if not roster.host_node:
        return RosterView.of(roster)
    work = works.open()
    keys = [each.enrolment_id for each in roster.rows if each.enrolment_id]
    await work.placements.preload(keys)
    return RosterView.of(roster, {key: await work.placements.of(key) for key in keys})


SENT = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": inlined(RosterBody)},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["agency", "file"],
                    "additionalProperties": False,
                    "properties": {
                        "agency": {"type": "string"},
                        "file": {"type": "string", "format": "binary"},
                    },
                }
            },
        },
    }
}


@router.post("/cohorts/{cohort_id}/rosters", status_code=201, openapi_extra=SENT)
async def post_roster(
    cohort_id: CohortId, request: Request, who: _Sender, works: Opened, key: Key, now: Now
) -> RosterView:
    """Draft a list sent as JSON, .xlsx or .csv; the same list again is the same draft."""
    roster_id, nomination = await read_nomination(request, cohort_id, now.node, (key, now))
    use_case = partial(draft_roster, roster_id, nomination, now.now)
    return RosterView.of(await works.run(use_case, who.scope))


@router.post("/rosters/{roster_id}/endorsement")
async def post_endorsement(
    roster_id: Id, body: EndorsementBody, who: _Endorser, works: Opened, now: Now
) -> RosterView:
    """Endorse a list by a letter, and have its rows judged in their order."""
    rows = None if body.rows is None else tuple(sorted(set(body.rows)))
    letter = Letter(body.letter_number, body.letter_date, rows)
    await works.run(partial(endorse_roster, roster_id, letter, now.now), who.scope)
    roster = await works.open().rosters.get(roster_id)
    judge = send_roster if roster.host_node else judge_roster
    return await show_roster(await judge(roster_id, now, works), works)


@router.get("/rosters/{roster_id}")
async def get_roster(roster_id: Id, who: _Reader, works: Opened) -> RosterView:
    """Show a list row by row."""
    return await show_roster(await works.open(who.scope).rosters.get(roster_id), works)


@router.get("/cohorts/{cohort_id}/rosters")
async def list_rosters(
    cohort_id: CohortId, who: _Reader, works: Opened, after: After = "", limit: Limit = 100
) -> Page[RosterSummary]:
    """List a cohort's lists."""
    ours = {"cohort_id": cohort_id, "host_node": {"$in": ["", None]}}
    where = {**ours, "_id": {"$gt": after}}
    found = await works.open(who.scope).rosters.find(where, limit=limit + 1)
    return page(found, limit, RosterSummary.of, lambda each: each.id)


@router.get("/cohorts/{cohort_id}/roster.xlsx", response_class=Response, responses=A_WORKBOOK)
async def get_roster_workbook(cohort_id: CohortId, who: _Reader, works: Opened) -> Response:
    """Export who is enrolled in a cohort, as far as it concerns the person who asks."""
    work = works.open(who.scope)
    cohort = await work.cohorts.get(cohort_id)
    enrolments = await work.enrolments.find({"cohort_id": cohort_id}, limit=MOST_ROWS + 1)
    if len(enrolments) > MOST_ROWS:
        raise TooLarge("too-many-rows", f"a workbook takes {MOST_ROWS} rows; ask for pages instead")
    learners = works.open().learners
    await learners.preload(each.learner_id for each in enrolments)
    rows = []
    for each in enrolments:
        person = await learners.of(each.learner_id)
        rows.append(
            {
                "nip": person.nip,
                "name": person.name,
                "position": person.position,
                "position_level": person.position_level,
                "employment": person.employment,
                "agency": person.agency_name or person.agency,
                "email": person.email,
                "phone": person.phone,
                "disability": str(person.disability).lower(),
                "duty_3t": str(person.duty_3t).lower(),
                "status": each.status,
                "outcome": each.outcome or "",
                "enrolment_id": each.id,
            }
        )
    rows.sort(key=lambda row: (row["name"].casefold(), row["nip"]))
    content = await in_thread(partial(write_roster, cohort.content.title, rows))
    return workbook(content, cohort_id)


@router.get("/templates/nominations.xlsx", response_class=Response, responses=A_WORKBOOK)
async def get_nominations_template(_: _Reader) -> Response:
    """Give the workbook in which an agency writes whom it nominates."""
    return workbook(await in_thread(nominations_template), "nominations")


@router.get("/templates/staff.xlsx", response_class=Response, responses=A_WORKBOOK)
async def get_staff_template(_: _Reader) -> Response:
    """Give the workbook in which an agency writes its whole staff."""
    return workbook(await in_thread(staff_template), "staff")


async def read_nomination(
    request: Request, cohort_id: str, host: str, by: tuple[bytes, Today]
) -> tuple[str, Nomination]:
    """Read a list for a cohort of a node, in whichever form it came, and tell the id that it gets."""
    key, today = by
    agency, listed = await _read(request)

    def identify(nip: str) -> tuple[str, str]:
        learner = learner_id(nip, key)
        return learner, enrolment_id(learner, cohort_id, host)

    rows = await in_thread(partial(examine, listed, today.day, identify))
    content = hashlib.sha256(repr(listed).encode()).hexdigest()
    roster_id = derived("roster", agency, f"{host}/{cohort_id}", content)
    return roster_id, Nomination(cohort_id, agency, rows)


async def _read(request: Request) -> tuple[str, list[Listed]]:
    """Read whose list it is, and its rows, from whichever form it came in."""
    kind = media_type_of(request)
    if kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=10) as form:
            content, name = await file_of(form, "agency")
            agency = read_agency(form.get("agency"))
        sheet = await in_thread(partial(read_nominations, content, name))
        return agency, listed_from(sheet.rows)
    if kind != "application/json":
        raise UnsupportedMedia("unsupported-media-type", "send JSON, or a form with a file")
    body: RosterBody = read_body(RosterBody, await request.body())
    return body.agency, listed_as_sent(body.rows)
