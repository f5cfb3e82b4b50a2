"""By which channels, and in which language, a person wants to be told."""

from collections.abc import Collection
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from services.notify.api.parts import Learner, NotifyWorks, own_id
from services.notify.domain.notices import Channel, Preference
from services.notify.domain.phrases import Language
from services.notify.handlers import choose_channels
from shared.web.problems import PROBLEMS

router = APIRouter(tags=["preferences"], responses=PROBLEMS)


def _channels(request: Request) -> frozenset[Channel]:
    """Tell the channels that this node has."""
    channels: frozenset[Channel] = request.app.state.channels
    return channels


_Channels = Annotated[Collection[Channel], Depends(_channels)]


class Choice(BaseModel):
    """A person's choice; without a language, notices come in the one of their personnel record."""

    model_config = ConfigDict(extra="forbid")

    inbox: bool
    email: bool
    language: Language | None = None


class ShownChoice(Choice):
    """A person's choice, with the channels that this node has."""

    available: list[Channel]


@router.get("/preferences")
async def read_preferences(who: Learner, works: NotifyWorks, channels: _Channels) -> ShownChoice:
    """Tell how a person wants to be told; who never chose is told in the inbox and by e-mail."""
    return _shown(await works.open(who.scope).preferences.of(own_id(who)), channels)


@router.put("/preferences")
async def choose(
    who: Learner, works: NotifyWorks, choice: Choice, channels: _Channels
) -> ShownChoice:
    """Keep how a person wants to be told from now on."""
    learner = own_id(who)
    chosen = partial(
        choose_channels, learner, inbox=choice.inbox, email=choice.email, language=choice.language
    )
    await works.run(chosen, who.scope)
    return _shown(Preference(learner, choice.inbox, choice.email, choice.language), channels)


def _shown(preference: Preference, channels: Collection[Channel]) -> ShownChoice:
    return ShownChoice(
        inbox=preference.inbox,
        email=preference.email,
        language=preference.language,
        available=sorted(channels, reverse=True),
    )
