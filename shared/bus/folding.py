"""How a topic is folded: read into memory, merged into the store at intervals, and only then done with.

What a fold makes of records may be merged in any order and any number of times, so nothing is lost or
counted twice however often a record is read: by a repetition, a rebalance, a crash between any two lines.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from shared.bus import metrics
from shared.bus.parking import PARKED, Parked, keep_parked, keep_replayed
from shared.bus.subscription import Record
from shared.kernel.errors import Unprocessable
from shared.store.kind import Kind
from shared.store.port import Merge
from shared.store.work import UnitOfWork
from shared.store.works import Works

_log = logging.getLogger(__name__)
_MOST_PARKED = 500

Merges = tuple[Kind[Any], Sequence[Merge]]
"""Some merges of one kind: about a thousand, for they are made and written while others wait."""


class Fold(Protocol):
    """Folds the records of a topic in memory; it touches nothing else."""

    @property
    def name(self) -> str:
        """Tell its consumer group: durable data, as a subscription's name is."""
        ...

    @property
    def topics(self) -> Sequence[str]:
        """Tell the topics that it reads."""
        ...

    @property
    def pattern(self) -> str:
        """Tell nothing: it reads topics by their names."""
        ...

    @property
    def size(self) -> int:
        """Tell how many things have changed since they were last drained."""
        ...

    @property
    def folded(self) -> int:
        """Tell how many single things were folded so far, several in a record perhaps."""
        ...

    def take(self, records: Sequence[Record]) -> list[tuple[Record, Unprocessable]]:
        """Fold records, and give back those that can never be folded, with the reason."""
        ...

    def drain(self) -> Iterator[Merges]:
        """Give out, and no longer hold, what has changed; what is taken meanwhile is for a later drain."""
        ...


class Rhythm(NamedTuple):
    """When a fold is flushed: after so many seconds, or once so many things have changed."""

    seconds: float = 5.0
    most: int = 100_000


class Folding:
    """Runs one fold over one store: takes records, flushes, and parks what can never be folded."""

    def __init__(self, fold: Fold, works: Works[Any], rhythm: Rhythm | None = None) -> None:
        """Run a fold on works of its service."""
        self.subscription = fold
        self.rhythm = rhythm or Rhythm()
        self.steps = 0
        """Grows with whatever is done, so that a watchdog tells what is slow from what is stuck."""
        self._works = works
        self._parked: list[Parked] = []
        self._draining: Iterator[Merges] | None = None
        self._in_hand: Merges | None = None
        self._flushing = asyncio.Lock()
        self._folded = metrics.FOLDED.labels(fold.name)
        self._changed = metrics.CHANGED.labels(fold.name)
        self._flushes = metrics.FLUSH_SECONDS.labels(fold.name)

    @property
    def full(self) -> bool:
        """Tell whether it must be flushed before it takes more."""
        return self.subscription.size >= self.rhythm.most or len(self._parked) >= _MOST_PARKED

    def take(self, records: Sequence[Record]) -> None:
        """Fold records in memory."""
        fold = self.subscription
        before = fold.folded
        for record, why in fold.take(records):
            metrics.PARKED.labels(fold.name, why.reason).inc()
            _log.error("%s parks a message of %s: %s", fold.name, record.topic, why)
            self._parked.append(Parked.of(record, fold.name, why))
        self._folded.inc(fold.folded - before)
        self._changed.set(fold.size)
        self.steps += 1

    async def flush(self) -> None:
        """Merge all that was taken into the store; Unavailable means: flush again, which goes on there."""
        # A replay flushes as well: whoever returned first would commit what the other still has in hand.
        async with self._flushing:
            await self._flush()

    async def _flush(self) -> None:
        began = time.perf_counter()
        store = self._works.frame.store
        while (part := self._next()) is not None:
            self._in_hand = part
            await store.merge(*part)
            self._in_hand = None
            self.steps += 1
        if self._parked:
            await self._works.run(self._park)
            self._parked.clear()
        self._changed.set(0)
        self._flushes.observe(time.perf_counter() - began)

    def _next(self) -> Merges | None:
        """Tell what is to be merged next; None once nothing is left."""
        if self._in_hand is not None:
            return self._in_hand
        while True:
            if self._draining is None:
                if not self.subscription.size:
                    return None
                self._draining = self.subscription.drain()
            if (part := next(self._draining, None)) is not None:
                return part
            self._draining = None

    async def deliver(self, records: Sequence[Record]) -> None:
        """Take and flush; Unavailable means: deliver them again."""
        self.take(records)
        await self.flush()

    async def redeliver(self, parked: Parked) -> Unprocessable | None:
        """Fold a parked message again; tell why it still cannot be folded, if so."""
        if failed := self.subscription.take([parked]):
            return failed[0][1]
        await self.flush()
        # Marked only afterwards: a crash between leaves a message that may be replayed once more.
        await self._works.run(partial(keep_replayed, parked.id))
        return None

    async def _park(self, work: UnitOfWork) -> None:
        parking = work.aggregates(PARKED)
        await parking.preload(each.id for each in self._parked)
        for each in self._parked:
            await keep_parked(parking, each)
