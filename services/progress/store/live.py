"""The views of live sessions, and where minutes are added."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime

from services.progress.domain.attendance import Addition, Attendance, Unnoted
from services.progress.domain.live import Claim, LiveSession, Turnout, standing
from services.progress.domain.minutes import curve
from services.progress.store import (
    ATTENDANCE,
    CLAIMS,
    CURVES,
    HANDED_IN,
    UNNOTED,
    ProgressWork,
    adding,
)
from shared.store.filters import Filter
from shared.store.port import Store

_PAGE = 1_000
_MOST = 100


@dataclass(frozen=True)
class KeptMinutes:
    """Attendance in a store, to which minutes are added."""

    store: Store

    async def add(self, additions: Iterable[Addition]) -> None:
        """Add minutes, in any order and any number of times."""
        await self.store.merge(ATTENDANCE, adding(additions))


async def sessions_under_way(work: ProgressWork) -> list[LiveSession]:
    """Find the sessions that time or the fold may move on, and those closed that are not judged or counted yet."""
    moving = {"state": {"$in": ["live", "ended", "closing"]}}
    # All of them: those that run on for hours must not keep others from being closed.
    found = await work.live_sessions.find(moving)
    found += await work.live_sessions.find({"state": "closed", "counted": False})
    return found


async def not_added(work: ProgressWork) -> tuple[list[str], list[str]]:
    """Find what was handed in, and the claims accepted, whose minutes are not added yet."""
    store = work.frame.store
    handed = await store.find(HANDED_IN, {"added": False}, limit=_MOST)
    claims = await store.find(CLAIMS, {"state": "accepted", "added": False}, limit=_MOST)
    return [each["_id"] for each in handed], [each["_id"] for each in claims]


async def sessions_with_due(work: ProgressWork) -> AsyncIterator[str]:
    """Tell the sessions with attendance that has not become evidence yet, from one to the next."""
    after = ""
    while found := await work.frame.store.find(
        ATTENDANCE, {"due": True, "session_id": {"$gt": after}}, sort="session_id", limit=1
    ):
        after = found[0]["session_id"]
        yield after


async def due_of(
    work: ProgressWork, session_id: str, now: datetime, limit: int
) -> AsyncIterator[list[str]]:
    """Tell attendance of a session that has not become evidence yet and may, some at a time in id order."""
    after = ""
    where: Filter = {"due": True, "session_id": session_id}
    while found := await work.frame.store.find(
        ATTENDANCE, {**where, "_id": {"$gt": after}}, limit=limit
    ):
        if ripe := [each["_id"] for each in found if not ATTENDANCE.load(each).is_hurried(now)]:
            yield ripe
        after = found[-1]["_id"]


async def turnout_of(work: ProgressWork, session: LiveSession) -> Turnout:
    """Count who came, by everybody's minutes, a page at a time so that others get the loop."""
    by_minute: list[int] = []
    viewers = present = 0
    async for page in _pages(work, session):
        live = [each.live_minutes & session.minutes for each in page]
        counted = curve(live)
        by_minute += [0] * (len(counted) - len(by_minute))
        for minute, count in enumerate(counted):
            by_minute[minute] += count
        viewers += sum(map(bool, live))
        present += sum(standing(session, each).met for each in page)
        await asyncio.sleep(0)
    unnoted = await work.frame.store.count(UNNOTED, _unnoted(session.id))
    return Turnout(viewers, present, tuple(by_minute), unnoted)


def _unnoted(session_id: str) -> Filter:
    return {"session_id": session_id, "reason": {"$ne": ""}}


async def unnoted_of(work: ProgressWork, session_id: str, after: str, limit: int) -> list[Unnoted]:
    """Find whose attendance of a session could not be noted, as far as this person may see them."""
    where = {**_unnoted(session_id), "_id": {"$gt": after}}
    return await work.unnoted.find(where, limit=limit)


async def _pages(work: ProgressWork, session: LiveSession) -> AsyncIterator[list[Attendance]]:
    after = ""
    while True:
        where: Filter = {"session_id": session.id, "_id": {"$gt": after}}
        found = await work.frame.store.find(ATTENDANCE, where, limit=_PAGE)
        if not found:
            return
        yield [ATTENDANCE.load(each) for each in found]
        after = found[-1]["_id"]


async def curve_of(work: ProgressWork, session_id: str) -> list[int]:
    """Tell viewers by minute as the fold has seen them live, summed over partitions: at least so many."""
    viewers: dict[int, int] = {}
    for each in await work.frame.store.find(CURVES, {"session_id": session_id}):
        for minute, count in each["viewers"].items():
            viewers[int(minute)] = viewers.get(int(minute), 0) + count
    return [viewers.get(minute, 0) for minute in range(max(viewers, default=-1) + 1)]


async def find_sessions(
    work: ProgressWork, state: str | None, cohort: str | None, after: str, limit: int
) -> list[LiveSession]:
    """Find sessions in id order, of one state or cohort where these are named."""
    where: dict[str, object] = {"_id": {"$gt": after}}
    if state:
        where["state"] = state
    if cohort:
        where["place.cohort_id"] = cohort
    return await work.live_sessions.find(where, limit=limit)


async def claims_of(
    work: ProgressWork, session_id: str, state: str | None, after: str, limit: int
) -> list[Claim]:
    """Find claims about a session in id order, as far as this person may see them."""
    where: dict[str, object] = {"session_id": session_id, "_id": {"$gt": after}}
    if state:
        where["state"] = state
    return await work.claims.find(where, limit=limit)
