"""What certification hears: the story of each enrolment, and learners' cards."""

from services.certification.handlers import certify_when_complete, keep_names, look_up_numbers
from services.certification.store import CertificationWork
from shared.bus.subscription import Subscription
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerRecorded,
    Rescheduled,
    Withdrawn,
)
from shared.events.progress import ProgrammeCompleted

_STORY = (Enrolled, Withdrawn, Rescheduled, ProgrammeCompleted, GraduationDecided)

SUBSCRIPTIONS: tuple[Subscription[CertificationWork], ...] = (
    Subscription(
        name="certification.certify-when-complete",
        hears=dict.fromkeys(_STORY, certify_when_complete),
        room=lambda work: work.dossiers,
        key=lambda fact: fact.enrolment_id,
        prepare=look_up_numbers,
    ),
    Subscription(
        name="certification.keep-cards",
        hears={LearnerRecorded: keep_names},
        room=lambda work: work.cards,
        key=lambda fact: fact.learner_id,
    ),
)
