"""What progress needs of the world: the aggregates that it keeps, and tickets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from services.progress.domain.attendance import Addition, Attendance, Unnoted, Visitor
from services.progress.domain.card import Card
from services.progress.domain.live import Claim, HandedIn, LiveSession, WatchedAbroad
from services.progress.domain.passport import Passport
from services.progress.domain.plans import CohortPlan
from services.progress.domain.record import Record
from services.progress.domain.ticket import Ticket
from shared.events.fact import Fact

V = TypeVar("V")


class Aggregates(Protocol[V]):
    """The aggregates of one kind, as one unit of work sees them."""

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once, so that `of` answers from memory."""
        ...

    async def of(self, key: str) -> V:
        """Load one, or the blank one; NotFound where it is not for this work to see."""
        ...

    async def get(self, key: str) -> V:
        """Load one that must exist; NotFound otherwise."""
        ...

    async def find(self, where: Mapping[str, Any], *, sort: str = "_id", limit: int = 0) -> list[V]:
        """Load those that match and are for this work to see; limit 0 is no limit."""
        ...

    def keep(self, value: V, stating: Sequence[Fact] = ()) -> None:
        """Keep a new state together with the facts that it states."""
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
    """One unit of work over all of them."""

    @property
    def node(self) -> str:
        """Tell this node's code."""
        ...

    @property
    def teller(self) -> str:
        """Tell the node that states the fact in hand, this one where a person asks."""
        ...

    @property
    def records(self) -> Aggregates[Record]:
        """Tell the records."""
        ...

    @property
    def passports(self) -> Aggregates[Passport]:
        """Tell the passports."""
        ...

    @property
    def cards(self) -> Aggregates[Card]:
        """Tell the cards."""
        ...

    @property
    def plans(self) -> Aggregates[CohortPlan]:
        """Tell the plans of this node's cohorts."""
        ...

    @property
    def live_sessions(self) -> Aggregates[LiveSession]:
        """Tell the live sessions."""
        ...

    @property
    def attendance(self) -> Aggregates[Attendance]:
        """Tell who attended them."""
        ...

    @property
    def visitors(self) -> Aggregates[Visitor]:
        """Tell who attended without being enrolled."""
        ...

    @property
    def unnoted(self) -> Aggregates[Unnoted]:
        """Tell whose attendance could not be noted."""
        ...

    @property
    def watched_abroad(self) -> Aggregates[WatchedAbroad]:
        """Tell what hosts were told of minutes watched here."""
        ...

    @property
    def handed_in(self) -> Aggregates[HandedIn]:
        """Tell the minutes that people handed in."""
        ...

    @property
    def claims(self) -> Aggregates[Claim]:
        """Tell the claims of missed minutes."""
        ...

    async def sessions_of(self, cohort_ids: Iterable[str], host: str) -> list[LiveSession]:
        """Load the live sessions of a node's cohorts, once for all who ask in this work."""
        ...


class Minutes(Protocol):
    """Where minutes are added to attendance."""

    async def add(self, additions: Iterable[Addition]) -> None:
        """Add minutes, in any order and any number of times."""
        ...
