"""Viewers of made-up lectures: who watches when, the beats that say so, and the minutes that must come of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.bench.log import Entry
from services.progress.domain.beats import pack, room_of
from services.progress.domain.minutes import span
from shared.kernel.ids import derived

BEATS_A_MINUTE = 2
REPEATED, LATE = 0.03, 0.03
_LATEST = 6
"""Beats that a late one comes too late by, at most: three minutes."""


@dataclass(frozen=True)
class Viewer:
    """One learner who watches from one beat up to, and without, another."""

    learner: bytes
    first: int
    end: int

    @property
    def minutes(self) -> int:
        """Tell the bitmap of the minutes watched."""
        if self.first >= self.end:
            return 0
        return span(self.first // BEATS_A_MINUTE, (self.end - 1) // BEATS_A_MINUTE + 1)


def viewers(count: int, minutes: int, seed: int = 1) -> list[Viewer]:
    """Make viewers: most come in the first minutes and stay, some come late or leave early."""
    chance = random.Random(seed)  # noqa: S311 - a crowd, and no secret
    last = minutes * BEATS_A_MINUTE
    made = []
    for number in range(count):
        first = min(last - 1, int(chance.expovariate(1 / (0.05 * last))))
        end = max(first + 1, last - int(chance.expovariate(1 / (0.05 * last))))
        learner = bytes.fromhex(derived("bench-viewer", seed, number).replace("-", ""))
        made.append(Viewer(learner, first, end))
    return made


def beats(crowd: list[Viewer], minutes: int, seed: int = 1) -> Iterator[list[tuple[bytes, int]]]:
    """Tell for each half minute the beats that come in it, as learner and minute, in no order.

    Some are sent twice, some come minutes late; none is lost for good.
    """
    chance = random.Random(seed)  # noqa: S311 - a network, and no secret
    last = minutes * BEATS_A_MINUTE
    late: dict[int, list[tuple[bytes, int]]] = {}
    for now in range(last + _LATEST):
        coming = late.pop(now, [])
        for viewer in crowd:
            if not viewer.first <= now < viewer.end:
                continue
            beat = (viewer.learner, now // BEATS_A_MINUTE)
            fate = chance.random()
            if fate < LATE:
                late.setdefault(now + chance.randint(1, _LATEST), []).append(beat)
            else:
                coming.append(beat)
                if fate < LATE + REPEATED:
                    late.setdefault(now + chance.randint(0, 1) + 1, []).append(beat)
        chance.shuffle(coming)
        yield coming


def singly(session: str, rounds: Iterator[list[tuple[bytes, int]]]) -> Iterator[Entry]:
    """Write one record for each beat."""
    room = room_of(session)
    for coming in rounds:
        for learner, minute in coming:
            yield Entry(learner, pack({(room, minute): learner}))


def packed(
    session: str, rounds: Iterator[list[tuple[bytes, int]]], partitions: int, each: int
) -> Iterator[Entry]:
    """Write records of `each` beats, more or less, by the partition that the learner's id gives; as the edge does."""
    room = room_of(session)
    for coming in rounds:
        shares: list[list[tuple[bytes, int]]] = [[] for _ in range(partitions)]
        for learner, minute in coming:
            shares[int.from_bytes(learner[:4]) % partitions].append((learner, minute))
        for partition, share in enumerate(shares):
            for start in range(0, len(share), each):
                blocks: dict[tuple[bytes, int], bytearray] = {}
                for learner, minute in share[start : start + each]:
                    blocks.setdefault((room, minute), bytearray()).extend(learner)
                yield Entry(None, pack(blocks), (), partition)
