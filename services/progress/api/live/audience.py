"""Who watches a session just now, how many watched each minute of it, and whose attendance could not be noted."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from services.progress.api.live.shapes import SessionPath, clock
from services.progress.api.parts import ProgressWorks
from services.progress.domain.attendance import Unnoted
from services.progress.domain.live import LiveSession
from services.progress.domain.live.whole import State
from services.progress.store.live import curve_of, unnoted_of
from shared.kernel.clock import Clock
from shared.kernel.errors import NotFound, Unavailable
from shared.web.identity import Access, allow
from shared.web.paging import After, Limit, Page, page
from shared.web.problems import PROBLEMS

router = APIRouter(responses=PROBLEMS, tags=["live sessions"])
_Watches = Annotated[Access, allow("organiser", "planner", "leadership")]


class AudienceShown(BaseModel):
    """Viewers now, and by minute from the session's origin on, as `node` has counted them.

    Of a session for all nodes each node counts who watches there. What the host counts in the end holds besides
    its own viewers the guests whom it has enrolled, as soon as their nodes have told it; others are counted by
    their own node alone.

    `exact` figures are counted from everybody's minutes once the session is closed; until then they are
    what was seen live, at least so many. `viewers` and `present` are known by then only, and so are the
    `unnoted`: enrolled people whose record could not take their attendance as evidence.
    """

    node: str
    state: State
    at: datetime
    exact: bool
    watching: int
    curve: list[int]
    viewers: int | None
    present: int | None
    unnoted: int | None
    starts_at: datetime
    origin: datetime


class UnnotedShown(BaseModel):
    """Whose attendance their record has not taken as evidence, and why."""

    learner_id: str
    enrolment_id: str
    reason: str

    @classmethod
    def of(cls, unnoted: Unnoted) -> Self:
        """Show it."""
        return cls(
            learner_id=unnoted.learner_id,
            enrolment_id=unnoted.enrolment_id,
            reason=unnoted.reason,
        )


@dataclass(frozen=True)
class Pace:
    """How a stream goes, in seconds: each look, each heartbeat, its whole length, a client's pause."""

    look: float = 5.0
    heartbeat: float = 15.0
    length: float = 1_800.0
    pause: float = 2.0


def _pace(request: Request) -> Pace:
    """Tell how streams go here."""
    pace: Pace = getattr(request.app.state, "live_pace", Pace())
    return pace


@router.get("/live/sessions/{session_id}/audience")
async def get_audience(
    session_id: SessionPath, works: ProgressWorks, who: _Watches,
    watch: Annotated[Clock, Depends(clock)],
) -> AudienceShown:  # fmt: skip
    """Show this node's head count and attendance curve."""
    del who
    return await _look(works, session_id, watch)


@router.get("/live/sessions/{session_id}/unnoted")
async def list_unnoted(
    session_id: SessionPath, works: ProgressWorks,
    who: Annotated[Access, allow("organiser", "auditor")], after: After = "", limit: Limit = 100,
) -> Page[UnnotedShown]:  # fmt: skip
    """List whose attendance could not be noted: `too-much-evidence`, or `unknown-session` where their plan lacks it."""
    work = works.open(who.scope)
    await work.live_sessions.get(session_id)
    found = await unnoted_of(work, session_id, after, limit + 1)
    return page(found, limit, UnnotedShown.of, lambda each: each.id)


@router.get(
    "/live/sessions/{session_id}/audience/stream",
    response_class=EventSourceResponse,
    responses={200: {"description": "Events `audience`", "content": {"text/event-stream": {}}}},
)
async def follow_audience(
    session_id: SessionPath, works: ProgressWorks, who: _Watches,
    watch: Annotated[Clock, Depends(clock)], pace: Annotated[Pace, Depends(_pace)],
) -> EventSourceResponse:  # fmt: skip
    """Tell the head count and the curve whenever they change, until the session is closed."""
    del who
    await works.open().live_sessions.get(session_id)
    return EventSourceResponse(_told(works, session_id, watch, pace), ping=pace.heartbeat)


async def _told(
    works: ProgressWorks, session_id: str, watch: Clock, pace: Pace
) -> AsyncIterator[ServerSentEvent]:
    ends, told = time.monotonic() + pace.length, ""
    while time.monotonic() < ends:
        try:
            shown = await _look(works, session_id, watch)
        except (Unavailable, NotFound):
            # The listener comes back by itself.
            return
        said = shown.model_dump_json(exclude={"at"})
        if said != told:
            told = said
            yield ServerSentEvent(
                event="audience", data=json.dumps(shown.model_dump(mode="json")),
                retry=int(pace.pause * 1_000),
            )  # fmt: skip
        if shown.exact:
            return
        await asyncio.sleep(pace.look)


async def _look(works: ProgressWorks, session_id: str, watch: Clock) -> AudienceShown:
    work, now = works.open(), watch.now()
    session = await work.live_sessions.get(session_id)
    turnout = session.turnout
    curve = list(turnout.curve) if turnout else await curve_of(work, session_id)
    return AudienceShown(
        node=work.node,
        state=session.state,
        at=now,
        exact=turnout is not None,
        watching=_watching(session, curve, now) if session.state == "live" else 0,
        curve=curve,
        viewers=turnout.viewers if turnout else None,
        present=turnout.present if turnout else None,
        unnoted=turnout.unnoted if turnout else None,
        starts_at=session.starts,
        origin=session.origin or session.starts,
    )


def _watching(session: LiveSession, curve: list[int], now: datetime) -> int:
    """Tell who watches now: the most of the last two minutes, for the present one has only begun."""
    minute = session.minute_of(now)
    return max((curve[at] for at in (minute - 1, minute) if 0 <= at < len(curve)), default=0)
