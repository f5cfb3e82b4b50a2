"""An enrolment: one learner in one cohort, from the seat to the certificate."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol, Self

from services.enrolment.domain.cohort import Cohort
from services.enrolment.domain.programme import Programme
from shared.events.enrolment import Outcome
from shared.events.plan import Issue
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.values import replace

Status = Literal["", "waitlisted", "released", "enrolled", "withdrawn"]


class Somebody(Protocol):
    """Whatever tells whose place it is about: a fact, a place, a request."""

    @property
    def learner_id(self) -> str:
        """Tell the learner."""
        ...

    @property
    def agency(self) -> str:
        """Tell who nominated them."""
        ...

    @property
    def home_node(self) -> str:
        """Tell their home."""
        ...


@dataclass(frozen=True)
class Enrolment:
    """One learner's story in one cohort; `owner` is the agency whose own cohort it is, or "": the node.

    `waited`, `seated`, `freed` and `withdrawn` are what was ever heard, so that the order of hearing
    does not matter; `status` follows from them. `recalled`: a guest's home took them back before the
    place was heard of.
    """

    id: str
    learner_id: str = ""
    cohort_id: str = ""
    cohort_title: str = ""
    agency: str = ""
    home_node: str = ""
    owner: str = ""
    roster_id: str = ""
    programme_id: str = ""
    issue: Issue | Literal[""] = ""
    jp: int = 0
    status: Status = ""
    waited: bool = False
    seated: bool = False
    freed: bool = False
    withdrawn: bool = False
    withdrawn_on: date | None = None
    withdrawal_reason: str = ""
    recalled: bool = False
    calendar_version: int = 0
    completed_revision: int = 0
    completed_jp: int = 0
    decision: int = 0
    outcome: Outcome | None = None
    deferred_until: date | None = None

    def about(self, one: Somebody, cohort: Cohort, programme: Programme) -> Self:
        """Take over whom and what the enrolment is about; a home once known changes by transfer only."""
        return replace(
            self,
            learner_id=one.learner_id,
            agency=one.agency,
            owner=cohort.owner,
            home_node=self.home_node or one.home_node,
            cohort_id=cohort.id,
            cohort_title=cohort.content.title,
            programme_id=programme.id,
            issue=programme.content.rules.issue,
            jp=programme.jp,
        )

    def wait(self) -> Self:
        """Note that the learner was put in line."""
        return replace(self, waited=True).settled()

    def take_seat(self, calendar_version: int) -> tuple[Self, bool]:
        """Note the seat; tell whether that enrols the learner now."""
        if self.seated:
            return self, False
        taken = replace(self, seated=True, calendar_version=calendar_version)
        return taken.settled(), not self.withdrawn

    def by_list(self, roster_id: str) -> Self:
        """Note which list, if any, enrolled the learner without a seat."""
        return replace(self, roster_id=roster_id)

    def free(self) -> Self:
        """Note that seat or place in line is gone."""
        return replace(self, freed=True).settled()

    def withdraw(self, on: date, reason: str) -> tuple[Self, bool]:
        """Let the learner leave for good; tell whether they leave now."""
        if self.withdrawn:
            return self, False
        if self.status not in {"enrolled", "waitlisted"}:
            raise Conflict("not-enrolled", "there is nothing to withdraw from")
        if self.completed:
            raise Conflict("already-completed", "who has completed the programme cannot leave it")
        left = replace(self, withdrawn=True, withdrawn_on=on, withdrawal_reason=reason)
        return left.settled(), True

    def recall(self, on: date, reason: str) -> tuple[Self, bool]:
        """Let a guest's home take them back, placed already or not; tell whether they leave now."""
        if self.withdrawn or self.completed:
            return self, False
        early = not (self.waited or self.seated)
        left = replace(
            self, withdrawn=True, withdrawn_on=on, withdrawal_reason=reason, recalled=early
        )
        return left.settled(), True

    @property
    def recalled_early(self) -> bool:
        """Tell whether the cohort may give a place to somebody who was taken back before it did."""
        return self.recalled and not (self.waited or self.seated)

    @property
    def completed(self) -> bool:
        """Tell whether it is too late to leave."""
        return self.outcome == "graduated" or (
            self.issue == "automatic" and self.completed_revision > 0
        )

    @property
    def under_way(self) -> bool:
        """Tell whether the learner still waits or learns, or may come back after a deferral."""
        over = self.completed or self.outcome in {"not_graduated", "left"}
        return self.status in {"enrolled", "waitlisted"} and not over

    def rehome(self, home_node: str) -> Self:
        """Note the learner's new home."""
        return replace(self, home_node=home_node)

    def settled(self) -> Self:
        """Let the status follow from what was heard."""
        status: Status = ""
        if self.withdrawn:
            status = "withdrawn"
        elif self.seated:
            status = "enrolled"
        elif self.freed:
            status = "released"
        elif self.waited:
            status = "waitlisted"
        return replace(self, status=status)

    def reschedule(self, version: int) -> tuple[Self, bool]:
        """Take a newer calendar; tell whether an enrolled learner has to hear of it."""
        if version <= self.calendar_version:
            return self, False
        return replace(self, calendar_version=version), self.status == "enrolled"

    def complete(self, revision: int, jp: int) -> Self:
        """Note that every phase is completed, in the newest revision."""
        if revision <= self.completed_revision:
            return self
        return replace(self, completed_revision=revision, completed_jp=jp)

    def decide(self, decision: int, outcome: Outcome, until: date | None) -> Self:
        """Note the newest graduation decision."""
        if decision <= self.decision:
            return self
        return replace(self, decision=decision, outcome=outcome, deferred_until=until)

    def why_not(self, cohort_id: str, outcome: Outcome) -> str | None:
        """Tell why the cohort cannot decide this on graduation, if so."""
        if self.cohort_id != cohort_id or not self.seated:
            return "unknown-enrolment"
        if self.status == "withdrawn" and outcome != "left":
            return "withdrawn"
        if outcome == "graduated" and not self.completed_revision:
            return "not-completed"
        return None


def guard_day(on: date, today: date) -> None:
    """Refuse a day that has not come."""
    if on > today:
        raise Invalid("from-the-future", "this day has not come yet")
