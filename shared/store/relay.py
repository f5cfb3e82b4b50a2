"""How stated facts leave: published, awaited, then cleared by exactly their ids (ADR 0001)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.events.message import Message
from shared.kernel.errors import Unavailable
from shared.store import metrics
from shared.store.filters import Filter
from shared.store.kind import Kind
from shared.store.port import Store
from shared.store.work import Kept

Publish = Callable[[Sequence[Message]], Awaitable[None]]

_log = logging.getLogger(__name__)
_PAGE = 1_000
_QUEUE = 2_000
_LOOK_SECONDS = 30.0
"""Between two looks for what another process may have left behind; our own leavings are known at once."""
_BUSY_GRACE = 15.0


class Relay:
    """Sends what was kept: at once for consumers, soon for the API, and in the end for whoever crashed."""

    def __init__(
        self, store: Store, kinds: Sequence[Kind[Any]], publish: Publish, *,
        look_every: float = _LOOK_SECONDS,
    ) -> None:  # fmt: skip
        """Serve the kinds that state facts."""
        self._store = store
        self._kinds = kinds
        self.publish = publish
        self.owing = False
        """Whether all facts are still to be stated again, for the broker may have forgotten them."""
        self._queue: asyncio.Queue[Kept] = asyncio.Queue(_QUEUE)
        self._first_seen: dict[str, float] = {}
        self._sending = False
        self._leaving: set[str] = set()
        self._look_every = look_every
        self._look_at = 0.0

    async def send(self, kept: Kept) -> None:
        """Publish, await and clear; Unavailable leaves the facts in their outboxes."""
        if not kept.messages:
            return
        leaving = {message.id for message in kept.messages}
        self._leaving |= leaving
        try:
            await self.publish(kept.messages)
            await self._store.clear(kept.clears)
        except BaseException:
            # A send that was broken off leaves as much behind as one that failed.
            self._look_at = 0.0
            raise
        finally:
            self._leaving -= leaving

    def soon(self, kept: Kept) -> None:
        """Send in the background, so that the caller never awaits the broker."""
        if not kept.messages:
            return
        try:
            self._queue.put_nowait(kept)
        except asyncio.QueueFull:
            # The facts are safe in their outboxes: the sweep sends them when the broker is back.
            _log.warning("the relay is behind; the sweep will send what is left")
            self._look_at = 0.0

    @property
    def idle(self) -> bool:
        """Tell whether everything that `soon` was given has been sent or left to the sweep."""
        return self._queue.empty() and not self._sending

    async def run(self) -> None:
        """Send what `soon` was given, as many together as there are."""
        while True:
            batch = [await self._queue.get()]
            self._sending = True
            while not self._queue.empty() and len(batch) < _PAGE:
                batch.append(self._queue.get_nowait())
            together = Kept(
                [message for kept in batch for message in kept.messages],
                [clear for kept in batch for clear in kept.clears],
            )
            try:
                await self.send(together)
            except Unavailable as away:
                _log.warning("facts stay in their outboxes: %s", away)
            except Exception:  # noqa: BLE001
                # One batch that fails must not end the sending of all others; the sweep tries it again.
                _log.exception("facts stay in their outboxes")
            finally:
                self._sending = False

    async def tend(self) -> None:
        """Sweep if something may have been left: at first, after a send that failed, and now and then."""
        if time.monotonic() >= self._look_at:
            # While some still queue, what is seen in an outbox has most likely not had its turn.
            await (self.sweep() if self.idle else self.sweep(_BUSY_GRACE))

    async def sweep(self, grace: float = 1.0) -> int:
        """Send what crashes and outages left behind for at least `grace` seconds; tell how many facts."""
        now = time.monotonic()
        # Set before the store is asked: a send may fail meanwhile.
        self._look_at = now + self._look_every
        waiting = [(kind, await self._store.unpublished(kind, _PAGE)) for kind in self._kinds]
        full = [facts for _, found in waiting for facts in found.values()]
        seen = {fact: self._first_seen.get(fact, now) for facts in full for fact in facts}
        # Told before anything is sent, so that the age grows while the broker is away.
        self._first_seen = seen
        metrics.OUTBOX_AGE.set(now - min(seen.values(), default=now))
        sent = 0
        for kind, found in waiting:
            left = {
                key: [f for f in facts if f not in self._leaving] for key, facts in found.items()
            }
            if any(left.values()):
                self._look_at = 0.0
            ripe = [
                key for key, facts in left.items() if any(now - seen[f] >= grace for f in facts)
            ]
            if ripe:
                messages = await self._store.pending(kind, ripe)
                clears = [((kind.name, key), found[key]) for key in ripe]
                await self.send(Kept(messages, clears))
                sent += len(messages)
        return sent

    async def restate(self) -> int:
        """State every kept fact again, with the same ids, and tell how many there were."""
        return sum([await self.restate_some(kind, {}) for kind in self._kinds])

    async def restate_some(self, kind: Kind[Any], where: Filter) -> int:
        """State again what some aggregates of a kind have stated, and tell how many facts that were."""
        sent, after = 0, ""
        while page := await self._store.stated(kind, after, _PAGE // 4, where):
            messages = [message for story in page.values() for message in story]
            await self.publish(messages)
            sent += len(messages)
            after = max(page)
        return sent
