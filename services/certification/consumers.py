"""What certification hears, here and from other nodes, and what it shares with them."""

from functools import partial

from services.certification.handlers import credentials
from services.certification.handlers.certifying import (
    certify_when_complete,
    keep_names,
    look_up_numbers,
    seal_names,
)
from services.certification.papers.badges import NodeNotary
from services.certification.store import CertificationWork
from shared.bus.subscription import Handler, Subscription
from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificatesTold,
    CertificateSuperseded,
    Certified,
)
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerErased,
    LearnerRecorded,
    Rescheduled,
    Withdrawn,
)
from shared.events.exchange import LearnerTransferred
from shared.events.fact import Fact
from shared.events.progress import ProgrammeCompleted
from shared.federation.keys import Federation
from shared.federation.receiving import Incoming
from shared.federation.sharing import Outgoing

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
        hears={LearnerRecorded: keep_names, LearnerErased: seal_names},
        room=lambda work: work.cards,
        key=lambda fact: fact.learner_id,
    ),
    Subscription(
        name="certification.follow-who-moves",
        hears={LearnerTransferred: credentials.follow_who_moves},
        room=lambda work: work.cards,
        key=lambda fact: fact.learner_id,
    ),
)

OUTGOING = (
    Certified,
    CertificateSigned,
    CertificateSuperseded,
    CertificateRevoked,
    CertificatesTold,
)
"""Facts of certification that may concern other nodes."""


def outgoing(federation: Federation) -> Outgoing[CertificationWork]:
    """Tell what is shared with other nodes: each certificate with its signed credential."""
    return Outgoing(OUTGOING, partial(credentials.enclose, NodeNotary(federation)))


def incoming(federation: Federation) -> Incoming[CertificationWork]:
    """Tell what is heard from other nodes."""
    notary = NodeNotary(federation)
    hears: dict[type[Fact], Handler] = {
        Certified: partial(credentials.keep_credential, notary),
        CertificateSigned: credentials.note_signature,
        CertificateSuperseded: credentials.note_end,
        CertificateRevoked: credentials.note_end,
        LearnerTransferred: credentials.follow_guest,
        CertificatesTold: partial(credentials.take_over_credentials, notary),
    }
    return Incoming(hears, credentials.know_learners, credentials.prepare_credentials)
