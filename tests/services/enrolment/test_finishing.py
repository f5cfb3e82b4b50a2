"""What stands half done is finished, even beside something that never can be."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from services.enrolment.domain.cohort.shape import Calendar
from services.enrolment.handlers.calendars import tell_new_dates
from services.enrolment.handlers.cohorts import reschedule_cohort
from services.enrolment.handlers.finishing import finish_what_was_started
from services.enrolment.handlers.rosters import judge_roster
from services.enrolment.store import ROSTERS
from shared.kernel.errors import Unavailable
from shared.store.port import Change
from tests.support.deliveries import FailingStore
from tests.support.enrolment import LATER, NOW, SESSIONS, TODAY, Desk, listed, seat

LATE = replace(TODAY, now=NOW + timedelta(hours=1))


async def test_a_list_that_cannot_be_judged_keeps_no_other_list_waiting() -> None:
    """A list of a cohort that is gone is told to the operator's log each time, and passed by."""
    desk = Desk()
    await desk.begin()
    await desk.endorse(await desk.draft([listed(1)], key="a"))
    await desk.endorse(await desk.draft([listed(2)], key="b"))
    (kept,) = (await desk.store.load(ROSTERS, ["a"])).values()
    await desk.store.write([Change(ROSTERS, "a", kept["version"], {"cohort_id": "gone"})])

    with pytest.raises(ExceptionGroup, match="some could not be done"):
        await finish_what_was_started(LATE, desk.works)

    assert "judged" == (await desk.works.open().rosters.of("b")).status


@pytest.mark.parametrize("crashes", [False, True])
async def test_days_claimed_while_the_dates_change_are_the_new_ones(*, crashes: bool) -> None:
    """Whatever step of judging the change falls between, and even if the judge then dies."""
    for change_at in range(1, 10):
        for die_at in range(change_at, change_at + 8 * crashes + 1):
            store = FailingStore()
            desk = Desk(store)
            await desk.begin()
            roster = await desk.endorse(await desk.draft([listed(1)]))
            store.before = _changing(desk, change_at, die_at if crashes else 0)
            with suppress(Unavailable):
                await judge_roster(roster.id, TODAY, desk.works)
            store.before = None
            await finish_what_was_started(LATE, desk.works)
            await desk.settle()
            claim = (await desk.learner()).claims[seat()]

            assert (2, "2024-05-13") == (claim.calendar_version, str(claim.periods[0].starts))


def _changing(desk: Desk, change_at: int, die_at: int) -> Callable[[str], Awaitable[None]]:
    """Make a hook that changes the dates before one call, and fails at another."""
    calls = changed = 0

    async def hook(_: str) -> None:
        nonlocal calls, changed
        if changed == 1:
            return
        calls += 1
        if calls == change_at:
            changed = 1
            calendar = Calendar.model_validate({"calendar": LATER, "sessions": SESSIONS})
            await desk.works.run(lambda work: reschedule_cohort("dua-i", calendar, NOW, work))
            await tell_new_dates("dua-i", NOW, desk.works)
            changed = 2
        if calls == die_at:
            raise Unavailable

    return hook
