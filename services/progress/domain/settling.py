"""What evidence comes to: phases completed in order, and each consequence stated once."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from services.progress.domain.course import BEGINNING, Course
from services.progress.domain.gates import Timeline, first_met
from services.progress.domain.record import Record, Status
from shared.events.fact import Fact
from shared.events.progress import PhaseCompleted, PhaseDone, ProgrammeCompleted
from shared.kernel.values import replace


def settle(record: Record, first: int) -> tuple[Record, list[Fact]]:
    """Complete phases in order from this one (from 0) on, and state what was not told yet.

    A phase is completed at the first instant, not before the phase before it, at which all of its
    gate held; evidence that comes later with a later time never takes that back.
    """
    course = record.course
    timeline = Timeline(course, record.evidence)
    done = list(record.completed)
    if first < len(course.phases):
        done = done[:first]
        for phase in course.phases[first:]:
            at = first_met(phase.gate, timeline, done[-1] if done else BEGINNING)
            if at is None:
                break
            # A gate that asks for nothing is met when the learner is enrolled.
            done.append(at if at > BEGINNING else record.enrolled_at or at)
    facts: list[Fact] = [
        _phase_completed(record, course, index, done[index])
        for index in range(record.told_phases, len(done))
    ]
    told = record.told
    if len(done) == len(course.phases):
        told = _completion(done, timeline)
    if told != record.told:
        facts.append(_programme_completed(record, done, timeline))
    settled = replace(
        record,
        completed=tuple(done),
        told_phases=max(record.told_phases, len(done)),
        revision=record.revision + (told != record.told),
        told=told,
        status=_status(record, len(done), course),
        dues=dues_of(record, len(done), course),
    )
    return settled, facts


def dues_of(record: Record, done: int, course: Course) -> tuple[date, ...]:
    """Tell the last days of phases that are not completed and that nobody was warned of."""
    if record.withdrawn_at:
        return ()
    left = [phase.ends for phase in course.phases[done:] if phase.number not in record.warned]
    return tuple(sorted({ends for ends in left if ends}))


def _status(record: Record, done: int, course: Course) -> Status:
    if record.withdrawn_at:
        return "withdrawn"
    return "open" if done < len(course.phases) else "completed"


def _completion(done: Sequence[datetime], timeline: Timeline) -> str:
    """Write what a completion tells: when it changes, it is stated again."""
    scores = timeline.scores().items()
    times = [at.isoformat() for at in done]
    return " ".join([*times, *(f"{activity}={each.value!r}" for activity, each in scores)])


def whose(record: Record) -> dict[str, Any]:
    """Tell what every fact of a record says of whose it is."""
    plan = record.course.plan
    return {
        "learner_id": record.learner_id,
        "enrolment_id": record.id,
        "cohort_id": plan.cohort_id,
        "cohort_title": plan.cohort_title,
        "agency": record.agency,
    }


def _phase_completed(record: Record, course: Course, index: int, at: datetime) -> PhaseCompleted:
    phase = course.phases[index]
    return PhaseCompleted(
        **whose(record),
        at=at,
        home_node=record.home_node,
        programme=course.plan.programme,
        phase=phase.number,
        of=len(course.phases),
        title=phase.title,
        title_en=phase.title_en,
        jp=phase.jp,
    )


def _programme_completed(
    record: Record, done: Sequence[datetime], timeline: Timeline
) -> ProgrammeCompleted:
    plan, scores = timeline.course.plan, timeline.scores()
    return ProgrammeCompleted(
        **whose(record),
        # A correction is dated by the newest score, so that what follows from it is too.
        at=max([done[-1], *(each.at for each in scores.values())]),
        home_node=record.home_node,
        programme=plan.programme,
        jp=plan.total_jp,
        revision=record.revision + 1,
        phases=tuple(
            PhaseDone(phase=phase.number, at=at)
            for phase, at in zip(plan.phases, done, strict=True)
        ),
        scores={activity: each.value for activity, each in scores.items()},
    )
