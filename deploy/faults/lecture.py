"""A live session in the midst of the drill: what the edge acknowledged must be in the store, minute for minute."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from deploy.client import NodeClient
from services.progress.api.edge import BEATS
from services.progress.api.tickets import SignedTickets
from services.progress.domain.attendance import attendance_id
from services.progress.domain.minutes import bitmap_of
from services.progress.domain.ticket import BEAT_SECONDS, Ticket
from shared.kernel.clock import SystemClock
from shared.kernel.ids import derived

_VIEWERS = 4
_BEATS = 5
_WATCHED_SECONDS = 150
_PATIENCE = 180.0
"""Longer than the minute after which a subscription that stands still begins again."""
_LOOK_SECONDS = 0.2

Minutes = dict[str, int]
"""Bitmaps by attendance."""


@dataclass
class Lectures:
    """The sessions of one run; `lives` tells how often the broker was begun, and `forgets` whether it then is empty."""

    client: NodeClient
    key: bytes
    uri: str
    database: str
    lives: Callable[[], int]
    forgets: bool
    acknowledged: Minutes = field(default_factory=dict)
    lost: Minutes = field(default_factory=dict)

    async def hold(self, number: int) -> None:
        """Let some learners watch, until all that was acknowledged is kept, or is lost."""
        session = f"drill-{number:04d}"
        while True:
            life = self.lives()
            watched = await self._watched(session)
            left = await self._left(watched, life)
            self.acknowledged |= {
                key: self.acknowledged.get(key, 0) | bitmap for key, bitmap in watched.items()
            }
            if not left:
                return
            if not self._forgot(life):
                self.lost |= left
                return
            # A broker without a disk has forgotten what it acknowledged (ADR-0005): they watch again.

    async def surplus(self) -> int:
        """Count the minutes that are kept and that nobody watched."""
        kept = await self._kept(self.acknowledged)
        return sum((bitmap & ~self.acknowledged[key]).bit_count() for key, bitmap in kept.items())

    async def _watched(self, session: str) -> Minutes:
        """Send every beat until it is acknowledged."""
        now = int(SystemClock().now().timestamp())
        tickets = SignedTickets(self.key)
        began = now - now % 60 - 60 * (_WATCHED_SECONDS // 60 + 2)
        watched: Minutes = {}
        sending = []
        for viewer in range(_VIEWERS):
            learner = derived("drill-viewer", viewer).replace("-", "")
            ticket = Ticket(
                session, learner, "drill", now - _WATCHED_SECONDS, began, now + 3_600, now + 3_600
            )
            voice = self.client.speaking(tickets.sign(ticket))
            for beat in range(_BEATS):
                sending.append(voice.post("progress", f"{BEATS}?n={beat}", keyed=False))
                minute = (ticket.joined_at + BEAT_SECONDS * beat - began) // 60
                key = attendance_id(session, learner)
                watched[key] = watched.get(key, 0) | 1 << minute
        await asyncio.gather(*sending)
        return watched

    def _forgot(self, life: int) -> bool:
        """Tell whether the broker has begun a life in which it knows nothing of this one."""
        return self.forgets and life != self.lives()

    async def _left(self, watched: Minutes, life: int) -> Minutes:
        """Wait until all that was watched is kept, or is forgotten, and tell what is not kept."""
        left = watched
        try:
            async with asyncio.timeout(_PATIENCE):
                while left and not self._forgot(life):
                    await asyncio.sleep(_LOOK_SECONDS)
                    try:
                        kept = await self._kept(watched)
                    except PyMongoError:
                        continue
                    left = {
                        key: missing
                        for key, bitmap in watched.items()
                        if (missing := bitmap & ~kept.get(key, 0))
                    }
        except TimeoutError:
            pass
        return left

    async def _kept(self, keys: Minutes) -> Minutes:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            self.uri, serverSelectionTimeoutMS=2_000, socketTimeoutMS=5_000
        )
        async with client:
            room = client[self.database]["attendance"]
            return {
                document["_id"]: bitmap_of(document.get("live", {}))
                for document in await room.find({"_id": {"$in": list(keys)}}).to_list()
            }
