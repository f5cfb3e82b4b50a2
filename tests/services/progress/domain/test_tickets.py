"""Which minute a numbered beat claims, and which claims are impossible."""

import pytest

from services.progress.domain.ticket import Ticket
from shared.kernel.errors import Invalid

_ORIGIN = 1_700_000_040
_TICKET = Ticket("s", "a" * 32, "hp", _ORIGIN + 90, _ORIGIN, _ORIGIN + 7_200, expires=_ORIGIN + 690)
_LATE = 300.0


def _minute(number: int, after: float, ticket: Ticket = _TICKET) -> int:
    return ticket.minute(number, ticket.joined_at + after, _LATE)


def _refusal(number: int, after: float, ticket: Ticket = _TICKET) -> str:
    with pytest.raises(Invalid) as refused:
        _minute(number, after, ticket)
    return refused.value.slug


def test_a_number_claims_the_same_minute_whenever_it_is_sent() -> None:
    """A beat that comes late or again is of the minute in which it was due."""
    assert [1, 2, 2, 3] == [_minute(number, 30.0 * number) for number in range(4)]
    assert [2, 2] == [_minute(1, 30), _minute(1, 30 + _LATE)]


def test_a_beat_whose_time_has_not_come_is_refused() -> None:
    """A clock may be five seconds ahead, no more."""
    assert 2 == _minute(1, 25)
    assert "beat-too-early" == _refusal(1, 24.9)


def test_a_beat_that_is_too_late_is_refused() -> None:
    """So is one with a number that none has."""
    assert "beat-too-late" == _refusal(1, 30 + _LATE + 0.1)
    assert "beat-impossible" == _refusal(-1, 30)


def test_beats_outside_the_session_are_refused() -> None:
    """Who joins before it begins claims nothing before; nothing is claimed at its end or later."""
    early = _TICKET._replace(joined_at=_ORIGIN - 60)
    ending = _TICKET._replace(until=_TICKET.joined_at + 30)

    assert "outside-session" == _refusal(1, 30, early)
    assert 0 == _minute(2, 60, early)
    assert 1 == _minute(0, 0, ending)
    assert "outside-session" == _refusal(1, 30, ending)


def test_a_session_has_an_end_even_where_its_ticket_tells_none() -> None:
    """A minute beyond a whole day is none."""
    endless = _TICKET._replace(joined_at=_ORIGIN + 86_400, until=_ORIGIN + 900_000)

    assert "outside-session" == _refusal(0, 0, endless)


def test_a_replay_counts_pieces_that_were_played_and_no_faster_than_time_goes() -> None:
    """Who pauses sends the next piece whenever it is played; skipping ahead of time is refused."""
    replay = _TICKET._replace(replay=True, start=7)

    assert [3, 4, 4] == [_minute(number, 30.0 * number, replay) for number in range(3)]
    assert 4 == _minute(2, 4_000, replay)
    assert "beat-too-early" == _refusal(2, 40, replay)
    assert "outside-session" == _refusal(0, 0, replay._replace(start=2 * 1440))
