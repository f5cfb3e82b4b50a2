"""The dossier: all that was heard of one enrolment, and every certificate that came of it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.certification.domain.terms import Terms, read_terms, terms_of
from shared.events.enrolment import Enrolled, GraduationDecided, Outcome, Rescheduled, Withdrawn
from shared.events.plan import PlannedPhase
from shared.events.progress import ProgrammeCompleted
from shared.kernel.values import replace

State = Literal["live", "superseded", "revoked"]
Status = Literal[
    "open", "complete", "deferred", "not_graduated", "left", "withdrawn", "review", "revoked", "certified"
]  # fmt: skip
Story = Enrolled | Withdrawn | Rescheduled | ProgrammeCompleted | GraduationDecided


@dataclass(frozen=True)
class Calendar:
    """The first and last day of a cohort's periods; the higher version holds."""

    version: int
    at: datetime
    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True)
class Completion:
    """One revision of what a learner has achieved; `ended_at` is when the last phase was met."""

    revision: int
    at: datetime
    ended_at: datetime
    jp: int
    scores: dict[str, float]


@dataclass(frozen=True)
class Decision:
    """The organiser's decision on graduation; the higher number holds, and rests on a result."""

    number: int
    at: datetime
    outcome: Outcome
    decided_on: date
    signatory: str
    position: str
    result_revision: int = 0


@dataclass(frozen=True)
class Content:
    """What a certificate certifies; another content needs another certificate."""

    jp: int
    final_score: float | None
    predicate: str | None
    issued_on: date
    starts_on: date | None
    ends_on: date
    signatory: str
    position: str


@dataclass(frozen=True)
class Signature:
    """Who signed a certificate and when; `external_number` is a national registration, where asked."""

    signed_on: date
    signed_by: str
    external_number: str = ""


@dataclass(frozen=True)
class Certificate:
    """One revision of an enrolment's certificate.

    `at` tells as of when it names the learner, `cause` why it was issued where another came before.
    """

    revision: int
    number: str
    code: str
    at: datetime
    certified: Content
    cause: str = ""
    state: State = "live"
    supersedes: str | None = None
    superseded_by: str | None = None
    reason: str = ""
    ended_at: datetime | None = None
    signature: Signature | None = None


@dataclass(frozen=True)
class Unused:
    """A number that was taken by a work that broke off and never issued, so that no gap is silent."""

    revision: int
    number: str


@dataclass(frozen=True)
class Dossier:
    """One enrolment on its way to a certificate and beyond; `owner` is the agency whose own cohort it is.

    Its certificates follow from what was heard, in whatever order that was; `barred` says that a person
    revoked, so that only a person certifies again. `home_node` is where the learner's record is kept.
    """

    id: str
    learner_id: str = ""
    cohort_id: str = ""
    agency: str = ""
    home_node: str = ""
    owner: str = ""
    terms: str = ""
    calendar: Calendar | None = None
    completions: tuple[Completion, ...] = ()
    decision: Decision | None = None
    withdrawn_at: datetime | None = None
    status: Status = "open"
    review: str = ""
    barred: bool = False
    certificates: tuple[Certificate, ...] = ()
    unused: tuple[Unused, ...] = ()

    def hear(self, fact: Story) -> "Dossier":
        """Take in what was not known yet; the same dossier again where the fact tells nothing new."""
        match fact:
            case Enrolled():
                return self._hear_enrolled(fact)
            case Withdrawn():
                return self if self.withdrawn_at else self._naming(fact, withdrawn_at=fact.at)
            case Rescheduled():
                return self._hear_rescheduled(fact)
            case ProgrammeCompleted():
                return self._hear_completed(fact)
            case _:
                return self._hear_decided(fact)

    def _naming(self, fact: Story, **changes: object) -> "Dossier":
        """Note whom and what the dossier is about, from whichever fact comes first."""
        if not self.learner_id:
            changes |= {"learner_id": fact.learner_id}
        if not self.cohort_id:
            changes |= {
                "cohort_id": fact.plan.cohort_id if isinstance(fact, Enrolled) else fact.cohort_id
            }
        if not self.agency and not isinstance(fact, Rescheduled):
            changes |= {"agency": fact.agency}
        if not self.home_node and fact.home_node:
            changes |= {"home_node": fact.home_node}
        return replace(self, **changes)  # type: ignore[arg-type]  # each change is of its field's type

    def _hear_enrolled(self, fact: Enrolled) -> "Dossier":
        if self.terms:
            return self
        plan = fact.plan
        known = self.calendar
        if known is None or known.version < plan.calendar_version:
            starts, ends = _span(plan.phases)
            known = Calendar(plan.calendar_version, fact.at, starts, ends)
        return self._naming(
            fact,
            agency=fact.agency,
            home_node=fact.home_node,
            owner=plan.owner,
            terms=terms_of(plan),
            calendar=known,
        )

    def _hear_rescheduled(self, fact: Rescheduled) -> "Dossier":
        if self.calendar and self.calendar.version >= fact.calendar_version:
            return self
        starts = min((p.starts for phase in fact.calendar for p in phase.periods), default=None)
        ends = max((p.ends for phase in fact.calendar for p in phase.periods), default=None)
        return self._naming(fact, calendar=Calendar(fact.calendar_version, fact.at, starts, ends))

    def _hear_completed(self, fact: ProgrammeCompleted) -> "Dossier":
        if any(known.revision == fact.revision for known in self.completions):
            return self
        ended_at = max((phase.at for phase in fact.phases), default=fact.at)
        heard = Completion(fact.revision, fact.at, ended_at, fact.jp, dict(fact.scores))
        # Newest first: it counts, and an older one only where the newest no longer passes.
        known = tuple(sorted((*self.completions, heard), key=lambda each: -each.revision))
        return self._naming(fact, completions=known)

    def _hear_decided(self, fact: GraduationDecided) -> "Dossier":
        if self.decision and self.decision.number >= fact.decision:
            return self
        signatory = fact.signatory
        decision = Decision(
            fact.decision,
            fact.at,
            fact.outcome,
            fact.decided_on,
            signatory.name,
            signatory.position,
            fact.result_revision,
        )
        return self._naming(fact, decision=decision)

    @property
    def known_terms(self) -> Terms | None:
        """Tell the cohort's terms, once the enrolment is known."""
        return read_terms(self.terms) if self.terms else None

    @property
    def awaits_result(self) -> bool:
        """Tell whether no result is known, or not yet the one that graduation was decided on.

        A certificate of an older result would only be superseded by the one that is on its way.
        """
        decision = self.decision
        wanted = decision.result_revision if decision and decision.outcome == "graduated" else 0
        return not self.completions or self.completions[0].revision < wanted

    @property
    def live(self) -> Certificate | None:
        """Tell the one certificate that is live, signed or not."""
        if self.certificates and self.certificates[-1].state == "live":
            return self.certificates[-1]
        return None

    @property
    def next_revision(self) -> int:
        """Tell the revision that the next certificate gets."""
        taken = [each.revision for each in self.certificates]
        taken += [each.revision for each in self.unused]
        return max(taken, default=0) + 1

    @property
    def numbers(self) -> tuple[str, ...]:
        """Tell every number that this enrolment ever took."""
        issued = tuple(each.number for each in self.certificates)
        return issued + tuple(each.number for each in self.unused)


def _span(phases: tuple[PlannedPhase, ...]) -> tuple[date | None, date | None]:
    """Tell the first and the last day of all periods; none for an open cohort."""
    starts = min((period.starts for phase in phases for period in phase.periods), default=None)
    ends = max((period.ends for phase in phases for period in phase.periods), default=None)
    return starts, ends
