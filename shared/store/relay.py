"""How stated facts leave: published, awaited, then cleared by exactly their ids (ADR 0001)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.events.message import Message
from shared.kernel.errors import Unavailable
from shared.store import metrics
from shared.store.kind import Kind
from shared.store.port import Store
from shared.store.work import Kept

Publish = Callable[[Sequence[Message]], Awaitable[None]]

_log = logging.getLogger(__name__)
_PAGE = 1_000
_QUEUE = 2_000


class Relay:
    """Sends what was kept: at once for consumers, soon for the API, and in the end for whoever crashed."""

    def __init__(self, store: Store, kinds: Sequence[Kind[Any]], publish: Publish) -> None:
        """Serve the kinds that state facts."""
        self._store = store
        self._kinds = kinds
        self._publish = publish
        self._queue: asyncio.Queue[Kept] = asyncio.Queue(_QUEUE)
        self._first_seen: dict[str, float] = {}
        self._sending = False

    async def send(self, kept: Kept) -> None:
        """Publish, await and clear; Unavailable leaves the facts in their outboxes."""
        if not kept.messages:
            return
        await self._publish(kept.messages)
        await self._store.clear(kept.clears)

    def soon(self, kept: Kept) -> None:
        """Send in the background, so that the caller never awaits the broker."""
        if not kept.messages:
            return
        try:
            self._queue.put_nowait(kept)
        except asyncio.QueueFull:
            # The facts are safe in their outboxes: the sweep sends them when the broker is back.
            _log.warning("the relay is behind; the sweep will send what is left")

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

    async def sweep(self, grace: float = 1.0) -> int:
        """Send what crashes and outages left behind for at least `grace` seconds; tell how many facts."""
        now = time.monotonic()
        waiting = [(kind, await self._store.unpublished(kind, _PAGE)) for kind in self._kinds]
        full = [facts for _, found in waiting for facts in found.values()]
        seen = {fact: self._first_seen.get(fact, now) for facts in full for fact in facts}
        # Told before anything is sent, so that the age grows while the broker is away.
        self._first_seen = seen
        metrics.OUTBOX_AGE.set(now - min(seen.values(), default=now))
        sent = 0
        for kind, found in waiting:
            ripe = [
                key for key, facts in found.items() if now - min(seen[f] for f in facts) >= grace
            ]
            if ripe:
                messages = await self._store.pending(kind, ripe)
                clears = [((kind.name, key), found[key]) for key in ripe]
                await self.send(Kept(messages, clears))
                sent += len(messages)
        return sent

    async def restate(self) -> int:
        """State every kept fact again, with the same ids, and tell how many there were."""
        sent = 0
        for kind in self._kinds:
            after = ""
            while page := await self._store.stated(kind, after, _PAGE // 4):
                messages = [message for story in page.values() for message in story]
                await self._publish(messages)
                sent += len(messages)
                after = max(page)
        return sent
