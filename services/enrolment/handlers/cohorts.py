"""Cohorts: written, opened, rescheduled, and their line closed."""

from datetime import datetime

from services.enrolment.domain.cohort import NO_SEAT, Cohort, CohortDraft
from services.enrolment.domain.cohort.shape import Calendar
from services.enrolment.domain.programme import Programme
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.stating import cohort_offered, refused, seat_freed
from services.enrolment.ports import Rooms, Works
from shared.events.enrolment import CohortPlanned
from shared.events.fact import Fact

CHUNK = 100
"""Learners that one update of a cohort decides on."""


async def write_cohort(
    cohort_id: str, draft: CohortDraft, node: str, owner: str, work: Rooms
) -> Cohort:
    """Write a draft of a cohort that this node hosts; a new one is its owner's, an agency's or "": the node's."""
    cohort = await work.cohorts.of(cohort_id)
    cohort = cohort.write(draft, owner=owner, host_node=node)
    work.cohorts.keep(cohort)
    return cohort


async def open_cohort(cohort_id: str, now: datetime, work: Rooms) -> Cohort:
    """Open a cohort, so that agencies can nominate, and tell its plan."""
    before = await work.cohorts.get(cohort_id)
    programme = await work.programmes.of(before.programme_id)
    cohort = before.open(programme)
    work.cohorts.keep(cohort, [] if cohort is before else [_planned(cohort, programme, now)])
    return cohort


def _planned(cohort: Cohort, programme: Programme, now: datetime) -> Fact:
    return CohortPlanned(at=now, plan=cohort.plan(programme))


async def reschedule_cohort(
    cohort_id: str, calendar: Calendar, now: datetime, work: Rooms
) -> Cohort:
    """Replace a cohort's calendar; whoever is enrolled is told afterwards, and who was offered it at once."""
    before = await work.cohorts.get(cohort_id)
    programme = await work.programmes.of(before.programme_id)
    cohort = before.reschedule(calendar, programme, now)
    stating: list[Fact] = []
    if cohort.calendar_version > before.calendar_version:
        stating.append(_planned(cohort, programme, now))
    if cohort.offer.number > before.offer.number:
        stating.append(cohort_offered(cohort, programme, now))
    work.cohorts.keep(cohort, stating)
    return cohort


async def close_line(cohort_id: str, work: Rooms) -> Cohort:
    """Let nobody wait for a seat any more."""
    cohort = await work.cohorts.get(cohort_id)
    cohort = cohort.close_line()
    work.cohorts.keep(cohort)
    return cohort


async def send_line_home(cohort_id: str, now: datetime, works: Works) -> Cohort:
    """Tell everybody in a closed line that there is no seat, so many at a time; resumable."""

    async def send_some(work: Rooms) -> Cohort:
        cohort = await work.cohorts.get(cohort_id)
        if "line" not in cohort.unfinished:
            return cohort
        stating: list[Fact] = []
        for key in cohort.waiting[: CHUNK // 2]:
            place = cohort.places[key]
            cohort, _ = cohort.free_place(key, NO_SEAT)
            stating += [
                seat_freed(cohort, key, place, now),
                refused(cohort, key, place, (NO_SEAT,), now),
            ]
        if not cohort.waiting:
            cohort = cohort.finish("line")
        work.cohorts.keep(cohort, stating)
        return cohort

    cohort = await patiently(works, send_some)
    while "line" in cohort.unfinished:
        cohort = await patiently(works, send_some)
    return cohort
