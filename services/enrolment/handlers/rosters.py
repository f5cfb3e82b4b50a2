"""Rosters: drafted, endorsed, then judged as a resumable task of small steps.

A row passes three aggregates, one after another: the learner (card and days), the cohort (the one
place that decides, once for each list), the roster (the result). Whatever step a crash comes after,
judging again finds what was decided and goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from services.enrolment.domain.agreements import cited, in_force
from services.enrolment.domain.cohort import Cohort, Outcome, Request
from services.enrolment.domain.cohort.offer import OFFER_CLOSED
from services.enrolment.domain.cohort.seats import LEFT_EARLIER
from services.enrolment.domain.judging import HOME_ELSEWHERE, Terms, shortcomings
from services.enrolment.domain.learner import Claim
from services.enrolment.domain.programme import Programme
from services.enrolment.domain.roster import ERASED, Letter, Nominee, Result, Roster
from services.enrolment.handlers.cohorts import CHUNK
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.seats import enrol
from services.enrolment.handlers.stating import seat_given, waitlisted
from services.enrolment.ports import Rooms, Works
from shared.events.enrolment import NominationRefused
from shared.events.fact import Fact
from shared.kernel.clock import local_date
from shared.kernel.ids import enrolment_id

BLOCK = 1_000
"""Rows judged together, so that a long list is read a few dozen times and not thousands."""


@dataclass(frozen=True, slots=True)
class Today:
    """The instant of judging, and the calendar day that it has at the node."""

    now: datetime
    day: date
    node: str


@dataclass(frozen=True, slots=True)
class Nomination:
    """A list as it came: whose, for which cohort, with its rows examined."""

    cohort_id: str
    agency: str
    rows: Sequence[Nominee]


async def draft_roster(
    roster_id: str, nomination: Nomination, now: datetime, work: Rooms
) -> Roster:
    """Draft a list of an invited agency for an open cohort."""
    cohort = await work.cohorts.get(nomination.cohort_id)
    cohort.guard_open()
    cohort.guard_agency(nomination.agency)
    roster = await work.rosters.of(roster_id)
    roster = roster.draft(cohort.id, nomination.agency, nomination.rows, now, cohort.owner)
    work.rosters.keep(roster)
    return roster


async def endorse_roster(roster_id: str, letter: Letter, now: datetime, work: Rooms) -> Roster:
    """Endorse a list by the letter of its agency's officer; it can be judged from now on."""
    roster = await work.rosters.get(roster_id)
    roster = roster.endorse(letter, now)
    work.rosters.keep(roster)
    return roster


async def judge_roster(roster_id: str, today: Today, works: Works) -> Roster:
    """Judge an endorsed list in row order, block by block; judging again changes nothing."""
    roster = await works.run(lambda work: work.rosters.get(roster_id))
    if roster.status != "endorsed":
        return roster
    unjudged = roster.unjudged
    for start in range(0, len(unjudged), BLOCK):
        roster = await _judge_block(roster, unjudged[start : start + BLOCK], today, works)
    return roster


@dataclass(frozen=True, slots=True)
class _By:
    """By what rows are judged; `against` are the reasons that stand against every row of the list."""

    terms: Terms
    cohort: Cohort
    against: tuple[str, ...]


async def _judge_block(
    roster: Roster, block: Sequence[Nominee], today: Today, works: Works
) -> Roster:
    standing = {each.row: result for each in block if (result := roster.stands(each))}
    asking = [each for each in block if each.row not in standing]
    cohort, programme, judged = await works.run(partial(_look_up, roster, asking))
    results = {**standing, **judged}
    asking = [each for each in asking if each.row not in judged]
    against = await works.run(partial(_against_guests, roster, cohort, programme, today))
    by = _By(Terms.of(cohort, programme, today.day), cohort, against)
    requests: dict[int, Request] = {}
    for start in range(0, len(asking), CHUNK):
        chunk = asking[start : start + CHUNK]
        requests |= await patiently(works, partial(_meet_learners, roster, chunk, by, today))
    admit = _admit if cohort.content.seats is not None else _enrol_openly
    for start in range(0, len(asking), CHUNK):
        some = [requests[each.row] for each in asking[start : start + CHUNK]]
        outcomes = await patiently(works, partial(admit, roster.cohort_id, some, today))
        rows = {each.enrolment_id: each.row for each in asking[start : start + CHUNK]}
        results |= {rows[key]: Result.of(outcome) for key, outcome in outcomes.items()}
    present = await works.run(lambda work: work.cohorts.get(roster.cohort_id))
    if judged or present.calendar_version != cohort.calendar_version:
        # Whoever changed the dates before these seats were given did not find who claims the old ones.
        asked = [each for each in block if each.row not in standing]
        for start in range(0, len(asked), CHUNK):
            chunk = asked[start : start + CHUNK]
            await patiently(works, partial(_follow_dates, roster.cohort_id, chunk))
    for part in _parts(roster, block, results):
        roster = await patiently(works, partial(_keep_results, roster.id, part, cohort, today))
    return roster


async def _look_up(
    roster: Roster, asking: Sequence[Nominee], work: Rooms
) -> tuple[Cohort, Programme, dict[int, Result]]:
    """Load what rows are judged by, and what the cohort decided for this list before a crash."""
    cohort = await work.cohorts.get(roster.cohort_id)
    programme = await work.programmes.get(cohort.programme_id)
    decided = [
        Request(each.enrolment_id, each.learner_id, roster.agency, "", roster.id)
        for each in asking
        if (place := cohort.places.get(each.enrolment_id)) and place.roster_id == roster.id
    ]
    outcomes = cohort.admit(decided)[1]
    rows = {each.enrolment_id: each.row for each in asking}
    return cohort, programme, {rows[key]: Result.of(each) for key, each in outcomes.items()}


async def _against_guests(
    roster: Roster, cohort: Cohort, programme: Programme, today: Today, work: Rooms
) -> tuple[str, ...]:
    """Tell why no guest of this list can come: no offer to their home any more, or no agreement with it."""
    if not roster.home_node:
        return ()
    nominated_on = local_date(roster.drafted_at or today.now, today.node)
    agreements = cited(await work.agreements.find({}), cohort.offer.cites)
    agreed = in_force(agreements, today.node, roster.home_node, programme.code, today.day)
    closed = () if cohort.offer.takes(nominated_on) else (OFFER_CLOSED,)
    return closed + ((agreed,) if isinstance(agreed, str) else ())


async def _meet_learners(
    roster: Roster,
    chunk: Sequence[Nominee],
    by: _By,
    today: Today,
    work: Rooms,
) -> dict[int, Request]:
    """Record the cards of a chunk's learners, judge them, claim the days of who qualifies."""
    cohort = by.cohort
    await work.learners.preload(each.learner_id for each in chunk)
    linked = [key for each in chunk for key in (await work.learners.of(each.learner_id)).linked]
    await work.learners.preload(linked)
    requests: dict[int, Request] = {}
    for each in chunk:
        before = await work.learners.of(each.learner_id)
        learner = before
        elsewhere = before.own if roster.home_node else bool(before.home_node)
        erased = before.erased_since(roster.drafted_at)
        if not before.replaced_by and not elsewhere and not erased:
            card = each.card(roster.agency, cohort.agency_name(roster.agency))
            learner = before.welcome(roster.home_node).record(card, today.day)
        others = [await work.learners.of(key) for key in learner.linked]
        reasons = (HOME_ELSEWHERE,) if elsewhere else shortcomings(learner, others, by.terms)
        reasons += by.against + ((ERASED,) if erased else ())
        if roster.home_node and (await work.enrolments.of(each.enrolment_id)).recalled:
            reasons += (LEFT_EARLIER,)
        if not reasons and cohort.content.seats is not None:
            days = tuple(by.terms.residential)
            wanted = Claim(cohort.id, roster.id, days, cohort.calendar_version)
            learner = learner.claim(each.enrolment_id, wanted)
        work.learners.keep(learner, learner.stated_since(before, today.now))
        requests[each.row] = Request(
            each.enrolment_id,
            each.learner_id,
            roster.agency,
            roster.home_node or today.node,
            roster.id,
            reasons,
            tuple(enrolment_id(key, cohort.id, cohort.host_node) for key in learner.linked),
        )
    return requests


async def _follow_dates(cohort_id: str, chunk: Sequence[Nominee], work: Rooms) -> None:
    """Move claims to the cohort's present dates."""
    cohort = await work.cohorts.get(cohort_id)
    programme = await work.programmes.get(cohort.programme_id)
    periods = cohort.content.residential(programme.content)
    await work.learners.preload(each.learner_id for each in chunk)
    for each in chunk:
        learner = await work.learners.of(each.learner_id)
        moved = learner.move_claim(each.enrolment_id, periods, cohort.calendar_version)
        work.learners.keep(moved)


async def _admit(
    cohort_id: str, requests: Sequence[Request], today: Today, work: Rooms
) -> dict[str, Outcome]:
    """Let the cohort give seats and places in line, and state the new ones."""
    cohort, outcomes = (await work.cohorts.get(cohort_id)).admit(requests)
    stating: list[Fact] = []
    for key, outcome in outcomes.items():
        place = cohort.places.get(key)
        if outcome.fresh and place and outcome.status == "accepted":
            stating.append(seat_given(cohort, key, place, today.now))
        elif outcome.fresh and place and outcome.status == "waitlisted":
            stating.append(waitlisted(cohort, key, place, outcome.position, today.now))
    work.cohorts.keep(cohort, stating)
    return outcomes


async def _enrol_openly(
    cohort_id: str, requests: Sequence[Request], today: Today, work: Rooms
) -> dict[str, Outcome]:
    """Enrol those who qualify in an open cohort, which has no seats to keep."""
    cohort = await work.cohorts.get(cohort_id)
    programme = await work.programmes.get(cohort.programme_id)
    await work.enrolments.preload(
        key for each in requests for key in (each.enrolment_id, *each.others)
    )
    outcomes: dict[str, Outcome] = {}
    for each in requests:
        outcomes[each.enrolment_id] = await enrol(each, cohort, programme, today.now, work)
    return outcomes


def _parts(
    roster: Roster, block: Iterable[Nominee], results: Mapping[int, Result]
) -> Iterable[dict[int, Result]]:
    """Cut a block's results, in row order, so that no part tells more than CHUNK refusals."""
    part: dict[int, Result] = {}
    told = 0
    for each in block:
        result = results[each.row]
        if told == CHUNK:
            yield part
            part, told = {}, 0
        part[each.row] = result
        told += roster.tells(result)
    yield part


async def _keep_results(
    roster_id: str, part: Mapping[int, Result], cohort: Cohort, today: Today, work: Rooms
) -> Roster:
    """Keep results in the list, and state to whom a refusal is to be told."""
    roster, refused = (await work.rosters.get(roster_id)).judge(part, today.now)
    work.rosters.keep(
        roster,
        [
            NominationRefused(
                learner_id=each.learner_id,
                at=today.now,
                enrolment_id=each.enrolment_id,
                cohort_id=cohort.id,
                cohort_title=cohort.content.title,
                agency=roster.agency,
                home_node=roster.home_node or today.node,
                reasons=roster.results[str(each.row)].reasons,
                roster_id=roster.id,
            )
            for each in refused
        ],
    )
    return roster
