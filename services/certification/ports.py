"""What certification needs of the world: dossiers, registers of numbers, cards, and works to keep them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from services.certification.domain.badge import Badge, Stated
from services.certification.domain.cards import Card
from services.certification.domain.credential import Credential
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

    async def find(self, where: Mapping[str, Any]) -> list[Dossier]:
        """Load those that match."""
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

    async def place(self, key: str) -> tuple[str, int] | None:
        """Find the page, by its id, and the place on it, from 0, of a certificate's number."""
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


class Credentials(Protocol):
    """The credentials that other nodes issued to this node's people, by enrolment."""

    async def of(self, key: str) -> Credential:
        """Load one, or the blank one."""
        ...

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once."""
        ...

    async def find(self, where: Mapping[str, Any]) -> list[Credential]:
        """Load those that match."""
        ...

    def keep(self, value: Credential, stating: Sequence[Fact] = ()) -> None:
        """Keep a new state together with the facts that it states."""
        ...


class Notary(Protocol):
    """Signs this node's badges, and reads those of the node itself and of its peers."""

    def sign(self, badge: Badge) -> str:
        """Sign a badge."""
        ...

    def read(self, credential: str) -> Stated:
        """Tell what a credential says; Unprocessable where its issuer did not sign it, or is no peer."""
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
    def credentials(self) -> Credentials:
        """Give the credentials of other nodes."""
        ...

    async def numbers_of(self, owners: Iterable[str]) -> set[str]:
        """Tell every number that these dossiers ever took."""
        ...

    @property
    def node(self) -> str:
        """Tell this node's code."""
        ...

    @property
    def teller(self) -> str:
        """Tell the node that states the fact in hand, this one where a person asks."""
        ...

    def seal(self, text: str) -> str:
        """Encrypt for the node itself."""
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
