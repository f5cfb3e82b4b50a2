"""What certification needs of the world: dossiers, registers of numbers, cards, and works to keep them."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from services.certification.domain.cards import Card
from services.certification.domain.dossier import Dossier
from services.certification.domain.register import Page
from shared.events.fact import Fact

T = TypeVar("T")


class Dossiers(Protocol):
    """One dossier for each enrolment."""

    async def of(self, key: str) -> Dossier:
        """Load one, or the blank one."""
        ...

    async def get(self, key: str) -> Dossier:
        """Load one that must exist; NotFound otherwise."""
        ...

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once."""
        ...

    def keep(self, value: Dossier, stating: Sequence[Fact] = ()) -> None:
        """Keep a new state together with the facts that it states."""
        ...


class Registers(Protocol):
    """The registers' pages; they are written before the dossiers of the same work."""

    async def look_up(self, keys: Iterable[str]) -> None:
        """Find in few questions which of these keys hold a number, so that `holding` answers from memory."""
        ...

    async def holding(self, key: str) -> tuple[str, str] | None:
        """Find the register and the number that a certificate holds already."""
        ...

    async def of(self, key: str) -> Page:
        """Load a page by its id."""
        ...

    async def open_page(self, register: str) -> Page:
        """Load the first page of a register with room on it, or begin one."""
        ...

    async def unsettled(self, limit: int) -> list[Page]:
        """Find pages with entries that are not known to stand in dossiers."""
        ...

    def keep(self, page: Page) -> None:
        """Keep a page's new state."""
        ...


class Cards(Protocol):
    """The cards of learners."""

    async def of(self, key: str) -> Card:
        """Load one, or the blank one."""
        ...

    def keep(self, value: Card) -> None:
        """Keep a new state."""
        ...


class Work(Protocol):
    """One unit of work."""

    @property
    def dossiers(self) -> Dossiers:
        """Give the dossiers."""
        ...

    @property
    def registers(self) -> Registers:
        """Give the registers."""
        ...

    @property
    def cards(self) -> Cards:
        """Give the cards."""
        ...

    @property
    def public_url(self) -> str:
        """Tell the address, without a slash at its end, below which anybody verifies certificates."""
        ...


class Works(Protocol):
    """Runs use cases, each as one unit of work."""

    async def run(self, use_case: Callable[[Any], Awaitable[T]]) -> T:
        """Run a use case and keep what it decided."""
        ...
