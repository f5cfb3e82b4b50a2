"""What notify needs of the world: its own rooms, and a way to send letters."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from services.notify.domain.letters import Letter, Outcome
from services.notify.domain.notices import Card, Channel, Notice, Preference


class Notices(Protocol):
    """The notices that this work sees."""

    async def of(self, key: str) -> Notice:
        """Load one, or the blank one."""
        ...

    async def get(self, key: str) -> Notice:
        """Load one that must exist; NotFound otherwise."""
        ...

    async def find(
        self, where: Mapping[str, Any], *, sort: str = "_id", limit: int = 0
    ) -> list[Notice]:
        """Load those that match, in ascending order of one field."""
        ...

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once."""
        ...

    def keep(self, value: Notice) -> None:
        """Keep a new state."""
        ...


class Cards(Protocol):
    """The cards of learners."""

    async def of(self, key: str) -> Card:
        """Load one, or the blank one."""
        ...

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once."""
        ...

    def keep(self, value: Card) -> None:
        """Keep a new state."""
        ...


class Preferences(Protocol):
    """What people have chosen."""

    async def of(self, key: str) -> Preference:
        """Load one, or the blank one."""
        ...

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once."""
        ...

    def keep(self, value: Preference) -> None:
        """Keep a new state."""
        ...


class Work(Protocol):
    """One unit of work; `channels` are those that this node has."""

    @property
    def notices(self) -> Notices:
        """Give the notices."""
        ...

    @property
    def cards(self) -> Cards:
        """Give the cards."""
        ...

    @property
    def preferences(self) -> Preferences:
        """Give the preferences."""
        ...

    @property
    def node(self) -> str:
        """Tell this node's code."""
        ...

    @property
    def teller(self) -> str:
        """Tell the node that states the fact in hand, this one where a person asks."""
        ...

    @property
    def channels(self) -> frozenset[Channel]:
        """Tell the channels that this node has."""
        ...


class Postman(Protocol):
    """An open line to the mail server."""

    async def send(self, letter: Letter) -> Outcome:
        """Send one letter and tell what the server said; nothing that it says raises."""
        ...


class Letters(Protocol):
    """How letters leave the node; `SmtpLetters` is the real way."""

    def opened(self) -> AbstractAsyncContextManager[Postman]:
        """Open a line; Unavailable while the mail server is away or does not let us in."""
        ...
