"""What progress hears: enrolments, its own facts, decisions, certificates and learners' cards."""

from services.progress import handlers
from services.progress.store import ProgressWork
from shared.bus.subscription import Subscription
from shared.events.certification import CertificateRevoked, CertificateSuperseded, Certified
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerLinked,
    LearnerRecorded,
    Rescheduled,
    Withdrawn,
)
from shared.events.progress import PhaseCompleted, ProgrammeCompleted

SUBSCRIPTIONS: tuple[Subscription[ProgressWork], ...] = (
    Subscription(
        name="progress.open-records",
        hears={
            Enrolled: handlers.open_record_of_enrolment,
            Withdrawn: handlers.close_record_of_withdrawn,
            Rescheduled: handlers.follow_new_calendar,
        },
        room=lambda work: work.records,
        key=lambda fact: fact.enrolment_id,
    ),
    Subscription(
        name="progress.keep-passports",
        hears={
            Enrolled: handlers.note_enrolment,
            Withdrawn: handlers.note_withdrawal,
            PhaseCompleted: handlers.note_phase,
            ProgrammeCompleted: handlers.note_completion,
            GraduationDecided: handlers.note_decision,
            Certified: handlers.credit_certificate,
            CertificateSuperseded: handlers.discredit_certificate,
            CertificateRevoked: handlers.discredit_certificate,
            LearnerLinked: handlers.link_numbers,
        },
        room=lambda work: work.passports,
        key=lambda fact: fact.learner_id,
    ),
    Subscription(
        name="progress.keep-cards",
        hears={LearnerRecorded: handlers.keep_newest_card},
        room=lambda work: work.cards,
        key=lambda fact: fact.learner_id,
    ),
)
