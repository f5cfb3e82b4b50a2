"""What a crash may have left half done, found and finished now and then."""

from datetime import timedelta
from functools import partial

from services.enrolment.domain.cohort import TASKS, Cohort
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.roster import Roster
from services.enrolment.domain.staff import StaffList
from services.enrolment.handlers.calendars import tell_new_dates
from services.enrolment.handlers.cohorts import send_line_home
from services.enrolment.handlers.graduation import tell_decisions
from services.enrolment.handlers.learners import move_to_new_number
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.rosters import Today, judge_roster
from services.enrolment.handlers.seats import fill_free_seats
from services.enrolment.handlers.staff import tell_staff_list
from services.enrolment.ports import Rooms, Works

PATIENCE = timedelta(seconds=5)
"""For so long after its last step, a list is left to whoever judges it."""

_MOST = 100


async def finish_what_was_started(today: Today, works: Works) -> None:
    """Finish what stands half done: lists, dates, decisions, lines, seats, numbers and staff."""
    since = today.now - PATIENCE
    for roster in await works.run(_endorsed):
        if roster.touched_at is None or roster.touched_at <= since:
            await judge_roster(roster.id, today, works)
    for cohort in await works.run(_unfinished):
        await _finish_cohort(cohort, today, works)
    for learner in await works.run(_moving):
        await move_to_new_number(learner.id, today.now, works)
    for staff in await works.run(_received):
        if staff.instant <= since:
            await tell_staff_list(staff.id, works)


async def _finish_cohort(cohort: Cohort, today: Today, works: Works) -> None:
    if "calendar" in cohort.unfinished:
        await tell_new_dates(cohort.id, today.now, works)
    if "graduation" in cohort.unfinished:
        await tell_decisions(cohort.id, today.now, works)
    if "line" in cohort.unfinished:
        await send_line_home(cohort.id, today.now, works)
    if "seats" in cohort.unfinished:
        await patiently(works, partial(fill_free_seats, cohort.id, today.now))


async def _endorsed(work: Rooms) -> list[Roster]:
    return await work.rosters.find({"status": "endorsed"}, limit=_MOST)


async def _unfinished(work: Rooms) -> list[Cohort]:
    return await work.cohorts.find({"unfinished": {"$in": list(TASKS)}}, limit=_MOST)


async def _moving(work: Rooms) -> list[Learner]:
    return await work.learners.find({"moving_to": {"$gt": ""}}, limit=_MOST)


async def _received(work: Rooms) -> list[StaffList]:
    return await work.staff_lists.find({"status": {"$in": ["received", "compared"]}}, limit=_MOST)
