"""A learner: the card, numbers and agencies over time, dates claimed and certificates held."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal, Self

from shared.events.enrolment import Employment, LearnerRecorded
from shared.events.plan import Period


@dataclass(frozen=True, slots=True)
class Card:
    """What a list tells of a person; blanks tell nothing."""

    nip: str
    name: str
    agency: str
    employment: Employment
    agency_name: str = ""
    position: str = ""
    position_level: str = ""
    email: str = ""
    phone: str = ""
    disability: bool | None = None
    duty_3t: bool | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Days on campus that a cohort holds for a learner, as one list asked.

    `given_back` are the lists that were refused, whether or not their claim ever came; `final`: the
    learner has left the cohort, and no list claims these days again.
    """

    cohort_id: str = ""
    roster_id: str = ""
    periods: tuple[Period, ...] = ()
    calendar_version: int = 0
    given_back: tuple[str, ...] = ()
    final: bool = False

    @property
    def released(self) -> bool:
        """Tell whether the days are free again."""
        return self.final or self.roster_id in self.given_back


@dataclass(frozen=True, slots=True)
class Held:
    """The newest certificate of one enrolment; it is live unless its revision was revoked."""

    programme: str = ""
    revision: int = 0
    valid_until: date | None = None
    revoked: int = 0

    def holds(self, on: date) -> bool:
        """Tell whether the certificate is live and valid on a day."""
        lasting = self.valid_until is None or self.valid_until >= on
        return self.revision > self.revoked and lasting


@dataclass(frozen=True, slots=True)
class Since:
    """What was so since a day: a number, or an agency."""

    what: str
    since: date


@dataclass(frozen=True, slots=True)
class Learner:
    """One person under one number; `linked` are the same person's other ids."""

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
    claims: dict[str, Claim] = field(default_factory=dict)
    certificates: dict[str, Held] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Tell whether anybody has told who this is."""
        return bool(self.nip)

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
            self.position, self.position_level, self.email, self.phone, self.active,
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
            active=self.active,
        )

    def claim(self, enrolment_id: str, wanted: Claim) -> Self:
        """Claim a cohort's days for a list, unless that list or the learner has given them back."""
        before = self.claims.get(enrolment_id, Claim())
        if before.final or wanted.roster_id in before.given_back or not wanted.periods:
            return self
        claimed = replace(wanted, given_back=before.given_back)
        return self._claiming(enrolment_id, claimed)

    def move_claim(self, enrolment_id: str, periods: Sequence[Period], version: int) -> Self:
        """Follow a cohort's newer calendar with a claim."""
        before = self.claims.get(enrolment_id)
        if before is None or before.calendar_version >= version:
            return self
        moved = replace(before, periods=tuple(periods), calendar_version=version)
        return self._claiming(enrolment_id, moved)

    def release(self, enrolment_id: str) -> Self:
        """Give days back for good, even if the claim arrives later."""
        before = self.claims.get(enrolment_id, Claim())
        return self._claiming(enrolment_id, replace(before, final=True))

    def release_for(self, enrolment_id: str, roster_id: str) -> Self:
        """Give back the days that one list claimed, even if its claim arrives later."""
        before = self.claims.get(enrolment_id, Claim())
        lists = tuple(sorted({*before.given_back, roster_id}))
        return self._claiming(enrolment_id, replace(before, given_back=lists))

    def _claiming(self, enrolment_id: str, claim: Claim) -> Self:
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
        )
        return taken.counted(self)

    def link(self, other: str) -> Self:
        """Note that another id is the same person."""
        return replace(self, linked=tuple(sorted({*self.linked, other})))


def certified(people: Iterable[Learner], programme: str, on: date) -> bool:
    """Tell whether a person, under any number, holds a programme's certificate on a day."""
    return any(
        held.programme == programme and held.holds(on)
        for person in people
        for held in person.certificates.values()
    )


def collides(people: Iterable[Learner], cohort_id: str, wanted: Sequence[Period]) -> bool:
    """Tell whether a person, under any number, has given one of these days to another cohort."""
    return any(
        taken.starts <= asked.ends and asked.starts <= taken.ends
        for person in people
        for claim in person.claims.values()
        if not claim.released and claim.cohort_id != cohort_id
        for taken in claim.periods
        for asked in wanted
    )
