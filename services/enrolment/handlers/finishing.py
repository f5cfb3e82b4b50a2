"""What a crash may have left half done, found and finished now and then."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from services.enrolment.domain.cohort import TASKS, Cohort
from services.enrolment.domain.handover import Handover
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.roster import Roster
from services.enrolment.domain.staff import StaffList
from services.enrolment.handlers.abroad import send_roster
from services.enrolment.handlers.calendars import tell_new_dates
from services.enrolment.handlers.cohorts import send_line_home
from services.enrolment.handlers.erasing import Pseudonym, finish_erasure
from services.enrolment.handlers.graduation import tell_decisions
from services.enrolment.handlers.learners import move_to_new_number
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.rosters import Today, judge_roster
from services.enrolment.handlers.seats import fill_free_seats
from services.enrolment.handlers.staff import tell_staff_list
from services.enrolment.handlers.transferring import hand_over
from services.enrolment.ports import Rooms, Statements, Works
from shared.kernel.tasks import each

Step = Callable[[], Awaitable[object]]

PATIENCE = timedelta(seconds=5)
"""For so long after its last step, a list is left to whoever judges it."""

_MOST = 100


async def finish_what_was_started(today: Today, works: Works) -> None:
    """Finish what stands half done: lists, dates, decisions, lines, seats, numbers, staff, moves."""
    since = today.now - PATIENCE
    steps: list[Step] = [
        partial(send_roster if roster.host_node else judge_roster, roster.id, today, works)
        for roster in await works.run(_endorsed)
        if roster.touched_at is None or roster.touched_at <= since
    ]
    for cohort in await works.run(_unfinished):
        steps += _steps_of(cohort, today, works)
    steps += [
        partial(move_to_new_number, learner.id, today, works)
        for learner in await works.run(_moving)
    ]
    steps += [
        partial(tell_staff_list, staff.id, works)
        for staff in await works.run(_received)
        if staff.instant <= since
    ]
    steps += [
        partial(hand_over, handover.id, today, works)
        for handover in await works.run(_handed_over)
        if handover.asked_at is None or handover.asked_at <= since
    ]
    await each(steps, lambda step: step())


async def finish_erasures(
    today: Today, works: Works, statements: Statements, pseudonym: Pseudonym
) -> None:
    """Finish erasing whoever asked for it, or whose home has."""
    await each(
        [learner.id for learner in await works.run(_to_be_erased)],
        lambda key: finish_erasure(key, today, works, statements, pseudonym),
    )


def _steps_of(cohort: Cohort, today: Today, works: Works) -> list[Step]:
    steps: dict[str, Step] = {
        "calendar": partial(tell_new_dates, cohort.id, today.now, works),
        "graduation": partial(tell_decisions, cohort.id, today.now, works),
        "line": partial(send_line_home, cohort.id, today.now, works),
        "seats": partial(patiently, works, partial(fill_free_seats, cohort.id, today.now)),
    }
    return [step for task, step in steps.items() if task in cohort.unfinished]


async def _endorsed(work: Rooms) -> list[Roster]:
    return await work.rosters.find({"status": {"$in": ["endorsed", "sending"]}}, limit=_MOST)


async def _unfinished(work: Rooms) -> list[Cohort]:
    return await work.cohorts.find({"unfinished": {"$in": list(TASKS)}}, limit=_MOST)


async def _handed_over(work: Rooms) -> list[Handover]:
    return await work.handovers.find({"status": "asked"}, limit=_MOST)


async def _moving(work: Rooms) -> list[Learner]:
    return await work.learners.find({"moving_to": {"$gt": ""}}, limit=_MOST)


async def _to_be_erased(work: Rooms) -> list[Learner]:
    return await work.learners.find({"erasure_due": True}, limit=_MOST)


async def _received(work: Rooms) -> list[StaffList]:
    return await work.staff_lists.find({"status": {"$in": ["received", "compared"]}}, limit=_MOST)
