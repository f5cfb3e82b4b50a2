"""What happens to records: opened, closed, rescheduled; evidence taken, companions assigned, deadlines warned of."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.progress.domain.attendance import attendance_id
from services.progress.domain.companions import Assignment
from services.progress.domain.deadlines import warn
from services.progress.domain.evidence import Evidence, Giver, Verdict
from services.progress.domain.intake import take
from services.progress.domain.record import Record
from services.progress.domain.story import enrol, reschedule, withdraw
from services.progress.handlers.sessions import mark_enrolled
from services.progress.ports import Work
from shared.events.enrolment import Enrolled, Rescheduled, Withdrawn
from shared.events.fact import Fact
from shared.kernel.errors import Conflict, NotFound

Kept = tuple[Record, Record, Sequence[Fact]]
"""A record before, the same afterwards, and what that states."""


async def open_record_of_enrolment(fact: Enrolled, work: Work) -> None:
    """Open the record of an enrolment with its cohort's plan; what was attended before counts then."""
    record = await work.records.of(fact.enrolment_id)
    await keep_records(work, [(record, *enrol(record, fact))])
    await mark_enrolled(fact, work.node, work, news=not record.plan)


async def load_attendance(facts: Sequence[Fact], work: Work) -> None:
    """Load together what the enrolled of a batch attended before."""
    enrolled = [each for each in facts if isinstance(each, Enrolled)]
    sessions = await work.sessions_of((each.plan.cohort_id for each in enrolled), work.node)
    await work.attendance.preload(
        attendance_id(session.id, each.learner_id)
        for session in sessions
        for each in enrolled
        if each.plan.cohort_id == session.place.cohort_id
    )


async def close_record_of_withdrawn(fact: Withdrawn, work: Work) -> None:
    """Close the record of a learner who has left."""
    record = await work.records.of(fact.enrolment_id)
    await keep_records(work, [(record, withdraw(record, fact), [])])


async def follow_new_calendar(fact: Rescheduled, work: Work) -> None:
    """Follow the cohort's new dates and sessions."""
    record = await work.records.of(fact.enrolment_id)
    await keep_records(work, [(record, *reschedule(record, fact))])


async def take_evidence(
    offered: Mapping[str, Sequence[Evidence]], giver: Giver, now: datetime, work: Work
) -> dict[str, list[Verdict]]:
    """Take the evidence offered for each enrolment, and tell of each piece what became of it."""
    await work.records.preload(offered)
    verdicts: dict[str, list[Verdict]] = {}
    kept: list[Kept] = []
    for enrolment_id, pieces in offered.items():
        try:
            record = await work.records.of(enrolment_id)
        except NotFound:
            verdicts[enrolment_id] = [Verdict("refused", "unknown-enrolment")] * len(pieces)
            continue
        taken, verdicts[enrolment_id], facts = take(record, pieces, giver, now)
        kept.append((record, taken, facts))
    await keep_records(work, kept)
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
        await keep_records(work, [(record, record.accompany(each.companions), [])])


async def warn_before_deadlines(
    enrolments: Sequence[str], days: int, now: datetime, work: Work
) -> None:
    """State which phases are at risk, once each, for these enrolments."""
    await work.records.preload(enrolments)
    records = [await work.records.of(enrolment_id) for enrolment_id in enrolments]
    await keep_records(work, [(record, *warn(record, now, days)) for record in records])


async def keep_records(work: Work, kept: Sequence[Kept]) -> None:
    """Keep the records that have changed; what they state goes to where the learner's home is by now."""
    await work.passports.preload(record.learner_id for _, record, facts in kept if facts)
    for before, record, facts in kept:
        if record is before:
            continue
        home = ""
        if facts:
            home = (await work.passports.of(record.learner_id)).home
        told = [each.model_copy(update={"home_node": home}) for each in facts] if home else facts
        work.records.keep(record, told)
