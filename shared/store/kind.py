"""How one kind of aggregate is kept: its collection, its mapping, its indexes and who may see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

Document = dict[str, Any]
BOOKKEEPING = frozenset({"_id", "version", "seq", "outbox", "stated"})


class Identified(Protocol):
    """Anything with an id of its own."""

    @property
    def id(self) -> str:
        """Tell the id."""
        ...


V = TypeVar("V", bound=Identified)
LAST = 9
"""The stage of what says that all else is done: no kind of a service is written with it or after it."""


@dataclass(frozen=True)
class Index:
    """An index on fields; a `unique` one holds only where the first field is text."""

    fields: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True)
class ScopeFields:
    """The document fields that tell whose a document is; "" where it has no such owner.

    `host` names the agency whose own programme or cohort it is about. What is `shown` is seen by
    everybody admitted, and still changed by its owners only.
    """

    agency: str = ""
    learner: str = ""
    companion: str = ""
    host: str = ""
    shown: bool = False


@dataclass(frozen=True)
class Kind(Generic[V]):
    """One kind of aggregate: a frozen dataclass with an `id`, one document each.

    Earlier stages are written before later ones. With `scope` None everybody admitted sees all of it.
    One that is `removed` once it is old is written whole at every change: somebody may remove it meanwhile.
    """

    name: str
    value: type[V]
    indexes: tuple[Index, ...] = ()
    scope: ScopeFields | None = field(default_factory=ScopeFields)
    stage: int = 1
    removed: bool = False

    def __post_init__(self) -> None:
        """Refuse a field that bears the name of bookkeeping: it would be overwritten there, and never read."""
        if taken := BOOKKEEPING & {each.name for each in fields(self.value)}:  # type: ignore[arg-type]  # a dataclass
            raise TypeError(f"{self.name}: {', '.join(sorted(taken))} is the store's own")

    @cached_property
    def _adapter(self) -> TypeAdapter[V]:
        return TypeAdapter(self.value)

    def blank(self, key: str) -> V:
        """Make the aggregate of which nothing is known yet."""
        return self.value(id=key)  # type: ignore[call-arg]  # every aggregate is made from its id alone

    def load(self, document: Mapping[str, Any]) -> V:
        """Read the aggregate from its document; ValueError says where that fails, never what stands there."""
        try:
            # Bookkeeping is no field of any value, and is passed over with what older releases kept.
            return self._adapter.validate_python(
                {**document, "id": document["_id"]}, extra="ignore"
            )
        except ValidationError as broken:
            where = ", ".join(".".join(map(str, each["loc"])) for each in broken.errors()[:3])
        # Raised out here, so that no traceback in a log leads back to the contents.
        raise ValueError(f"a document of {self.name} cannot be read: {where}")

    def dump(self, value: V) -> Document:
        """Write the aggregate's state as JSON types, without its id and bookkeeping."""
        state: Document = self._adapter.dump_python(value, mode="json")
        del state["id"]
        return state

    def dump_changes(self, before: V, after: V, document: Document) -> Document:
        """Write the parts of the state that are not the very same as before, or not in the document yet."""
        if not document:
            return self.dump(after)
        names = {
            name
            for name in self._names
            if getattr(before, name) is not getattr(after, name) or name not in document
        }
        changes: Document = self._adapter.dump_python(after, mode="json", include=names)
        return changes

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(each.name for each in fields(self.value) if each.name != "id")  # type: ignore[arg-type]  # a dataclass
