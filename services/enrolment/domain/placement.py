"""A placement: one of this node's learners in a cohort of another node, as far as that one has told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Self

from services.enrolment.domain.enrolment import Enrolment, Somebody
from shared.events.enrolment import NewPeriods, Outcome
from shared.events.plan import Period, Plan
from shared.kernel.errors import Conflict
from shared.kernel.values import replace

Stand = Literal[
    "nominated", "waitlisted", "accepted", "enrolled", "refused", "released", "withdrawn"
]


@dataclass(frozen=True)
class Asking:
    """What became of one list's row: refused with reasons, or none while it holds."""

    row: int = 0
    reasons: tuple[str, ...] = ()
    refused: bool = False


@dataclass(frozen=True)
class Placement:
    """What a host has told of one learner of ours; every part takes any order of telling.

    `asked` are the lists that named the learner, by the ids that the host gives them. `campus` are
    the numbers of the phases for which the learner's days are claimed.
    """

    id: str
    learner_id: str = ""
    agency: str = ""
    host_node: str = ""
    cohort_id: str = ""
    cohort_title: str = ""
    programme: str = ""
    programme_version: int = 0
    jp: int = 0
    campus: tuple[int, ...] = ()
    asked: dict[str, Asking] = field(default_factory=dict)
    waited: bool = False
    seated: bool = False
    enrolled: bool = False
    freed: bool = False
    withdrawn: bool = False
    withdrawal_reason: str = ""
    leaving_on: date | None = None
    leaving_reason: str = ""
    calendar_version: int = 0
    calendar: tuple[NewPeriods, ...] = ()
    completed: bool = False
    decision: int = 0
    outcome: Outcome | None = None
    until: date | None = None

    @property
    def known(self) -> bool:
        """Tell whether anything is known of it."""
        return bool(self.host_node)

    @property
    def stand(self) -> Stand:
        """Tell how the learner stands with the host, whichever list asked."""
        if self.withdrawn:
            return "withdrawn"
        if self.freed:
            return "released"
        if self.enrolled:
            return "enrolled"
        if self.seated:
            return "accepted"
        if self.waited:
            return "waitlisted"
        refused = [each.refused for each in self.asked.values()]
        return "refused" if refused and all(refused) else "nominated"

    @property
    def open(self) -> bool:
        """Tell whether the learner holds a place there, or may still get one."""
        return self.known and self.stand not in {"refused", "released", "withdrawn"}

    def under_way(self, *, certified: bool) -> bool:
        """Tell whether the learner still waits or learns there; `certified`: the certificate has come."""
        over = self.outcome in {"graduated", "not_graduated", "left"} or (
            self.completed and certified
        )
        return self.open and not over

    def stands_for(self, list_id: str) -> tuple[Stand, tuple[str, ...]]:
        """Tell how one list's row stands, with the host's reasons against it."""
        asking = self.asked.get(list_id, Asking())
        return ("refused", asking.reasons) if asking.refused else (self.stand, ())

    def about(self, one: Somebody, host_node: str, cohort_id: str) -> Self:
        """Take over whom and which cohort it is about."""
        return replace(
            self,
            learner_id=one.learner_id,
            agency=self.agency or one.agency,
            host_node=host_node,
            cohort_id=cohort_id,
        )

    def ask(self, list_id: str, row: int) -> Self:
        """Note which list's row asks, unless an answer came before it."""
        before = self.asked.get(list_id, Asking())
        return replace(self, asked={**self.asked, list_id: replace(before, row=row)})

    def refuse(self, list_id: str, reasons: tuple[str, ...]) -> Self:
        """Note that the host refused what a list asked."""
        before = self.asked.get(list_id, Asking())
        refused = replace(before, reasons=reasons, refused=True)
        return replace(self, asked={**self.asked, list_id: refused})

    def sit(self) -> Self:
        """Note that the learner holds a seat."""
        return replace(self, seated=True)

    def wait(self) -> Self:
        """Note that the learner was put in line."""
        return replace(self, waited=True)

    def free(self) -> Self:
        """Note that seat or place in line is gone."""
        return replace(self, freed=True)

    def complete(self) -> Self:
        """Note that every phase is completed."""
        return replace(self, completed=True)

    def enrol(self, plan: Plan) -> Self:
        """Note that the host has enrolled the learner, by which plan."""
        return replace(
            self,
            enrolled=True,
            cohort_title=plan.cohort_title,
            programme=plan.programme.code,
            programme_version=plan.programme.version,
            jp=plan.total_jp,
            campus=tuple(each.number for each in plan.phases if each.residential),
        ).reschedule(
            plan.calendar_version,
            [NewPeriods(phase=each.number, periods=each.periods) for each in plan.phases],
        )

    def withdraw(self, reason: str) -> Self:
        """Note that the learner has left."""
        return replace(self, withdrawn=True, withdrawal_reason=reason)

    def leave(self, on: date, reason: str) -> tuple[Self, bool]:
        """Ask the host to let the learner go; tell whether that is asked now."""
        if self.leaving_on is not None or self.withdrawn:
            return self, False
        if not self.open:
            raise Conflict("not-enrolled", "there is nothing to withdraw from")
        if self.outcome == "graduated":
            raise Conflict("already-completed", "who has completed the programme cannot leave it")
        return replace(self, leaving_on=on, leaving_reason=reason), True

    def reschedule(self, version: int, calendar: Sequence[NewPeriods]) -> Self:
        """Note the newest calendar that the host has told."""
        if version <= self.calendar_version:
            return self
        return replace(self, calendar_version=version, calendar=tuple(calendar))

    @property
    def days(self) -> tuple[Period, ...]:
        """Tell the days on which the learner must be on campus."""
        return tuple(
            Period(starts=period.starts, ends=period.ends)
            for each in self.calendar
            if each.phase in self.campus
            for period in each.periods
        )

    def decide(self, decision: int, outcome: Outcome, until: date | None) -> Self:
        """Note the newest graduation decision."""
        if decision <= self.decision:
            return self
        return replace(self, decision=decision, outcome=outcome, until=until)

    def merged(self, other: "Placement") -> Self:
        """Take over what another home of the learner had heard."""
        newest: Placement = other if other.decision > self.decision else self
        asked = dict(other.asked)
        for key, mine in self.asked.items():
            theirs = asked.get(key, Asking())
            asked[key] = mine if mine.refused or not theirs.refused else theirs
        told = self if self.enrolled or not other.enrolled else other
        return replace(
            self,
            learner_id=self.learner_id or other.learner_id,
            agency=self.agency or other.agency,
            host_node=self.host_node or other.host_node,
            cohort_id=self.cohort_id or other.cohort_id,
            cohort_title=told.cohort_title or other.cohort_title,
            programme=told.programme or other.programme,
            programme_version=told.programme_version or other.programme_version,
            jp=told.jp or other.jp,
            campus=told.campus or other.campus,
            asked=asked,
            waited=self.waited or other.waited,
            seated=self.seated or other.seated,
            enrolled=self.enrolled or other.enrolled,
            freed=self.freed or other.freed,
            withdrawn=self.withdrawn or other.withdrawn,
            withdrawal_reason=self.withdrawal_reason or other.withdrawal_reason,
            leaving_on=self.leaving_on or other.leaving_on,
            leaving_reason=self.leaving_reason or other.leaving_reason,
            completed=self.completed or other.completed,
            decision=newest.decision,
            outcome=newest.outcome,
            until=newest.until,
        ).reschedule(other.calendar_version, other.calendar)


def as_seen_from_abroad(enrolment: Enrolment, host_node: str) -> Placement:
    """Tell how an enrolment here looks to whoever is the learner's home from now on."""
    code, _, version = enrolment.programme_id.rpartition(".")
    return Placement(
        id=enrolment.id,
        learner_id=enrolment.learner_id,
        agency=enrolment.agency,
        host_node=host_node,
        cohort_id=enrolment.cohort_id,
        cohort_title=enrolment.cohort_title,
        programme=code,
        programme_version=int(version or 0),
        jp=enrolment.jp,
        waited=enrolment.waited,
        seated=enrolment.seated,
        enrolled=enrolment.seated,
        freed=enrolment.freed,
        withdrawn=enrolment.withdrawn,
        withdrawal_reason=enrolment.withdrawal_reason,
        calendar_version=enrolment.calendar_version,
        completed=enrolment.completed_revision > 0,
        decision=enrolment.decision,
        outcome=enrolment.outcome,
        until=enrolment.deferred_until,
    )
