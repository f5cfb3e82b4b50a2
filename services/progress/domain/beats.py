"""How beats lie in a record: packed by session and minute, so that millions are read without being looked at.

A record of beats is the byte 1 and then blocks, each of them: a byte with 1 for a replay, the session id's
length, the session id, the minute, the number of learners, and 16 bytes for each learner. One beat alone is
a record as well. A barrier is the byte 2, the closing's number, the partition, and the session id.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from services.progress.domain.minutes import MOST_MINUTES

Block = tuple[bytes, int, bytes]
"""A room, a minute, and the learners who were there, 16 bytes each."""

LEARNER_BYTES = 16
_BEATS, _BARRIER = 1, 2
_MOST_LEARNERS = 0xFFFF
_LONGEST_ID = 0xFF
_COUNTS = struct.Struct(">HH")
_CLOSING = struct.Struct(">IH")
_LEARNERS = struct.Struct("16s")


class Barrier(NamedTuple):
    """The mark that follows the last beat of a session in one partition."""

    session_id: str
    number: int
    partition: int


def room_of(session_id: str, *, replay: bool = False) -> bytes:
    """Tell the room, a session live or replayed, as records name it; ValueError for an id that is no good."""
    told = session_id.encode("ascii")
    if not 0 < len(told) <= _LONGEST_ID:
        raise ValueError("a session's id has 1 to 255 characters")
    return bytes((replay, len(told))) + told


def session_of(room: bytes) -> tuple[str, bool]:
    """Tell a room's session, and whether it is its replay; ValueError where it names none."""
    if len(room) <= 2 or room[0] > 1:  # noqa: PLR2004 - its two leading bytes
        raise ValueError("a room is broken")
    return room[2:].decode("ascii"), bool(room[0])


def pack(beats: Mapping[tuple[bytes, int], bytes | bytearray]) -> bytes:
    """Write one record of learners' beats by room and minute."""
    parts = [bytes((_BEATS,))]
    for (room, minute), learners in beats.items():
        for start in range(0, len(learners), _MOST_LEARNERS * LEARNER_BYTES):
            some = learners[start : start + _MOST_LEARNERS * LEARNER_BYTES]
            parts += (room, _COUNTS.pack(minute, len(some) // LEARNER_BYTES), bytes(some))
    return b"".join(parts)


def is_barrier(value: bytes) -> bool:
    """Tell whether a record is a barrier."""
    return value[:1] == b"\x02"


def unpack(value: bytes) -> list[Block]:
    """Read a record's blocks; ValueError where it is none of beats, or broken anywhere."""
    blocks: list[Block] = []
    end, at = len(value), 1
    try:
        if value[0] != _BEATS:
            raise ValueError(f"version {value[0]} is not known")
        while at < end:
            counts = at + 2 + value[at + 1]
            minute, learners = _COUNTS.unpack_from(value, counts)
            first = counts + 4
            last = first + LEARNER_BYTES * learners
            if minute >= MOST_MINUTES or last > end:
                raise ValueError("a block is broken")
            blocks.append((value[at:counts], minute, value[first:last]))
            at = last
    except (IndexError, struct.error) as broken:
        raise ValueError("the record ends too early") from broken
    return blocks


def learners_of(block: bytes) -> Iterator[tuple[bytes]]:
    """Tell the learners of a block, 16 bytes each, each in a tuple: whoever loops unpacks it at no cost."""
    return _LEARNERS.iter_unpack(block)


def pack_barrier(barrier: Barrier) -> bytes:
    """Write a barrier."""
    return (
        bytes((_BARRIER,))
        + _CLOSING.pack(barrier.number, barrier.partition)
        + barrier.session_id.encode("ascii")
    )


def unpack_barrier(value: bytes) -> Barrier:
    """Read a barrier; ValueError where it is none."""
    start = 1 + _CLOSING.size
    if len(value) <= start or not is_barrier(value):
        raise ValueError("the barrier is broken")
    number, partition = _CLOSING.unpack_from(value, 1)
    return Barrier(value[start:].decode("ascii"), number, partition)
