"""What follows from seats: enrolments, freed seats given to the next in line, days given back."""

from collections.abc import Sequence
from datetime import datetime

from services.enrolment.domain.cohort import ALREADY_IN, Cohort, Outcome, Place, Request
from services.enrolment.domain.cohort.seats import LEFT_EARLIER
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.judging import Terms, shortcomings
from services.enrolment.domain.programme import Programme
from services.enrolment.handlers.stating import left, refused, seat_freed, seat_given
from services.enrolment.ports import Rooms
from shared.events.enrolment import (
    Enrolled,
    NominationRefused,
    SeatFreed,
    SeatGiven,
    Waitlisted,
    Withdrawn,
)
from shared.events.fact import Fact
from shared.kernel.clock import local_date

_MOST_FACTS = 100


async def enrol_seat_holder(fact: SeatGiven, work: Rooms) -> None:
    """Enrol whoever was given a seat, with the cohort's whole plan."""
    enrolment = await work.enrolments.of(fact.enrolment_id)
    if enrolment.seated:
        return
    cohort = await work.cohorts.get(fact.cohort_id)
    programme = await work.programmes.get(cohort.programme_id)
    enrolment = enrolment.about(fact, cohort, programme)
    early = enrolment.recalled_early
    enrolment, enrols = enrolment.take_seat(cohort.calendar_version)
    stating = (
        [
            Enrolled(
                learner_id=fact.learner_id,
                at=fact.at,
                enrolment_id=fact.enrolment_id,
                agency=fact.agency,
                home_node=enrolment.home_node,
                plan=cohort.plan(programme),
            )
        ]
        if enrols
        else _taken_back(enrolment, fact.at, early=early)
    )
    work.enrolments.keep(enrolment, stating)


async def note_waiting(fact: Waitlisted, work: Rooms) -> None:
    """Know whoever waits, so that they can leave the line."""
    enrolment = await work.enrolments.of(fact.enrolment_id)
    cohort = await work.cohorts.get(fact.cohort_id)
    programme = await work.programmes.get(cohort.programme_id)
    enrolment = enrolment.about(fact, cohort, programme)
    early, enrolment = enrolment.recalled_early, enrolment.wait()
    work.enrolments.keep(enrolment, _taken_back(enrolment, fact.at, early=early))


def _taken_back(enrolment: Enrolment, at: datetime, *, early: bool) -> list[Fact]:
    """State again that a guest left whose place is heard of only now: the cohort has to free it."""
    return [left(enrolment, at)] if early else []


async def note_freed_place(fact: SeatFreed, work: Rooms) -> None:
    """Know that seat or place in line is gone."""
    enrolment = await work.enrolments.of(fact.enrolment_id)
    cohort = await work.cohorts.get(fact.cohort_id)
    programme = await work.programmes.get(cohort.programme_id)
    enrolment = enrolment.about(fact, cohort, programme)
    work.enrolments.keep(enrolment.free())


async def load_cohorts(facts: Sequence[SeatGiven | Waitlisted | SeatFreed], work: Rooms) -> None:
    """Load the cohorts and programmes of a whole batch together."""
    await work.cohorts.preload(fact.cohort_id for fact in facts)


async def free_seat(fact: Withdrawn, work: Rooms) -> None:
    """Free the seat of whoever withdrew, and give it to the next in line who still qualifies."""
    cohort = await work.cohorts.of(fact.cohort_id)
    cohort, place = cohort.free_place(fact.enrolment_id)
    if place is None:
        return
    freed = seat_freed(cohort, fact.enrolment_id, place, fact.at)
    await _fill(cohort, [freed], fact.at, work)


async def fill_free_seats(cohort_id: str, now: datetime, work: Rooms) -> None:
    """Give what seats are free to whoever waits, should there be any."""
    cohort = await work.cohorts.get(cohort_id)
    if "seats" in cohort.unfinished:
        await _fill(cohort.finish("seats"), [], now, work)


async def _fill(cohort: Cohort, stating: list[Fact], at: datetime, work: Rooms) -> None:
    """Give free seats to the line in its order; who qualifies no more is refused and leaves it."""
    if not cohort.waiting:
        work.cohorts.keep(cohort, stating)
        return
    programme = await work.programmes.get(cohort.programme_id)
    terms = Terms.of(cohort, programme, local_date(at, cohort.host_node))
    for key in cohort.waiting:
        if not cohort.free or len(stating) + 2 > _MOST_FACTS:
            break
        place = cohort.places[key]
        if cohort.is_guest(place) and cohort.full_of_guests(cohort.guests):
            continue
        reasons = await _reasons(place, terms, work)
        if reasons:
            cohort, _ = cohort.free_place(key, *reasons)
            stating += [
                seat_freed(cohort, key, place, at),
                refused(cohort, key, place, reasons, at),
            ]
        else:
            cohort = cohort.promote(key)
            stating.append(seat_given(cohort, key, place, at, promoted=True))
    more = bool(cohort.free and cohort.promotable)
    work.cohorts.keep(cohort.begin("seats") if more else cohort.finish("seats"), stating)


async def _reasons(place: Place, terms: Terms, work: Rooms) -> tuple[str, ...]:
    """Judge somebody in line again, under the number that they have now."""
    learner = await work.learners.of(place.learner_id)
    while learner.replaced_by:
        learner = await work.learners.of(learner.replaced_by)
    await work.learners.preload(learner.linked)
    return shortcomings(learner, [await work.learners.of(key) for key in learner.linked], terms)


async def release_days(fact: SeatFreed | Withdrawn, work: Rooms) -> None:
    """Give back the days of whoever has left a cohort, for good."""
    learner = await work.learners.of(fact.learner_id)
    work.learners.keep(learner.release(fact.enrolment_id))


async def release_refused_days(fact: NominationRefused, work: Rooms) -> None:
    """Give back the days that a refused nomination claimed, and only that one's.

    Whoever is refused for holding a place already keeps the days for that one.
    """
    if fact.reasons == (ALREADY_IN,):
        return
    learner = await work.learners.of(fact.learner_id)
    work.learners.keep(learner.release_for(fact.enrolment_id, fact.roster_id))


async def enrol(
    request: Request, cohort: Cohort, programme: Programme, now: datetime, work: Rooms
) -> Outcome:
    """Enrol somebody in an open cohort, which keeps no seats; asking again tells the same."""
    enrolment = await work.enrolments.of(request.enrolment_id)
    if enrolment.seated and enrolment.roster_id == request.roster_id and request.roster_id:
        return Outcome("accepted")
    if enrolment.withdrawn:
        return Outcome("refused", (LEFT_EARLIER,))
    for key in (request.enrolment_id, *request.others):
        if (await work.enrolments.of(key)).status == "enrolled":
            return Outcome("refused", (ALREADY_IN,))
    if request.reasons:
        return Outcome("refused", request.reasons)
    enrolment = enrolment.about(request, cohort, programme)
    enrolment, _ = enrolment.take_seat(cohort.calendar_version)
    enrolment = enrolment.by_list(request.roster_id)
    work.enrolments.keep(
        enrolment,
        [
            Enrolled(
                learner_id=request.learner_id,
                at=now,
                enrolment_id=request.enrolment_id,
                agency=request.agency,
                home_node=request.home_node,
                plan=cohort.plan(programme),
            )
        ],
    )
    return Outcome("accepted", fresh=True)
