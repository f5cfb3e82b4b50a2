"""How learners join a session, and what they see of their minutes."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.progress.api.live.shapes import (
    Mine,
    SessionPath,
    StreamBody,
    clock,
    tickets,
)
from services.progress.api.parts import Learner, ProgressWorks
from services.progress.domain.attendance import attendance_id
from services.progress.domain.live import (
    LiveSession,
    Stream,
    live_ticket,
    replay_ticket,
    standing,
)
from services.progress.domain.ticket import BEAT_SECONDS
from services.progress.handlers.sessions import admit, begin_replay
from services.progress.ports import Tickets
from services.progress.store import ProgressWork
from shared.events.plan import Slug
from shared.kernel.clock import Clock
from shared.kernel.errors import NotFound
from shared.web.identity import Access
from shared.web.problems import PROBLEMS

# A ticket is made anew for who joins again, so nothing is answered twice here.
router = APIRouter(responses=PROBLEMS, tags=["live sessions"])
_BEATS = "/live/beats"


class JoinBody(BaseModel):
    """With which device, and whether to the recording, from so many seconds on."""

    model_config = ConfigDict(extra="forbid")

    device: Slug
    replay: bool = False
    position: Annotated[int, Field(ge=0, lt=86_400)] = 0


class Joined(BaseModel):
    """A ticket, and all that a player needs with it: beats are counted from `joined_at`."""

    ticket: str
    expires_at: datetime
    joined_at: datetime
    beat_seconds: int
    stream: StreamBody | None
    title: str
    starts_at: datetime
    ends_at: datetime
    origin: datetime
    threshold_percent: float
    threshold_minutes: int
    minutes_counted: int
    replay: bool
    beats: str


@router.post("/live/sessions/{session_id}/join")
async def post_join(
    session_id: SessionPath, body: JoinBody, request: Request, works: ProgressWorks, who: Learner,
    watch: Annotated[Clock, Depends(clock)],
) -> Joined:  # fmt: skip
    """Join a session, or its replay, with a ticket for ten minutes; joining again renews it."""
    work, now = works.open(), watch.now()
    session = await work.live_sessions.get(session_id)
    learner = await admit(session, own_id(who), work)
    ticket = (
        replay_ticket(session, learner, body.device, now, body.position)
        if body.replay
        else live_ticket(session, learner, body.device, now)
    )
    if body.replay:
        await works.run(partial(begin_replay, session, learner, now))
    stands = standing(session, await work.attendance.of(attendance_id(session_id, learner)))
    signing: Tickets = tickets(request)
    return Joined(
        ticket=signing.sign(ticket),
        expires_at=_instant(ticket.expires),
        joined_at=_instant(ticket.joined_at),
        beat_seconds=BEAT_SECONDS,
        stream=StreamBody.of(_stream(session, replay=body.replay)),
        title=session.title,
        starts_at=session.starts,
        ends_at=session.ends,
        origin=_instant(ticket.origin),
        threshold_percent=session.threshold,
        threshold_minutes=session.threshold_minutes,
        minutes_counted=stands.counted,
        replay=body.replay,
        beats=_BEATS,
    )


@router.get("/live/sessions/{session_id}/mine")
async def get_mine(session_id: SessionPath, works: ProgressWorks, who: Learner) -> Mine:
    """Show a learner how many minutes count so far, and how many are needed."""
    work = works.open()
    session = await work.live_sessions.get(session_id)
    return await _mine(session, own_id(who), work)


async def _mine(session: LiveSession, learner_id: str, work: ProgressWork) -> Mine:
    learner = await admit(session, learner_id, work)
    attendance = await work.attendance.of(attendance_id(session.id, learner))
    return Mine.of(session, standing(session, attendance))


def own_id(who: Access) -> str:
    """Tell a learner's own id; NotFound for a token that names none."""
    if who.person.learner_id is None:
        raise NotFound("unknown-learner", "this token names no learner")
    return who.person.learner_id


def _stream(session: LiveSession, *, replay: bool) -> Stream:
    """Tell where it is seen; a replay at its own address where it has one."""
    if replay and session.replay_url:
        kind = "hls" if session.stream.kind == "meeting" else session.stream.kind
        return Stream(kind, session.replay_url, session.stream.captions)
    return session.stream


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
