"""What the routes of notify share: whose inbox it is, and how a notice is shown."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path
from pydantic import BaseModel

from services.notify.domain.notices import Notice, language_of
from services.notify.domain.phrases import Language
from services.notify.domain.wording import as_text, tell
from services.notify.store import NotifyWork
from shared.kernel.errors import Forbidden
from shared.store.works import Works
from shared.web.identity import Access, allow
from shared.web.parts import works

NotifyWorks = Annotated[Works[NotifyWork], Depends(works)]
Learner = Annotated[Access, allow("learner")]
NoticeId = Annotated[str, Path(max_length=64)]


class ShownNotice(BaseModel):
    """A notice as its person reads it; `words` are what `subject` and `text` are made of."""

    id: str
    type: str
    at: datetime
    enrolment_id: str
    cohort_id: str
    unread: bool
    language: Language
    subject: str
    text: str
    words: dict[str, Any]


class Unread(BaseModel):
    """How many notices wait to be read."""

    unread: int


def own_id(who: Access) -> str:
    """Tell the learner whose inbox this is; a token without one is Forbidden."""
    if who.scope.learner is None:
        raise Forbidden("no-learner", "this token does not say whose inbox it is for")
    return who.scope.learner


async def language_for(work: NotifyWork, learner: str, asked: Language | None) -> Language:
    """Tell the language to show a person's notices in: asked for, chosen, or the card's."""
    if asked:
        return asked
    return language_of(await work.cards.of(learner), await work.preferences.of(learner))


def shown(notice: Notice, language: Language) -> ShownNotice:
    """Show a notice in a language."""
    text = tell(notice.type, notice.words, language)
    return ShownNotice(
        id=notice.id,
        type=notice.type,
        at=notice.at,
        enrolment_id=notice.enrolment_id,
        cohort_id=notice.cohort_id,
        unread=notice.unread,
        language=language,
        subject=text.subject,
        text=as_text(text),
        words=notice.words,
    )
