"""What progress needs of the world: the records, passports and cards that it keeps, and tickets."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from services.progress.domain.card import Card
from services.progress.domain.passport import Passport
from services.progress.domain.record import Record
from services.progress.domain.ticket import Ticket
from shared.events.fact import Fact


class Records(Protocol):
    """The records that this work sees."""

    async def of(self, key: str) -> Record:
        """Load one, or the blank one; NotFound where it is not for this work to see."""
        ...

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once, so that `of` answers from memory."""
        ...

    def keep(self, value: Record, stating: Sequence[Fact] = ()) -> None:
        """Keep a new state together with the facts that it states."""
        ...


class Passports(Protocol):
    """The passports of learners."""

    async def of(self, key: str) -> Passport:
        """Load one, or the blank one."""
        ...

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once, so that `of` answers from memory."""
        ...

    def keep(self, value: Passport, stating: Sequence[Fact] = ()) -> None:
        """Keep a new state together with the facts that it states."""
        ...


class Cards(Protocol):
    """The cards of learners."""

    async def of(self, key: str) -> Card:
        """Load one, or the blank one."""
        ...

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once, so that `of` answers from memory."""
        ...

    def keep(self, value: Card) -> None:
        """Keep a new state."""
        ...


class Tickets(Protocol):
    """Signs and reads the tickets of live sessions."""

    def sign(self, ticket: Ticket) -> str:
        """Sign a ticket."""
        ...

    def read(self, token: bytes, now: float) -> Ticket:
        """Read a ticket that still holds at an instant (epoch seconds); anything else is Unauthenticated."""
        ...


class Work(Protocol):
    """One unit of work over all three."""

    @property
    def node(self) -> str:
        """Tell this node's code."""
        ...

    @property
    def teller(self) -> str:
        """Tell the node that states the fact in hand, this one where a person asks."""
        ...

    @property
    def records(self) -> Records:
        """Tell the records."""
        ...

    @property
    def passports(self) -> Passports:
        """Tell the passports."""
        ...

    @property
    def cards(self) -> Cards:
        """Tell the cards."""
        ...
