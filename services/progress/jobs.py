"""What progress does by itself, now and then: warn of deadlines, end and close sessions, judge attendance."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from services.progress.domain.attendance import closing_id
from services.progress.domain.beats import Barrier, pack_barrier
from services.progress.domain.live import LiveSession
from services.progress.handlers.judging import (
    PAGE,
    add_claimed,
    add_handed_in,
    judge_cohort,
    judge_due,
)
from services.progress.handlers.records import warn_before_deadlines
from services.progress.handlers.sessions import move_session
from services.progress.store import CLOSINGS, ProgressWork, is_closed, near_deadlines
from services.progress.store.live import (
    KeptMinutes,
    due_of,
    not_added,
    sessions_under_way,
    sessions_with_due,
    turnout_of,
)
from shared.bus.port import Bus, Raw
from shared.events.fact import ATTENDANCE
from shared.kernel.clock import Clock, local_date
from shared.kernel.tasks import each
from shared.store.port import Merge, Store
from shared.store.works import Works

_SLICE = 100
_REST = 20
"""So many times as long as a count of a session took, it waits to be counted again."""


async def warn_of_risks(works: Works[ProgressWork], clock: Clock, region: str, days: int) -> None:
    """State which phases are at risk, for every record with a deadline within so many days."""
    now = clock.now()
    # A host in another time zone may be a day ahead or behind; the record decides by its own.
    today = local_date(now, region)
    near = [today + timedelta(days=ahead) for ahead in range(-1, days + 1)]
    after = ""
    while found := await near_deadlines(works.open(), near, after, _SLICE):
        await works.run(partial(warn_before_deadlines, found, days, now))
        after = found[-1]


async def close_with_barrier(store: Store, bus: Bus, session_id: str, number: int) -> None:
    """Follow all that was sent of a session with a barrier in every partition; `is_closed` tells when all were seen.

    Whoever calls has waited until no beat can come any more: the tickets have expired, and whatever an
    edge still had in hand was acknowledged or given up. It may be done again at any time.
    """
    partitions = await bus.partitions(ATTENDANCE)
    whose = {"session_id": session_id, "number": number}
    closing = Merge(closing_id(session_id, number), whose, most={"of": partitions})
    await store.merge(CLOSINGS, [closing])
    barriers = [Barrier(session_id, number, partition) for partition in range(partitions)]
    key = session_id.encode()
    await bus.append(
        ATTENDANCE, [Raw(each.partition, key, pack_barrier(each)) for each in barriers]
    )


@dataclass(frozen=True)
class Tending:
    """Moves live sessions on: `settle` is how long after its end no beat of a session can come any more.

    Each step is taken again by whoever finds it half done, and several instances may do so at once.
    """

    works: Works[ProgressWork]
    bus: Bus
    clock: Clock
    settle: timedelta
    _rests: dict[str, datetime] = field(default_factory=dict, init=False)

    async def tend(self) -> None:
        """Add what was handed in, move sessions on, judge what was attended; none waits for what cannot be done."""
        await each((self._add, self._move_on, self._judge), lambda step: step())

    async def _add(self) -> None:
        handed, claims = await not_added(self.works.open())
        minutes = KeptMinutes(self.works.frame.store)
        adding = [partial(add_handed_in, key, minutes) for key in handed]
        adding += [partial(add_claimed, key, minutes) for key in claims]
        await each(adding, self.works.run)

    async def _move_on(self) -> None:
        await each(await sessions_under_way(self.works.open()), self._move)

    async def _judge(self) -> None:
        due = [key async for key in sessions_with_due(self.works.open())]
        await each(due, self._judge_due)

    async def _move(self, session: LiveSession) -> None:
        now = self.clock.now()
        if session.is_overdue(now):
            await self._change(session, lambda one: one.end_overdue(now))
        elif session.is_silent(now, self.settle):
            session = await self._change(session, lambda one: one.begin_closing(now, self.settle))
            await self._mark_end(session)
        elif session.state == "closing":
            if await is_closed(self.works.open(), session.id, session.closing):
                await self._change(session, lambda one: one.close(session.closing, now))
            else:
                # A crash may have come before the marks did.
                await self._mark_end(session)
        elif session.state == "closed":
            while (await self.works.run(partial(judge_cohort, session.id, now))).more:
                pass
            await self._judge_due(session.id)

    async def _mark_end(self, session: LiveSession) -> None:
        store = self.works.frame.store
        await close_with_barrier(store, self.bus, session.id, session.closing)

    async def _change(self, session: LiveSession, change: "_Change") -> LiveSession:
        return await self.works.run(partial(move_session, session.id, change, self.clock.now()))

    async def _judge_due(self, key: str) -> None:
        """Judge what has grown since a session was closed, and count anew who came."""
        session = await self.works.open().live_sessions.of(key)
        if session.state != "closed":
            return
        async for keys in due_of(self.works.open(), key, self.clock.now(), PAGE):
            # Marked first, so that a crash after the judging does not keep it from being counted.
            session = await self._change(session, lambda one: one.uncount())
            await self.works.run(partial(judge_due, session, keys, self.clock.now()))
        if not session.counted:
            await self._count(key)

    async def _count(self, key: str) -> None:
        """Count anew who came; of millions that takes long, and replays go on for days: it rests in between."""
        began = self.clock.now()
        if began < self._rests.get(key, began):
            return
        await self.works.run(partial(_count, key, began))
        now = self.clock.now()
        self._rests[key] = now + _REST * (now - began)


async def _count(key: str, now: datetime, work: ProgressWork) -> None:
    """Count who came; in one work, so that nobody's older count is kept over a newer one."""
    turnout = await turnout_of(work, await work.live_sessions.get(key))
    await move_session(key, lambda one: one.count(turnout), now, work)


class _Change(Protocol):
    """A decision about a session."""

    def __call__(self, session: LiveSession, /) -> LiveSession:
        """Decide."""
        ...
