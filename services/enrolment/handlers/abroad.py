"""Lists for cohorts of other nodes: drafted, sent row by row, and taken back.

A row passes the learner (card and days), then the list (which rows go, once and for all), then the
placement, which states the nomination. Sending again after a crash states nothing twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from services.enrolment.domain.agreements import Agreement, cited, in_force
from services.enrolment.domain.cohort import ALREADY_IN
from services.enrolment.domain.cohort.offer import OFFER_CLOSED
from services.enrolment.domain.cohort.seats import LEFT_EARLIER
from services.enrolment.domain.judging import HOME_ELSEWHERE, Terms, shortcomings
from services.enrolment.domain.learner import Claim, Learner
from services.enrolment.domain.offered import OfferedCohort, offered_id
from services.enrolment.domain.placement import Placement
from services.enrolment.domain.roster import ERASED, Nominee, Result, Roster
from services.enrolment.domain.traveller import abroad, in_region
from services.enrolment.handlers.cohorts import CHUNK
from services.enrolment.handlers.guests import guest_list
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.rosters import Nomination, Today
from services.enrolment.ports import Rooms, Works
from shared.events.enrolment import NominationRefused
from shared.events.exchange import Nominated, NominationWithdrawn
from shared.events.fact import Fact
from shared.events.offers import CohortOffered
from shared.events.plan import Period
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.ids import enrolment_id
from shared.kernel.values import replace


async def draft_roster_abroad(
    roster_id: str, host: str, nomination: Nomination, today: Today, work: Rooms
) -> Roster:
    """Draft a list of one of our agencies for a cohort that another node offers."""
    offered = await work.offered_cohorts.get(offered_id(host, nomination.cohort_id))
    if host == today.node or _closed(offered, today.day):
        raise Conflict("offer-closed", f"{host} takes no nominations for this cohort any more")
    if not in_region(nomination.agency, today.node):
        raise Invalid("not-our-agency", f"{nomination.agency} is no agency of {today.node}")
    roster = await work.rosters.of(roster_id)
    roster = roster.draft(nomination.cohort_id, nomination.agency, nomination.rows, today.now)
    roster = replace(roster, host_node=host)
    work.rosters.keep(roster)
    return roster


def _closed(offered: OfferedCohort, on: date) -> bool:
    return not offered.open or offered.content.nominations_until < on


@dataclass(frozen=True, slots=True)
class _Offer:
    """What rows are checked by; `against` are the reasons that stand against every row."""

    told: CohortOffered
    terms: Terms
    agreement: Agreement | None
    against: tuple[str, ...]


async def send_roster(roster_id: str, today: Today, works: Works) -> Roster:
    """Check an endorsed list by what its home can know, and nominate the rest to the host."""
    roster = await works.run(lambda work: work.rosters.get(roster_id))
    if roster.status == "endorsed":
        offer = await works.run(partial(_look_up, roster, today))
        refused: dict[int, Result] = {}
        for start in range(0, len(roster.rows), CHUNK):
            chunk = roster.rows[start : start + CHUNK]
            refused |= await patiently(works, partial(_check_some, roster, chunk, offer, today))
        roster = await patiently(works, partial(_decide, roster.id, refused, offer, today))
    if roster.status == "sending":
        offer = await works.run(partial(_look_up, roster, today))
        for start in range(0, len(roster.rows), CHUNK):
            chunk = roster.rows[start : start + CHUNK]
            await patiently(works, partial(_tell_some, roster, chunk, offer, today))
        roster = await patiently(works, partial(_finish, roster.id, today))
    return roster


async def _look_up(roster: Roster, today: Today, work: Rooms) -> _Offer:
    offered = await work.offered_cohorts.get(offered_id(roster.host_node, roster.cohort_id))
    told = offered.content
    agreements = cited(await work.agreements.find({}), told.agreements)
    agreed = in_force(agreements, roster.host_node, today.node, told.programme.code, today.day)
    closed = (OFFER_CLOSED,) if _closed(offered, today.day) else ()
    missing = (agreed,) if isinstance(agreed, str) else ()
    agreement = None if isinstance(agreed, str) else agreed
    return _Offer(told, _terms(told, today.day), agreement, closed + missing)


def _terms(offer: CohortOffered, today: date) -> Terms:
    periods = {each.phase: each.periods for each in offer.calendar}
    days = [period.starts for each in periods.values() for period in each]
    return Terms(
        cohort_id=abroad(offer.cohort_id, offer.node),
        code=offer.programme.code,
        eligible=offer.eligible,
        prerequisites=offer.prerequisites,
        residential=_days_on_campus(offer, periods),
        on=min(days, default=today),
    )


def _days_on_campus(
    offer: CohortOffered, periods: Mapping[int, Sequence[Period]]
) -> tuple[Period, ...]:
    return tuple(
        Period(starts=each.starts, ends=each.ends)
        for phase in offer.residential
        for each in periods.get(phase, ())
    )


async def _check_some(
    roster: Roster, chunk: Sequence[Nominee], offer: _Offer, today: Today, work: Rooms
) -> dict[int, Result]:
    """Record the cards of a chunk's learners, tell who cannot go, claim the days of who can."""
    refused = {each.row: result for each in chunk if (result := roster.stands(each))}
    asking = [each for each in chunk if each.row not in refused]
    await work.learners.preload(each.learner_id for each in asking)
    linked = [key for each in asking for key in (await work.learners.of(each.learner_id)).linked]
    await work.learners.preload(linked)
    for each in asking:
        before = await work.learners.of(each.learner_id)
        learner = before
        erased = before.erased_since(roster.drafted_at)
        if not before.replaced_by and not before.home_node and not erased:
            learner = before.record(each.card(roster.agency, ""), today.day)
        held = await _held(learner, offer.told, work)
        reasons = (
            ((ERASED,) if erased else ())
            + offer.against
            + await _reasons(learner, offer.terms, work)
        )
        if not reasons and not held:
            days, version = tuple(offer.terms.residential), offer.told.calendar_version
            list_id = guest_list(today.node, roster.id)
            claim = Claim(offer.terms.cohort_id, list_id, days, version)
            learner = learner.claim(each.enrolment_id, claim).visit(roster.host_node)
        elif held:
            refused[each.row] = Result("refused", (held,))
        else:
            refused[each.row] = Result("refused", reasons, told=True)
        work.learners.keep(learner, learner.stated_since(before, today.now))
    return refused


async def _reasons(learner: Learner, terms: Terms, work: Rooms) -> tuple[str, ...]:
    if learner.home_node:
        return (HOME_ELSEWHERE,)
    return shortcomings(learner, [await work.learners.of(key) for key in learner.linked], terms)


async def _held(learner: Learner, offer: CohortOffered, work: Rooms) -> str:
    """Tell why a person, under any number, can take no further place in this cohort; "" where they can."""
    ids = [enrolment_id(e, offer.cohort_id, offer.node) for e in (learner.id, *learner.linked)]
    await work.placements.preload(ids)
    places = [await work.placements.of(key) for key in ids]
    if any(each.open for each in places):
        return ALREADY_IN
    return LEFT_EARLIER if any(each.withdrawn for each in places) else ""


async def _decide(
    roster_id: str, refused: Mapping[int, Result], offer: _Offer, today: Today, work: Rooms
) -> Roster:
    roster = await work.rosters.get(roster_id)
    if roster.status == "endorsed":
        agreement = offer.agreement.id if offer.agreement else ""
        roster = roster.send(refused, agreement, guest_list(today.node, roster.id), today.now)
        work.rosters.keep(roster)
    return roster


async def _tell_some(
    roster: Roster, chunk: Iterable[Nominee], offer: _Offer, today: Today, work: Rooms
) -> None:
    """Nominate a chunk's rows, or tell their people that they cannot go; each once."""
    asking = [each for each in chunk if each.enrolment_id]
    await work.placements.preload(each.enrolment_id for each in asking)
    list_id = roster.list_abroad
    agreement = await work.agreements.of(roster.agreement_id)
    for each in asking:
        before = await work.placements.of(each.enrolment_id)
        result = roster.results.get(str(each.row))
        if list_id in before.asked or (result and not result.told):
            continue
        placement = replace(
            before.about(
                _Whose(each.learner_id, roster.agency, today.node),
                roster.host_node,
                roster.cohort_id,
            ),
            agency=roster.agency,
            cohort_title=offer.told.title,
            programme=offer.told.programme.code,
            programme_version=offer.told.programme.version,
            jp=offer.told.jp,
            campus=offer.told.residential,
        ).ask(list_id, each.row)
        placement = placement.reschedule(offer.told.calendar_version, offer.told.calendar)
        fact: Fact
        if result:
            placement = placement.refuse(list_id, result.reasons)
            fact = _refused(placement, list_id, result, today)
        else:
            fact = _nominated(roster, each, agreement, today)
        work.placements.keep(placement, [fact])


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose placement it is."""

    learner_id: str
    agency: str
    home_node: str


def _refused(placement: Placement, list_id: str, result: Result, today: Today) -> NominationRefused:
    return NominationRefused(
        learner_id=placement.learner_id,
        at=today.now,
        enrolment_id=placement.id,
        cohort_id=placement.cohort_id,
        cohort_title=placement.cohort_title,
        agency=placement.agency,
        home_node=today.node,
        reasons=result.reasons,
        roster_id=list_id,
    )


def _nominated(roster: Roster, row: Nominee, agreement: Agreement, today: Today) -> Nominated:
    letter = roster.endorsement
    return Nominated(
        learner_id=row.learner_id,
        at=today.now,
        enrolment_id=row.enrolment_id,
        home_node=today.node,
        host_node=roster.host_node,
        cohort_id=roster.cohort_id,
        agency=roster.agency,
        list_id=roster.id,
        row=row.row,
        of=len(roster.sending),
        letter_number=letter.number,
        letter_dated=letter.dated,
        agreement_id=agreement.content.number,
        purpose=agreement.content.purpose,
        legal_basis=agreement.content.legal_basis,
    )


async def _finish(roster_id: str, today: Today, work: Rooms) -> Roster:
    roster = (await work.rosters.get(roster_id)).sent(today.now)
    work.rosters.keep(roster)
    return roster


async def withdraw_from_abroad(
    key: str, on: date, reason: str, today: Today, work: Rooms
) -> Placement:
    """Ask the host to let one of our learners go; asking again asks nothing new."""
    placement, asks = (await work.placements.get(key)).leave(on, reason)
    fact = NominationWithdrawn(
        learner_id=placement.learner_id,
        at=today.now,
        enrolment_id=key,
        home_node=today.node,
        host_node=placement.host_node,
        cohort_id=placement.cohort_id,
        agency=placement.agency,
        reason=reason,
        on=on,
    )
    work.placements.keep(placement, [fact] if asks else [])
    return placement
