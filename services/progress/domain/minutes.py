"""Minutes attended, as bitmaps: bit n is the session's minute n, and merging is OR."""

from collections.abc import Iterable, Mapping

MOST_MINUTES = 1_440
"""Minutes that a session may have."""

_WORD = 64
_SIGN = 1 << (_WORD - 1)
_MASK = (1 << _WORD) - 1


def words_of(bitmap: int) -> dict[str, int]:
    """Write a bitmap as the signed words that a store keeps, by their places; words without a bit are left out."""
    words: dict[str, int] = {}
    place = 0
    while bitmap:
        if word := bitmap & _MASK:
            words[str(place)] = word - ((word & _SIGN) << 1)
        bitmap >>= _WORD
        place += 1
    return words


def bitmap_of(words: Mapping[str, int]) -> int:
    """Read a bitmap from the words that a store keeps."""
    return sum((word & _MASK) << (_WORD * int(place)) for place, word in words.items())


def span(first: int, end: int) -> int:
    """Tell the bitmap of all minutes from `first` up to, and without, `end`."""
    return (1 << end) - (1 << first) if first < end else 0


def present(bitmap: int, planned: int, percent: float) -> bool:
    """Tell whether so much of the planned minutes was attended; of a session without minutes nothing was."""
    return 0 < planned.bit_count() * percent <= (bitmap & planned).bit_count() * 100


def curve(bitmaps: Iterable[int]) -> list[int]:
    """Count viewers by minute, from the first minute to the last that anybody attended."""
    # Counters stand upright: plane n holds bit n of every minute's count, and adding is carrying.
    planes: list[int] = []
    for bitmap in bitmaps:
        carry = bitmap
        for place, plane in enumerate(planes):
            if not carry:
                break
            planes[place], carry = plane ^ carry, plane & carry
        if carry:
            planes.append(carry)
    minutes = max((plane.bit_length() for plane in planes), default=0)
    return [
        sum((plane >> minute & 1) << place for place, plane in enumerate(planes))
        for minute in range(minutes)
    ]
