"""Facts about seats, as a cohort states them of one learner."""

from collections.abc import Sequence
from datetime import datetime

from services.enrolment.domain.cohort import Cohort, Place
from shared.events.enrolment import NominationRefused, SeatFreed, SeatGiven, Waitlisted


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
        reasons=tuple(reasons),
        roster_id=place.roster_id,
    )
