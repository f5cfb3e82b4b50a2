"""What enrolment hears; the names are consumer groups, and so durable."""

from typing import Any

from services.enrolment.handlers.enrolments import (
    note_certificate,
    note_completion,
    note_graduation,
    note_revocation,
)
from services.enrolment.handlers.seats import (
    enrol_seat_holder,
    free_seat,
    load_cohorts,
    note_freed_place,
    note_waiting,
    release_days,
    release_refused_days,
)
from services.enrolment.store import EnrolmentWork
from shared.bus.subscription import Subscription
from shared.events.certification import CertificateRevoked, Certified
from shared.events.enrolment import (
    GraduationDecided,
    NominationRefused,
    SeatFreed,
    SeatGiven,
    Waitlisted,
    Withdrawn,
)
from shared.events.progress import ProgrammeCompleted
from shared.store.work import Aggregates


def _cohorts(work: EnrolmentWork) -> Aggregates[Any]:
    return work.cohorts


def _enrolments(work: EnrolmentWork) -> Aggregates[Any]:
    return work.enrolments


def _learners(work: EnrolmentWork) -> Aggregates[Any]:
    return work.learners


def _enrolment_id(fact: Any) -> str:  # noqa: ANN401 - any fact about an enrolment
    return str(fact.enrolment_id)


def _learner_id(fact: Any) -> str:  # noqa: ANN401 - any fact
    return str(fact.learner_id)


SUBSCRIPTIONS: tuple[Subscription[EnrolmentWork], ...] = (
    Subscription(
        "enrolment.enrol-seat-holders",
        hears={SeatGiven: enrol_seat_holder, Waitlisted: note_waiting, SeatFreed: note_freed_place},
        room=_enrolments,
        key=_enrolment_id,
        prepare=load_cohorts,
    ),
    Subscription(
        "enrolment.free-seats",
        hears={Withdrawn: free_seat},
        room=_cohorts,
        key=lambda fact: str(fact.cohort_id),
    ),
    Subscription(
        "enrolment.release-dates",
        hears={
            SeatFreed: release_days,
            Withdrawn: release_days,
            NominationRefused: release_refused_days,
        },
        room=_learners,
        key=_learner_id,
    ),
    Subscription(
        "enrolment.note-completion",
        hears={ProgrammeCompleted: note_completion},
        room=_enrolments,
        key=_enrolment_id,
    ),
    Subscription(
        "enrolment.note-graduation",
        hears={GraduationDecided: note_graduation},
        room=_enrolments,
        key=_enrolment_id,
    ),
    Subscription(
        "enrolment.note-certificates",
        hears={Certified: note_certificate, CertificateRevoked: note_revocation},
        room=_learners,
        key=_learner_id,
    ),
)
