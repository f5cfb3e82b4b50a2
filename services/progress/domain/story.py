"""What an enrolment's own facts do to its record, in whatever order they come."""

from services.progress.domain.course import Calendar
from services.progress.domain.record import Record
from services.progress.domain.settling import settle
from shared.events.enrolment import Enrolled, Rescheduled, Withdrawn
from shared.events.fact import Fact
from shared.kernel.values import replace


def enrol(record: Record, fact: Enrolled) -> tuple[Record, list[Fact]]:
    """Take the plan from the enrolment; whatever was heard before it stays."""
    if record.plan:
        return record, []
    since = fact.plan.calendar_version
    opened = replace(
        record,
        learner_id=fact.learner_id,
        cohort_id=fact.plan.cohort_id,
        agency=fact.agency,
        home_node=fact.home_node,
        owner=fact.plan.owner,
        enrolled_at=fact.at,
        plan=fact.plan.model_dump_json(),
        calendars=tuple(each for each in record.calendars if each.number > since),
    )
    return settle(opened, 0)


def withdraw(record: Record, fact: Withdrawn) -> Record:
    """Close the record; it keeps what it had."""
    if record.withdrawn_at:
        return record
    return replace(
        record,
        learner_id=fact.learner_id,
        cohort_id=fact.cohort_id,
        agency=record.agency or fact.agency,
        home_node=record.home_node or fact.home_node,
        withdrawn_at=fact.at,
        status="withdrawn",
        dues=(),
    )


def reschedule(record: Record, fact: Rescheduled) -> tuple[Record, list[Fact]]:
    """Take a later calendar; what was completed under an earlier one stays completed."""
    known = {each.number for each in record.calendars}
    planned = record.course.plan.calendar_version if record.plan else 0
    if fact.calendar_version <= planned or fact.calendar_version in known:
        return record, []
    calendars = sorted((*record.calendars, Calendar.of(fact)), key=lambda each: each.number)
    moved = replace(
        record,
        learner_id=fact.learner_id,
        cohort_id=fact.cohort_id,
        calendars=tuple(calendars),
    )
    return settle(moved, 0) if moved.plan else (moved, [])
