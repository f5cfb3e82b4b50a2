"""A cohort at a glance: who has come how far, and who accompanies whom."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.progress.api.parts import (
    CohortPath,
    EnrolmentId,
    LearnerId,
    Organiser,
    ProgressWorks,
    SeesCohorts,
)
from services.progress.api.sheets import XLSX, Cell, Language, Table, refuse_more, workbook
from services.progress.domain.companions import Assignment
from services.progress.domain.record import Record, Status
from services.progress.domain.words import missing
from services.progress.handlers.records import assign_companions, refuse_unassignable
from services.progress.store import cohort_records, names_of
from shared.kernel.clock import local_date
from shared.kernel.errors import Invalid
from shared.web.paging import After, Limit, Page, page
from shared.web.problems import PROBLEMS

router = APIRouter(responses=PROBLEMS, tags=["cohorts"])
_SLICE = 100
_PAGE = 500


class Accompanied(BaseModel):
    """The companions of one enrolment, by learner id; who is left out accompanies no longer."""

    model_config = ConfigDict(extra="forbid")

    enrolment_id: EnrolmentId
    mentor: LearnerId | None = None
    coach: LearnerId | None = None
    examiners: Annotated[list[LearnerId], Field(max_length=10)] = []


class Assignments(BaseModel):
    """The companions of up to 5,000 enrolments."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[Accompanied], Field(max_length=5000)]


class Assigned(BaseModel):
    """How many enrolments have the companions that were asked for."""

    assigned: int


class CurrentPhase(BaseModel):
    """The phase that a learner is in."""

    number: int
    title: str
    title_en: str
    ends: date | None


class Row(BaseModel):
    """One learner of a cohort; `result_revision` is that of the newest stated result, 0 before completion."""

    enrolment_id: str
    learner_id: str
    name: str
    agency: str
    status: Status
    phases_completed: int
    of: int
    completed_at: list[datetime]
    result_revision: int
    current: CurrentPhase | None
    missing: list[str]
    missing_en: list[str]
    jp: int
    total_jp: int


@router.put("/cohorts/{cohort_id}/companions")
async def put_companions(
    cohort_id: CohortPath, body: Assignments, works: ProgressWorks, who: Organiser
) -> Assigned:
    """Assign companions; nothing is assigned if one of the rows cannot be."""
    assignments = [
        Assignment(each.enrolment_id, each.mentor, each.coach, tuple(each.examiners))
        for each in body.items
    ]
    if len({each.enrolment_id for each in assignments}) < len(assignments):
        raise Invalid("duplicate-in-list", "each enrolment stands in the list once")
    for part in _slices(assignments):
        await refuse_unassignable(cohort_id, part, works.open(who.scope))
    for part in _slices(assignments):
        await works.run(partial(assign_companions, cohort_id, part), who.scope)
    return Assigned(assigned=len(assignments))


@router.get("/cohorts/{cohort_id}/progress")
async def list_progress(
    cohort_id: CohortPath, works: ProgressWorks, who: SeesCohorts,
    after: After = "", limit: Limit = 100,
) -> Page[Row]:  # fmt: skip
    """List how far each learner of a cohort has come, in id order."""
    work = works.open(who.scope)
    found = await cohort_records(work, cohort_id, after, limit + 1)
    names = await names_of(work, (record.learner_id for record in found))
    return page(found, limit, lambda record: _row(record, names), lambda record: record.id)


@router.get("/cohorts/{cohort_id}/progress.xlsx", response_class=Response, responses=XLSX)
async def export_progress(
    request: Request, cohort_id: CohortPath, works: ProgressWorks, who: SeesCohorts,
    language: Language = "id",
) -> Response:  # fmt: skip
    """Export how far each learner of a cohort has come, as a workbook."""
    rows: list[Row] = []
    after = ""
    while True:
        work = works.open(who.scope)
        found = await cohort_records(work, cohort_id, after, _PAGE)
        if not found:
            break
        names = await names_of(work, (record.learner_id for record in found))
        rows += [_row(record, names) for record in found]
        refuse_more(len(rows))
        after = found[-1].id
    rows.sort(key=lambda row: (row.name, row.enrolment_id))
    region = request.app.state.settings.node
    return await workbook(_table(rows, language, region), f"progress-{cohort_id}")


def _row(record: Record, names: dict[str, str]) -> Row:
    timeline = record.timeline
    phases, done = timeline.course.phases, len(record.completed)
    phase = phases[done] if done < len(phases) else None
    words = missing(phase.gate, timeline) if phase else []
    return Row(
        enrolment_id=record.id,
        learner_id=record.learner_id,
        name=names.get(record.learner_id, ""),
        agency=record.agency,
        status=record.status,
        phases_completed=done,
        of=len(phases),
        completed_at=list(record.completed),
        result_revision=record.revision,
        current=CurrentPhase(
            number=phase.number, title=phase.title, title_en=phase.title_en, ends=phase.ends
        )
        if phase
        else None,
        missing=[indonesian for indonesian, _ in words],
        missing_en=[english for _, english in words],
        jp=record.jp,
        total_jp=timeline.course.plan.total_jp,
    )


_HEADINGS = {
    "id": ("No.", "Nama", "Instansi", "Status", "Tahap selesai", "dari", "JP", "Tahap kini",
           "Berakhir", "Yang belum", "Tahap {} selesai"),
    "en": ("No.", "Name", "Agency", "Status", "Phases completed", "of", "JP", "Current phase",
           "Ends", "Missing", "Phase {} completed"),
}  # fmt: skip
_STATUSES = {
    "id": {"open": "berjalan", "completed": "selesai", "withdrawn": "mengundurkan diri"},
    "en": {"open": "open", "completed": "completed", "withdrawn": "withdrawn"},
}


def _table(rows: Sequence[Row], language: str, region: str) -> Table:
    """Lay out a cohort's progress, with the host's local day on which each phase was completed."""
    *headings, each_phase = _HEADINGS[language]
    most = max((row.of for row in rows), default=0)

    def cells(place: int, row: Row) -> list[Cell]:
        english = language == "en"
        current = row.current
        days = [local_date(at, region) for at in row.completed_at]
        return [
            place,
            row.name or row.learner_id,
            row.agency,
            _STATUSES[language][row.status],
            row.phases_completed,
            row.of,
            row.jp,
            (current.title_en if english else current.title) if current else "",
            current.ends if current else None,
            "; ".join(row.missing_en if english else row.missing),
            *days,
        ]

    return Table(
        "Kemajuan" if language == "id" else "Progress",
        [*headings, *(each_phase.format(number) for number in range(1, most + 1))],
        [cells(place, row) for place, row in enumerate(rows, 1)],
    )


def _slices(assignments: Sequence[Assignment]) -> Iterator[list[Assignment]]:
    left = iter(assignments)
    while part := list(islice(left, _SLICE)):
        yield part
