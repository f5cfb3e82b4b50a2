"""Facts that progress owns: phases met, programmes completed, deadlines that near, passports taken along."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.events.enrolment import Outcome
from shared.events.fact import EVERYBODY, Fact, Instant, LearnerFact, Value
from shared.events.plan import Percent, ProgrammeRef, Score, Slug, Title


class PhaseCompleted(LearnerFact, type="id.corpu.phase_completed.v1", topic="progress"):
    """A learner has met every requirement of one phase of a cohort."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    home_node: str
    programme: ProgrammeRef
    phase: int
    of: int
    title: str
    title_en: str
    jp: int


class PhaseDone(Value):
    """A phase's number and the instant its gate was met."""

    phase: int
    at: Instant


class ProgrammeCompleted(LearnerFact, type="id.corpu.programme_completed.v1", topic="progress"):
    """A learner has completed every phase; a correction restates it with a higher revision."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    home_node: str
    programme: ProgrammeRef
    jp: int
    revision: int
    phases: tuple[PhaseDone, ...]
    scores: dict[Slug, Score]


class PhaseAtRisk(LearnerFact, type="id.corpu.phase_at_risk.v1", topic="progress"):
    """A phase's last day nears and this is still missing, in both languages."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    phase: int
    title: str
    title_en: str
    due: date
    missing: tuple[str, ...]
    missing_en: tuple[str, ...]


class LectureAttended(LearnerFact, type="id.corpu.lecture_attended.v1", topic="progress"):
    """Somebody has attended enough of a live session of a cohort in which they are not enrolled (yet).

    `enrolment_id` is the one that they would have.
    """

    enrolment_id: str
    cohort_id: str
    session_id: str
    title: str


Address = Annotated[str, Field(max_length=2_000, pattern=r"^(https?://\S+)?$")]
"""A whole address, for it is opened elsewhere; "" for none."""


class StreamTold(Value):
    """Where a live session is seen; captions and an audio-only rung where there are any."""

    kind: Literal["hls", "youtube", "meeting"]
    url: Address
    captions: Address = ""
    audio_only: Address = ""


Bitmap = Annotated[str, Field(pattern=r"^[0-9a-f]{1,360}$")]
"""Minutes in hex, bit 0 the session's first."""


class SessionOffered(Fact, type="id.corpu.session_offered.v1", topic="progress"):
    """A node opens a live session to the people of every node, and tells how far it has come; the higher `offer` holds.

    Not `open`, it is for the host's own again. `threshold` is a percentage of its minutes, `grace` seconds;
    of the minutes, those in which it was `paused` count for nobody.
    """

    node: str
    session_id: str
    cohort_id: str
    group: str
    session: str
    offer: int = Field(ge=1)
    open: bool = True
    title: Title
    kind: Literal["lecture", "class"]
    state: Literal["scheduled", "live", "ended"]
    starts_at: Instant
    ends_at: Instant
    began_at: Instant | None = None
    ended_at: Instant | None = None
    paused: Bitmap = "0"
    stream: StreamTold
    threshold: Percent
    grace: int = Field(ge=0, le=3_600)
    replay_days: int = Field(0, ge=0, le=366)
    replay_url: Address = ""

    @property
    def subject(self) -> str:
        """Tell the session."""
        return self.session_id

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell all nodes."""
        return (EVERYBODY,)


class MinutesWatched(LearnerFact, type="id.corpu.minutes_watched.v1", topic="progress"):
    """Somebody has watched these minutes of another node's live session here; more may follow.

    They are added to what the host knows: told again, or watched at both nodes, they count once.
    """

    enrolment_id: str
    cohort_id: str
    session_id: str
    host_node: str
    live: Bitmap = "0"
    replay: Bitmap = "0"

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the host."""
        return (self.host_node,)


class PhaseTold(Value):
    """A completed phase of an entry that is told."""

    phase: int
    jp: int
    at: Instant
    title: str = ""
    title_en: str = ""


class CertificateTold(Value):
    """One revision of the certificate of an entry that is told."""

    revision: int
    number: str
    kind: str
    jp: int
    issued_on: date
    valid_until: date | None
    final_score: float | None
    predicate: str
    predicate_en: str
    verify_url: str
    awaits_signature: bool = False


class EntryTold(Value):
    """One entry of a passport with its provenance: `node` and `host_agency` taught it."""

    enrolment_id: str
    programme: ProgrammeRef | None = None
    cohort_id: str = ""
    cohort_title: str = ""
    node: str = ""
    host_agency: str = ""
    jp: int = 0
    of: int = 0
    enrolled_at: Instant | None = None
    withdrawn_at: Instant | None = None
    phases: tuple[PhaseTold, ...] = ()
    revision: int = 0
    completed_at: Instant | None = None
    decision: int = 0
    outcome: Outcome | None = None
    decided_on: date | None = None
    until: date | None = None
    certificates: tuple[CertificateTold, ...] = ()
    ended: tuple[int, ...] = ()
    signed: tuple[int, ...] = ()


class PassportTold(LearnerFact, type="id.corpu.passport_told.v1", topic="progress"):
    """A learner's old home tells the new one entries of the passport; more, and newer ones, may follow."""

    home_node: str
    to_node: str
    entries: tuple[EntryTold, ...] = ()
    linked: tuple[str, ...] = ()

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the new home."""
        return (self.to_node,)
