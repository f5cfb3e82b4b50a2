"""Group commit: beats that come within a few milliseconds share one record, and one answer of the broker."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from prometheus_client import Histogram

from services.progress.domain.beats import LEARNER_BYTES, pack
from shared.bus.port import Bus, Raw
from shared.events.fact import ATTENDANCE
from shared.kernel.errors import Unavailable
from shared.kernel.tasks import start

_FLYING = 2
"""Commits on their way at once: one that the broker writes, and one that follows it without a pause."""
_AWAY_SECONDS = 1.0
_LARGEST = 10_000
"""Learners in a record, 160 kB."""
_HASHED = 4

_SIZES = Histogram(
    "corpu_beats_committed", "Beats in one commit", buckets=(1, 3, 10, 30, 100, 300, 1e3, 3e3, 1e4)
)
_SECONDS = Histogram("corpu_beats_commit_seconds", "Time from a commit's first beat to its answer")

Place = tuple[int, bytes, int]
"""A partition, a room and a minute."""


class Overfull(Exception):  # noqa: N818 - says what is the case
    """So many beats wait for the broker already that no more are taken."""


class Landed(asyncio.Future[None]):
    """The broker's answer, for which many wait: who gives up waiting leaves it to the others."""

    def cancel(self, msg: object = None) -> bool:
        """Refuse to be cancelled."""
        del msg
        return False


@dataclass
class _Commit:
    """The beats that share one answer."""

    landed: Landed
    began: float
    beats: defaultdict[Place, bytearray] = field(default_factory=lambda: defaultdict(bytearray))
    count: int = 0

    def records(self, key: bytes = b"") -> list[Raw]:
        """Pack them, a record for each partition or more."""
        parts: dict[int, dict[tuple[bytes, int], bytearray]] = {}
        for (partition, room, minute), learners in self.beats.items():
            parts.setdefault(partition, {})[room, minute] = learners
        return [
            Raw(partition, key, pack(some))
            for partition, beats in parts.items()
            for some in _portions(beats)
        ]


def _portions(
    beats: dict[tuple[bytes, int], bytearray],
) -> Iterator[dict[tuple[bytes, int], bytearray]]:
    """Divide one partition's beats into what a record may hold."""
    portion: dict[tuple[bytes, int], bytearray] = {}
    room_left = _LARGEST * LEARNER_BYTES
    for place, learners in beats.items():
        for at in range(0, len(learners), _LARGEST * LEARNER_BYTES):
            some = learners[at : at + _LARGEST * LEARNER_BYTES]
            if len(some) > room_left:
                yield portion
                portion, room_left = {}, _LARGEST * LEARNER_BYTES
            portion[place] = some
            room_left -= len(some)
    yield portion


class Commits:
    """Commits beats to a bus; what is not acknowledged is told to everybody who waits for it."""

    def __init__(self, bus: Bus, partitions: int, *, linger: float, most: int) -> None:
        """Let beats linger so many seconds, and take no more once so many wait."""
        self.bus = bus
        self._partitions = partitions
        self._linger = linger
        self._most = most
        self._waiting = 0
        self._open: _Commit | None = None
        self._ripe = False
        self._flying: set[asyncio.Task[None]] = set()
        self._away_until = 0.0
        self._loop = asyncio.get_running_loop()

    def add(self, learner: bytes, room: bytes, minute: int) -> Landed:
        """Add a beat to the next commit; Overfull or Unavailable where it would wait in vain."""
        if self._waiting >= self._most:
            raise Overfull
        commit = self._open or self._begin()
        partition = int.from_bytes(learner[:_HASHED]) % self._partitions
        commit.beats[partition, room, minute] += learner
        commit.count += 1
        self._waiting += 1
        return commit.landed

    def _begin(self) -> _Commit:
        now = self._loop.time()
        if now < self._away_until:
            raise Unavailable("the broker is away")
        commit = self._open = _Commit(Landed(), now)
        self._loop.call_later(self._linger, self._ripen)
        return commit

    def _ripen(self) -> None:
        self._ripe = True
        self._launch()

    def _launch(self) -> None:
        """Send the open commit, if its time has come and not too many are on their way."""
        if self._open is None or not self._ripe or len(self._flying) >= _FLYING:
            return
        commit, self._open, self._ripe = self._open, None, False
        task = start(self._send(commit), "commit of beats")
        self._flying.add(task)
        task.add_done_callback(self._land)

    def _land(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._launch()

    async def _send(self, commit: _Commit) -> None:
        _SIZES.observe(commit.count)
        failure: Exception | None = Unavailable("the service ends before the broker has answered")
        try:
            await self.bus.append(ATTENDANCE, commit.records())
            failure = None
        except Unavailable as away:
            self._away_until = self._loop.time() + _AWAY_SECONDS
            failure = away
        finally:
            self._waiting -= commit.count
            _SECONDS.observe(self._loop.time() - commit.began)
            if failure is None:
                commit.landed.set_result(None)
            else:
                commit.landed.set_exception(failure)
                # Nobody may be left to hear it.
                commit.landed.exception()
        if failure is None:
            # A topic may be given more partitions while we run; a broker that left is met by the next commit.
            with suppress(Unavailable):
                self._partitions = await self.bus.partitions(ATTENDANCE)
