"""Live sessions as organisers run them: scheduled, begun, extended, ended, resumed."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from services.progress.api.evidence import Instant
from services.progress.api.live.shapes import (
    SeesSessions,
    SessionBody,
    SessionPath,
    SessionShown,
    clock,
)
from services.progress.api.parts import Organiser, ProgressWorks
from services.progress.domain.live import LiveSession
from services.progress.domain.live.whole import Stage
from services.progress.handlers.sessions import direct_session, schedule_session
from services.progress.store.live import find_sessions
from shared.kernel.clock import Clock
from shared.store.scope import Scope
from shared.web.idempotency import IdempotentRoute
from shared.web.paging import After, Limit, Page, page
from shared.web.problems import PROBLEMS

router = APIRouter(route_class=IdempotentRoute, responses=PROBLEMS, tags=["live sessions"])
_Now = Annotated[Clock, Depends(clock)]


class MomentBody(BaseModel):
    """When it happened, where that is not now."""

    model_config = ConfigDict(extra="forbid")

    at: Instant | None = None


class ResumptionBody(BaseModel):
    """Which stop was a mistake: the `ended_at` that the session shows."""

    model_config = ConfigDict(extra="forbid")

    ended_at: Instant


class ExtensionBody(BaseModel):
    """The later end."""

    model_config = ConfigDict(extra="forbid")

    ends_at: Instant


@router.post("/live/sessions", status_code=201)
async def post_session(
    body: SessionBody, works: ProgressWorks, who: Organiser, watch: _Now
) -> SessionShown:
    """Schedule a session of a cohort's plan; until it begins it can be scheduled anew."""
    use_case = partial(schedule_session, body.place, body.draft, watch.now())
    return SessionShown.of(await works.run(use_case, who.scope), whole=True)


@router.get("/live/sessions")
async def list_sessions(
    works: ProgressWorks, who: SeesSessions, state: Stage | None = None,
    cohort: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    after: After = "", limit: Limit = 100,
) -> Page[SessionShown]:  # fmt: skip
    """List sessions in id order, of one state or cohort where these are named."""
    found = await find_sessions(works.open(who.scope), state, cohort, after, limit + 1)
    show = partial(SessionShown.of, whole="organiser" in who.roles)
    return page(found, limit, show, lambda each: each.id)


@router.get("/live/sessions/{session_id}")
async def get_session(
    session_id: SessionPath, works: ProgressWorks, who: SeesSessions
) -> SessionShown:
    """Show one session."""
    session = await works.open(who.scope).live_sessions.get(session_id)
    return SessionShown.of(session, whole="organiser" in who.roles)


@router.post("/live/sessions/{session_id}/start")
async def post_start(
    session_id: SessionPath, works: ProgressWorks, who: Organiser, watch: _Now,
    body: MomentBody | None = None,
) -> SessionShown:  # fmt: skip
    """Begin a session, so that people can join it; one that was held elsewhere began at an instant told."""
    now = watch.now()
    at = _moment(body, now)
    return await _change(session_id, lambda one: one.start(at, now), now, works, who.scope)


@router.post("/live/sessions/{session_id}/stop")
async def post_stop(
    session_id: SessionPath, works: ProgressWorks, who: Organiser, watch: _Now,
    body: MomentBody | None = None,
) -> SessionShown:  # fmt: skip
    """End a session; once no beat of it can come any more it is closed, and attendance becomes evidence."""
    now = watch.now()
    at = _moment(body, now)
    return await _change(session_id, lambda one: one.stop(at, now), now, works, who.scope)


@router.post("/live/sessions/{session_id}/resume")
async def post_resumption(
    session_id: SessionPath, body: ResumptionBody, works: ProgressWorks, who: Organiser, watch: _Now
) -> SessionShown:
    """Let a session go on that was stopped by mistake, until it begins to close some minutes after the stop.

    The minutes between count for nobody. Resuming again changes nothing, and undoes no later stop.
    """
    now, ended_at = watch.now(), body.ended_at.astimezone(UTC)
    return await _change(session_id, lambda one: one.resume(ended_at, now), now, works, who.scope)


@router.post("/live/sessions/{session_id}/extend")
async def post_extension(
    session_id: SessionPath, body: ExtensionBody, works: ProgressWorks, who: Organiser, watch: _Now
) -> SessionShown:
    """Let a session end later; more of its minutes count then, for the threshold too."""
    ends_at = body.ends_at.astimezone(UTC)
    return await _change(session_id, lambda one: one.extend(ends_at), watch.now(), works, who.scope)


async def _change(
    key: str, change: Callable[[LiveSession], LiveSession], now: datetime, works: ProgressWorks,
    scope: Scope,
) -> SessionShown:  # fmt: skip
    directed = await works.run(partial(direct_session, key, change, now), scope)
    return SessionShown.of(directed, whole=True)


def _moment(body: MomentBody | None, now: datetime) -> datetime:
    return body.at.astimezone(UTC) if body and body.at else now
