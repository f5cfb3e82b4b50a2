"""Facts that progress owns: phases met, programmes completed, deadlines that near."""

from datetime import date

from shared.events.fact import Fact, Instant, Value
from shared.events.plan import ProgrammeRef, Score, Slug


class PhaseCompleted(Fact, type="id.corpu.phase_completed.v1", topic="progress"):
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


class ProgrammeCompleted(Fact, type="id.corpu.programme_completed.v1", topic="progress"):
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


class PhaseAtRisk(Fact, type="id.corpu.phase_at_risk.v1", topic="progress"):
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
