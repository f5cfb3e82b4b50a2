"""Live sessions across nodes: offered by their host, followed elsewhere, and minutes told back to the host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from services.progress.domain.attendance import Attendance
from services.progress.domain.live.shape import Place, Stream
from services.progress.domain.live.whole import LiveSession
from shared.events.progress import SessionOffered, StreamTold
from shared.kernel.values import replace

_OVER = frozenset({"closing", "closed"})
_TOLD: Mapping[str, Literal["scheduled", "live"]] = {"scheduled": "scheduled", "live": "live"}


def news_of(
    before: LiveSession, session: LiveSession, at: datetime
) -> tuple[LiveSession, Sequence[SessionOffered]]:
    """Tell every node of a session that is open to all, whenever what it has to know has changed."""
    was_open = before.offer > 0 and before.audience == "all"
    if session.audience == "all":
        told = _told(session, at)
        if was_open and told == _told(before, at):
            return session, []
    elif was_open:
        # What is not for them any more is not told to them either.
        told = _told(before, at).model_copy(update={"open": False})
    else:
        return session, []
    offer = before.offer + 1
    return replace(session, offer=offer), [told.model_copy(update={"offer": offer})]


def _told(session: LiveSession, at: datetime) -> SessionOffered:
    """Say what others have to know of a session; offers are counted by whoever compares."""
    stream = session.stream
    return SessionOffered(
        at=at,
        node=session.host_node,
        session_id=session.id,
        cohort_id=session.place.cohort_id,
        group=session.place.group,
        session=session.place.session,
        offer=1,
        title=session.title,
        kind=session.kind,
        state=_TOLD.get(session.state, "ended"),
        starts_at=session.starts,
        ends_at=session.ends,
        began_at=session.began_at,
        ended_at=session.ended_at,
        paused=session.paused,
        stream=StreamTold(
            kind=stream.kind,
            url=stream.url,
            captions=stream.captions,
            audio_only=stream.audio_only,
        ),
        threshold=session.threshold,
        grace=session.grace,
        replay_days=session.replay_days,
        replay_url=session.replay_url,
    )


def follow(session: LiveSession, fact: SessionOffered) -> LiveSession:
    """Follow what its host says of a session; an older word changes nothing.

    Closing is each node's own: it says that this node's beats are in the store. A session that its host
    resumes is closed once more.
    """
    if fact.offer <= session.offer:
        return session
    over = fact.state == "ended" and session.state in _OVER
    if not over:
        # What an earlier closing came to holds no longer.
        session = replace(session, closed_at=None, settled=False, turnout=None)
    stream = fact.stream
    return replace(
        session,
        offer=fact.offer,
        title=fact.title,
        kind=fact.kind,
        place=Place(fact.cohort_id, fact.group, fact.session),
        audience="all" if fact.open else "cohort",
        state=session.state if over else fact.state,
        host_node=fact.node,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
        origin=fact.starts_at.replace(second=0, microsecond=0),
        began_at=fact.began_at,
        ended_at=fact.ended_at,
        paused=fact.paused,
        stream=Stream(stream.kind, stream.url, stream.captions, stream.audio_only),
        threshold=fact.threshold,
        grace=fact.grace,
        replay_days=fact.replay_days,
        replay_url=fact.replay_url,
        counted=False,
    )


@dataclass(frozen=True)
class WatchedAbroad:
    """What was told to a session's host of somebody's minutes here, in hex; the id is the attendance's."""

    id: str
    live: str = "0"
    replay: str = "0"

    def tell(self, attendance: Attendance) -> Self:
        """Note that all of it is told."""
        live, replay = f"{attendance.live_minutes:x}", f"{attendance.replay_minutes:x}"
        if (live, replay) == (self.live, self.replay):
            return self
        return replace(self, live=live, replay=replay)
