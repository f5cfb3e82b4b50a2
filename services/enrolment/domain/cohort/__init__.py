"""A cohort: what it is, its calendar, its seats with their line, and its graduation decisions."""

from services.enrolment.domain.cohort.graduation import Decided, Decision, Sitting, SittingDecision
from services.enrolment.domain.cohort.offer import GuestTerms, Offer
from services.enrolment.domain.cohort.seats import ALREADY_IN, NO_SEAT, Outcome, Place, Request
from services.enrolment.domain.cohort.shape import Agency, CohortDraft
from services.enrolment.domain.cohort.whole import TASKS, Cohort

__all__ = [
    "ALREADY_IN",
    "NO_SEAT",
    "TASKS",
    "Agency",
    "Cohort",
    "CohortDraft",
    "Decided",
    "Decision",
    "GuestTerms",
    "Offer",
    "Outcome",
    "Place",
    "Request",
    "Sitting",
    "SittingDecision",
]
