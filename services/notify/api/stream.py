"""The inbox as a live stream of server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, cast

import anyio
from fastapi import APIRouter, Depends, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from services.notify.api.live import Follower, Listeners, News
from services.notify.api.parts import Learner, NotifyWorks, own_id
from shared.kernel.errors import Conflict, Unavailable
from shared.web.problems import PROBLEMS

router = APIRouter(tags=["inbox"], responses=PROBLEMS)

_LONGEST_CURSOR = 200
_GRACE = 1.0


@dataclass(frozen=True)
class Pace:
    """How a stream goes, in seconds: heartbeat, look unasked, whole length, a client's pause.

    The unasked look finds what another process of this service has kept. A stream ends in time, so
    that whoever listens comes back with a token that still holds.
    """

    heartbeat: float = 15.0
    look: float = 30.0
    length: float = 1800.0
    pause: float = 2.0
    patience: float = 30.0


class _Ending:
    """Ends a stream when the service does: it rings the bell that the stream waits for."""

    def __init__(self) -> None:
        self.bell = asyncio.Event()
        self.came = False

    def set(self) -> None:
        self.came = True
        self.bell.set()


def _listeners(request: Request) -> Listeners:
    """Give the listeners of this process."""
    listeners: Listeners = request.app.state.listeners
    return listeners


def _pace(request: Request) -> Pace:
    """Tell how streams go here."""
    pace: Pace = getattr(request.app.state, "pace", Pace())
    return pace


_Cursor = Annotated[
    str | None, Header(max_length=_LONGEST_CURSOR, description="Where to go on from")
]
_Since = Annotated[str | None, Query(max_length=_LONGEST_CURSOR, description="As Last-Event-ID")]


@router.get(
    "/inbox/stream",
    response_class=EventSourceResponse,
    responses={
        200: {"description": "Events `notice` and `unread`", "content": {"text/event-stream": {}}}
    },
)
async def follow_inbox(
    who: Learner,
    works: NotifyWorks,
    listeners: Annotated[Listeners, Depends(_listeners)],
    pace: Annotated[Pace, Depends(_pace)],
    last_event_id: _Cursor = None,
    since: _Since = None,
) -> EventSourceResponse:
    """Tell a person's notices as they come; a returning listener is first told what they missed."""
    learner = own_id(who)
    listeners.admit(learner)
    follower = Follower(works, who.scope, learner)
    await follower.start(last_event_id or since)
    ending = _Ending()
    return EventSourceResponse(
        _told(follower, listeners, pace, ending),
        ping=pace.heartbeat,
        send_timeout=pace.patience,
        # All that is ever done with it is to set it, so a bell may stand in.
        shutdown_event=cast("anyio.Event", ending),
        shutdown_grace_period=_GRACE,
    )


async def _told(
    follower: Follower, listeners: Listeners, pace: Pace, ending: _Ending
) -> AsyncIterator[ServerSentEvent]:
    try:
        # Again, for many who ask at one moment are all admitted before any of them listens.
        listeners.admit(follower.learner)
    except (Conflict, Unavailable):
        return
    ends = time.monotonic() + pace.length
    bell = ending.bell
    with listeners.listening(follower.learner, bell):
        while (left := ends - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(pace.look, left)):
                    await bell.wait()
            if ending.came:
                return
            bell.clear()
            try:
                news = await follower.look()
            except Unavailable:
                # The listener comes back by itself, and hears then what it missed.
                return
            for each in _events(news, pace):
                yield each


def _events(news: News, pace: Pace) -> list[ServerSentEvent]:
    """Write news as events; the last one carries the cursor, for only then all has been told."""
    events = [ServerSentEvent(event="notice", data=each.model_dump_json()) for each in news.notices]
    if news.unread is not None:
        events.append(ServerSentEvent(event="unread", data=f'{{"unread":{news.unread}}}'))
    if events:
        events[-1].id = news.cursor
        events[-1].retry = int(pace.pause * 1000)
    return events
