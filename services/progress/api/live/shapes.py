"""What the doors to live sessions share: who is admitted, and how sessions are written and shown."""

from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.progress.api.evidence import Instant
from services.progress.domain.live import Draft, LiveSession, Place, Standing, Stream
from services.progress.domain.live.shape import USUAL_GRACE, Audience, SessionKind, StreamKind
from services.progress.domain.live.whole import State
from services.progress.ports import Tickets
from shared.events.plan import Slug, Title
from shared.kernel.clock import Clock
from shared.web.identity import Access, allow

SessionPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,64}$")]
SeesSessions = Annotated[
    Access,
    allow(
        "organiser", "auditor", "planner", "leadership", "nominator", "endorser", "mentor", "coach",
        "examiner", "learner",
    ),
]  # fmt: skip
Minute = Annotated[int, Field(ge=0, lt=1_440)]
_Address = Annotated[str, Field(max_length=2_000, pattern=r"^(https?://|/)\S+$")]


class StreamBody(BaseModel):
    """Where a session is seen: an HLS playlist, a YouTube video, or a meeting's link."""

    model_config = ConfigDict(extra="forbid")

    kind: StreamKind
    url: _Address
    captions: _Address | None = None
    audio_only: _Address | None = None

    @classmethod
    def of(cls, stream: Stream) -> Self | None:
        """Show a stream, None where there is none."""
        if not stream.url:
            return None
        return cls(
            kind=stream.kind,
            url=stream.url,
            captions=stream.captions or None,
            audio_only=stream.audio_only or None,
        )


class ReplayBody(BaseModel):
    """For how many days a replay counts, where the rules allow it, and where it is seen."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[int, Field(ge=0, le=366)] | None = None
    url: _Address | None = None


class SessionBody(BaseModel):
    """A live session as an organiser schedules it.

    `group` and `session` are the names that the cohort's plan has for it. Threshold and days of replay
    come from the programme's rules where these say so.
    """

    model_config = ConfigDict(extra="forbid")

    title: Title
    kind: SessionKind = "lecture"
    cohort_id: Annotated[str, Field(min_length=1, max_length=100)]
    group: Slug
    session: Slug
    audience: Audience = "cohort"
    starts_at: Instant
    ends_at: Instant
    stream: StreamBody
    threshold_percent: Annotated[float, Field(gt=0, le=100)] | None = None
    grace_seconds: Annotated[int, Field(ge=0, le=3_600)] = USUAL_GRACE
    replay: ReplayBody = ReplayBody()

    @field_validator("starts_at", "ends_at")
    @classmethod
    def _in_utc(cls, at: datetime) -> datetime:
        return at.astimezone(UTC)

    @property
    def place(self) -> Place:
        """Tell which session of the plan it is."""
        return Place(self.cohort_id, self.group, self.session)

    @property
    def draft(self) -> Draft:
        """Tell what the organiser says of it."""
        return Draft(
            title=self.title,
            kind=self.kind,
            audience=self.audience,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            stream=Stream(
                self.stream.kind,
                self.stream.url,
                self.stream.captions or "",
                self.stream.audio_only or "",
            ),
            threshold=self.threshold_percent,
            grace=self.grace_seconds,
            replay_days=self.replay.days,
            replay_url=self.replay.url or "",
        )


class SessionShown(BaseModel):
    """A live session as it stands; its stream is for who joins it, and for who runs it.

    `resumed_at` is when it last went on after a stop by mistake.
    """

    id: str
    title: str
    kind: SessionKind
    cohort_id: str
    group: str
    session: str
    audience: Audience
    state: State
    owner: str
    host_node: str
    starts_at: datetime
    ends_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    closed_at: datetime | None
    resumed_at: datetime | None
    origin: datetime
    threshold_percent: float
    threshold_minutes: int
    planned_minutes: int
    grace_seconds: int
    replay_days: int
    settled: bool
    stream: StreamBody | None
    replay_url: str | None

    @classmethod
    def of(cls, session: LiveSession, *, whole: bool) -> Self:
        """Show a session, with its addresses only where the `whole` of it is to be seen."""
        return cls(
            id=session.id,
            title=session.title,
            kind=session.kind,
            cohort_id=session.place.cohort_id,
            group=session.place.group,
            session=session.place.session,
            audience=session.audience,
            state=session.state,
            owner=session.owner,
            host_node=session.host_node,
            starts_at=session.starts,
            ends_at=session.ends,
            began_at=session.began_at,
            ended_at=session.ended_at,
            closed_at=session.closed_at,
            resumed_at=session.resumed_at,
            origin=session.origin or session.starts,
            threshold_percent=session.threshold,
            threshold_minutes=session.threshold_minutes,
            planned_minutes=session.planned_minutes,
            grace_seconds=session.grace,
            replay_days=session.replay_days,
            settled=session.settled,
            stream=StreamBody.of(session.stream) if whole else None,
            replay_url=(session.replay_url or None) if whole else None,
        )


class Mine(BaseModel):
    """How a learner stands with a session; `replay_minutes` count besides those watched live."""

    minutes_counted: int
    threshold_minutes: int
    met: bool
    planned_minutes: int
    state: State
    replay_minutes: int

    @classmethod
    def of(cls, session: LiveSession, stands: Standing) -> Self:
        """Show how somebody stands."""
        return cls(
            minutes_counted=stands.counted,
            threshold_minutes=session.threshold_minutes,
            met=stands.met,
            planned_minutes=session.planned_minutes,
            state=session.state,
            replay_minutes=stands.replayed,
        )


def clock(request: Request) -> Clock:
    """Give the clock."""
    watch: Clock = request.app.state.clock
    return watch


def tickets(request: Request) -> Tickets:
    """Give what signs tickets; Unavailable while its key cannot be read."""
    signing: Tickets = request.app.state.tickets()
    return signing
