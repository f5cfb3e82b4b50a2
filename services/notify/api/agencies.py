"""What an agency reads of its people: what became of nominations, who completed what, and what it led to."""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.notify.api.parts import NotifyWorks
from services.notify.domain.notices import NAMES, Notice
from services.notify.domain.phrases import Language
from services.notify.domain.wording import report
from services.notify.handlers import note_that_agency_saw
from services.notify.store import how_many, names_of, newest_of_agency
from shared.web.idempotency import IdempotentRoute
from shared.web.identity import Access, allow
from shared.web.paging import After, Page, page
from shared.web.problems import PROBLEMS

router = APIRouter(
    prefix="/agencies", tags=["agencies"], route_class=IdempotentRoute, responses=PROBLEMS
)
_Desk = Annotated[Access, allow("nominator", "endorser", "organiser")]
_Code = Annotated[str, Path(pattern=r"^[0-9]{2}(\.[0-9]{2})?(/[a-z0-9-]{1,40})?$")]
_Key = Annotated[str, Field(min_length=1, max_length=64)]


class Reported(BaseModel):
    """What happened to one of an agency's people; `seen` where somebody there has marked it so."""

    id: str
    type: str
    at: datetime
    learner_id: str
    name: str
    enrolment_id: str
    cohort_id: str
    text: str
    seen: bool


class Digest(BaseModel):
    """How much an agency was told by type, and how much of it nobody there has seen."""

    total: int
    unseen: int
    notices: dict[str, int]


class Marked(BaseModel):
    """Which notices were seen."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[_Key], Field(min_length=1, max_length=200)]


class Seen(BaseModel):
    """How many of them are marked as seen now."""

    seen: int


@router.get("/{code:path}/notices")
async def read_notices(
    who: _Desk,
    works: NotifyWorks,
    code: _Code,
    seen: Annotated[bool | None, Query(description="Only seen ones, or only unseen ones")] = None,
    after: After = "",
    limit: Annotated[int, Query(ge=1, le=200, description="Notices a page")] = 50,
    language: Language = "id",
) -> Page[Reported]:
    """Show what happened to an agency's people, newest first, wherever they are taught."""
    work = works.open(who.scope)
    found = await newest_of_agency(work, code, seen=seen, before=after, limit=limit + 1)
    names = await names_of(work, (notice.learner_id for notice in found))

    def show(notice: Notice) -> Reported:
        return Reported(
            id=notice.id,
            type=notice.type,
            at=notice.at,
            learner_id=notice.learner_id,
            name=names.get(notice.learner_id, ""),
            enrolment_id=notice.enrolment_id,
            cohort_id=notice.cohort_id,
            text=report(notice.type, notice.words, language),
            seen=notice.seen,
        )

    return page(found, limit, show, lambda notice: notice.place)


@router.get("/{code:path}/notices/digest")
async def digest(who: _Desk, works: NotifyWorks, code: _Code) -> Digest:
    """Count what happened to an agency's people, by type."""
    work, about = works.open(who.scope), {"agency": code}
    counted = {name: await how_many(work, {**about, "type": name}) for name in NAMES}
    unseen = await how_many(work, {**about, "seen": {"$ne": True}})
    return Digest(total=sum(counted.values()), unseen=unseen, notices=counted)


@router.post("/{code:path}/notices/seen")
async def mark_seen(who: _Desk, works: NotifyWorks, code: _Code, marked: Marked) -> Seen:
    """Mark notices of an agency's people as seen; for the person they stay as they were."""
    use_case = partial(note_that_agency_saw, code, list(dict.fromkeys(marked.ids)))
    return Seen(seen=await works.run(use_case, who.scope))
