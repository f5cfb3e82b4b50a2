"""What enrolment hears and shares; the names are consumer groups, and so durable."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from services.enrolment.handlers.answers import (
    note_certificate_from_abroad,
    note_completion_abroad,
    note_enrolment_abroad,
    note_freed_abroad,
    note_graduation_abroad,
    note_new_dates_abroad,
    note_refusal_abroad,
    note_revocation_from_abroad,
    note_seat_abroad,
    note_waiting_abroad,
    note_withdrawal_abroad,
)
from services.enrolment.handlers.enrolments import (
    enrol_who_attended,
    note_certificate,
    note_completion,
    note_graduation,
    note_revocation,
)
from services.enrolment.handlers.erasing import heed_order
from services.enrolment.handlers.guests import (
    Reception,
    let_guest_go,
    link_guest,
    take_nomination,
)
from services.enrolment.handlers.moving import follow_own_move, receive_move
from services.enrolment.handlers.offers import note_offered_cohort, note_offered_programme
from services.enrolment.handlers.seats import (
    enrol_seat_holder,
    free_seat,
    load_cohorts,
    note_freed_place,
    note_waiting,
    release_days,
    release_refused_days,
)
from services.enrolment.handlers.travelling import add_the_person
from services.enrolment.store import EnrolmentWork
from shared.bus.subscription import Handler, Subscription
from shared.events.certification import CertificateRevoked, Certified
from shared.events.enrolment import (
    Enrolled,
    ErasureOrdered,
    GraduationDecided,
    LearnerLinked,
    NominationRefused,
    Rescheduled,
    SeatFreed,
    SeatGiven,
    Waitlisted,
    Withdrawn,
)
from shared.events.exchange import LearnerTransferred, Nominated, NominationWithdrawn
from shared.events.fact import Fact, LearnerFact
from shared.events.offers import CohortOffered, ProgrammeOffered
from shared.events.progress import LectureAttended, ProgrammeCompleted
from shared.federation.keys import Federation
from shared.federation.receiving import Incoming
from shared.federation.seal import source_of
from shared.federation.sharing import Outgoing
from shared.kernel.errors import Unprocessable
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
        "enrolment.enrol-who-attended",
        hears={LectureAttended: enrol_who_attended},
        room=_enrolments,
        key=_enrolment_id,
        prepare=load_cohorts,
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
    Subscription(
        "enrolment.follow-moves",
        hears={LearnerTransferred: follow_own_move},
        room=_learners,
        key=_learner_id,
    ),
)


def _of_the_sender(handler: Handler) -> Handler:
    """Let a handler hear only what a node tells of itself; what it tells of another is Unprocessable."""

    async def hear(fact: ProgrammeOffered | CohortOffered, work: EnrolmentWork) -> None:
        if work.message and source_of(work.message)[0] != fact.node:
            raise Unprocessable("not-the-senders", f"only {fact.node} offers what is its own")
        await handler(fact, work)

    return hear


def _with_sender(handler: Callable[[Any, str, Any], Awaitable[None]]) -> Handler:
    """Let a handler know which node tells a fact."""

    async def hear(fact: Fact, work: EnrolmentWork) -> None:
        sender = source_of(work.message)[0] if work.message else ""
        await handler(fact, sender, work)

    return hear


OUTGOING: tuple[type[Fact], ...] = (
    ProgrammeOffered,
    CohortOffered,
    Nominated,
    NominationWithdrawn,
    SeatGiven,
    Waitlisted,
    SeatFreed,
    NominationRefused,
    Enrolled,
    Withdrawn,
    Rescheduled,
    GraduationDecided,
    LearnerLinked,
    LearnerTransferred,
    ErasureOrdered,
)
"""Facts of enrolment that may concern other nodes."""

INCOMING: dict[type[Fact], Handler] = {
    ProgrammeOffered: _of_the_sender(note_offered_programme),
    CohortOffered: _of_the_sender(note_offered_cohort),
    SeatGiven: _with_sender(note_seat_abroad),
    Waitlisted: _with_sender(note_waiting_abroad),
    SeatFreed: _with_sender(note_freed_abroad),
    NominationRefused: _with_sender(note_refusal_abroad),
    Enrolled: _with_sender(note_enrolment_abroad),
    Withdrawn: _with_sender(note_withdrawal_abroad),
    Rescheduled: _with_sender(note_new_dates_abroad),
    ProgrammeCompleted: _with_sender(note_completion_abroad),
    GraduationDecided: _with_sender(note_graduation_abroad),
    Certified: _with_sender(note_certificate_from_abroad),
    CertificateRevoked: _with_sender(note_revocation_from_abroad),
    LearnerLinked: _with_sender(link_guest),
    ErasureOrdered: _with_sender(heed_order),
}
"""What enrolment hears from other nodes."""


async def know_learners(learner_ids: Sequence[str], work: EnrolmentWork) -> set[str]:
    """Tell which of these are this node's own people, or once were."""
    await work.learners.preload(learner_ids)
    people = [await work.learners.of(each) for each in learner_ids]
    return {each.id for each in people if each.told_here}


def outgoing(federation: Federation) -> Outgoing[EnrolmentWork]:
    """Tell what is shared with other nodes, and what a copy carries besides."""
    return Outgoing(OUTGOING, partial(add_the_person, federation.peers.encrypt, federation.node))


def incoming(pseudonym: Callable[[str], str], federation: Federation) -> Incoming[EnrolmentWork]:
    """Tell what is heard from other nodes; `pseudonym` tells a number's learner id."""
    reception = Reception(
        federation.node,
        federation.keys.decrypt,
        pseudonym,
        lambda node: federation.peers.cards[node].role != "auditor",
    )
    people: dict[type[Fact], Handler] = {
        Nominated: _with_sender(partial(take_nomination, reception)),
        NominationWithdrawn: _with_sender(partial(let_guest_go, reception)),
        LearnerTransferred: _with_sender(partial(receive_move, reception)),
    }
    return Incoming({**INCOMING, **people}, know_learners, load_whom_it_concerns)


async def load_whom_it_concerns(facts: Sequence[Fact], work: EnrolmentWork) -> None:
    """Load the learners, and their places here and abroad, of a whole batch together."""
    about = [each for each in facts if isinstance(each, LearnerFact)]
    await work.learners.preload(each.learner_id for each in about)
    ids = [str(getattr(each, "enrolment_id", "")) for each in about]
    await work.placements.preload(filter(None, ids))
