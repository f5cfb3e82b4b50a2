"""Records of beats: what is packed is read again, and what is broken is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.progress.domain.beats import (
    Barrier,
    is_barrier,
    learners_of,
    pack,
    pack_barrier,
    room_of,
    session_of,
    unpack,
    unpack_barrier,
)

_ROOM = room_of("s-1")
_ONE = pack({(_ROOM, 7): b"a" * 16})
_KEYS = st.tuples(
    st.builds(room_of, st.from_regex(r"[a-z0-9-]{1,36}", fullmatch=True), replay=st.booleans()),
    st.integers(min_value=0, max_value=1439),
)
_LEARNERS = st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=5).map(b"".join)


@given(st.dictionaries(_KEYS, _LEARNERS, max_size=5))
def test_a_record_tells_what_was_packed(beats: dict[tuple[bytes, int], bytes]) -> None:
    """Every block comes out, in order."""
    assert [(*key, learners) for key, learners in beats.items()] == unpack(pack(beats))


def test_a_block_has_as_many_learners_as_its_count_can_tell() -> None:
    """More of them make another block."""
    learners = b"".join(number.to_bytes(16, "big") for number in range(65_540))

    blocks = unpack(pack({(_ROOM, 3): learners}))

    assert [65_535, 5] == [len(each) // 16 for _, _, each in blocks]
    assert learners == b"".join(each for _, _, each in blocks)
    assert list(range(65_540)) == [
        int.from_bytes(learner, "big") for _, _, each in blocks for (learner,) in learners_of(each)
    ]


def test_a_room_tells_its_session() -> None:
    """A replay is another room of the same session; an id that cannot be written is refused."""
    assert ("s-1", False) == session_of(_ROOM)
    assert ("s-1", True) == session_of(room_of("s-1", replay=True))
    for wrong in ("", "x" * 256, "é"):
        with pytest.raises(ValueError, match=r"\w"):
            room_of(wrong)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x00",
        b"\x03" + _ONE[1:],
        _ONE[:-1],
        _ONE + b"\x00",
        _ONE + b"\x00\x05",
        _ONE.replace(b"\x00\x07", b"\xff\xff"),
    ],
    ids=["nothing", "zero", "version", "short", "long", "cut", "minute"],
)
def test_a_broken_record_is_told(broken: bytes) -> None:
    """Nothing is read of a record that is broken anywhere."""
    with pytest.raises(ValueError, match=r"\w"):
        unpack(broken)


def test_a_barrier_is_told_from_beats() -> None:
    """It names its closing and its partition."""
    barrier = Barrier("s-1", 2, 300)
    value = pack_barrier(barrier)

    assert barrier == unpack_barrier(value)
    assert is_barrier(value)
    assert not is_barrier(_ONE)
    for broken in (value[:7], b"", _ONE):
        with pytest.raises(ValueError, match="broken"):
            unpack_barrier(broken)
