"""The fold of beats into attendance: bitmaps in memory of what changed since the last flush."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from services.progress.domain.attendance import Addition, closing_id, curve_id
from services.progress.domain.beats import (
    LEARNER_BYTES,
    Barrier,
    is_barrier,
    learners_of,
    session_of,
    unpack,
    unpack_barrier,
)
from services.progress.domain.minutes import MOST_MINUTES
from services.progress.store import ATTENDANCE, CLOSINGS, CURVES, adding
from shared.bus.folding import Merges
from shared.bus.subscription import Record
from shared.events.fact import ATTENDANCE as TOPIC
from shared.kernel.errors import Unprocessable
from shared.store.port import Merge

FOLD = "progress.fold-attendance"
_CHUNK = 1_000
_WATCHED = 3
"""Minutes whose viewers are still counted: later beats of earlier ones are in the bitmaps alone."""
_FORGET = 60
"""Flushes without a beat after which a room is forgotten."""
_BITS = tuple(1 << minute for minute in range(MOST_MINUTES))

_ALONE = 1 + 2 + 255 + 4 + LEARNER_BYTES
"""The longest that a record of one beat can be."""

Viewers = defaultdict[bytes, int]
"""The minutes of each viewer that changed."""


class _Rooms(dict[bytes, Viewers]):
    """One partition's viewers by room; a room is checked when it is first met."""

    def __init__(self) -> None:
        """Begin with nobody there."""
        self.spots: dict[bytes, tuple[Viewers, int]] = {}
        """Where the learner of a record with one beat was, by all that precedes the learner in it."""

    def __missing__(self, room: bytes) -> Viewers:
        session_of(room)
        viewers: Viewers = defaultdict(int)
        self[room] = viewers
        return viewers


class AttendanceFold:
    """Folds one process's share of the beats; what it holds is bounded by whoever drains it."""

    name = FOLD
    topics = (TOPIC,)
    pattern = ""

    def __init__(self, remembered: int = 300_000) -> None:
        """Hold nothing yet, and remember so many recent viewers at most for the live count."""
        self.size = 0
        self.folded = 0
        self._parts: defaultdict[int, _Rooms] = defaultdict(_Rooms)
        self._barriers: list[tuple[int, Barrier]] = []
        self._audience = _Audience(remembered)

    def take(self, records: Sequence[Record]) -> list[tuple[Record, Unprocessable]]:
        """Fold records, and give back those that can never be folded, with the reason."""
        unfit: list[tuple[Record, Unprocessable]] = []
        parts, folded, grown = self._parts, 0, 0
        for record in records:
            value = record.value or b""
            rooms = parts[record.partition]
            if len(value) <= _ALONE and (spot := rooms.spots.get(value[:-LEARNER_BYTES])):
                # Equal up to the learner, this is a beat alone as an earlier one was: there is nothing to check.
                viewers, bit = spot
                before = len(viewers)
                viewers[value[-LEARNER_BYTES:]] |= bit
                grown += len(viewers) - before
                folded += 1
                continue
            try:
                if is_barrier(value):
                    self._pass(record.partition, unpack_barrier(value))
                    continue
                # All rooms are looked up before any beat counts: a record counts whole or not at all.
                blocks = [
                    (rooms[room], _BITS[minute], learners)
                    for room, minute, learners in unpack(value)
                ]
                for viewers, bit, learners in blocks:
                    before = len(viewers)
                    for (learner,) in learners_of(learners):
                        viewers[learner] |= bit
                    grown += len(viewers) - before
                    folded += len(learners) // LEARNER_BYTES
                if len(blocks) == 1 and len(blocks[0][2]) == LEARNER_BYTES:
                    rooms.spots[value[:-LEARNER_BYTES]] = blocks[0][:2]
            except ValueError as broken:
                unfit.append((record, Unprocessable("beats-unreadable", str(broken))))
        self.size += grown
        self.folded += folded
        return unfit

    def _pass(self, partition: int, barrier: Barrier) -> None:
        if barrier.partition != partition:
            raise ValueError(f"a barrier of partition {barrier.partition} came in {partition}")
        self._barriers.append((partition, barrier))
        self.size += 1

    def drain(self) -> Iterator[Merges]:
        """Give out, and no longer hold, what has changed: minutes, then counts, then closings.

        A closing must not be seen before what came before it is kept, nor with what is taken meanwhile.
        """
        barriers, self._barriers = self._barriers, []
        parts, self._parts = self._parts, defaultdict(_Rooms)
        counts: list[Merge] = []
        for partition, rooms in parts.items():
            for room, viewers in rooms.items():
                session, replay = session_of(room)
                if not replay and viewers:
                    counts.append(
                        _counted(session, partition, self._audience.count(partition, room, viewers))
                    )
                while viewers:
                    some = [viewers.popitem() for _ in range(min(_CHUNK, len(viewers)))]
                    self.size -= len(some)
                    yield ATTENDANCE, adding(_added(session, *each, replay=replay) for each in some)
        self._audience.rest()
        for start in range(0, len(counts), _CHUNK):
            yield CURVES, counts[start : start + _CHUNK]
        for start in range(0, len(barriers), _CHUNK):
            some_passed = barriers[start : start + _CHUNK]
            self.size -= len(some_passed)
            yield CLOSINGS, [_passed(*each) for each in some_passed]


class _Audience:
    """Who was there in a room's last minutes, for as long as somebody is; it can only ever count too few."""

    def __init__(self, most: int) -> None:
        """Remember so many viewers of minutes at most."""
        self._most = most
        self._seen: dict[tuple[int, bytes], dict[int, set[bytes]]] = {}
        self._idle: dict[tuple[int, bytes], int] = {}

    def count(self, partition: int, room: bytes, viewers: Viewers) -> dict[int, int]:
        """Count the viewers of a room's last minutes, those of these bitmaps and those of before."""
        key = (partition, room)
        minutes = self._seen.pop(key, {})
        last = max(max(viewers.values()).bit_length() - 1, *minutes, 0)
        watched = range(max(0, last - _WATCHED + 1), last + 1)
        minutes = {minute: minutes.get(minute, set()) for minute in watched}
        for minute, there in minutes.items():
            there.update(learner for learner, bitmap in viewers.items() if bitmap >> minute & 1)
        # The room is now the newest, and so the last to be forgotten.
        self._seen[key] = minutes
        self._idle[key] = 0
        return {minute: len(there) for minute, there in minutes.items() if there}

    def rest(self) -> None:
        """Forget rooms where nobody was for long, and the oldest ones where there are too many viewers."""
        self._idle = {key: count + 1 for key, count in self._idle.items() if count < _FORGET}
        self._seen = {key: minutes for key, minutes in self._seen.items() if key in self._idle}
        over = (
            sum(len(there) for each in self._seen.values() for there in each.values()) - self._most
        )
        for key in list(self._seen):
            if over <= 0:
                return
            over -= sum(len(there) for there in self._seen.pop(key).values())


def _added(session: str, learner: bytes, bitmap: int, *, replay: bool) -> Addition:
    if replay:
        return Addition(session, learner.hex(), "replay", replay=bitmap)
    return Addition(session, learner.hex(), "live", live=bitmap)


def _counted(session: str, partition: int, counts: dict[int, int]) -> Merge:
    return Merge(
        curve_id(session, partition),
        {"session_id": session, "partition": partition},
        most={f"viewers.{minute}": count for minute, count in counts.items()},
    )


def _passed(partition: int, barrier: Barrier) -> Merge:
    return Merge(
        closing_id(barrier.session_id, barrier.number),
        {"session_id": barrier.session_id, "number": barrier.number},
        members={"seen": (partition,)},
    )
