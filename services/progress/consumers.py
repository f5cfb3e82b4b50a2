"""What progress hears, here and from other nodes, and what it shares with them."""

from functools import partial

from services.progress import handlers
from services.progress.store import ProgressWork
from shared.bus.subscription import Handler, Subscription
from shared.events.certification import CertificateRevoked, CertificateSuperseded, Certified
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerErased,
    LearnerLinked,
    LearnerRecorded,
    Rescheduled,
    Withdrawn,
)
from shared.events.exchange import LearnerTransferred
from shared.events.fact import Fact
from shared.events.progress import PassportTold, PhaseAtRisk, PhaseCompleted, ProgrammeCompleted
from shared.federation.keys import Federation
from shared.federation.receiving import Incoming
from shared.federation.sharing import Outgoing

_NOTES: dict[type[Fact], Handler] = {
    Enrolled: handlers.note_enrolment,
    Withdrawn: handlers.note_withdrawal,
    PhaseCompleted: handlers.note_phase,
    ProgrammeCompleted: handlers.note_completion,
    GraduationDecided: handlers.note_decision,
    Certified: handlers.credit_certificate,
    CertificateSuperseded: handlers.discredit_certificate,
    CertificateRevoked: handlers.discredit_certificate,
}
"""What goes into a passport, whoever teaches."""

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
            **_NOTES,
            LearnerLinked: handlers.link_numbers,
            LearnerTransferred: handlers.take_passport_along,
        },
        room=lambda work: work.passports,
        key=lambda fact: fact.learner_id,
    ),
    Subscription(
        name="progress.keep-cards",
        hears={
            LearnerRecorded: handlers.keep_newest_card,
            LearnerErased: handlers.forget_erased_learner,
        },
        room=lambda work: work.cards,
        key=lambda fact: fact.learner_id,
    ),
)

OUTGOING = (PhaseCompleted, ProgrammeCompleted, PhaseAtRisk, PassportTold)
"""Facts of progress that may concern other nodes."""

INCOMING: dict[type[Fact], Handler] = {
    **{fact: partial(handlers.hear_from_host, note) for fact, note in _NOTES.items()},
    LearnerLinked: handlers.link_guests_numbers,
    LearnerTransferred: handlers.follow_to_new_home,
    PassportTold: handlers.take_over_passport,
}
"""What progress hears from other nodes."""


def outgoing(_: Federation) -> Outgoing[ProgressWork]:
    """Tell what is shared with other nodes."""
    return Outgoing(OUTGOING)


def incoming(_: Federation) -> Incoming[ProgressWork]:
    """Tell what is heard from other nodes."""
    return Incoming(INCOMING, handlers.know_learners, handlers.prepare_passports)
