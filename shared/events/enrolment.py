"""Facts that enrolment owns: seats, enrolments, decisions and the learner's card."""

from datetime import date
from typing import Literal

from pydantic import Field

from shared.events.fact import Fact, Value
from shared.events.plan import Period, Plan, Signatory, Slug

Outcome = Literal["graduated", "deferred", "not_graduated", "left"]
Employment = Literal["PNS", "PPPK"]


class SeatGiven(Fact, type="id.corpu.seat_given.v1", topic="enrolment"):
    """A learner holds a seat of a cohort; `promoted` ones came from the waitlist."""

    enrolment_id: str
    cohort_id: str
    agency: str
    home_node: str
    promoted: bool = False


class Waitlisted(Fact, type="id.corpu.waitlisted.v1", topic="enrolment"):
    """A nominated learner waits for a seat, at this place in the line (1 is next)."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    position: int


class SeatFreed(Fact, type="id.corpu.seat_freed.v1", topic="enrolment"):
    """A learner no longer holds a seat of a cohort, nor a place in its line."""

    enrolment_id: str
    cohort_id: str
    agency: str


class NominationRefused(Fact, type="id.corpu.nomination_refused.v1", topic="enrolment"):
    """A nominated learner was refused, for reasons with stable codes; `roster_id` names the list."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    reasons: tuple[str, ...]
    roster_id: str = ""


class Enrolled(Fact, type="id.corpu.enrolled.v1", topic="enrolment"):
    """A learner is enrolled in a cohort, and this is the cohort's plan."""

    enrolment_id: str
    agency: str
    home_node: str
    plan: Plan


class Withdrawn(Fact, type="id.corpu.withdrawn.v1", topic="enrolment"):
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


class Rescheduled(Fact, type="id.corpu.rescheduled.v1", topic="enrolment"):
    """A cohort's dates have changed for an enrolled learner; the higher calendar version holds."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    calendar_version: int
    calendar: tuple[NewPeriods, ...]
    sessions: dict[Slug, tuple[Slug, ...]] = Field(default_factory=dict)
    agency: str = ""


class GraduationDecided(Fact, type="id.corpu.graduation_decided.v1", topic="enrolment"):
    """The organiser has decided on a learner's graduation; the higher decision number holds."""

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


class LearnerLinked(Fact, type="id.corpu.learner_linked.v1", topic="enrolment"):
    """Two pseudonyms are one person, whose number has changed."""

    other_id: str


class LearnerRecorded(Fact, type="id.corpu.learner_recorded.v1", topic="learners"):
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
