"""Rosters: drafted, endorsed, then judged as a resumable task of small steps.

A row passes three aggregates, one after another: the learner (card and days), the cohort (the one
place that decides, once for each list), the roster (the result). Whatever step a crash comes after,
judging again finds what was decided and goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from services.enrolment.domain.cohort import Cohort, Outcome, Request
from services.enrolment.domain.judging import Terms, shortcomings
from services.enrolment.domain.learner import Claim
from services.enrolment.domain.programme import Programme
from services.enrolment.domain.roster import Letter, Nominee, Result, Roster
from services.enrolment.handlers.cohorts import CHUNK
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.seats import enrol
from services.enrolment.handlers.stating import seat_given, waitlisted
from services.enrolment.ports import Rooms, Works
from shared.events.enrolment import NominationRefused
from shared.events.fact import Fact
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
    roster = roster.draft(cohort.id, nomination.agency, nomination.rows, now)
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


async def _judge_block(
    roster: Roster, block: Sequence[Nominee], today: Today, works: Works
) -> Roster:
    standing = {each.row: result for each in block if (result := roster.stands(each))}
    asking = [each for each in block if each.row not in standing]
    cohort, programme, judged = await works.run(partial(_look_up, roster, asking))
    results = {**standing, **judged}
    asking = [each for each in asking if each.row not in judged]
    terms = Terms.of(cohort, programme, today.day)
    requests: dict[int, Request] = {}
    for start in range(0, len(asking), CHUNK):
        chunk = asking[start : start + CHUNK]
        requests |= await patiently(
            works, partial(_meet_learners, roster, chunk, (terms, cohort), today)
        )
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
    for part in _parts(block, results):
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


async def _meet_learners(
    roster: Roster,
    chunk: Sequence[Nominee],
    by: tuple[Terms, Cohort],
    today: Today,
    work: Rooms,
) -> dict[int, Request]:
    """Record the cards of a chunk's learners, judge them, claim the days of who qualifies."""
    terms, cohort = by
    await work.learners.preload(each.learner_id for each in chunk)
    linked = [key for each in chunk for key in (await work.learners.of(each.learner_id)).linked]
    await work.learners.preload(linked)
    requests: dict[int, Request] = {}
    for each in chunk:
        before = await work.learners.of(each.learner_id)
        learner = before
        if not before.replaced_by:
            card = each.card(roster.agency, cohort.agency_name(roster.agency))
            learner = before.record(card, today.day)
        others = [await work.learners.of(key) for key in learner.linked]
        reasons = shortcomings(learner, others, terms)
        if not reasons and cohort.content.seats is not None:
            wanted = Claim(cohort.id, roster.id, tuple(terms.residential), cohort.calendar_version)
            learner = learner.claim(each.enrolment_id, wanted)
        work.learners.keep(learner, learner.stated_since(before, today.now))
        requests[each.row] = Request(
            each.enrolment_id,
            each.learner_id,
            roster.agency,
            today.node,
            roster.id,
            reasons,
            tuple(enrolment_id(key, cohort.id) for key in learner.linked),
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


def _parts(block: Iterable[Nominee], results: Mapping[int, Result]) -> Iterable[dict[int, Result]]:
    """Cut a block's results, in row order, so that no part tells more than CHUNK refusals."""
    part: dict[int, Result] = {}
    told = 0
    for each in block:
        result = results[each.row]
        if told == CHUNK:
            yield part
            part, told = {}, 0
        part[each.row] = result
        told += result.told
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
                reasons=roster.results[str(each.row)].reasons,
                roster_id=roster.id,
            )
            for each in refused
        ],
    )
    return roster
