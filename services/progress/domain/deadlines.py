"""Which phases are at risk: their last local day nears and something is still missing."""

from datetime import date, datetime, timedelta

from services.progress.domain.record import Record
from services.progress.domain.settling import dues_of, whose
from services.progress.domain.words import missing
from shared.events.fact import Fact
from shared.events.progress import PhaseAtRisk
from shared.kernel.clock import end_of
from shared.kernel.values import replace


def warn(record: Record, now: datetime, days: int) -> tuple[Record, list[Fact]]:
    """State, once a phase, what is missing when its last day ends within so many days."""
    if record.status != "open" or not record.plan:
        return record, []
    timeline = record.timeline
    course = timeline.course
    facts: list[Fact] = []
    warned = set(record.warned)
    for phase in course.phases[len(record.completed) :]:
        due, words = phase.ends, missing(phase.gate, timeline)
        if due is None or phase.number in warned or not words:
            continue
        if not is_near(due, now, days, course.plan.host_node):
            continue
        warned.add(phase.number)
        facts.append(
            PhaseAtRisk(
                **whose(record),
                at=now,
                home_node=record.home_node,
                phase=phase.number,
                title=phase.title,
                title_en=phase.title_en,
                due=due,
                missing=tuple(indonesian for indonesian, _ in words),
                missing_en=tuple(english for _, english in words),
            )
        )
    if not facts:
        return record, []
    told = replace(record, warned=tuple(sorted(warned)))
    return replace(told, dues=dues_of(told, len(told.completed), course)), facts


def is_near(day: date, now: datetime, days: int, region: str) -> bool:
    """Tell whether a region's calendar day ends within so many days, and has not ended yet."""
    end = end_of(day, region)
    return end - timedelta(days=days) <= now < end
