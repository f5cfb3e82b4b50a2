"""What progress hears, here and from other nodes, and what it shares with them."""

from functools import partial

from services.progress.handlers import judging, passports, plans, records, sessions
from services.progress.store import ProgressWork
from shared.bus.subscription import Handler, Subscription
from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificateSuperseded,
    Certified,
)
from shared.events.enrolment import (
    CohortPlanned,
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
from shared.events.progress import (
    MinutesWatched,
    PassportTold,
    PhaseAtRisk,
    PhaseCompleted,
    ProgrammeCompleted,
    SessionOffered,
)
from shared.federation.keys import Federation
from shared.federation.receiving import Incoming
from shared.federation.sharing import Outgoing

_NOTES: dict[type[Fact], Handler] = {
    Enrolled: passports.note_enrolment,
    Withdrawn: passports.note_withdrawal,
    PhaseCompleted: passports.note_phase,
    ProgrammeCompleted: passports.note_completion,
    GraduationDecided: passports.note_decision,
    Certified: passports.credit_certificate,
    CertificateSigned: passports.note_signature,
    CertificateSuperseded: passports.discredit_certificate,
    CertificateRevoked: passports.discredit_certificate,
}
"""What goes into a passport, whoever teaches."""

SUBSCRIPTIONS: tuple[Subscription[ProgressWork], ...] = (
    Subscription(
        name="progress.open-records",
        hears={
            Enrolled: records.open_record_of_enrolment,
            Withdrawn: records.close_record_of_withdrawn,
            Rescheduled: records.follow_new_calendar,
        },
        room=lambda work: work.records,
        key=lambda fact: fact.enrolment_id,
        prepare=records.load_attendance,
    ),
    Subscription(
        name="progress.keep-passports",
        hears={
            **_NOTES,
            LearnerLinked: passports.link_numbers,
            LearnerTransferred: passports.take_passport_along,
        },
        room=lambda work: work.passports,
        key=lambda fact: fact.learner_id,
    ),
    Subscription(
        name="progress.keep-plans",
        hears={CohortPlanned: plans.keep_newest_plan},
        room=lambda work: work.plans,
        key=lambda fact: fact.plan.cohort_id,
    ),
    Subscription(
        name="progress.keep-cards",
        hears={
            LearnerRecorded: passports.keep_newest_card,
            LearnerErased: passports.forget_erased_learner,
        },
        room=lambda work: work.cards,
        key=lambda fact: fact.learner_id,
    ),
)

OUTGOING = (
    PhaseCompleted, ProgrammeCompleted, PhaseAtRisk, PassportTold, SessionOffered, MinutesWatched,
)  # fmt: skip
"""Facts of progress that may concern other nodes."""

INCOMING: dict[type[Fact], Handler] = {
    **{fact: partial(passports.hear_from_host, note) for fact, note in _NOTES.items()},
    Enrolled: passports.hear_enrolment,
    SessionOffered: sessions.follow_session,
    MinutesWatched: judging.add_watched_elsewhere,
    LearnerLinked: passports.link_guests_numbers,
    LearnerTransferred: passports.follow_to_new_home,
    PassportTold: passports.take_over_passport,
}
"""What progress hears from other nodes."""


def outgoing(_: Federation) -> Outgoing[ProgressWork]:
    """Tell what is shared with other nodes."""
    return Outgoing(OUTGOING)


def incoming(_: Federation) -> Incoming[ProgressWork]:
    """Tell what is heard from other nodes."""
    return Incoming(INCOMING, passports.know_learners, passports.prepare_passports)
