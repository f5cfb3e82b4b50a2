"""The learner as one aggregate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Self

from services.enrolment.domain.learner.values import Card, Claim, Held, Since
from shared.events.enrolment import Employment, LearnerRecorded
from shared.events.exchange import LearnerTransferred
from shared.events.plan import Period
from shared.kernel.values import replace


@dataclass(frozen=True)
class Learner:
    """One person under one number; `linked` are the same person's other ids.

    `home_node` is "" for one of our own, else the node whose guest this is, or to which the person has
    moved (`moved_to`), known since `home_since` where a transfer told. `hosts` have the person as a guest.
    The newest erasure was asked for at `erasure_asked` on a legal basis, and done at `erased_at`.
    """

    id: str
    nip: str = ""
    former_nips: tuple[str, ...] = ()
    name: str = ""
    agency: str = ""
    agency_name: str = ""
    employment: Employment | Literal[""] = ""
    position: str = ""
    position_level: str = ""
    email: str = ""
    phone: str = ""
    disability: bool = False
    duty_3t: bool = False
    active: bool = True
    card_version: int = 0
    numbers: tuple[Since, ...] = ()
    agencies: tuple[Since, ...] = ()
    linked: tuple[str, ...] = ()
    moving_to: str = ""
    moving_nip: str = ""
    moving_since: date | None = None
    moving_employment: Employment | Literal[""] = ""
    replaced_by: str = ""
    home_node: str = ""
    home_since: datetime | None = None
    moved_to: str = ""
    moved_by: LearnerTransferred | None = None
    hosts: tuple[str, ...] = ()
    claims: dict[str, Claim] = field(default_factory=dict)
    certificates: dict[str, Held] = field(default_factory=dict)
    erasure_basis: str = ""
    erasure_asked: datetime | None = None
    erasure_due: bool = False
    erased_at: datetime | None = None

    @property
    def known(self) -> bool:
        """Tell whether anybody has told who this is."""
        return bool(self.nip)

    @property
    def own(self) -> bool:
        """Tell whether this is one of the node's own people."""
        return self.known and not self.home_node

    @property
    def told_here(self) -> bool:
        """Tell whether other nodes tell this one about the person: its own, or once its own."""
        named = self.known or self.erased_at is not None
        return named and (not self.home_node or bool(self.moved_to))

    def erased_since(self, told_at: datetime | None) -> bool:
        """Tell whether what was told at an instant was told before an erasure, and so holds no longer."""
        asked = self.erasure_asked
        return asked is not None and told_at is not None and told_at <= asked

    def ask_erasure(self, basis: str, at: datetime) -> Self:
        """Note that the personal data must go, on a legal basis; an older request changes nothing."""
        if self.erased_since(at):
            return self
        return replace(self, erasure_basis=basis, erasure_asked=at, erasure_due=True)

    def forget_again(self, told_at: datetime) -> Self:
        """Note that something told before an erasure came after it, and has to go as well."""
        return replace(self, erasure_due=True) if self.erased_since(told_at) else self

    def erase(self, basis: str, asked: datetime, now: datetime) -> Self:
        """Blank all that is personal, once for each request; the pseudonym with its dates and certificates stays."""
        if self.erased_at and self.erased_at >= asked:
            return self
        return replace(
            self,
            nip="",
            former_nips=(),
            name="",
            agency_name="",
            employment="",
            position="",
            position_level="",
            email="",
            phone="",
            disability=False,
            duty_3t=False,
            active=False,
            numbers=(),
            agencies=(),
            erasure_basis=basis,
            erasure_asked=max(asked, self.erasure_asked or asked),
            erased_at=max(asked, now),
        )

    def erased(self) -> Self:
        """Note that nothing of the erasure is left to do."""
        return replace(self, erasure_due=False)

    def same_person(self, others: "Iterable[Learner]") -> "list[Learner]":
        """Tell which of the linked ids may be believed: those that the same node has told of."""
        return [each for each in others if not each.known or each.home_node == self.home_node]

    def visit(self, host: str) -> Self:
        """Note a node that has the person as a guest from now on."""
        return replace(self, hosts=tuple(sorted({*self.hosts, host})))

    def welcome(self, home: str) -> Self:
        """Note whose guest the person is; what a transfer told stands."""
        return self if self.home_since else replace(self, home_node=home)

    def rehome(self, home: str, at: datetime) -> Self:
        """Note the newest home that a transfer told."""
        if self.home_since and self.home_since >= at:
            return self
        return replace(self, home_node=home, home_since=at)

    def move_away(self, move: LearnerTransferred) -> Self:
        """Note that the person is another node's from now on; the card rests."""
        return replace(
            self, home_node=move.to_node, home_since=move.at, moved_to=move.to_node, moved_by=move
        ).counted(self)

    def record(self, card: Card, on: date) -> Self:
        """Take what a list tells of an active person; blanks leave what the same agency told before.

        How to reach a person and what they declared is not handed to another agency that lists their
        number, and 3T follows the duty station.
        """
        moved = not self.agencies or self.agencies[-1].what != card.agency
        told = replace(self, email="", phone="", disability=False, duty_3t=False) if moved else self
        recorded = replace(
            self,
            nip=card.nip,
            name=card.name,
            agency=card.agency,
            agency_name=card.agency_name or ("" if moved else self.agency_name),
            employment=card.employment,
            position=card.position or self.position,
            position_level=card.position_level or self.position_level,
            email=card.email or told.email,
            phone=card.phone or told.phone,
            disability=told.disability if card.disability is None else card.disability,
            duty_3t=told.duty_3t if card.duty_3t is None else card.duty_3t,
            active=True,
            numbers=self.numbers or (Since(card.nip, on),),
            agencies=(*self.agencies, Since(card.agency, on)) if moved else self.agencies,
        )
        return recorded.counted(self)

    def leave(self) -> Self:
        """Note that the person works here no longer."""
        return replace(self, active=False).counted(self)

    def counted(self, before: "Learner") -> Self:
        """Raise the card's version if the card is another one than before."""
        same = self.card_fields() == before.card_fields()
        return self if same else replace(self, card_version=before.card_version + 1)

    def card_fields(self) -> tuple[object, ...]:
        """Tell what the card shows, apart from its version."""
        return (
            self.nip, self.former_nips, self.name, self.agency, self.agency_name, self.employment,
            self.position, self.position_level, self.email, self.phone, self.active, self.home_node,
            self.moved_to,
        )  # fmt: skip

    def stated_since(self, before: "Learner", at: datetime) -> list[LearnerRecorded]:
        """Tell the card that has to be stated, if it is a newer one."""
        return [self.card(at)] if self.card_version > before.card_version else []

    def card(self, at: datetime) -> LearnerRecorded:
        """Tell the card as others hear it."""
        return LearnerRecorded(
            learner_id=self.id,
            at=at,
            version=self.card_version,
            nip=self.nip,
            former_nips=self.former_nips,
            name=self.name,
            agency=self.agency,
            agency_name=self.agency_name,
            employment=self.employment or "PNS",
            position=self.position,
            position_level=self.position_level,
            email=self.email,
            phone=self.phone,
            active=self.active and not self.moved_to,
            home_node=self.home_node,
        )

    def claim(self, enrolment_id: str, wanted: Claim) -> Self:
        """Claim a cohort's days for a list, unless that list or the learner has given them back."""
        before = self.claims.get(enrolment_id, Claim())
        if before.final or wanted.roster_id in before.given_back or not wanted.periods:
            return self
        claimed = replace(wanted, given_back=before.given_back)
        return self.claiming(enrolment_id, claimed)

    def move_claim(self, enrolment_id: str, periods: Sequence[Period], version: int) -> Self:
        """Follow a cohort's newer calendar with a claim."""
        before = self.claims.get(enrolment_id, Claim())
        # What was given back before it was ever claimed has no days to move.
        if not before.cohort_id or before.calendar_version > version:
            return self
        moved = replace(before, periods=tuple(periods), calendar_version=version)
        return self.claiming(enrolment_id, moved)

    def release(self, enrolment_id: str) -> Self:
        """Give days back for good, even if the claim arrives later."""
        before = self.claims.get(enrolment_id, Claim())
        return self.claiming(enrolment_id, replace(before, final=True))

    def release_for(self, enrolment_id: str, roster_id: str) -> Self:
        """Give back the days that one list claimed, even if its claim arrives later."""
        before = self.claims.get(enrolment_id, Claim())
        lists = tuple(sorted({*before.given_back, roster_id}))
        return self.claiming(enrolment_id, replace(before, given_back=lists))

    def claiming(self, enrolment_id: str, claim: Claim) -> Self:
        """Hold this claim in place of the one before."""
        if self.claims.get(enrolment_id) == claim:
            return self
        return replace(self, claims={**self.claims, enrolment_id: claim})

    def certify(self, enrolment_id: str, newest: Held) -> Self:
        """Note a certificate, unless a newer one of the same enrolment is known."""
        before = self.certificates.get(enrolment_id, Held())
        if newest.revision <= before.revision:
            return self
        held = replace(newest, revoked=before.revoked)
        return replace(self, certificates={**self.certificates, enrolment_id: held})

    def revoke(self, enrolment_id: str, revision: int) -> Self:
        """Note that a certificate of this revision is not live any more."""
        before = self.certificates.get(enrolment_id, Held())
        if revision <= before.revoked:
            return self
        held = replace(before, revoked=revision)
        return replace(self, certificates={**self.certificates, enrolment_id: held})

    def move(self, new_id: str, nip: str, employment: Employment, since: date) -> Self:
        """Note that the person has got another number, before its card is made."""
        return replace(
            self,
            moving_to=new_id,
            moving_nip=nip,
            moving_since=since,
            moving_employment=employment,
        )

    def rest(self) -> Self:
        """Note that the newer number has taken over."""
        return replace(
            self,
            moving_to="",
            moving_nip="",
            moving_since=None,
            moving_employment="",
            replaced_by=self.moving_to,
            active=False,
        ).link(self.moving_to)

    def taken_over(self, old: "Learner", since: date) -> Self:
        """Take over the person of an older number, apart from claims and certificates."""
        taken = replace(
            self,
            nip=old.moving_nip,
            former_nips=(*old.former_nips, old.nip),
            name=old.name,
            agency=old.agency,
            agency_name=old.agency_name,
            employment=old.moving_employment,
            position=old.position,
            position_level=old.position_level,
            email=old.email,
            phone=old.phone,
            disability=old.disability,
            duty_3t=old.duty_3t,
            active=True,
            numbers=(*old.numbers, Since(old.moving_nip, since)),
            agencies=old.agencies,
            linked=tuple(sorted({*self.linked, *old.linked, old.id})),
            hosts=tuple(sorted({*self.hosts, *old.hosts})),
        )
        return taken.counted(self)

    def link(self, other: str) -> Self:
        """Note that another id is the same person."""
        return replace(self, linked=tuple(sorted({*self.linked, other})))
