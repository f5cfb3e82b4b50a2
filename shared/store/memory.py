"""The store's memory twin: the same promises, for tests and simulations."""

import json
import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

from shared.events.message import Message
from shared.store.filters import Filter, matches
from shared.store.kind import Document, Kind
from shared.store.port import Change, Key, Merge, Written

_UNSEEN = ("stated",)
_ENVELOPE = 400
_LONG = re.compile(r"\d{19}")
_LARGEST = 16 * 1024 * 1024
"""Bytes of a document, as in MongoDB."""


class _Refused(Exception):  # noqa: N818 - says what is the case
    """The store will never keep this document."""


def _rank(document: Document, path: list[str]) -> tuple[int, Any]:
    """Order by what a dotted path finds: nothing, numbers, text, booleans, as MongoDB does."""
    part: Any = document
    for name in path:
        part = part.get(name) if isinstance(part, dict) else None
    if part is None:
        return (0, 0)
    if isinstance(part, bool):
        return (3, part)
    return (2, part) if isinstance(part, str) else (1, part)


class MemoryStore:
    """Keeps documents in dictionaries, copied on the way in and out."""

    def __init__(self) -> None:
        """Start empty, in epoch 1."""
        self.epoch = 1
        self._rooms: dict[str, dict[str, Document]] = {}

    def _room(self, kind: Kind[Any]) -> dict[str, Document]:
        return self._rooms.setdefault(kind.name, {})

    def snapshot(self) -> dict[str, dict[str, Document]]:
        """Copy everything that is kept."""
        return deepcopy(self._rooms)

    def restore(self, kept: dict[str, dict[str, Document]]) -> None:
        """Keep what a snapshot holds, and nothing else."""
        self._rooms = deepcopy(kept)

    async def load(self, kind: Kind[Any], ids: Iterable[str]) -> dict[str, Document]:
        """Load documents by id, without the facts they stated."""
        room = self._room(kind)
        return {key: _seen(room[key]) for key in ids if key in room}

    async def find(
        self, kind: Kind[Any], where: Filter, *, sort: str = "_id", descending: bool = False,
        limit: int = 0,
    ) -> list[Document]:  # fmt: skip
        """Find documents, ordered by one field and then by id; limit 0 is no limit."""
        found = [each for each in self._room(kind).values() if matches(each, where)]
        found.sort(key=lambda each: each["_id"])
        path = sort.split(".")
        found.sort(key=lambda each: _rank(each, path), reverse=descending)
        return [_seen(each) for each in (found[:limit] if limit else found)]

    async def count(self, kind: Kind[Any], where: Filter) -> int:
        """Count documents."""
        return sum(matches(each, where) for each in self._room(kind).values())

    async def write(self, changes: Sequence[Change]) -> Written:
        """Write each change if its aggregate still has the version it was loaded with."""
        conflicts: set[Key] = set()
        refused: dict[Key, str] = {}
        for change in changes:
            try:
                if not self._write(change):
                    conflicts.add(change.key)
            except _Refused as why:
                refused[change.key] = str(why)
        return Written(frozenset(conflicts), refused)

    def _write(self, change: Change) -> bool:
        room = self._room(change.kind)
        before = room.get(change.id, {"_id": change.id, "version": 0})
        if before["version"] != change.version:
            return False
        after = {**before, **_copied(change.fields), "version": change.version + 1}
        if change.stating:
            after["seq"] = change.stating[-1].seq
            after["stated"] = [*before.get("stated", []), *change.stating]
            after["outbox"] = [*before.get("outbox", []), *_pointers(change.stating)]
        if any(
            self._taken(change, index.fields[0], after)
            for index in change.kind.indexes
            if index.unique
        ):
            return False
        if not _fits(change.fields) or not _fits(after):
            raise _Refused("it does not fit into a document")
        room[change.id] = after
        return True

    def _taken(self, change: Change, name: str, after: Document) -> bool:
        """Tell whether a unique field holds a text that another document holds already."""
        texts = set(_texts(after, name))
        others = (each for key, each in self._room(change.kind).items() if key != change.id)
        return bool(texts) and any(not texts.isdisjoint(_texts(each, name)) for each in others)

    async def merge(self, kind: Kind[Any], merges: Sequence[Merge]) -> None:
        """Add to documents that are only ever added to, of a kind that states nothing and has no unique index."""
        room = self._room(kind)
        for each in merges:
            new = {"_id": each.id, "version": 0, **_copied(dict(each.fields))}
            document = room.setdefault(each.id, new)
            if each.marks or not document["version"]:
                document["version"] += 1
            document |= each.marks
            for path, word in each.bits.items():
                part, name = _at(document, path)
                part[name] = part.get(name, 0) | word
            for path, number in each.most.items():
                part, name = _at(document, path)
                part[name] = max(part.get(name, number), number)
            for path, members in each.members.items():
                part, name = _at(document, path)
                part[name] = list(dict.fromkeys([*part.get(name, ()), *members]))

    async def pending(self, kind: Kind[Any], ids: Sequence[str]) -> list[Message]:
        """Load the facts still in these aggregates' outboxes, each aggregate's in seq order."""
        waiting: list[Message] = []
        for key in ids:
            document = self._room(kind).get(key, {})
            inside = {pointer["id"] for pointer in document.get("outbox", [])}
            waiting += [message for message in document.get("stated", []) if message.id in inside]
        return waiting

    async def clear(self, published: Sequence[tuple[Key, Sequence[str]]]) -> None:
        """Take exactly these facts, by id, out of their aggregates' outboxes."""
        for (name, key), facts in published:
            document = self._rooms.get(name, {}).get(key, {})
            if "outbox" in document:
                document["outbox"] = [
                    each for each in document["outbox"] if each["id"] not in facts
                ]

    async def unpublished(self, kind: Kind[Any], limit: int) -> dict[str, list[str]]:
        """Find aggregates whose outbox is not empty, with the ids of the facts in it."""
        full = [each for each in self._room(kind).values() if each.get("outbox")]
        return {each["_id"]: [fact["id"] for fact in each["outbox"]] for each in full[:limit]}

    async def stated(
        self, kind: Kind[Any], after: str, limit: int, where: Filter | None = None
    ) -> dict[str, list[Message]]:
        """Load all facts ever stated by the next aggregates that match, in id order."""
        told = {k: each for k, each in self._room(kind).items() if each.get("stated")}
        room = {k: each for k, each in told.items() if k > after and matches(each, where or {})}
        keys = sorted(room)
        return {key: list(room[key]["stated"]) for key in keys[:limit]}

    async def forget(self, kind: Kind[Any], ids: Sequence[str], types: Sequence[str]) -> None:
        """Take facts of these types out of what aggregates have stated, so that nothing states them again."""
        for document in (self._room(kind).get(key, {}) for key in ids):
            told = document.get("stated", [])
            document["stated"] = [each for each in told if each.type not in types]

    async def remove(self, kind: Kind[Any], where: Filter) -> int:
        """Remove documents for good, and tell how many."""
        room = self._room(kind)
        gone = [key for key, each in room.items() if matches(each, where)]
        for key in gone:
            del room[key]
        return len(gone)

    async def ping(self) -> None:
        """Answer always."""


def _at(document: Document, path: str) -> tuple[Document, str]:
    """Tell the object that a dotted path leads to, made if need be, and the last name in it."""
    *names, last = path.split(".")
    for name in names:
        document = document.setdefault(name, {})
    return document, last


def _texts(document: Document, name: str) -> list[str]:
    """Tell the texts that a document holds under a field, or under one field of each object in an array."""
    head, _, leaf = name.partition(".")
    held = document.get(head)
    values = [part.get(leaf) for part in held or []] if leaf else [held]
    return [value for value in values if isinstance(value, str)]


def _fits(document: Document) -> bool:
    """Tell whether MongoDB would take a document: 16 MB, and no number beyond eight bytes."""
    told = sum(len(message.data) + _ENVELOPE for message in document.get("stated", ()))
    text = json.dumps({name: part for name, part in document.items() if name != "stated"})
    return told + len(text) <= _LARGEST and not (_LONG.search(text) and _overflows(document))


def _overflows(part: Any) -> bool:  # noqa: ANN401 - any JSON
    if isinstance(part, dict):
        return any(_overflows(each) for each in part.values())
    if isinstance(part, list):
        return any(_overflows(each) for each in part)
    return isinstance(part, int) and not -(2**63) <= part < 2**63


def _seen(document: Document) -> Document:
    return {name: _copied(part) for name, part in document.items() if name not in _UNSEEN}


def _copied(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """Copy JSON, which needs none of what makes `deepcopy` ten times slower."""
    if isinstance(part, dict):
        return {name: _copied(each) for name, each in part.items()}
    return [_copied(each) for each in part] if isinstance(part, list) else part


def _pointers(messages: Sequence[Message]) -> list[Document]:
    return [{"id": message.id, "seq": message.seq} for message in messages]
