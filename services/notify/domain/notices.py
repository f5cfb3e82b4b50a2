"""A notice: one fact told to one person, once, however often and in whatever order it is heard."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

from services.notify.domain.phrases import Language
from services.notify.domain.tellings import TELLINGS
from shared.events.fact import Fact, name_of
from shared.kernel.ids import derived
from shared.kernel.values import replace

Channel = Literal["inbox", "email"]
Mail = Literal["none", "pending", "sent", "failed", "declined"]

CHANNELS: frozenset[Channel] = frozenset({"inbox", "email"})
_STAMP = len("2024-07-20T03:00:00.000Z")


def stamp(instant: datetime) -> str:
    """Write an instant in UTC to the millisecond, so that texts sort as instants do."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return f"{text.removesuffix('+00:00')}Z"


def short_name(fact: type[Fact]) -> str:
    """Tell a fact's name in the inbox: `id.corpu.phase_completed.v1` is `phase_completed`."""
    return name_of(fact.type).rpartition(".")[2]


_NAMED = {fact: short_name(fact) for fact in TELLINGS}
NAMES = tuple(_NAMED.values())
"""The types that notices have."""


def notice_id(fact: Any) -> str:  # noqa: ANN401 - any of the facts in TELLINGS
    """Derive the one notice of a fact from what makes the fact unique in its own words."""
    kind = type(fact)
    own = TELLINGS[kind].identity(fact)
    # As JSON, because no choice of contents can make two different lists read the same.
    return derived("notice", json.dumps([_NAMED[kind], fact.learner_id, fact.enrolment_id, *own]))


@dataclass(frozen=True)
class Notice:
    """What a person is told; the text is written in their language when it is read.

    `place` orders notices: when the fact happened, then the id. `words` are what its text is made
    of. The `mail` fields follow the e-mail: it may be tried (again) from the stamp `mail_due` on.
    `seen` tells whether somebody of the person's agency has seen it.
    """

    id: str
    learner_id: str = ""
    type: str = ""
    enrolment_id: str = ""
    cohort_id: str = ""
    agency: str = ""
    place: str = ""
    words: dict[str, Any] = field(default_factory=dict)
    unread: bool = True
    mail: Mail = "none"
    mail_due: str = ""
    mail_tries: int = 0
    mail_reason: str = ""
    mail_at: str = ""
    seen: bool = False

    @classmethod
    def of(cls, fact: Any, channels: Collection[Channel] = CHANNELS) -> Self:  # noqa: ANN401
        """Make the notice of a fact."""
        return cls(notice_id(fact)).telling(fact, channels)

    def telling(self, fact: Any, channels: Collection[Channel]) -> Self:  # noqa: ANN401
        """Tell the fact whose notice this is; its e-mail waits where the node has that channel."""
        kind = type(fact)
        return type(self)(
            id=self.id,
            learner_id=fact.learner_id,
            type=_NAMED[kind],
            enrolment_id=fact.enrolment_id,
            cohort_id=TELLINGS[kind].cohort(fact),
            agency=fact.agency,
            place=f"{stamp(fact.at)}~{self.id}",
            words=TELLINGS[kind].words(fact),
            mail="pending" if "email" in channels else "none",
        )

    @property
    def at(self) -> datetime:
        """Tell when the fact happened."""
        return datetime.fromisoformat(self.place[:_STAMP])

    def see(self) -> Self:
        """Note that the person's agency has seen it."""
        return replace(self, seen=True)

    def read(self) -> Self:
        """Note that the person has read it."""
        return replace(self, unread=False)


@dataclass(frozen=True)
class Card:
    """What notify needs of a learner's card, and no more; version 0 is a card not yet heard of.

    `abroad` is somebody who was never one of this node's own people. What was recorded until
    `erased_at` names and reaches nobody any more.
    """

    id: str
    card_version: int = 0
    name: str = ""
    email: str = ""
    language: Language = "id"
    abroad: bool = False
    recorded_at: datetime | None = None
    erased_at: datetime | None = None

    @property
    def known(self) -> bool:
        """Tell whether this is one of the node's own people, or was."""
        return bool(self.card_version) and not self.abroad

    @property
    def erased(self) -> bool:
        """Tell whether who this is was recorded before an erasure, and nothing after it."""
        recorded = self.recorded_at
        return self.erased_at is not None and (recorded is None or recorded <= self.erased_at)

    def erase(self, at: datetime) -> Self:
        """Forget who this is, as far as it was recorded by then."""
        if self.erased_at and self.erased_at >= at:
            return self
        return replace(self, erased_at=at).blanked()

    def blanked(self) -> Self:
        """Name and reach nobody where what is known was recorded before an erasure."""
        return replace(self, name="", email="", language="id") if self.erased else self


@dataclass(frozen=True)
class Preference:
    """By which channels a person wants to be told; a language here goes before the card's.

    Without the inbox nothing counts as unread or is streamed, but the record stays readable.
    """

    id: str
    inbox: bool = True
    email: bool = True
    language: Language | None = None


def language_of(card: Card, preference: Preference) -> Language:
    """Tell in which language a person is told."""
    return preference.language or card.language
