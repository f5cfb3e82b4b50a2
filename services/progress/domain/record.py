"""The record of one enrolment: its plan, its evidence and the phases that this completes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Self

from services.progress.domain.course import Calendar, Course, course_of
from services.progress.domain.evidence import Companion, Evidence
from services.progress.domain.gates import Timeline
from shared.kernel.values import replace

Status = Literal["open", "completed", "withdrawn"]


@dataclass(frozen=True)
class Record:
    """One learner's way through one cohort; the id is the enrolment's, `owner` the agency whose own cohort it is.

    `plan` is the cohort's plan as JSON, "" until the enrolment is heard of; `completed` holds the
    instants at which the first phases were completed, in order. What was stated already stays told:
    `told_phases` counts the phases, `revision` and `told` are the last restatement of completion.
    """

    id: str
    learner_id: str = ""
    cohort_id: str = ""
    agency: str = ""
    home_node: str = ""
    owner: str = ""
    enrolled_at: datetime | None = None
    withdrawn_at: datetime | None = None
    plan: str = ""
    calendars: tuple[Calendar, ...] = ()
    companions: tuple[Companion, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    completed: tuple[datetime, ...] = ()
    told_phases: int = 0
    revision: int = 0
    told: str = ""
    warned: tuple[int, ...] = ()
    status: Status = "open"
    dues: tuple[date, ...] = ()

    @property
    def course(self) -> Course:
        """Tell the course, of a record whose plan is known."""
        return course_of(self.plan, self.calendars)

    @property
    def timeline(self) -> Timeline:
        """Tell the evidence by subject."""
        return Timeline(self.course, self.evidence)

    @property
    def jp(self) -> int:
        """Tell the training hours of the phases completed."""
        return sum(phase.jp for phase in self.course.phases[: len(self.completed)])

    def accompany(self, companions: Sequence[Companion]) -> Self:
        """Assign the learner's companions in place of the former ones."""
        return replace(self, companions=tuple(sorted(set(companions))))
