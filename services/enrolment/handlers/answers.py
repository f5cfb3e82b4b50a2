"""What hosts tell of our people: how they stand with a cohort there, and what they are certified in."""

from collections.abc import Callable

from services.enrolment.domain.cohort import ALREADY_IN
from services.enrolment.domain.learner import Held, Learner
from services.enrolment.domain.placement import Placement
from services.enrolment.handlers.moving import tell_move_again
from services.enrolment.ports import Rooms
from shared.events.certification import CertificateRevoked, Certified
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    NominationRefused,
    Rescheduled,
    SeatFreed,
    SeatGiven,
    Waitlisted,
    Withdrawn,
)
from shared.events.fact import LearnerFact
from shared.events.hosting import is_hosted_by
from shared.events.progress import ProgrammeCompleted
from shared.kernel.errors import Unprocessable


def _vet(fact: LearnerFact, sender: str) -> None:
    """Refuse what a node says of a cohort that is not its own, or of a learner of its own."""
    if fact.home_node == sender:
        raise Unprocessable("not-our-learner", f"{sender} tells of its own learner")
    if not is_hosted_by(fact, sender):
        raise Unprocessable("not-the-host", f"{sender} does not teach this cohort")


async def _note(
    fact: SeatGiven | Waitlisted | SeatFreed | NominationRefused | Withdrawn | Rescheduled
    | GraduationDecided | ProgrammeCompleted | Enrolled,
    sender: str, work: Rooms, change: Callable[[Placement], Placement],
) -> None:  # fmt: skip
    cohort = fact.plan.cohort_id if isinstance(fact, Enrolled) else fact.cohort_id
    before = await work.placements.of(fact.enrolment_id)
    placement = change(before.about(fact, sender, cohort))
    work.placements.keep(placement)
    if placement != before:
        await tell_move_again(fact.learner_id, work)


async def _change_learner(
    learner_id: str, work: Rooms, change: Callable[[Learner], Learner]
) -> None:
    work.learners.keep(change(await work.learners.of(learner_id)))


async def note_seat_abroad(fact: SeatGiven, sender: str, work: Rooms) -> None:
    """Know that one of ours holds a seat there."""
    _vet(fact, sender)
    await _note(fact, sender, work, lambda placement: placement.sit())


async def note_waiting_abroad(fact: Waitlisted, sender: str, work: Rooms) -> None:
    """Know that one of ours waits there."""
    _vet(fact, sender)
    await _note(fact, sender, work, lambda placement: placement.wait())


async def note_freed_abroad(fact: SeatFreed, sender: str, work: Rooms) -> None:
    """Know that one of ours holds no place there any more, and give back the days."""
    _vet(fact, sender)
    await _note(fact, sender, work, lambda placement: placement.free())
    await _change_learner(fact.learner_id, work, lambda one: one.release(fact.enrolment_id))


async def note_refusal_abroad(fact: NominationRefused, sender: str, work: Rooms) -> None:
    """Know why one of ours was refused there, and give back the days that the list had claimed."""
    _vet(fact, sender)
    await _note(fact, sender, work, lambda one: one.refuse(fact.roster_id, fact.reasons))
    if fact.reasons != (ALREADY_IN,):
        await _change_learner(
            fact.learner_id, work, lambda one: one.release_for(fact.enrolment_id, fact.roster_id)
        )


async def note_enrolment_abroad(fact: Enrolled, sender: str, work: Rooms) -> None:
    """Know that one of ours is enrolled there, by which plan, and on which days."""
    _vet(fact, sender)
    await _note(fact, sender, work, lambda placement: placement.enrol(fact.plan))
    await _follow_days(fact, work)


async def note_withdrawal_abroad(fact: Withdrawn, sender: str, work: Rooms) -> None:
    """Know that one of ours has left there, and give back the days."""
    _vet(fact, sender)
    await _note(fact, sender, work, lambda placement: placement.withdraw(fact.reason))
    await _change_learner(fact.learner_id, work, lambda one: one.release(fact.enrolment_id))


async def note_new_dates_abroad(fact: Rescheduled, sender: str, work: Rooms) -> None:
    """Know the newest dates there, and move the days of one of ours."""
    _vet(fact, sender)
    await _note(
        fact, sender, work, lambda one: one.reschedule(fact.calendar_version, fact.calendar)
    )
    await _follow_days(fact, work)


async def _follow_days(fact: Enrolled | Rescheduled, work: Rooms) -> None:
    """Move the days that are claimed for a cohort abroad to its newest ones."""
    placement = await work.placements.of(fact.enrolment_id)
    if placement.campus:
        await _change_learner(
            fact.learner_id, work,
            lambda one: one.move_claim(placement.id, placement.days, placement.calendar_version),
        )  # fmt: skip


async def note_completion_abroad(fact: ProgrammeCompleted, sender: str, work: Rooms) -> None:
    """Know that one of ours has completed every phase there."""
    _vet(fact, sender)
    await _note(fact, sender, work, lambda placement: placement.complete())


async def note_graduation_abroad(fact: GraduationDecided, sender: str, work: Rooms) -> None:
    """Know what the host decided on the graduation of one of ours."""
    _vet(fact, sender)
    await _note(fact, sender, work, lambda one: one.decide(fact.decision, fact.outcome, fact.until))


async def note_certificate_from_abroad(fact: Certified, sender: str, work: Rooms) -> None:
    """Know what one of ours is certified in there: it counts as if it were taught here."""
    _vet(fact, sender)
    held = Held(fact.programme.code, fact.revision, fact.valid_until)
    await _change_learner(fact.learner_id, work, lambda one: one.certify(fact.enrolment_id, held))


async def note_revocation_from_abroad(fact: CertificateRevoked, sender: str, work: Rooms) -> None:
    """Know that such a certificate holds no longer."""
    _vet(fact, sender)
    await _change_learner(
        fact.learner_id, work, lambda one: one.revoke(fact.enrolment_id, fact.revision)
    )
