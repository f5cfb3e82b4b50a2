"""Guests: people whom other nodes send to this one's cohorts, take back, link and move."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.enrolment.domain.roster import Letter, Nominee, examine
from services.enrolment.domain.traveller import Traveller, in_region
from services.enrolment.handlers.stating import left
from services.enrolment.ports import Rooms
from shared.events.enrolment import LearnerLinked
from shared.events.exchange import Nominated, NominationWithdrawn
from shared.events.fact import LearnerFact
from shared.kernel.clock import local_date
from shared.kernel.errors import Unprocessable
from shared.kernel.ids import derived, enrolment_id
from shared.kernel.values import replace

MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Reception:
    """What a node needs to receive people: its code, its private key, the pseudonyms, who may send."""

    node: str
    decrypt: Callable[[str], bytes]
    pseudonym: Callable[[str], str]
    sends: Callable[[str], bool]


def guest_list(home: str, list_id: str) -> str:
    """Tell the id that the host gives to a list of another node; both nodes can tell it."""
    return derived("guests", home, list_id)


async def take_nomination(reception: Reception, fact: Nominated, sender: str, work: Rooms) -> None:
    """Take one row of another node's list; the list is judged once all of its rows are there."""
    _vet(reception, fact, sender)
    if not in_region(fact.agency, sender):
        raise Unprocessable("not-their-agency", f"{fact.agency} is no agency of {sender}")
    if not 1 <= fact.of <= MOST_ROWS:
        raise Unprocessable("too-many-rows", f"a list has at most {MOST_ROWS} rows")
    cohort = await work.cohorts.of(fact.cohort_id)
    if cohort.status != "open":
        raise Unprocessable("cohort-not-open", f"cohort {fact.cohort_id} is not open")
    person = Traveller.read(reception.decrypt(fact.personal))
    if reception.pseudonym(person.nip) != fact.learner_id:
        raise Unprocessable("wrong-pseudonym", "the learner's id is not that of their number")
    today = local_date(fact.at, reception.node)
    (row,) = examine(
        [person.listed(fact.row)], today, lambda _: (fact.learner_id, fact.enrolment_id)
    )
    await _credit(reception, fact.learner_id, person, sender, fact.at, work)
    await _collect(fact, _as_told(row, fact), work)


def _as_told(row: Nominee, fact: Nominated) -> Nominee:
    """Keep whose row it is, even a faulty one: its home has to be told."""
    return replace(
        row,
        learner_id=fact.learner_id,
        enrolment_id=fact.enrolment_id,
        unit=row.unit or fact.agency_name,
    )


async def _credit(
    reception: Reception,
    learner_id: str,
    person: Traveller,
    sender: str,
    told_at: datetime,
    work: Rooms,
) -> None:
    """Note what the home vouches for: certificates, and who the person was under former numbers."""
    learner = await work.learners.of(learner_id)
    if learner.own:
        return
    learner = person.credited(learner).forget_again(told_at)
    for nip in person.former_nips:
        await work.learners.preload((other := reception.pseudonym(nip),))
        former = await work.learners.of(other)
        if former.home_node in {"", sender} and not former.own:
            learner = learner.link(other)
            work.learners.keep(former.link(learner_id))
    work.learners.keep(learner)


async def _collect(fact: Nominated, row: Nominee, work: Rooms) -> None:
    roster = await work.rosters.of(guest_list(fact.home_node, fact.list_id))
    cohort = await work.cohorts.of(fact.cohort_id)
    begun = replace(
        roster,
        cohort_id=cohort.id,
        agency=fact.agency,
        owner=cohort.owner,
        home_node=fact.home_node,
        agreement_id=fact.agreement_id,
        purpose=fact.purpose,
        legal_basis=fact.legal_basis,
    )
    letter = Letter(fact.letter_number, fact.letter_dated)
    work.rosters.keep(begun.collect(row, fact.of, letter, fact.at))


def _vet(reception: Reception, fact: Nominated | NominationWithdrawn, sender: str) -> None:
    """Refuse what its sender may not say, or what is meant for another host."""
    vet_sender(reception, fact, sender)
    expected = enrolment_id(fact.learner_id, fact.cohort_id, reception.node)
    if fact.host_node != reception.node or fact.enrolment_id != expected:
        raise Unprocessable("not-our-cohort", "it is about another node's cohort")


def vet_sender(reception: Reception, fact: LearnerFact, sender: str) -> None:
    """Refuse what is told of somebody else's learner, or by a node that reads along only."""
    _vet_home(fact, sender)
    if not reception.sends(sender):
        raise Unprocessable("auditor-nominates", f"{sender} reads along and sends nobody")


def _vet_home(fact: LearnerFact, sender: str) -> None:
    if fact.home_node != sender:
        raise Unprocessable("not-their-learner", f"{sender} is not the learner's home")


async def let_guest_go(
    reception: Reception, fact: NominationWithdrawn, sender: str, work: Rooms
) -> None:
    """Let a guest go whom their home takes back, seated, in line, or not heard of yet."""
    _vet(reception, fact, sender)
    enrolment = await work.enrolments.of(fact.enrolment_id)
    if enrolment.home_node not in {"", sender}:
        raise Unprocessable("not-their-learner", f"{sender} is not the learner's home any more")
    cohort = await work.cohorts.of(fact.cohort_id)
    if cohort.status != "open":
        raise Unprocessable("cohort-not-open", f"cohort {fact.cohort_id} is not open")
    programme = await work.programmes.get(cohort.programme_id)
    enrolment, leaves = enrolment.about(fact, cohort, programme).recall(fact.on, fact.reason)
    work.enrolments.keep(enrolment, [left(enrolment, fact.at)] if leaves else [])


async def link_guest(fact: LearnerLinked, sender: str, work: Rooms) -> None:
    """Know two ids as one guest, so that eligibility, dates and certificates are read together."""
    _vet_home(fact, sender)
    await work.learners.preload((fact.learner_id, fact.other_id))
    one, other = await work.learners.of(fact.learner_id), await work.learners.of(fact.other_id)
    for each in (one, other):
        if each.known and each.home_node != sender:
            raise Unprocessable("not-their-learner", f"{sender} is not the home of both")
    work.learners.keep(one.link(other.id))
    work.learners.keep(other.link(one.id))
