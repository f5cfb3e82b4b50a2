"""What a live session decides: its plan, its states, its minutes, its tickets."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.progress.domain.live import (
    LiveSession,
    Place,
    Turnout,
    live_ticket,
    replay_ticket,
    standing,
)
from services.progress.domain.minutes import span
from shared.kernel.errors import Conflict, Invalid, Refusal
from tests.support.live import (
    PLACE,
    SESSION,
    attendance,
    closed,
    draft,
    hour,
    lecture_plan,
    scheduled,
)

_LATER = hour(500)
_SETTLE = timedelta(minutes=6)


def _slug(refused: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as caught:
        refused()
    return caught.value.slug


def _live(begins: float = 0, **changes: Any) -> LiveSession:  # noqa: ANN401 - a draft's fields
    return scheduled(**changes).start(hour(begins), _LATER)


def test_a_session_is_one_of_the_plans() -> None:
    """The plan must name group and session, and the refusal tells which it names."""
    for place in (Place("kuliah-mei", "lecture", "other"), Place("kuliah-mei", "other", "live")):
        with pytest.raises(Invalid) as caught:
            LiveSession(SESSION).schedule(draft(), place, lecture_plan())
        assert "unknown-session" == caught.value.slug
        assert {"sessions": {"lecture": ["live"]}} == caught.value.extra


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"ends_at": hour(0)}, "ends-before-it-starts"),
        ({"ends_at": hour(1_441)}, "session-too-long"),
        ({"replay_days": 3}, "replay-not-allowed"),
    ],
)
def test_a_session_that_cannot_be_is_not_scheduled(changes: dict[str, Any], slug: str) -> None:
    """Nor one whose replay should count although no rule allows it."""
    assert slug == _slug(lambda: scheduled(**changes))


def test_the_rules_say_what_threshold_and_replay_are() -> None:
    """They are not bargained with; fewer days of replay, or none, may be offered."""
    rules = lecture_plan(threshold_percent=80, replay_days=7)

    assert (80, 7) == _terms(scheduled(rules, threshold=None))
    assert (80, 3) == _terms(scheduled(rules, threshold=80, replay_days=3))
    assert "threshold-is-a-rule" == _slug(lambda: scheduled(rules, threshold=50))
    assert "replay-not-allowed" == _slug(lambda: scheduled(rules, threshold=None, replay_days=8))
    assert (80, 0) == _terms(scheduled(threshold=None))


def _terms(session: LiveSession) -> tuple[float, int]:
    return session.threshold, session.replay_days


def test_training_hours_take_minutes_by_the_rules() -> None:
    """A lecture of 20 JP at 3 minutes each takes an hour of planned time."""
    enough = lecture_plan(threshold_percent=50, minutes_per_jp=3)
    more = lecture_plan(threshold_percent=50, minutes_per_jp=4)

    assert "scheduled" == scheduled(enough).state
    with pytest.raises(Invalid) as caught:
        scheduled(more)
    assert ("too-short-for-its-hours", {"minutes": 80}) == (caught.value.slug, caught.value.extra)


def test_until_it_begins_a_session_is_scheduled_anew() -> None:
    """Its origin moves along, on the minute; afterwards only the same is taken again."""
    moved = scheduled().schedule(
        draft(starts_at=hour(10) + timedelta(seconds=40)), PLACE, lecture_plan()
    )
    live = _live()

    assert hour(10) == moved.origin
    assert live is live.schedule(draft(), PLACE, lecture_plan())
    assert "session-begun" == _slug(
        lambda: live.schedule(draft(title="Other"), PLACE, lecture_plan())
    )


def test_a_session_goes_from_state_to_state_and_never_back() -> None:
    """Each step taken again changes nothing."""
    live = scheduled().start(hour(1), hour(1))
    ended = live.stop(hour(50), hour(50))
    closing = ended.begin_closing(hour(56), _SETTLE)
    done = closing.close(1, hour(57))

    assert ["live", "ended", "closing", "closed"] == [
        each.state for each in (live, ended, closing, done)
    ]
    assert live is live.start(hour(2), hour(2))
    assert ended is ended.stop(hour(51), hour(51))
    assert done is done.stop(hour(58), hour(58)) is done.close(1, hour(99))
    assert ended is ended.begin_closing(hour(55), _SETTLE)
    assert done is done.begin_closing(hour(99), _SETTLE)
    assert 1 == done.closing
    assert ended is ended.close(1, hour(90))
    assert closing is closing.close(2, hour(57))


def test_what_does_not_fit_a_state_is_refused() -> None:
    """With when it is planned, where it has not begun."""
    ended = closed()

    assert "session-over" == _slug(lambda: ended.start(hour(0), _LATER))
    assert "session-over" == _slug(lambda: ended.extend(hour(90)))
    assert "from-the-future" == _slug(lambda: scheduled().start(hour(2), hour(1)))
    assert "session-past" == _slug(lambda: scheduled().start(hour(60), _LATER))
    assert "from-the-future" == _slug(lambda: _live().stop(hour(2), hour(1)))
    assert "not-scheduled" == _slug(lambda: LiveSession(SESSION).until)
    with pytest.raises(Conflict) as caught:
        scheduled().stop(hour(1), hour(1))
    assert ("not-live", scheduled().when) == (caught.value.slug, caught.value.extra)


def test_a_session_is_extended_to_a_later_end() -> None:
    """The same end again changes nothing, an earlier one is no extension."""
    live = _live()

    assert hour(90) == live.extend(hour(90)).ends_at
    assert live is live.extend(hour(60))
    assert "not-an-extension" == _slug(lambda: live.extend(hour(59)))
    assert "session-too-long" == _slug(lambda: live.extend(hour(2_000)))
    assert hour(90) == scheduled().extend(hour(90)).ends_at


@pytest.mark.parametrize(
    ("stopped", "resumed", "gap"),
    [
        (10.2, 10.8, 0),
        (10.5, 12.5, span(10, 12)),
        (10, 12, span(10, 12)),
        (-3, 2, span(0, 2)),
        (59, 64, span(59, 64)),
    ],
)
def test_a_session_stopped_by_mistake_goes_on(stopped: float, resumed: float, gap: int) -> None:
    """What could not be watched meanwhile is missed by nobody, and counts for nobody; the end holds as planned."""
    session = _live(-5).stop(hour(stopped), hour(stopped))
    again = session.resume(hour(stopped), hour(resumed))
    everything = attendance(span(0, 60))

    assert ("live", None, hour(resumed)) == (again.state, again.ended_at, again.resumed_at)
    assert span(0, 60) & ~gap == again.minutes
    assert again.planned_minutes == standing(again, everything).counted
    assert hour(65) == again.until
    over = again.end_overdue(hour(65))
    assert ("ended", again.minutes) == (over.state, over.minutes)


def test_a_session_may_go_on_more_than_once() -> None:
    """Each pause is left out; a stop told of before it went on again is refused, and so is a late repetition."""
    first = _live().stop(hour(10), hour(10))
    again = first.resume(hour(10), hour(12))
    second = again.stop(hour(20), hour(20))
    third = second.resume(hour(20), hour(24))

    assert again is again.resume(hour(10), hour(13))
    assert "resumed-since" == _slug(lambda: again.stop(hour(11), hour(13)))
    assert span(0, 20) & ~span(10, 12) == second.minutes
    assert span(0, 60) & ~span(10, 12) & ~span(20, 24) == third.minutes
    with pytest.raises(Conflict) as caught:
        second.resume(hour(10), hour(21))
    assert ("stopped-again", {"ended_at": hour(20).isoformat()}) == (
        caught.value.slug, caught.value.extra,
    )  # fmt: skip


def test_what_is_closed_stays_closed() -> None:
    """Nor does a session go on that has not begun, that is closing, or whose time is over."""
    ended = _live().stop(hour(50), hour(50))

    assert "not-live" == _slug(lambda: scheduled().resume(hour(0), hour(1)))
    assert "session-past" == _slug(lambda: ended.resume(hour(50), hour(65)))
    closing = ended.begin_closing(hour(56), _SETTLE)
    assert "session-over" == _slug(lambda: closing.resume(hour(50), hour(56)))
    assert "session-over" == _slug(lambda: closed().resume(hour(60), hour(61)))


def test_a_long_pause_of_the_longest_session_can_be_told() -> None:
    """No minute beyond what a session may have is kept, however long its grace."""
    session = _live(ends_at=hour(1_440), grace=3_600).stop(hour(0), _LATER)
    resumed = session.resume(hour(0), hour(1_499))

    assert span(0, 1_440) == int(resumed.paused, 16)


def test_a_session_that_nobody_stops_ends_as_planned_after_its_grace() -> None:
    """Until then it may be extended, and no beat is lost for it."""
    live = _live()

    assert live is live.end_overdue(hour(64.9))
    ended = live.end_overdue(hour(65))
    assert ("ended", hour(60)) == (ended.state, ended.ended_at)
    assert not ended.is_silent(hour(65.9), _SETTLE)
    assert ended.is_silent(hour(66), _SETTLE)
    assert not _live().is_silent(_LATER, _SETTLE)


@pytest.mark.parametrize(
    ("began", "ended", "minutes"),
    [
        (0, 60, span(0, 60)),
        (-5, 70, span(0, 60)),
        (5.5, 60, span(5, 60)),
        (0, 30.5, span(0, 30)),
        (0, 0.5, 0),
    ],
)
def test_the_minutes_that_count_are_those_it_ran_within_its_plan(
    began: float, ended: float, minutes: int
) -> None:
    """Whoever could not watch a minute does not lack it."""
    session = _live(began).stop(hour(ended), _LATER)

    assert minutes == session.minutes
    assert minutes.bit_count() == session.planned_minutes
    assert -(-session.planned_minutes // 2) == session.threshold_minutes


@pytest.mark.parametrize(
    ("begins", "ends", "minutes"),
    [
        (0, 10, span(0, 10)),
        (0.5, 10.1, span(0, 11)),
        (-10, 2, span(0, 2)),
        (10, 10, 0),
        (-9, -2, 0),
        (0, 3_000, span(0, 1_440)),
    ],
)
def test_a_stay_is_told_in_the_minutes_it_touches(begins: float, ends: float, minutes: int) -> None:
    """Never before the origin, and never beyond what a session may have."""
    assert minutes == scheduled().attended(hour(begins), hour(ends))


def test_a_ticket_holds_ten_minutes_and_never_beyond_the_grace() -> None:
    """It is given while the session is live, from its beginning on."""
    ticket = live_ticket(_live(), "a" * 32, "phone", hour(1))

    assert int(hour(11).timestamp()) == ticket.expires
    assert int(hour(65).timestamp()) == ticket.until
    assert (int(hour(1).timestamp()), int(hour(0).timestamp())) == (ticket.joined_at, ticket.origin)
    last = live_ticket(_live(), "a" * 32, "phone", hour(64))
    assert last.until == last.expires
    assert "session-over" == _slug(lambda: live_ticket(_live(), "a" * 32, "phone", hour(65)))
    assert "not-live" == _slug(lambda: live_ticket(scheduled(), "a" * 32, "phone", hour(1)))
    assert "session-over" == _slug(lambda: live_ticket(closed(), "a" * 32, "phone", hour(1)))


def test_a_replay_counts_from_where_the_session_began() -> None:
    """For as many days as the rules allow, and only afterwards."""
    rules = lecture_plan(threshold_percent=50, replay_days=2)
    session = scheduled(rules).start(hour(5), _LATER).stop(hour(60), _LATER)
    ticket = replay_ticket(session, "a" * 32, "phone", hour(70), 90)

    assert (True, 10 + 3) == (ticket.replay, ticket.start)
    assert 5 + 1 == ticket.minute(0, hour(70).timestamp(), 300)
    over = hour(60 + 2 * 24 * 60)
    assert int(over.timestamp()) == ticket.until
    assert "no-replay" == _slug(lambda: replay_ticket(session, "a" * 32, "phone", over, 0))
    assert "no-replay" == _slug(lambda: replay_ticket(closed(), "a" * 32, "phone", hour(70), 0))
    assert "not-over" == _slug(lambda: replay_ticket(_live(), "a" * 32, "phone", hour(70), 0))


def test_who_came_is_counted_once_it_changes() -> None:
    """The same turnout is no news."""
    settled = closed().settle()
    counted = settled.count(Turnout(3, 2, (1, 2)))

    assert (True, Turnout(3, 2, (1, 2))) == (counted.counted, counted.turnout)
    assert counted is counted.count(Turnout(3, 2, (1, 2)))
    assert counted == counted.uncount().count(Turnout(3, 2, (1, 2)))
    assert settled is settled.uncount()
    assert closed().count(Turnout()) == closed()
    assert ("x", True) == (counted.judged("x").judged_after, counted.settle().settled)
