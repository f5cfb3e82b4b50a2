"""What is kept of who attended a live session; all of it only ever grows, by merging."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from services.progress.domain.minutes import bitmap_of, words_of
from shared.kernel.values import replace

_UNMEASURED = timedelta(minutes=5)
"""So much of a replay is no hurry: clocks differ, and a minute is claimed as it begins."""


@dataclass(frozen=True)
class Attendance:
    """A learner's minutes in a session; the id is `<session>/<learner>`.

    `live` was watched as it happened, `replay` later; `sources` tell who says so. It is `due` while
    something was added that has not become evidence yet, and `enrolled` once its learner was. `replay_since`
    is when the replay was first joined here, None where nobody knows, or another node vouches for some of it.
    """

    id: str
    session_id: str = ""
    learner_id: str = ""
    live: dict[str, int] = field(default_factory=dict)
    replay: dict[str, int] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    due: bool = False
    enrolled: bool = False
    replay_since: datetime | None = None

    def judged(self) -> Self:
        """Note that it has become evidence."""
        return replace(self, due=False) if self.due else self

    def enrol(self) -> Self:
        """Note that its learner is enrolled, and that it is to become evidence because of that."""
        if self.enrolled or not self.session_id:
            return self
        return replace(self, enrolled=True, due=True)

    def begin_replay(self, session_id: str, learner_id: str, now: datetime) -> Self:
        """Note when the replay was first joined."""
        if self.replay_since or self.replay:
            return self
        return replace(self, session_id=session_id, learner_id=learner_id, replay_since=now)

    def is_hurried(self, now: datetime) -> bool:
        """Tell whether more of the replay is claimed than has had the time to be played since it was first joined."""
        if self.replay_since is None:
            return False
        played = timedelta(minutes=self.replay_minutes.bit_count())
        return now < self.replay_since + played - _UNMEASURED

    def expect(self, session_id: str, learner_id: str) -> Self:
        """Note, where nothing is attended yet, that its learner is enrolled: who adds to it meanwhile comes first."""
        if self.session_id:
            return self
        return replace(self, session_id=session_id, learner_id=learner_id, enrolled=True)

    def hear(self, added: "Addition") -> Self:
        """Add what another node tells; what was known changes nothing."""
        live, replay = self.live_minutes | added.live, self.replay_minutes | added.replay
        if (live, replay) == (self.live_minutes, self.replay_minutes):
            return self
        return replace(
            self,
            session_id=added.session_id,
            learner_id=added.learner_id,
            live=words_of(live),
            replay=words_of(replay),
            sources=tuple(dict.fromkeys((*self.sources, added.source))),
            due=True,
            replay_since=None if added.replay else self.replay_since,
        )

    @property
    def live_minutes(self) -> int:
        """Tell the bitmap of minutes watched live."""
        return bitmap_of(self.live)

    @property
    def replay_minutes(self) -> int:
        """Tell the bitmap of minutes watched later."""
        return bitmap_of(self.replay)


@dataclass(frozen=True)
class Visitor:
    """Somebody who has attended enough of a session without being enrolled; the id is the attendance's."""

    id: str
    told: bool = False

    def tell(self) -> Self:
        """Note that this is told."""
        return self if self.told else replace(self, told=True)


@dataclass(frozen=True)
class Unnoted:
    """Whose attendance their record has not taken as evidence, and why; the id is the attendance's.

    `owner` is the session's; the reason is "" once the record has taken it after all.
    """

    id: str
    session_id: str = ""
    owner: str = ""
    learner_id: str = ""
    enrolment_id: str = ""
    reason: str = ""

    def note(self, news: Self) -> Self:
        """Note how it stands now."""
        return self if news.reason == self.reason else news


@dataclass(frozen=True)
class Addition:
    """Minutes of a learner in a session, as bitmaps, and who says so."""

    session_id: str
    learner_id: str
    source: str
    live: int = 0
    replay: int = 0


@dataclass(frozen=True)
class Curve:
    """Viewers by minute as they were seen live, of one session in one partition: at least so many.

    The id is `<session>/<partition>`; a session's curve is the sum over its partitions.
    """

    id: str
    session_id: str = ""
    partition: int = 0
    viewers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Closing:
    """How far the fold has come with a session's end; the id is `<session>/<number>`.

    Before a partition is `seen`, everything that was sent to it before the closing is in the store.
    """

    id: str
    session_id: str = ""
    number: int = 0
    of: int = 0
    seen: tuple[int, ...] = ()

    @property
    def done(self) -> bool:
        """Tell whether every partition was seen, so that attendance is evidence."""
        return 0 < self.of <= len({*self.seen})


def attendance_id(session_id: str, learner_id: str) -> str:
    """Name a learner's attendance of a session."""
    return f"{session_id}/{learner_id}"


def curve_id(session_id: str, partition: int) -> str:
    """Name a session's curve in a partition."""
    return f"{session_id}/{partition}"


def closing_id(session_id: str, number: int) -> str:
    """Name a session's closing."""
    return f"{session_id}/{number}"
