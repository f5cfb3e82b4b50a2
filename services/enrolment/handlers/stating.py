"""Facts as cohorts and enrolments state them: of one learner, and of a cohort to other nodes."""

from collections.abc import Sequence
from datetime import datetime

from services.enrolment.domain.cohort import Cohort, Place
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.programme import Programme
from shared.events.enrolment import (
    NewPeriods,
    NominationRefused,
    SeatFreed,
    SeatGiven,
    Waitlisted,
    Withdrawn,
)
from shared.events.offers import CohortOffered


def seat_given(
    cohort: Cohort, key: str, place: Place, at: datetime, *, promoted: bool = False
) -> SeatGiven:
    """State that a learner holds a seat."""
    return SeatGiven(
        learner_id=place.learner_id,
        at=at,
        enrolment_id=key,
        cohort_id=cohort.id,
        agency=place.agency,
        home_node=place.home_node,
        promoted=promoted,
    )


def waitlisted(cohort: Cohort, key: str, place: Place, position: int, at: datetime) -> Waitlisted:
    """State that a learner waits, at this place in the line."""
    return Waitlisted(
        learner_id=place.learner_id,
        at=at,
        enrolment_id=key,
        cohort_id=cohort.id,
        cohort_title=cohort.content.title,
        agency=place.agency,
        home_node=place.home_node,
        position=position,
    )


def seat_freed(cohort: Cohort, key: str, place: Place, at: datetime) -> SeatFreed:
    """State that a learner holds neither seat nor place in line."""
    return SeatFreed(
        learner_id=place.learner_id,
        at=at,
        enrolment_id=key,
        cohort_id=cohort.id,
        agency=place.agency,
        home_node=place.home_node,
    )


def refused(
    cohort: Cohort, key: str, place: Place, reasons: Sequence[str], at: datetime
) -> NominationRefused:
    """State that somebody in line was refused after all."""
    return NominationRefused(
        learner_id=place.learner_id,
        at=at,
        enrolment_id=key,
        cohort_id=cohort.id,
        cohort_title=cohort.content.title,
        agency=place.agency,
        home_node=place.home_node,
        reasons=tuple(reasons),
        roster_id=place.roster_id,
    )


def left(enrolment: Enrolment, at: datetime) -> Withdrawn:
    """State that a learner has left for good."""
    return Withdrawn(
        learner_id=enrolment.learner_id,
        at=at,
        enrolment_id=enrolment.id,
        cohort_id=enrolment.cohort_id,
        cohort_title=enrolment.cohort_title,
        agency=enrolment.agency,
        home_node=enrolment.home_node,
        reason=enrolment.withdrawal_reason,
    )


def cohort_offered(cohort: Cohort, programme: Programme, at: datetime) -> CohortOffered:
    """State what other nodes are to know of a cohort that is, or was, on offer."""
    draft, offer = cohort.content, cohort.offer
    return CohortOffered(
        at=at,
        node=cohort.host_node,
        cohort_id=cohort.id,
        offer=offer.number,
        open=offer.open,
        programme=programme.ref,
        jp=programme.jp,
        eligible=programme.content.eligible,
        prerequisites=programme.content.prerequisites,
        title=draft.title,
        number=draft.number,
        year=draft.year,
        host_agency=draft.host_agency,
        seats=draft.seats,
        seats_for_guests=offer.most_guests,
        nominations_until=offer.terms.nominations_until if offer.terms else at.date(),
        agreements=offer.cites,
        calendar_version=cohort.calendar_version,
        calendar=tuple(NewPeriods(phase=e.phase, periods=e.periods) for e in draft.calendar),
        residential=tuple(e.number for e in programme.content.phases if e.residential),
    )
