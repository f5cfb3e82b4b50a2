"""What the unit of work asks of a store; `MongoStore` and `MemoryStore` are its twins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from shared.events.message import Message
from shared.store.filters import Filter
from shared.store.kind import Document, Kind

Key = tuple[str, str]
"""A kind's name and an aggregate's id."""


@dataclass(frozen=True, slots=True)
class Change:
    """One aggregate's new state, changed fields only, with the facts it states, in one atomic write."""

    kind: Kind[Any]
    id: str
    version: int
    fields: Document
    stating: Sequence[Message] = ()

    @property
    def key(self) -> Key:
        """Tell which aggregate changes."""
        return self.kind.name, self.id


@dataclass(frozen=True)
class Written:
    """What a write met: aggregates that somebody else changed first, and those the store refuses."""

    conflicts: frozenset[Key] = frozenset()
    refused: dict[Key, str] = field(default_factory=dict)


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Merge(NamedTuple):
    """What is added to one document, in any order and any number of times, ending in the same state.

    `fields` are set where the document is new. By dotted paths, `bits` are OR-ed to words of 64 bits
    (signed), `most` raises numbers, `members` are put into lists that hold each once. `marks` are set
    each time, and the document's version rises with them: whoever clears a mark that was set again
    meanwhile meets a conflict.
    """

    id: str
    fields: Mapping[str, Any] = _NOTHING
    bits: Mapping[str, int] = _NOTHING
    most: Mapping[str, int] = _NOTHING
    members: Mapping[str, Sequence[str | int]] = _NOTHING
    marks: Mapping[str, Any] = _NOTHING


class Store(Protocol):
    """Keeps aggregates; every method raises Unavailable while the store is away."""

    @property
    def epoch(self) -> int:
        """Tell how often the store was restored from a backup, counted from 1."""
        ...

    async def load(self, kind: Kind[Any], ids: Iterable[str]) -> dict[str, Document]:
        """Load documents by id, without the facts they stated."""
        ...

    async def find(
        self, kind: Kind[Any], where: Filter, *, sort: str = "_id", descending: bool = False,
        limit: int = 0,
    ) -> list[Document]:  # fmt: skip
        """Find documents, ordered by one field and then by id; limit 0 is no limit."""
        ...

    async def count(self, kind: Kind[Any], where: Filter) -> int:
        """Count documents."""
        ...

    async def write(self, changes: Sequence[Change]) -> Written:
        """Write each change if its aggregate still has the version it was loaded with."""
        ...

    async def merge(self, kind: Kind[Any], merges: Sequence[Merge]) -> None:
        """Add to documents that are only ever added to, of a kind that states nothing and has no unique index."""
        ...

    async def pending(self, kind: Kind[Any], ids: Sequence[str]) -> list[Message]:
        """Load the facts still in these aggregates' outboxes, each aggregate's in seq order."""
        ...

    async def clear(self, published: Sequence[tuple[Key, Sequence[str]]]) -> None:
        """Take exactly these facts, by id, out of their aggregates' outboxes."""
        ...

    async def unpublished(self, kind: Kind[Any], limit: int) -> dict[str, list[str]]:
        """Find aggregates whose outbox is not empty, with the ids of the facts in it."""
        ...

    async def stated(
        self, kind: Kind[Any], after: str, limit: int, where: Filter | None = None
    ) -> dict[str, list[Message]]:
        """Load all facts ever stated by the next aggregates that match, in id order."""
        ...

    async def forget(self, kind: Kind[Any], ids: Sequence[str], types: Sequence[str]) -> None:
        """Take facts of these types out of what aggregates have stated, so that nothing states them again."""
        ...

    async def remove(self, kind: Kind[Any], where: Filter) -> int:
        """Remove documents for good, and tell how many."""
        ...

    async def ping(self) -> None:
        """Answer if the store does."""
        ...
