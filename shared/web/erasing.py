"""What every service lets go of once a person is erased: parked messages and kept answers that tell of them."""

import base64
import json
from collections.abc import AsyncIterator, Collection, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from shared.bus.parking import PARKED, Parked
from shared.events.enrolment import LearnerRecorded
from shared.events.exchange import LearnerTransferred, Nominated
from shared.store.kind import Kind
from shared.store.works import Works
from shared.web.idempotency import ANSWERS, Answer
from shared.web.identity import Access, allow
from shared.web.parts import Parts, parts
from shared.web.problems import PROBLEMS

_PAGE = 50
_PERSONAL = frozenset({LearnerRecorded.type, Nominated.type, LearnerTransferred.type})
"""Types of facts that carry personal data, in clear or encrypted."""

_Parts = Annotated[Parts[Any], Depends(parts)]
_Operator = Annotated[Access, allow("operator", whole=True)]


class Erased(BaseModel):
    """Who was erased: learner ids, and the words that name the person, which are not kept anywhere."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    learner_ids: Annotated[
        list[Annotated[str, Field(min_length=8, max_length=64)]], Field(min_length=1, max_length=50)
    ]
    words: Annotated[
        list[Annotated[str, Field(min_length=3, max_length=254)]], Field(max_length=100)
    ] = []


class LetGo(BaseModel):
    """How many parked messages were emptied, and how many kept answers removed."""

    parked: int
    answers: int


def erasing() -> APIRouter:
    """Make the route of erasure that every service has."""
    router = APIRouter(prefix="/operations", tags=["operations"], responses=PROBLEMS)

    @router.post("/erasure")
    async def let_go(opened: _Parts, _: _Operator, erased: Erased) -> LetGo:
        """Empty parked messages, and remove kept answers, that tell of an erased person."""
        marks, people = _Marks([*erased.learner_ids, *erased.words]), set(erased.learner_ids)
        named = _Marks(erased.words)
        emptied = [
            each.id
            async for each in _all(opened.works, PARKED)
            if _names(each, people) or named.meet(_told(each))
        ]
        for key in emptied:
            await opened.works.run(partial(_empty, key))
        answers = [
            each.id async for each in _all(opened.works, ANSWERS) if marks.meet([_read(each)])
        ]
        if answers:
            await opened.store.remove(ANSWERS, {"_id": {"$in": answers}})
        return LetGo(parked=len(emptied), answers=len(answers))

    return router


class _Marks:
    """Words that tell of a person, in whichever case and however JSON writes them."""

    def __init__(self, words: Collection[str]) -> None:
        plain = {word.casefold() for word in words}
        self._words = plain | {json.dumps(word)[1:-1].casefold() for word in words}

    def meet(self, contents: Sequence[bytes]) -> bool:
        """Tell whether one of the contents holds one of the words."""
        texts = [each.decode(errors="replace").casefold() for each in contents]
        return any(word in text for word in self._words for text in texts)


def _names(parked: Parked, people: Collection[str]) -> bool:
    """Tell whether a message tells who one of these people is; what is pseudonymous is still to be handled."""
    told = dict(parked.headers)
    subject, type_ = told.get("ce_subject", b""), told.get("ce_type", b"")
    return (
        subject.decode(errors="replace") in people and type_.decode(errors="replace") in _PERSONAL
    )


def _told(parked: Parked) -> list[bytes]:
    """Tell what a parked message holds: its headers and its value."""
    return [value for _, value in parked.headers] + [parked.value or b""]


def _read(answer: Answer) -> bytes:
    return base64.b64decode(answer.body)


async def _all(works: Works[Any], kind: Kind[Any]) -> AsyncIterator[Any]:
    """Load everything of a kind, page by page."""
    after = ""
    while found := await works.open().aggregates(kind).find({"_id": {"$gt": after}}, limit=_PAGE):
        for each in found:
            yield each
        after = found[-1].id


async def _empty(key: str, work: Any) -> None:  # noqa: ANN401 - any service's unit of work
    """Drop a message for good, with what it holds."""
    parking = work.aggregates(PARKED)
    parking.keep((await parking.of(key)).now("dropped").empty())
