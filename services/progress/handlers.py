"""What progress does: follow enrolments, take evidence, warn in time, keep passports and cards."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from services.progress.domain.companions import Assignment
from services.progress.domain.deadlines import warn
from services.progress.domain.evidence import Evidence, Giver, Verdict
from services.progress.domain.intake import take
from services.progress.domain.passport import Passport
from services.progress.domain.record import Record
from services.progress.domain.story import enrol, reschedule, withdraw
from services.progress.ports import Work
from shared.events.certification import CertificateRevoked, CertificateSuperseded, Certified
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerLinked,
    LearnerRecorded,
    Rescheduled,
    Withdrawn,
)
from shared.events.fact import Fact
from shared.events.progress import PhaseCompleted, ProgrammeCompleted
from shared.kernel.errors import Conflict, NotFound


async def open_record_of_enrolment(fact: Enrolled, work: Work) -> None:
    """Open the record of an enrolment with its cohort's plan."""
    record = await work.records.of(fact.enrolment_id)
    _keep_record(work, record, *enrol(record, fact))


async def close_record_of_withdrawn(fact: Withdrawn, work: Work) -> None:
    """Close the record of a learner who has left."""
    record = await work.records.of(fact.enrolment_id)
    _keep_record(work, record, withdraw(record, fact), [])


async def follow_new_calendar(fact: Rescheduled, work: Work) -> None:
    """Follow the cohort's new dates and sessions."""
    record = await work.records.of(fact.enrolment_id)
    _keep_record(work, record, *reschedule(record, fact))


async def take_evidence(
    offered: Mapping[str, Sequence[Evidence]], giver: Giver, now: datetime, work: Work
) -> dict[str, list[Verdict]]:
    """Take the evidence offered for each enrolment, and tell of each piece what became of it."""
    await work.records.preload(offered)
    verdicts: dict[str, list[Verdict]] = {}
    for enrolment_id, pieces in offered.items():
        try:
            record = await work.records.of(enrolment_id)
        except NotFound:
            verdicts[enrolment_id] = [Verdict("refused", "unknown-enrolment")] * len(pieces)
            continue
        taken, verdicts[enrolment_id], facts = take(record, pieces, giver, now)
        _keep_record(work, record, taken, facts)
    return verdicts


async def refuse_unassignable(
    cohort_id: str, assignments: Sequence[Assignment], work: Work
) -> None:
    """Refuse assignments to an enrolment that is not the cohort's, or of who may not accompany."""
    await work.records.preload(each.enrolment_id for each in assignments)
    unknown: list[str] = []
    for each in assignments:
        try:
            record = await work.records.of(each.enrolment_id)
        except NotFound:
            unknown.append(each.enrolment_id)
            continue
        if not record.plan or record.cohort_id != cohort_id:
            unknown.append(each.enrolment_id)
        elif clash := each.clash(record.learner_id):
            raise Conflict(clash, _CLASHES[clash], {"enrolments": [each.enrolment_id]})
    if unknown:
        detail = "this cohort has no such enrolments"
        raise NotFound("unknown-enrolment", detail, {"enrolments": unknown})


_CLASHES = {
    "examiner-is-companion": "nobody examines a learner whom they mentor or coach",
    "own-companion": "nobody accompanies themself",
}


async def assign_companions(cohort_id: str, assignments: Sequence[Assignment], work: Work) -> None:
    """Assign mentor, coach and examiners to learners of a cohort, in place of the former ones."""
    await refuse_unassignable(cohort_id, assignments, work)
    for each in assignments:
        record = await work.records.of(each.enrolment_id)
        _keep_record(work, record, record.accompany(each.companions), [])


async def warn_before_deadlines(
    enrolments: Sequence[str], days: int, now: datetime, work: Work
) -> None:
    """State which phases are at risk, once each, for these enrolments."""
    await work.records.preload(enrolments)
    for enrolment_id in enrolments:
        record = await work.records.of(enrolment_id)
        _keep_record(work, record, *warn(record, now, days))


def _keep_record(work: Work, before: Record, record: Record, facts: Sequence[Fact]) -> None:
    """Keep a record that has changed."""
    if record is not before:
        work.records.keep(record, facts)


async def note_enrolment(fact: Enrolled, work: Work) -> None:
    """Note an enrolment in the learner's passport."""
    await _note(fact, work, lambda passport: passport.enrolled(fact))


async def note_withdrawal(fact: Withdrawn, work: Work) -> None:
    """Note a withdrawal in the learner's passport."""
    await _note(fact, work, lambda passport: passport.withdrawn(fact))


async def note_phase(fact: PhaseCompleted, work: Work) -> None:
    """Note a completed phase in the learner's passport."""
    await _note(fact, work, lambda passport: passport.phase_completed(fact))


async def note_completion(fact: ProgrammeCompleted, work: Work) -> None:
    """Note a completed programme in the learner's passport."""
    await _note(fact, work, lambda passport: passport.programme_completed(fact))


async def note_decision(fact: GraduationDecided, work: Work) -> None:
    """Note the decision on graduation in the learner's passport."""
    await _note(fact, work, lambda passport: passport.decided(fact))


async def credit_certificate(fact: Certified, work: Work) -> None:
    """Credit the training hours of a certificate to the learner's passport."""
    await _note(fact, work, lambda passport: passport.certified(fact))


async def discredit_certificate(
    fact: CertificateSuperseded | CertificateRevoked, work: Work
) -> None:
    """Take a certificate that is no longer live out of the learner's training hours."""
    await _note(fact, work, lambda passport: passport.ended(fact))


async def link_numbers(fact: LearnerLinked, work: Work) -> None:
    """Note in a passport that another is the same person's; readers follow it both ways."""
    await _note(fact, work, lambda passport: passport.link(fact))


async def _note(fact: Fact, work: Work, change: Callable[[Passport], Passport]) -> None:
    passport = await work.passports.of(fact.learner_id)
    changed = change(passport)
    if changed is not passport:
        work.passports.keep(changed)


async def keep_newest_card(fact: LearnerRecorded, work: Work) -> None:
    """Keep who a learner is, as their newest card tells."""
    card = await work.cards.of(fact.learner_id)
    newer = card.record(fact)
    if newer is not card:
        work.cards.keep(newer)
