"""A live session: when it runs, who may attend, how far it has come, and which of its minutes count."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Literal, Self

from services.progress.domain.live.shape import (
    MINUTE,
    USUAL_GRACE,
    USUAL_THRESHOLD,
    Audience,
    Draft,
    Place,
    SessionKind,
    Stream,
    Turnout,
    check_addresses,
    check_length,
    check_place,
    check_times,
    terms_of,
)
from services.progress.domain.minutes import MOST_MINUTES, span
from shared.events.plan import Plan
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.values import replace

Stage = Literal["scheduled", "live", "ended", "closing", "closed"]
State = Literal["", Stage]
_HUNDRED = 100


@dataclass(frozen=True)
class LiveSession:
    """One session of a cohort's plan, held live; `owner` is the agency whose own cohort it is.

    Minutes count from `origin`, the planned start, which never moves once the session has begun.
    `threshold` is a percentage of its minutes, `grace` seconds; `closing` numbers the attempt to close.
    `judged_after` is the enrolment up to which attendance has become evidence, `settled` says that all
    of it has, `counted` that `turnout` tells of all of it. `offer` counts what was told to other nodes, here
    or, where it is held elsewhere, there. `paused` are the minutes in which it was stopped by mistake, in hex,
    and `resumed_at` is when it last went on after that.
    """

    id: str
    title: str = ""
    kind: SessionKind = "lecture"
    place: Place = field(default_factory=Place)
    audience: Audience = "cohort"
    state: State = ""
    owner: str = ""
    host_node: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    origin: datetime | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    closed_at: datetime | None = None
    resumed_at: datetime | None = None
    paused: str = "0"
    stream: Stream = field(default_factory=Stream)
    threshold: float = USUAL_THRESHOLD
    grace: int = USUAL_GRACE
    replay_days: int = 0
    replay_url: str = ""
    closing: int = 0
    judged_after: str = ""
    settled: bool = False
    counted: bool = False
    turnout: Turnout | None = None
    offer: int = 0

    def schedule(self, draft: Draft, place: Place, plan: Plan) -> Self:
        """Schedule it, or schedule it anew while it has not begun; Invalid tells what the plan does not have."""
        check_place(place, plan)
        check_times(draft.starts_at, draft.ends_at)
        check_addresses(draft)
        check_length(draft, place, plan)
        threshold, replay_days = terms_of(draft, plan.rules.live)
        origin = draft.starts_at.replace(second=0, microsecond=0)
        scheduled = replace(
            self,
            title=draft.title,
            kind=draft.kind,
            place=place,
            audience=draft.audience,
            state="scheduled",
            owner=plan.owner,
            host_node=plan.host_node,
            starts_at=draft.starts_at,
            ends_at=draft.ends_at,
            origin=origin,
            stream=draft.stream,
            threshold=threshold,
            grace=draft.grace,
            replay_days=replay_days,
            replay_url=draft.replay_url,
        )
        if self.state in {"", "scheduled"}:
            return scheduled
        if replace(scheduled, state=self.state) != self:
            raise Conflict("session-begun", "a session that has begun is scheduled no more")
        return self

    def start(self, at: datetime, now: datetime) -> Self:
        """Begin; beginning again changes nothing."""
        if self.state == "live":
            return self
        self.guard("scheduled")
        if at > now:
            raise Invalid("from-the-future", "this has not happened yet")
        if at >= self.ends:
            raise Conflict(
                "session-past", "its planned end is over: schedule it anew, or tell when it began"
            )
        return replace(self, state="live", began_at=at)

    def stop(self, at: datetime, now: datetime) -> Self:
        """End; ending again changes nothing."""
        if self.is_over:
            return self
        self.guard("live")
        if at > now:
            raise Invalid("from-the-future", "this has not happened yet")
        if self.resumed_at and at < self.resumed_at:
            raise Conflict("resumed-since", "this session was resumed after that")
        return replace(self, state="ended", ended_at=max(at, self.began))

    def resume(self, ended_at: datetime, now: datetime) -> Self:
        """Go on after the stop at `ended_at`, which was a mistake; going on again changes nothing.

        Nobody has to watch the minutes between. Whoever repeats this late undoes no later stop.
        """
        if self.state == "live":
            return self
        # Once it is closing, its last beats are being marked as such.
        self.guard("ended")
        if ended_at != (stopped := _known(self.ended_at)):
            raise Conflict(
                "stopped-again",
                "it was stopped at another instant",
                {"ended_at": stopped.isoformat()},
            )
        if now >= self.until:
            raise Conflict("session-past", "its planned end and its grace are over")
        gap = span(max(self.minute_of(stopped), 0), min(self.minute_of(now), MOST_MINUTES))
        paused = f"{int(self.paused, 16) | gap:x}"
        return replace(self, state="live", ended_at=None, resumed_at=now, paused=paused)

    def extend(self, ends_at: datetime) -> Self:
        """Let it end later; the same end again changes nothing."""
        self.guard("scheduled", "live")
        if ends_at == self.ends_at:
            return self
        if ends_at < self.ends:
            raise Invalid(
                "not-an-extension", "a session is extended to a later end; stop it instead"
            )
        check_times(self.starts, ends_at)
        return replace(self, ends_at=ends_at)

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether it runs on although its end and its grace are over."""
        return self.state == "live" and now >= self.until

    def end_overdue(self, now: datetime) -> Self:
        """End a session that nobody has stopped, at its planned end."""
        return replace(self, state="ended", ended_at=self.ends) if self.is_overdue(now) else self

    def is_silent(self, now: datetime, settle: timedelta) -> bool:
        """Tell whether no beat of its minutes can come any more, which takes so long after its end."""
        return self.state == "ended" and self.ended_at is not None and now >= self.ended_at + settle

    def begin_closing(self, now: datetime, settle: timedelta) -> Self:
        """Begin to close: barriers follow the last beats."""
        if not self.is_silent(now, settle):
            return self
        return replace(self, state="closing", closing=self.closing + 1)

    def close(self, closing: int, now: datetime) -> Self:
        """Close by this attempt: what was attended is in the store, and becomes evidence."""
        if (self.state, self.closing) != ("closing", closing):
            return self
        return replace(self, state="closed", closed_at=now)

    def judged(self, after: str) -> Self:
        """Note up to which enrolment attendance has become evidence."""
        return replace(self, judged_after=after)

    def settle(self) -> Self:
        """Note that all attendance has become evidence."""
        return replace(self, settled=True)

    def uncount(self) -> Self:
        """Note that who came is to be counted anew."""
        return replace(self, counted=False) if self.counted else self

    def count(self, turnout: Turnout) -> Self:
        """Note who came, once all attendance has become evidence."""
        if not self.settled or (self.counted and turnout == self.turnout):
            return self
        return replace(self, counted=True, turnout=turnout)

    def guard(self, *states: State) -> None:
        """Conflict where it stands otherwise."""
        if self.state not in states:
            if self.state == "scheduled":
                raise Conflict("not-live", "this session has not begun", self.when)
            raise Conflict("session-over", "this session is over")

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended."""
        return self.state in {"ended", "closing", "closed"}

    @property
    def when(self) -> dict[str, object]:
        """Tell when it is planned, as a problem says it."""
        return {"starts_at": self.starts.isoformat(), "ends_at": self.ends.isoformat()}

    @property
    def starts(self) -> datetime:
        """Tell the planned start."""
        return _known(self.starts_at)

    @property
    def ends(self) -> datetime:
        """Tell the planned end."""
        return _known(self.ends_at)

    @property
    def began(self) -> datetime:
        """Tell when it began."""
        return _known(self.began_at)

    @property
    def until(self) -> datetime:
        """Tell until when beats are taken."""
        return self.ends + timedelta(seconds=self.grace)

    @property
    def over_at(self) -> datetime:
        """Tell the end of what counts: as planned, or earlier where it was stopped."""
        return min(self.ends, self.ended_at or self.ends)

    @property
    def minutes(self) -> int:
        """Tell the bitmap of the minutes that count: whole ones that it ran within its plan."""
        first = self.minute_of(max(self.began_at or self.starts, self.starts))
        return span(first, self.minute_of(self.over_at)) & ~int(self.paused, 16)

    @property
    def planned_minutes(self) -> int:
        """Tell how many minutes count."""
        return self.minutes.bit_count()

    @property
    def threshold_minutes(self) -> int:
        """Tell how many of them make who attended them present."""
        return ceil(self.planned_minutes * self.threshold / _HUNDRED)

    def minute_of(self, at: datetime) -> int:
        """Tell the minute of an instant."""
        return (at - _known(self.origin)) // MINUTE

    def attended(self, begins: datetime, ends: datetime) -> int:
        """Tell the bitmap of the minutes that somebody was there from one instant to another.

        A minute counts for who was there at all in it, as it does for who watches.
        """
        first = max(self.minute_of(begins), 0)
        last = min(-((_known(self.origin) - ends) // MINUTE), MOST_MINUTES)
        return span(first, last) if begins < ends else 0

    def replays(self, now: datetime) -> bool:
        """Tell whether its replay counts at an instant."""
        return (
            self.is_over
            and self.replay_days > 0
            and now < self.over_at + timedelta(days=self.replay_days)
        )


def _known(at: datetime | None) -> datetime:
    if at is None:
        raise Conflict("not-scheduled", "this session was never scheduled")
    return at
