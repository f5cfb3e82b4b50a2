"""The batch unit of work: aggregates loaded together, changed in memory, kept with their facts.

One aggregate, one document, one atomic write (ADR 0001). Each service derives its own `Work`:

    class CertificationWork(UnitOfWork):
        def __init__(self, frame: Frame) -> None:
            super().__init__(frame)
            self.dossiers = self.aggregates(DOSSIERS)
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from shared.events.fact import Fact
from shared.events.message import Message
from shared.kernel.errors import Forbidden, NotFound
from shared.kernel.trace import traceparent
from shared.store import metrics
from shared.store.filters import Filter
from shared.store.kind import Document, Kind, V
from shared.store.port import Change, Key, Store
from shared.store.scope import EVERYTHING, Scope


@dataclass(frozen=True)
class Frame:
    """What a unit of work stands in: the store, the source that its facts name, and whose eyes it has."""

    store: Store
    source: str
    scope: Scope = EVERYTHING


@dataclass(slots=True)
class _Entry(Generic[V]):
    """One aggregate in the hands of a unit of work."""

    document: Document
    value: V
    kept: V
    version: int
    seq: int
    pending: bool
    stating: list[Message] = field(default_factory=list)
    keepers: set[int] = field(default_factory=set)

    @property
    def changed(self) -> bool:
        return bool(self.stating) or (self.kept is not self.value and self.kept != self.value)


@dataclass(frozen=True)
class Kept:
    """What a commit came to.

    `messages` are to be published in this order and cleared by `clears`; `conflicts` are the marks whose
    work must be done again; `refused` tells by mark why the store will never keep it.
    """

    messages: Sequence[Message] = ()
    clears: Sequence[tuple[Key, Sequence[str]]] = ()
    conflicts: frozenset[int] = frozenset()
    refused: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Hand:
    """Under which mark aggregates are kept now, and what it takes to undo that."""

    mark: int = 0
    journal: list[tuple[_Entry[Any], Any, int, int]] = field(default_factory=list)


class Aggregates(Generic[V]):
    """The aggregates of one kind, as one unit of work sees them."""

    def __init__(self, frame: Frame, kind: Kind[V], hand: "_Hand") -> None:
        """Stand empty, in the hand of a unit of work."""
        self._frame = frame
        self._hand = hand
        self.kind = kind
        self.entries: dict[str, _Entry[V]] = {}

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once, so that `of` answers from memory."""
        absent = [key for key in dict.fromkeys(ids) if key not in self.entries]
        if not absent:
            return
        found = await self._frame.store.load(self.kind, absent)
        for key in absent:
            self._enter(key, found.get(key, {}))

    def _enter(self, key: str, document: Document) -> None:
        value = self.kind.load(document) if document else self.kind.blank(key)
        self.entries[key] = _Entry(
            document=document,
            value=value,
            kept=value,
            version=document.get("version", 0),
            seq=document.get("seq", 0),
            pending=bool(document.get("outbox")),
        )

    async def of(self, key: str) -> V:
        """Load one, or the blank one of which nothing is known; out of scope it is NotFound."""
        if key not in self.entries:
            await self.preload((key,))
        entry, scope = self.entries[key], self._frame.scope
        if entry.version and not scope.everything and not scope.sees(self.kind, entry.document):
            raise self._unknown(key)
        return entry.kept

    async def get(self, key: str) -> V:
        """Load one that must exist; NotFound otherwise."""
        value = await self.of(key)
        entry = self.entries[key]
        if not entry.version and entry.kept is entry.value:
            raise self._unknown(key)
        return value

    async def find(self, where: Filter, *, sort: str = "_id", limit: int = 0) -> list[V]:
        """Load those that match and are in scope; what this work has kept already shows its new state."""
        within = {"$and": [where, self._frame.scope.where(self.kind)]}
        found = await self._frame.store.find(self.kind, within, sort=sort, limit=limit)
        for document in found:
            if document["_id"] not in self.entries:
                self._enter(document["_id"], document)
        return [self.entries[document["_id"]].kept for document in found]

    def keep(self, value: V, stating: Sequence[Fact] = (), sharing: str = "") -> None:
        """Keep a new state together with the facts that it states, in their order.

        With `sharing` they are said to that addressee only, in the count that this aggregate keeps for it.
        """
        entry = self.entries[value.id]
        if not self._frame.scope.everything:
            self._guard(entry, value)
        self._hand.journal.append((entry, entry.kept, entry.seq, len(entry.stating)))
        entry.kept = value
        entry.keepers.add(self._hand.mark)
        for fact in stating:
            entry.seq += 1
            entry.stating.append(
                Message.of(
                    fact,
                    source=self._frame.source,
                    aggregate=f"{self.kind.name}/{value.id}",
                    seq=entry.seq,
                    epoch=self._frame.store.epoch,
                    traceparent=traceparent.get(),
                    to=sharing,
                )
            )

    def _guard(self, entry: _Entry[V], value: V) -> None:
        """Forbid a person to change what is not theirs, and to make something that would not be."""
        documents = [{"_id": value.id, **self.kind.dump(value)}]
        documents += [entry.document] if entry.version else []
        if not all(self._frame.scope.changes(self.kind, each) for each in documents):
            raise Forbidden("out-of-scope", "this is not yours to change")

    def changes(self) -> list[Change]:
        """Tell what must be written: the fields that differ, and the facts."""
        return [self._change(key, each) for key, each in self.entries.items() if each.changed]

    def _change(self, key: str, entry: _Entry[V]) -> Change:
        # The guarded upsert of what is gone by now makes it anew, from what is written here.
        document = {} if self.kind.removed else entry.document
        state = self.kind.dump_changes(entry.value, entry.kept, document)
        fields = {
            name: part
            for name, part in state.items()
            if name not in document or document[name] != part
        }
        return Change(self.kind, key, entry.version, fields, entry.stating)

    def _unknown(self, key: str) -> NotFound:
        return NotFound(f"unknown-{self.kind.name.replace('_', '-')}", f"there is no {key!r} here")


class UnitOfWork:
    """Aggregates of several kinds, kept in one bulk write with the facts that they state."""

    def __init__(self, frame: Frame) -> None:
        """Begin with nothing loaded."""
        self.frame = frame
        self._hand = _Hand()
        self._all: list[Aggregates[Any]] = []
        self.message: Message | None = None
        """The message in hand; None where a person asks."""

    def aggregates(self, kind: Kind[V]) -> Aggregates[V]:
        """Open the room of one kind."""
        room: Aggregates[V] = Aggregates(self.frame, kind, self._hand)
        self._all.append(room)
        return room

    def room(self, kind: Kind[V]) -> Aggregates[V]:
        """Find the room of one kind, opened if need be: for what the spine keeps beside a service's own."""
        return next((room for room in self._all if room.kind is kind), None) or self.aggregates(
            kind
        )

    def begin(self, mark: int, message: Message | None = None) -> None:
        """Put what is kept from now on under a mark, the number of a message in its batch."""
        self.message = message
        self._hand.mark = mark
        self._hand.journal.clear()

    def undo(self) -> None:
        """Put back what was kept since `begin`, as if the handler had not run."""
        for entry, kept, seq, stating in reversed(self._hand.journal):
            entry.kept, entry.seq = kept, seq
            del entry.stating[stating:]
        self._hand.journal.clear()

    async def commit(self) -> Kept:
        """Write every change, earlier stages first; nothing of a later stage if an earlier one conflicts."""
        changes = [change for room in self._all for change in room.changes()]
        conflicts: set[int] = set()
        refused: dict[int, str] = {}
        held: list[Change] = []
        for stage in sorted({change.kind.stage for change in changes}):
            batch = [change for change in changes if change.kind.stage == stage]
            if conflicts or refused:
                conflicts.update(*(self._keepers(change.key) for change in batch))
                continue
            written = await self.frame.store.write(batch)
            for key in written.conflicts:
                conflicts |= self._keepers(key)
            for key, why in written.refused.items():
                refused |= dict.fromkeys(self._keepers(key), why)
            lost = written.conflicts | written.refused.keys()
            held += [change for change in batch if change.key not in lost and change.stating]
        earlier = await self._left_behind(held)
        stated = [message for change in held for message in change.stating]
        for type_, count in Counter(message.type for message in stated).items():
            metrics.STATED.labels(type_).inc(count)
        clears: list[tuple[Key, Sequence[str]]] = [
            (change.key, [m.id for m in (*earlier.get(change.key, ()), *change.stating)])
            for change in held
        ]
        first = [message for messages in earlier.values() for message in messages]
        return Kept([*first, *stated], clears, frozenset(conflicts - refused.keys()), refused)

    def _keepers(self, key: Key) -> set[int]:
        room = next(room for room in self._all if room.kind.name == key[0])
        return room.entries[key[1]].keepers

    async def _left_behind(self, held: Sequence[Change]) -> dict[Key, list[Message]]:
        """Load what these aggregates stated before and nobody published yet: it must leave first."""
        earlier: dict[Key, list[Message]] = {}
        for room in self._all:
            entries = {
                change.id: room.entries[change.id]
                for change in held
                if change.kind is room.kind and room.entries[change.id].pending
            }
            if not entries:
                continue
            now = {message.id for entry in entries.values() for message in entry.stating}
            for message in await self.frame.store.pending(room.kind, list(entries)):
                if message.id not in now:
                    key = room.kind.name, message.aggregate.partition("/")[2]
                    earlier.setdefault(key, []).append(message)
        return earlier
