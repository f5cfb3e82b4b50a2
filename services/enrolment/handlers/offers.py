"""Offers between nodes: made and taken back here, heard from others, adopted."""

from datetime import datetime

from services.enrolment.domain.cohort import Cohort
from services.enrolment.domain.cohort.offer import GuestTerms
from services.enrolment.domain.offered import offered_id
from services.enrolment.domain.programme import Programme, programme_id
from services.enrolment.handlers.rosters import Today
from services.enrolment.handlers.stating import cohort_offered
from services.enrolment.ports import Rooms
from shared.events.offers import CohortOffered, ProgrammeOffered
from shared.kernel.errors import Conflict, Invalid


async def offer_programme(key: str, node: str, now: datetime, work: Rooms) -> Programme:
    """Offer a published programme to every node; offering it again tells nothing new."""
    before = await work.programmes.get(key)
    return _tell(before, before.put_on_offer(), node, now, work)


async def take_back_programme(key: str, node: str, now: datetime, work: Rooms) -> Programme:
    """Offer a programme no longer; whoever adopted it keeps their copy."""
    before = await work.programmes.get(key)
    return _tell(before, before.take_back(), node, now, work)


def _tell(
    before: Programme, programme: Programme, node: str, now: datetime, work: Rooms
) -> Programme:
    fact = ProgrammeOffered(
        at=now,
        node=node,
        code=programme.code,
        version=programme.ref.version,
        offer=programme.offer,
        open=programme.offered,
        syllabus=programme.content if programme.offered else None,
        origin=programme.origin,
    )
    work.programmes.keep(programme, [fact] if programme.offer > before.offer else [])
    return programme


async def offer_cohort(cohort_id: str, terms: GuestTerms, today: Today, work: Rooms) -> Cohort:
    """Offer a cohort to every node; on the same terms and dates again it tells nothing new."""
    before = await work.cohorts.get(cohort_id)
    programme = await work.programmes.of(before.programme_id)
    if terms.nominations_until < today.day:
        raise Invalid("nominations-until-past", "the last day to nominate is over")
    cites = []
    for key in terms.agreements:
        agreement = await work.agreements.of(key)
        if reason := agreement.why_not((today.node,), programme.code, today.day):
            raise Invalid(reason, f"agreement {key} does not admit guests to this programme")
        cites.append(agreement.content.number)
    cohort = before.put_on_offer(terms, tuple(cites))
    facts = [cohort_offered(cohort, programme, today.now)]
    work.cohorts.keep(cohort, facts if cohort.offer.number > before.offer.number else [])
    return cohort


async def take_back_cohort(cohort_id: str, now: datetime, work: Rooms) -> Cohort:
    """Take no nominations of other nodes any more; guests who are in stay in."""
    before = await work.cohorts.get(cohort_id)
    programme = await work.programmes.of(before.programme_id)
    cohort = before.take_back_offer()
    told = cohort.offer.number > before.offer.number
    work.cohorts.keep(cohort, [cohort_offered(cohort, programme, now)] if told else [])
    return cohort


async def note_offered_programme(fact: ProgrammeOffered, work: Rooms) -> None:
    """Know which programme another node offers, so that it can be adopted."""
    offered = await work.offered_programmes.of(offered_id(fact.node, fact.subject))
    work.offered_programmes.keep(offered.hear(fact))


async def note_offered_cohort(fact: CohortOffered, work: Rooms) -> None:
    """Know which cohort another node offers, so that people can be nominated to it."""
    offered = await work.offered_cohorts.of(offered_id(fact.node, fact.cohort_id))
    work.offered_cohorts.keep(offered.hear(fact))


async def adopt_programme(offer: str, as_version: int, owner: str, work: Rooms) -> Programme:
    """Draft a copy of an offered programme that cites its origin; the same adoption again changes nothing."""
    offered = await work.offered_programmes.get(offer)
    key = programme_id(offered.content.code, as_version)
    programme = await work.programmes.of(key)
    if programme.status:
        if programme.origin != offered.origin:
            raise Conflict("version-taken", f"{key} is another programme; adopt it as a later one")
        return programme
    programme = programme.adopt(offered.syllabus(), offered.origin, owner)
    work.programmes.keep(programme)
    return programme
