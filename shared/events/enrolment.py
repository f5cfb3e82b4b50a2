"""Facts that enrolment owns: seats, enrolments, decisions and the learner's card."""

from datetime import date
from typing import Literal, Self

from pydantic import Field
from pydantic_core import from_json

from shared.events.fact import Fact, LearnerFact, Value
from shared.events.plan import Period, Plan, Signatory, Slug, read_plan

Outcome = Literal["graduated", "deferred", "not_graduated", "left"]
Employment = Literal["PNS", "PPPK"]


class SeatGiven(LearnerFact, type="id.corpu.seat_given.v1", topic="enrolment"):
    """A learner holds a seat of a cohort; `promoted` ones came from the waitlist."""

    enrolment_id: str
    cohort_id: str
    agency: str
    home_node: str
    promoted: bool = False


class Waitlisted(LearnerFact, type="id.corpu.waitlisted.v1", topic="enrolment"):
    """A nominated learner waits for a seat, at this place in the line (1 is next)."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    position: int


class SeatFreed(LearnerFact, type="id.corpu.seat_freed.v1", topic="enrolment"):
    """A learner no longer holds a seat of a cohort, nor a place in its line."""

    enrolment_id: str
    cohort_id: str
    agency: str


class NominationRefused(LearnerFact, type="id.corpu.nomination_refused.v1", topic="enrolment"):
    """A nominated learner was refused, for reasons with stable codes; `roster_id` names the list."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    reasons: tuple[str, ...]
    roster_id: str = ""


class Enrolled(LearnerFact, type="id.corpu.enrolled.v1", topic="enrolment"):
    """A learner is enrolled in a cohort, and this is the cohort's plan."""

    enrolment_id: str
    agency: str
    home_node: str
    plan: Plan

    @classmethod
    def read(cls, data: bytes | str) -> Self:
        """Read the fact as any other, but a plan only once, for all learners of a cohort bring the same."""
        if isinstance(data, bytes) or not data.endswith("}"):
            return super().read(data)
        # Inside of a text a quote is escaped, so what is found is a field's name; where that is not
        # the last field, or stands deeper, one of the halves is no JSON.
        rest, _, plan = data.partition(',"plan":')
        try:
            told = {**from_json(rest + "}"), "plan": read_plan(plan[:-1])}
            return cls.model_validate(told, extra="ignore")
        except (ValueError, TypeError):
            return super().read(data)


class CohortPlanned(Fact, type="id.corpu.cohort_planned.v1", topic="enrolment"):
    """A cohort is open, and this is its plan; the higher calendar version holds."""

    plan: Plan

    @property
    def subject(self) -> str:
        """Tell the cohort."""
        return self.plan.cohort_id


class Withdrawn(LearnerFact, type="id.corpu.withdrawn.v1", topic="enrolment"):
    """A learner has left a cohort for good."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    reason: str


class NewPeriods(Value):
    """The periods of one phase, by its number."""

    phase: int
    periods: tuple[Period, ...]


class Rescheduled(LearnerFact, type="id.corpu.rescheduled.v1", topic="enrolment"):
    """A cohort's dates have changed for an enrolled learner; the higher calendar version holds."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    calendar_version: int
    calendar: tuple[NewPeriods, ...]
    sessions: dict[Slug, tuple[Slug, ...]] = Field(default_factory=dict)
    agency: str = ""


class GraduationDecided(LearnerFact, type="id.corpu.graduation_decided.v1", topic="enrolment"):
    """The organiser has decided on a learner's graduation; the higher decision number holds.

    `result_revision` is that of the `programme_completed` that the decision rests on, 0 where none is told.
    """

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    outcome: Outcome
    decision: int
    decided_on: date
    minutes: str
    signatory: Signatory
    until: date | None = None
    result_revision: int = 0


class LearnerLinked(LearnerFact, type="id.corpu.learner_linked.v1", topic="enrolment"):
    """Two pseudonyms are one person, whose number has changed; `hosts` know the person as a guest."""

    other_id: str
    hosts: tuple[str, ...] = ()

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the hosts."""
        return self.hosts


class LearnerErased(LearnerFact, type="id.corpu.learner_erased.v1", topic="learners"):
    """A learner's personal data is erased here; what was recorded of them until then is no longer known."""

    tombstone = True


class ErasureOrdered(LearnerFact, type="id.corpu.erasure_ordered.v1", topic="enrolment"):
    """A learner's personal data must be erased at every node that holds it, on this legal basis (UU 27/2022)."""

    basis: str
    nodes: tuple[str, ...] = ()

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the nodes that hold it."""
        return self.nodes


class LearnerRecorded(LearnerFact, type="id.corpu.learner_recorded.v1", topic="learners"):
    """This is the learner's current card; the higher version holds. The only fact with personal data."""

    version: int
    nip: str
    former_nips: tuple[str, ...] = ()
    name: str
    agency: str
    agency_name: str
    employment: Employment
    position: str = ""
    position_level: str = ""
    email: str = ""
    phone: str = ""
    language: Literal["id", "en"] = "id"
    active: bool = True
