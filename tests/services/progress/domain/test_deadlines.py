"""Deadlines: a phase at risk is told once, by the host node's own calendar days."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.progress.domain.deadlines import is_near, warn
from services.progress.domain.intake import take
from services.progress.domain.record import Record
from services.progress.domain.story import withdraw
from shared.events.progress import PhaseAtRisk
from shared.kernel.clock import end_of
from tests.support.progress import ORGANISER, day, plan, record, whole_story, withdrawn

_FIRST = day(10).date()
_NEAR = end_of(_FIRST, "35") - timedelta(hours=1)


def test_a_phase_at_risk_is_told_once_with_what_is_missing() -> None:
    """The fact names the day and says in both languages what the gate still asks for."""
    warned, facts = warn(record(), _NEAR, 3)

    assert [PhaseAtRisk] == [type(fact) for fact in facts]
    fact = facts[0]
    assert isinstance(fact, PhaseAtRisk)
    assert (1, _FIRST, _NEAR) == (fact.phase, fact.due, fact.at)
    assert 3 == len(fact.missing) == len(fact.missing_en)
    assert _FIRST not in warned.dues
    assert (warned, []) == warn(warned, _NEAR, 3)


def test_a_phase_far_from_its_deadline_or_without_one_is_not_at_risk() -> None:
    """Nobody is told before the last days, nor after them, nor of a phase without dates."""
    opened = record()
    undated = record(plan(ends=(None, None, None)))

    assert (opened, []) == warn(opened, _NEAR - timedelta(days=5), 3)
    assert (undated, []) == warn(undated, _NEAR, 3)


def test_a_waiting_phase_whose_own_gate_holds_is_not_at_risk() -> None:
    """Only what is missing makes a deadline worth a warning."""
    story = whole_story()
    ahead = take(record(plan(ends=(None, _FIRST, None))), story[3:7], ORGANISER, day(99))[0]

    assert (ahead, []) == warn(ahead, _NEAR, 3)


def test_nobody_is_warned_who_has_completed_or_left_or_is_not_known() -> None:
    """A deadline concerns open records only."""
    left = withdraw(record(), withdrawn())
    done = take(record(), whole_story(), ORGANISER, day(99))[0]

    for closed in (left, done, Record("e")):
        assert (closed, []) == warn(closed, _NEAR, 3)


@pytest.mark.parametrize(
    ("region", "now", "near"),
    [
        ("35", datetime(2024, 3, 8, 16, 59, tzinfo=UTC), False),
        ("35", datetime(2024, 3, 8, 17, 0, tzinfo=UTC), True),
        ("35", datetime(2024, 3, 11, 16, 59, tzinfo=UTC), True),
        ("35", datetime(2024, 3, 11, 17, 0, tzinfo=UTC), False),
        ("62", datetime(2024, 3, 11, 16, 59, tzinfo=UTC), True),
        ("51", datetime(2024, 3, 11, 16, 0, tzinfo=UTC), False),
        ("91", datetime(2024, 3, 11, 15, 0, tzinfo=UTC), False),
    ],
)
def test_a_day_ends_at_the_host_nodes_midnight(region: str, now: datetime, *, near: bool) -> None:
    """Three zones end the same calendar day at three instants."""
    assert near is is_near(date(2024, 3, 11), now, 3, region)
