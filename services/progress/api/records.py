"""One enrolment's record: its phases, what is missing, and who accompanies the learner."""

from datetime import date, datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from services.progress.api.parts import EnrolmentPath, ProgressWorks, SeesRecords
from services.progress.domain.gates import Timeline
from services.progress.domain.record import Record, Status
from services.progress.domain.words import missing
from services.progress.store import record_of
from shared.events.plan import PlannedPhase, ProgrammeRef
from shared.web.problems import PROBLEMS

router = APIRouter(responses=PROBLEMS, tags=["records"])


class SentBack(BaseModel):
    """A document that waits for its learner to revise it."""

    document: str
    by: str
    at: datetime
    reason: str


class PhaseShown(BaseModel):
    """One phase with what is still missing, in Indonesian and English."""

    number: int
    code: str
    title: str
    title_en: str
    jp: int
    status: Literal["completed", "current", "waiting"]
    completed_at: datetime | None
    ends: date | None
    missing: list[str]
    missing_en: list[str]
    sent_back: list[SentBack]


class Companions(BaseModel):
    """Who accompanies a learner, by learner id."""

    mentor: str | None
    coach: str | None
    examiners: list[str]


class RecordShown(BaseModel):
    """One learner's way through one cohort."""

    enrolment_id: str
    learner_id: str
    agency: str
    cohort_id: str
    cohort_title: str
    programme: ProgrammeRef
    status: Status
    jp: int
    total_jp: int
    phases: list[PhaseShown]
    scores: dict[str, float]
    companions: Companions


@router.get("/enrolments/{enrolment_id}")
async def show_record(
    enrolment_id: EnrolmentPath, works: ProgressWorks, who: SeesRecords
) -> RecordShown:
    """Show how far a learner has come in a cohort, what is missing and what is next."""
    record = await record_of(works.open(who.scope), enrolment_id)
    timeline = record.timeline
    plan = timeline.course.plan
    return RecordShown(
        enrolment_id=record.id,
        learner_id=record.learner_id,
        agency=record.agency,
        cohort_id=plan.cohort_id,
        cohort_title=plan.cohort_title,
        programme=plan.programme,
        status=record.status,
        jp=record.jp,
        total_jp=plan.total_jp,
        phases=phases_of(record, timeline),
        scores={activity: each.value for activity, each in timeline.scores().items()},
        companions=_companions(record),
    )


def phases_of(record: Record, timeline: Timeline) -> list[PhaseShown]:
    """Tell of every phase how far it is; nothing is missing from a completed one."""
    shown: list[PhaseShown] = []
    for index, phase in enumerate(timeline.course.phases):
        done = index < len(record.completed)
        words = [] if done else missing(phase.gate, timeline)
        current = index == len(record.completed) and record.status == "open"
        shown.append(
            PhaseShown(
                number=phase.number,
                code=phase.code,
                title=phase.title,
                title_en=phase.title_en,
                jp=phase.jp,
                status="completed" if done else "current" if current else "waiting",
                completed_at=record.completed[index] if done else None,
                ends=phase.ends,
                missing=[indonesian for indonesian, _ in words],
                missing_en=[english for _, english in words],
                sent_back=[] if done else _sent_back(phase, timeline),
            )
        )
    return shown


def _sent_back(phase: PlannedPhase, timeline: Timeline) -> list[SentBack]:
    rules = [each.approved for each in phase.gate.all if each.approved]
    newest = [timeline.of("document", rule.document, rule.by)[-1:] for rule in rules]
    return [
        SentBack(document=each.about, by=each.by, at=each.at, reason=each.reason)
        for found in newest
        for each in found
        if not each.value
    ]


def _companions(record: Record) -> Companions:
    people = {role: [c.learner_id for c in record.companions if c.role == role] for role in _ROLES}
    return Companions(
        mentor=next(iter(people["mentor"]), None),
        coach=next(iter(people["coach"]), None),
        examiners=people["examiner"],
    )


_ROLES = ("mentor", "coach", "examiner")
