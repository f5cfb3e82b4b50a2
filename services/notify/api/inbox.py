"""A person's inbox: newest first, with what is unread."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from services.notify.api.parts import (
    Learner,
    NoticeId,
    NotifyWorks,
    ShownNotice,
    Unread,
    language_for,
    own_id,
    shown,
)
from services.notify.domain.notices import Notice
from services.notify.domain.phrases import Language
from services.notify.handlers import note_reading, note_reading_of_some
from services.notify.store import NotifyWork, how_many, newest
from shared.web.idempotency import IdempotentRoute
from shared.web.paging import After, Page, page
from shared.web.problems import PROBLEMS

router = APIRouter(tags=["inbox"], route_class=IdempotentRoute, responses=PROBLEMS)

_Limit = Annotated[int, Query(ge=1, le=200, description="Notices a page")]
_Asked = Annotated[Language | None, Query(description="Instead of the person's own language")]


@router.get("/inbox")
async def read_inbox(
    who: Learner,
    works: NotifyWorks,
    unread: Annotated[bool | None, Query(description="Only unread ones, or only read ones")] = None,
    after: After = "",
    limit: _Limit = 50,
    language: _Asked = None,
) -> Page[ShownNotice]:
    """Show a person's notices, newest first."""
    work, learner = works.open(who.scope), own_id(who)
    found = await newest(work, learner, unread=unread, before=after, limit=limit + 1)
    spoken = await language_for(work, learner, language)

    def show(notice: Notice) -> ShownNotice:
        return shown(notice, spoken)

    return page(found, limit, show, lambda notice: notice.place)


@router.get("/inbox/unread")
async def count_unread(who: Learner, works: NotifyWorks) -> Unread:
    """Count a person's unread notices; 0 for who does not want the inbox."""
    return Unread(unread=await unread_of(works.open(who.scope), own_id(who)))


@router.get("/inbox/{notice_id}")
async def read_one(
    who: Learner, works: NotifyWorks, notice_id: NoticeId, language: _Asked = None
) -> ShownNotice:
    """Show one notice of a person's own; this does not mark it as read."""
    work, learner = works.open(who.scope), own_id(who)
    notice = await work.notices.get(notice_id)
    return shown(notice, await language_for(work, learner, language))


@router.post("/inbox/read-all")
async def mark_all_read(who: Learner, works: NotifyWorks) -> Unread:
    """Mark all of a person's notices as read."""
    learner = own_id(who)
    while await works.run(partial(note_reading_of_some, learner), who.scope):
        pass
    return Unread(unread=await unread_of(works.open(who.scope), learner))


@router.post("/inbox/{notice_id}/read")
async def mark_read(who: Learner, works: NotifyWorks, notice_id: NoticeId) -> Unread:
    """Mark one notice of a person's own as read."""
    learner = own_id(who)
    await works.run(partial(note_reading, notice_id), who.scope)
    return Unread(unread=await unread_of(works.open(who.scope), learner))


async def unread_of(work: NotifyWork, learner: str) -> int:
    """Count what waits to be read, for who wants to be told in the inbox."""
    if not (await work.preferences.of(learner)).inbox:
        return 0
    return await how_many(work, {"learner_id": learner, "unread": True})
