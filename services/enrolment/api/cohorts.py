"""Cohorts: written, opened, rescheduled, their line closed, their graduation decided."""

from datetime import date
from functools import partial
from typing import Annotated, Any, Self

from fastapi import Query
from pydantic import BaseModel

from services.enrolment import catalogue
from services.enrolment.api.asking import CohortId, Now, Opened, new_router
from services.enrolment.domain.cohort import Agency, Cohort, CohortDraft, SittingDecision
from services.enrolment.domain.cohort.shape import Calendar, Dates, Version
from services.enrolment.handlers.calendars import tell_new_dates
from services.enrolment.handlers.cohorts import (
    close_line,
    open_cohort,
    reschedule_cohort,
    send_line_home,
    write_cohort,
)
from services.enrolment.handlers.graduation import decide_graduation, tell_decisions
from shared.kernel.errors import Invalid
from shared.web.identity import ROLES, Access, allow
from shared.web.paging import After, Page, page

router = new_router("cohorts")
_Anybody = Annotated[Access, allow(*ROLES)]
_Organiser = Annotated[Access, allow("organiser")]


class CohortBody(CohortDraft):
    """A cohort as people send it; `id` may repeat the path's."""

    id: str | None = None

    def draft(self, cohort_id: str) -> CohortDraft:
        """Take out the draft; a body that names another cohort is Invalid."""
        if self.id not in {None, cohort_id}:
            raise Invalid("path-and-body-differ", "the body names another cohort than the path")
        fields = {name: getattr(self, name) for name in CohortDraft.model_fields}
        return CohortDraft.model_validate(fields)


class OfferView(BaseModel):
    """How a cohort stands on offer to other nodes; `number` counts what they were told of it."""

    number: int
    open: bool
    nominations_until: date
    seats_for_guests: int | None
    agreements: tuple[str, ...]

    @classmethod
    def of(cls, cohort: Cohort) -> Self | None:
        """Show the offer, None where there never was one."""
        offer = cohort.offer
        if offer.terms is None:
            return None
        return cls(number=offer.number, open=offer.open, **offer.terms.model_dump())


class CohortView(BaseModel):
    """A cohort as it stands; `seats` None: open to all."""

    id: str
    status: str
    owner: str
    programme: Version
    title: str
    number: str
    year: int
    seats: int | None
    seated: int
    waiting: int
    line_closed: bool
    host_node: str
    host_agency: str
    nominating_agencies: tuple[Agency, ...]
    calendar_version: int
    calendar: tuple[Dates, ...]
    sessions: dict[str, tuple[str, ...]]
    offer: OfferView | None

    @classmethod
    def of(cls, cohort: Cohort) -> Self:
        """Show a cohort, without saying who is in it."""
        draft = cohort.content
        return cls(
            id=cohort.id,
            status=cohort.status,
            owner=cohort.owner,
            programme=draft.programme,
            title=draft.title,
            number=draft.number,
            year=draft.year,
            seats=draft.seats,
            seated=cohort.seated,
            waiting=len(cohort.waiting),
            line_closed=cohort.line_closed,
            host_node=cohort.host_node,
            host_agency=draft.host_agency,
            nominating_agencies=draft.nominating_agencies,
            calendar_version=cohort.calendar_version,
            calendar=draft.calendar,
            sessions=draft.sessions,
            offer=OfferView.of(cohort),
        )


class DecidedView(BaseModel):
    """How many graduation decisions a sitting took."""

    decided: int
    by_outcome: dict[str, int]


@router.put("/cohorts/{cohort_id}")
async def put_cohort(
    cohort_id: CohortId, body: CohortBody, who: _Organiser, works: Opened, now: Now
) -> CohortView:
    """Write a draft; an open cohort takes only what it already says."""
    draft = body.draft(cohort_id)
    use_case = partial(write_cohort, cohort_id, draft, now.node, who.scope.host or "")
    return CohortView.of(await works.run(use_case, who.scope))


@router.post("/cohorts/{cohort_id}/opening")
async def post_opening(cohort_id: CohortId, who: _Organiser, works: Opened, now: Now) -> CohortView:
    """Open a cohort for nominations, or for everybody."""
    use_case = partial(open_cohort, cohort_id, now.now)
    return CohortView.of(await works.run(use_case, who.scope))


@router.put("/cohorts/{cohort_id}/calendar")
async def put_calendar(
    cohort_id: CohortId, body: Calendar, who: _Organiser, works: Opened, now: Now
) -> CohortView:
    """Replace the dates, and tell everybody enrolled."""
    use_case = partial(reschedule_cohort, cohort_id, body, now.now)
    await works.run(use_case, who.scope)
    return CohortView.of(await tell_new_dates(cohort_id, now.now, works))


@router.post("/cohorts/{cohort_id}/line/closing")
async def post_line_closing(
    cohort_id: CohortId, who: _Organiser, works: Opened, now: Now
) -> CohortView:
    """Let nobody wait any more; whoever finds no seat from now on is refused with `no-seat`."""
    await works.run(partial(close_line, cohort_id), who.scope)
    return CohortView.of(await send_line_home(cohort_id, now.now, works))


@router.post("/cohorts/{cohort_id}/graduation")
async def post_graduation(
    cohort_id: CohortId, body: SittingDecision, who: _Organiser, works: Opened, now: Now
) -> DecidedView:
    """Take a sitting's graduation decisions, all of them or none."""
    use_case = partial(decide_graduation, cohort_id, body)
    by_outcome = await works.run(use_case, who.scope)
    await tell_decisions(cohort_id, now.now, works)
    return DecidedView(decided=len(body.decisions), by_outcome=by_outcome)


@router.get("/cohorts")
async def list_cohorts(
    who: _Anybody, works: Opened, after: After = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Page[CohortView]:  # fmt: skip
    """List cohorts by id."""
    found = await works.open(who.scope).cohorts.find({"_id": {"$gt": after}}, limit=limit + 1)
    return page(found, limit, CohortView.of, lambda each: each.id)


@router.get("/cohorts/{cohort_id}")
async def get_cohort(cohort_id: CohortId, who: _Anybody, works: Opened) -> CohortView:
    """Show one cohort."""
    return CohortView.of(await works.open(who.scope).cohorts.get(cohort_id))


@router.get("/examples/cohort")
async def get_example_cohort(_: _Anybody) -> dict[str, Any]:
    """Give the shipped cohort as the body that `PUT /cohorts/{id}` takes."""
    return catalogue.example_cohort()
