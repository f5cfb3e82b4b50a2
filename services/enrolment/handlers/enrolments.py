"""Enrolments: self-made in open cohorts, left, and what others tell of them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from services.enrolment.domain.cohort import Request
from services.enrolment.domain.enrolment import Enrolment, guard_day
from services.enrolment.domain.judging import Terms, shortcomings
from services.enrolment.domain.learner import Held
from services.enrolment.handlers.rosters import Today
from services.enrolment.handlers.seats import enrol
from services.enrolment.handlers.stating import left
from services.enrolment.ports import Rooms
from shared.events.certification import CertificateRevoked, Certified
from shared.events.enrolment import GraduationDecided
from shared.events.progress import LectureAttended, ProgrammeCompleted
from shared.kernel.clock import local_date, start_of
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.kernel.ids import enrolment_id


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why somebody leaves, and on which day."""

    on: date
    reason: str


async def withdraw_learner(
    key: str, withdrawal: Withdrawal, today: Today, work: Rooms
) -> Enrolment:
    """Let a learner leave a cohort or its line for good."""
    guard_day(withdrawal.on, today.day)
    enrolment = await work.enrolments.get(key)
    enrolment, leaves = enrolment.withdraw(withdrawal.on, withdrawal.reason)
    if leaves:
        same_day = withdrawal.on == today.day
        at = today.now if same_day else start_of(withdrawal.on, today.node)
        work.enrolments.keep(enrolment, [left(enrolment, at)])
    return enrolment


async def enrol_oneself(learner_id: str, cohort_id: str, today: Today, work: Rooms) -> Enrolment:
    """Enrol a known learner in an open cohort, which touches neither cohort nor learner."""
    cohort = await work.cohorts.get(cohort_id)
    cohort.guard_open()
    if cohort.content.seats is not None:
        raise Conflict(
            "nomination-needed", "this cohort takes learners whom their agency nominates"
        )
    programme = await work.programmes.get(cohort.programme_id)
    learner = await work.learners.of(learner_id)
    if not learner.known:
        raise NotFound("unknown-learner", "this node does not know you yet; ask your agency")
    await work.learners.preload(learner.linked)
    linked = [await work.learners.of(each) for each in learner.linked]
    request = Request(
        enrolment_id(learner_id, cohort_id, cohort.host_node),
        learner_id,
        learner.agency,
        learner.home_node or today.node,
        "",
        shortcomings(learner, linked, Terms.of(cohort, programme, today.day)),
        tuple(enrolment_id(each, cohort_id, cohort.host_node) for each in learner.linked),
    )
    before = await work.enrolments.of(request.enrolment_id)
    if before.status == "enrolled":
        return before
    outcome = await enrol(request, cohort, programme, today.now, work)
    if outcome.status == "refused":
        reasons = outcome.reasons
        raise Invalid("not-admitted", f"refused: {', '.join(reasons)}", {"reasons": list(reasons)})
    return await work.enrolments.of(request.enrolment_id)


async def enrol_who_attended(fact: LectureAttended, work: Rooms) -> None:
    """Enrol whoever attended a lecture of an open cohort, judged like somebody who enrols themself.

    Who cannot be enrolled is not: nobody asked for it, so nobody is told.
    """
    cohort = await work.cohorts.get(fact.cohort_id)
    today = Today(fact.at, local_date(fact.at, cohort.host_node), cohort.host_node)
    with suppress(Conflict, Invalid, NotFound):
        await enrol_oneself(fact.learner_id, fact.cohort_id, today, work)


async def note_completion(fact: ProgrammeCompleted, work: Rooms) -> None:
    """Know that a learner has completed every phase."""
    enrolment = await work.enrolments.of(fact.enrolment_id)
    work.enrolments.keep(enrolment.complete(fact.revision, fact.jp))


async def note_graduation(fact: GraduationDecided, work: Rooms) -> None:
    """Know what the cohort decided on a learner's graduation."""
    enrolment = await work.enrolments.of(fact.enrolment_id)
    work.enrolments.keep(enrolment.decide(fact.decision, fact.outcome, fact.until))


async def note_certificate(fact: Certified, work: Rooms) -> None:
    """Know what a learner is certified in, to judge nominations by."""
    learner = await work.learners.of(fact.learner_id)
    held = Held(fact.programme.code, fact.revision, fact.valid_until)
    work.learners.keep(learner.certify(fact.enrolment_id, held))


async def note_revocation(fact: CertificateRevoked, work: Rooms) -> None:
    """Know that a certificate holds no longer."""
    learner = await work.learners.of(fact.learner_id)
    work.learners.keep(learner.revoke(fact.enrolment_id, fact.revision))
