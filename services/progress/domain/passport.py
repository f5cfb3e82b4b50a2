"""A learner's passport: an entry for each enrolment, built from facts in any order."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Self

from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificateSuperseded,
    Certified,
)
from shared.events.enrolment import Enrolled, GraduationDecided, LearnerLinked, Outcome, Withdrawn
from shared.events.exchange import LearnerTransferred
from shared.events.plan import ProgrammeRef
from shared.events.progress import PhaseCompleted, ProgrammeCompleted
from shared.kernel.values import replace

Standing = Literal[
    "under-way", "completed", "certified", "draft", "revoked", "withdrawn", "graduated", "deferred",
    "not_graduated", "left",
]  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class PhaseEntry:
    """A phase that was completed, with its training hours."""

    phase: int
    jp: int
    at: datetime
    title: str = ""
    title_en: str = ""


@dataclass(frozen=True)
class Certificate:
    """One revision of an enrolment's certificate; one that `awaits_signature` is a draft until it has one."""

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

    @classmethod
    def of(cls, fact: Certified) -> "Certificate":
        """Take the certificate from the fact that states it."""
        return cls(
            revision=fact.revision,
            number=fact.number,
            kind=fact.kind,
            jp=fact.jp,
            issued_on=fact.issued_on,
            valid_until=fact.valid_until,
            final_score=fact.final_score,
            predicate=fact.predicate.title if fact.predicate else "",
            predicate_en=fact.predicate.title_en if fact.predicate else "",
            verify_url=str(fact.verify_url),
            awaits_signature=fact.awaits_signature,
        )


@dataclass(frozen=True)
class Entry:
    """What is known of one enrolment; `node` and `host_agency` tell who taught it.

    `ended` are the certificate revisions that are no longer live, `signed` those that awaited a signature
    and have one. `brought`: some of it was told by a home that the person had before.
    """

    enrolment_id: str
    programme: ProgrammeRef | None = None
    cohort_id: str = ""
    cohort_title: str = ""
    node: str = ""
    host_agency: str = ""
    jp: int = 0
    of: int = 0
    enrolled_at: datetime | None = None
    withdrawn_at: datetime | None = None
    phases: tuple[PhaseEntry, ...] = ()
    revision: int = 0
    completed_at: datetime | None = None
    decision: int = 0
    outcome: Outcome | None = None
    decided_on: date | None = None
    until: date | None = None
    certificates: tuple[Certificate, ...] = ()
    ended: tuple[int, ...] = ()
    signed: tuple[int, ...] = ()
    brought: bool = False

    @property
    def live(self) -> Certificate | None:
        """Tell the certificate that holds: the newest revision, unless it has ended or is a draft."""
        newest = self._newest
        return newest if newest and not self._is_draft(newest) else None

    @property
    def draft(self) -> Certificate | None:
        """Tell the certificate that will hold once it is signed."""
        newest = self._newest
        return newest if newest and self._is_draft(newest) else None

    @property
    def _newest(self) -> Certificate | None:
        newest = self.certificates[-1] if self.certificates else None
        return newest if newest and newest.revision not in self.ended else None

    def _is_draft(self, certificate: Certificate) -> bool:
        return certificate.awaits_signature and certificate.revision not in self.signed

    @property
    def standing(self) -> Standing:
        """Tell in one word how far this enrolment came."""
        if self.certificates:
            return "certified" if self.live else "draft" if self.draft else "revoked"
        if self.withdrawn_at:
            return "withdrawn"
        if self.outcome:
            return self.outcome
        return "completed" if self.completed_at else "under-way"


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """The person's record moved from one home node to another."""

    at: datetime
    home: str
    to: str


@dataclass(frozen=True)
class Passport:
    """One learner's training record under one pseudonym; `linked` are others of the same person."""

    id: str
    linked: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    moves: tuple[Move, ...] = ()

    @property
    def home(self) -> str:
        """Tell the node that the person moved to last; "" for one who never moved."""
        return self.moves[-1].to if self.moves else ""

    def next_home(self, node: str) -> str:
        """Tell where this node's person has moved to; "" for whom it need not tell of."""
        last = self.moves[-1] if self.moves else None
        return last.to if last and last.home == node != last.to else ""

    def came_from(self, node: str) -> bool:
        """Tell whether this node was the person's home before."""
        return any(move.home == node for move in self.moves)

    def entry(self, enrolment_id: str) -> Entry:
        """Tell the entry of an enrolment, blank where nothing is known of it."""
        found = (each for each in self.entries if each.enrolment_id == enrolment_id)
        return next(found, Entry(enrolment_id))

    @property
    def jp_by_enrolment(self) -> dict[str, int]:
        """Tell the training hours certified by enrolment."""
        return {each.enrolment_id: each.live.jp for each in self.entries if each.live}

    def keep(self, entry: Entry) -> Self:
        """Put an entry in its place."""
        others = [each for each in self.entries if each.enrolment_id != entry.enrolment_id]
        entries = sorted((*others, entry), key=lambda each: each.enrolment_id)
        return replace(self, entries=tuple(entries))

    def enrolled(self, fact: Enrolled) -> Self:
        """Note an enrolment with its plan."""
        plan = fact.plan
        entry = replace(
            self.entry(fact.enrolment_id),
            programme=plan.programme,
            cohort_id=plan.cohort_id,
            cohort_title=plan.cohort_title,
            node=plan.host_node,
            host_agency=plan.host_agency,
            jp=plan.total_jp,
            of=len(plan.phases),
            enrolled_at=fact.at,
        )
        return self.keep(entry)

    def withdrawn(self, fact: Withdrawn) -> Self:
        """Note that the learner has left."""
        entry = _told_of_cohort(self.entry(fact.enrolment_id), fact)
        first = min(entry.withdrawn_at or fact.at, fact.at)
        return self.keep(replace(entry, withdrawn_at=first))

    def phase_completed(self, fact: PhaseCompleted) -> Self:
        """Note a phase, once."""
        entry = self.entry(fact.enrolment_id)
        if any(each.phase == fact.phase for each in entry.phases):
            return self
        entry = _told_of_cohort(entry, fact, fact.programme)
        done = PhaseEntry(fact.phase, fact.jp, fact.at, fact.title, fact.title_en)
        phases = sorted((*entry.phases, done))
        return self.keep(replace(entry, of=entry.of or fact.of, phases=tuple(phases)))

    def programme_completed(self, fact: ProgrammeCompleted) -> Self:
        """Note completion; the higher revision holds."""
        entry = self.entry(fact.enrolment_id)
        if fact.revision <= entry.revision:
            return self
        return self.keep(
            replace(
                _told_of_cohort(entry, fact, fact.programme),
                jp=entry.jp or fact.jp,
                of=entry.of or len(fact.phases),
                revision=fact.revision,
                completed_at=max(each.at for each in fact.phases),
            )
        )

    def decided(self, fact: GraduationDecided) -> Self:
        """Note the decision on graduation; the higher number holds."""
        entry = self.entry(fact.enrolment_id)
        if fact.decision <= entry.decision:
            return self
        return self.keep(
            replace(
                _told_of_cohort(entry, fact),
                decision=fact.decision,
                outcome=fact.outcome,
                decided_on=fact.decided_on,
                until=fact.until,
            )
        )

    def certified(self, fact: Certified) -> Self:
        """Note a certificate, each revision once."""
        entry = self.entry(fact.enrolment_id)
        if any(each.revision == fact.revision for each in entry.certificates):
            return self
        certificates = (*entry.certificates, Certificate.of(fact))
        return self.keep(
            replace(
                _told_of_cohort(entry, fact, fact.programme),
                node=fact.host_node,
                host_agency=fact.host_agency,
                certificates=tuple(sorted(certificates, key=lambda each: each.revision)),
            )
        )

    def signed(self, fact: CertificateSigned) -> Self:
        """Note that a revision of a certificate is signed."""
        entry = self.entry(fact.enrolment_id)
        if fact.revision in entry.signed:
            return self
        signed = tuple(sorted((*entry.signed, fact.revision)))
        return self.keep(replace(_told_of_cohort(entry, fact, fact.programme), signed=signed))

    def ended(self, fact: CertificateSuperseded | CertificateRevoked) -> Self:
        """Note that a revision of a certificate is no longer live."""
        entry = self.entry(fact.enrolment_id)
        if fact.revision in entry.ended:
            return self
        ended = tuple(sorted((*entry.ended, fact.revision)))
        programme = entry.programme or fact.programme
        return self.keep(replace(entry, programme=programme, ended=ended))

    def link(self, fact: LearnerLinked) -> Self:
        """Note that another pseudonym is the same person."""
        if fact.other_id in self.linked:
            return self
        return replace(self, linked=tuple(sorted((*self.linked, fact.other_id))))

    def move(self, fact: LearnerTransferred) -> Self:
        """Note that the person's record moves to another home."""
        move = Move(fact.at, fact.home_node, fact.to_node)
        if move in self.moves:
            return self
        return replace(self, moves=tuple(sorted((*self.moves, move))))

    def taught_at(self, enrolment_id: str, node: str) -> Self:
        """Note who teaches an enrolment that has not told so itself yet."""
        entry = self.entry(enrolment_id)
        return self if entry.node else self.keep(replace(entry, node=node))


def _told_of_cohort(
    entry: Entry,
    fact: Withdrawn
    | PhaseCompleted
    | ProgrammeCompleted
    | GraduationDecided
    | Certified
    | CertificateSigned,
    programme: ProgrammeRef | None = None,
) -> Entry:
    """Fill in what is not known yet; the enrolment's own word holds, whenever it comes."""
    return replace(
        entry,
        programme=entry.programme or programme,
        cohort_id=entry.cohort_id or fact.cohort_id,
        cohort_title=entry.cohort_title or fact.cohort_title,
    )
