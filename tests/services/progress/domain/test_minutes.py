"""Minutes as bitmaps: kept as words, counted, and laid over each other."""

from hypothesis import given
from hypothesis import strategies as st

from services.progress.domain.attendance import Attendance, Closing
from services.progress.domain.minutes import bitmap_of, curve, present, span, words_of

_BITMAPS = st.integers(min_value=0, max_value=(1 << 1440) - 1)
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


@given(_BITMAPS)
def test_words_tell_the_bitmap_again(bitmap: int) -> None:
    """What is written as signed words is read as it was."""
    words = words_of(bitmap)

    assert bitmap == bitmap_of(words)
    assert all(_LOWEST <= word <= _HIGHEST and word for word in words.values())


def test_the_last_bit_of_a_word_is_its_sign() -> None:
    """Minutes 63 and 64 stand in neighbouring words."""
    assert {"0": _LOWEST, "1": 1} == words_of(1 << 63 | 1 << 64)
    assert {"2": 1} == words_of(1 << 128)
    assert {} == words_of(0)


def test_a_span_has_its_first_minute_and_not_its_end() -> None:
    """A span that ends before it begins is empty."""
    assert 0b11100 == span(2, 5)
    assert 0 == span(5, 5) == span(6, 5)


def test_present_is_who_reaches_the_threshold_within_the_planned_minutes() -> None:
    """Exactly enough is enough; minutes outside the plan count for nothing."""
    planned = span(10, 20)

    assert present(span(10, 18), planned, 80)
    assert not present(span(11, 18), planned, 80)
    assert not present(span(0, 17), planned, 80)
    assert not present(span(0, 100), 0, 80)
    assert not present(span(0, 100), planned, 0)


@given(st.lists(st.integers(min_value=0, max_value=(1 << 90) - 1), max_size=40))
def test_a_curve_counts_every_minute(bitmaps: list[int]) -> None:
    """Each minute has as many viewers as bitmaps with its bit; nothing follows the last of them."""
    last = max((each.bit_length() for each in bitmaps), default=0)

    counted = [sum(each >> minute & 1 for each in bitmaps) for minute in range(last)]

    assert counted == curve(bitmaps)


def test_attendance_reads_its_words() -> None:
    """Live minutes and those of a replay are kept apart."""
    attendance = Attendance("s/a", "s", "a", live={"1": 1}, replay={"0": -1})

    assert 1 << 64 == attendance.live_minutes
    assert 2**64 - 1 == attendance.replay_minutes


def test_a_closing_is_done_once_every_partition_was_seen() -> None:
    """A partition that is seen twice is one partition; of a closing not begun nothing is known."""
    assert not Closing("s/1").done
    assert not Closing("s/1", "s", 1, 3, (0, 2, 2)).done
    assert Closing("s/1", "s", 1, 3, (2, 0, 1)).done
