"""What is kept on MongoDB: guarded upserts, journalled majority writes, the outbox beside the state."""

from collections.abc import Iterable, Sequence
from typing import Any

from bson.errors import InvalidDocument
from bson.int64 import Int64
from pymongo import InsertOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DocumentTooLarge

from shared.events.message import Message
from shared.kernel.errors import Unavailable
from shared.kernel.faults import durable
from shared.store.filters import Filter
from shared.store.kind import Document, Kind
from shared.store.mongo.away import away
from shared.store.port import Change, Key, Merge, Written

_CHUNK = 100
"""Ids asked for at once: the embedded store's cost of an `$in` list grows with its square."""

_MERGED = 1_000
"""Merges sent at once: a call must end well before its time is up, also on a store that is slow."""

_RISING = {"version": 1}
_DUPLICATE_KEY = 11000
_UNFIT = frozenset({2, 121, 10334, 17280, 17419, 17420})
"""Bad value, failed validation, and the three ways to be too large."""
_UNSEEN = {"stated": 0}
OUTBOX = "outbox"
"""The name of the partial index on what is not published yet."""


class MongoStore:
    """Keeps each kind in a collection of one service's database."""

    def __init__(self, database: AsyncDatabase[Document], epoch: int) -> None:
        """Serve a database whose restorations are counted by `epoch`."""
        self._database = database
        self.epoch = epoch

    def _room(self, name: str) -> AsyncCollection[Document]:
        return self._database[name]

    async def load(self, kind: Kind[Any], ids: Iterable[str]) -> dict[str, Document]:
        """Load documents by id, without the facts they stated."""
        asked = list(ids)
        found: dict[str, Document] = {}
        with away():
            for start in range(0, len(asked), _CHUNK):
                chunk = asked[start : start + _CHUNK]
                where = {"_id": chunk[0] if len(chunk) == 1 else {"$in": chunk}}
                for document in await self._room(kind.name).find(where, _UNSEEN).to_list():
                    found[document["_id"]] = document
        return found

    async def find(
        self, kind: Kind[Any], where: Filter, *, sort: str = "_id", descending: bool = False,
        limit: int = 0,
    ) -> list[Document]:  # fmt: skip
        """Find documents, ordered by one field and then by id; limit 0 is no limit."""
        order = [(sort, -1 if descending else 1)]
        if sort != "_id":
            order.append(("_id", 1))
        with away():
            return (
                await self._room(kind.name).find(where, _UNSEEN).sort(order).limit(limit).to_list()
            )

    async def count(self, kind: Kind[Any], where: Filter) -> int:
        """Count documents."""
        with away():
            return await self._room(kind.name).count_documents(where)

    async def write(self, changes: Sequence[Change]) -> Written:
        """Write each change if its aggregate still has the version it was loaded with."""
        rooms: dict[str, list[Change]] = {}
        for change in changes:
            rooms.setdefault(change.kind.name, []).append(change)
        conflicts: set[Key] = set()
        refused: dict[Key, str] = {}
        for name, batch in rooms.items():
            await self._write(name, batch, conflicts, refused)
        return Written(frozenset(conflicts), refused)

    async def _write(
        self, name: str, batch: Sequence[Change], conflicts: set[Key], refused: dict[Key, str]
    ) -> None:
        try:
            with away(), durable("store.write"):
                await self._room(name).bulk_write(
                    [_insert_or_update(each) for each in batch], ordered=False
                )
        except BulkWriteError as partly:
            for error in partly.details["writeErrors"]:
                key = batch[error["index"]].key
                if error["code"] == _DUPLICATE_KEY:
                    conflicts.add(key)
                elif error["code"] in _UNFIT:
                    refused[key] = f"it does not fit into a document (code {error['code']})"
                else:
                    # A full disk or an interrupted server says nothing against the document.
                    raise Unavailable(f"the store fails with code {error['code']}") from partly
            if partly.details.get("writeConcernErrors"):
                raise Unavailable("the store could not make the write durable") from partly
        except (DocumentTooLarge, InvalidDocument, OverflowError, UnicodeError) as unfit:
            # The driver refuses the whole batch for one document: find it by writing one by one.
            if len(batch) == 1:
                refused[batch[0].key] = f"it does not fit into a document ({type(unfit).__name__})"
                return
            for each in batch:
                await self._write(name, [each], conflicts, refused)

    async def merge(self, kind: Kind[Any], merges: Sequence[Merge]) -> None:
        """Add to documents that are only ever added to, of a kind that states nothing and has no unique index."""
        for start in range(0, len(merges), _MERGED):
            left = merges[start : start + _MERGED]
            while left:
                left = await self._merge(kind.name, left)

    async def _merge(self, name: str, merges: Sequence[Merge]) -> list[Merge]:
        """Add, and give back what met somebody who made the same document just then."""
        try:
            with away(), durable("store.merge"):
                await self._room(name).bulk_write(
                    [_merging(each) for each in merges], ordered=False
                )
        except BulkWriteError as partly:
            errors = partly.details["writeErrors"]
            if others := {error["code"] for error in errors} - {_DUPLICATE_KEY}:
                raise Unavailable(f"the store fails with code {min(others)}") from partly
            if partly.details.get("writeConcernErrors"):
                raise Unavailable("the store could not make the write durable") from partly
            return [merges[error["index"]] for error in errors]
        return []

    async def pending(self, kind: Kind[Any], ids: Sequence[str]) -> list[Message]:
        """Load the facts still in these aggregates' outboxes, each aggregate's in seq order."""
        waiting: list[Message] = []
        with away():
            for start in range(0, len(ids), _CHUNK):
                where = {"_id": {"$in": list(ids[start : start + _CHUNK])}}
                fields = {"outbox": 1, "stated": 1}
                for document in await self._room(kind.name).find(where, fields).to_list():
                    inside = {pointer["id"] for pointer in document.get("outbox", [])}
                    waiting += [
                        Message(**m) for m in document.get("stated", []) if m["id"] in inside
                    ]
        return waiting

    async def clear(self, published: Sequence[tuple[Key, Sequence[str]]]) -> None:
        """Take exactly these facts, by id, out of their aggregates' outboxes."""
        rooms: dict[str, list[UpdateOne]] = {}
        for (name, key), facts in published:
            taken = {"$pull": {"outbox": {"id": {"$in": list(facts)}}}}
            rooms.setdefault(name, []).append(UpdateOne({"_id": key}, taken))
        for name, updates in rooms.items():
            with away(), durable("store.clear"):
                await self._room(name).bulk_write(updates, ordered=False)

    async def unpublished(self, kind: Kind[Any], limit: int) -> dict[str, list[str]]:
        """Find aggregates whose outbox is not empty, with the ids of the facts in it."""
        with away():
            full = self._room(kind.name).find({"outbox.id": {"$exists": True}}, {"outbox": 1})
            # The embedded store reads a whole collection unless it is told of the partial index.
            return {
                document["_id"]: [pointer["id"] for pointer in document["outbox"]]
                for document in await full.hint(OUTBOX).limit(limit).to_list()
            }

    async def stated(
        self, kind: Kind[Any], after: str, limit: int, where: Filter | None = None
    ) -> dict[str, list[Message]]:
        """Load all facts ever stated by the next aggregates that match, in id order."""
        told = {**(where or {}), "_id": {"$gt": after}, "stated.seq": {"$exists": True}}
        with away():
            page = self._room(kind.name).find(told, {"stated": 1}).sort("_id", 1).limit(limit)
            return {
                document["_id"]: [Message(**message) for message in document["stated"]]
                for document in await page.to_list()
            }

    async def forget(self, kind: Kind[Any], ids: Sequence[str], types: Sequence[str]) -> None:
        """Take facts of these types out of what aggregates have stated, so that nothing states them again."""
        taken = {"$pull": {"stated": {"type": {"$in": list(types)}}}}
        with away(), durable("store.remove"):
            await self._room(kind.name).bulk_write(
                [UpdateOne({"_id": key}, taken) for key in ids], ordered=False
            )

    async def remove(self, kind: Kind[Any], where: Filter) -> int:
        """Remove documents for good, and tell how many."""
        with away(), durable("store.remove"):
            return (await self._room(kind.name).delete_many(where)).deleted_count

    async def ping(self) -> None:
        """Answer if the store does."""
        with away():
            await self._database.command("ping")


def _insert_or_update(change: Change) -> InsertOne[Document] | UpdateOne:
    """Write the operation that meets a duplicate key where somebody else was first."""
    if change.version == 0:
        return InsertOne({"_id": change.id, "version": 1, **change.fields, **_first_stated(change)})
    changed: Document = {"$set": {**change.fields, "version": change.version + 1}}
    if change.stating:
        changed["$set"]["seq"] = change.stating[-1].seq
        changed["$push"] = {
            "outbox": {"$each": [{"id": m.id, "seq": m.seq} for m in change.stating]},
            "stated": {"$each": [message.kept() for message in change.stating]},
        }
    # An upsert on (_id, version): where the version has moved on, the insert meets the taken _id.
    return UpdateOne({"_id": change.id, "version": change.version}, changed, upsert=True)


def _merging(merge: Merge) -> UpdateOne:
    """Write the operation that adds what a merge says, whatever is there; a fold writes very many of them."""
    if merge.marks:
        asked: Document = {
            "$setOnInsert": merge.fields,
            "$inc": _RISING,
            "$set": merge.marks,
        }
    else:
        asked = {"$setOnInsert": {"version": 1, **merge.fields}}
    if merge.bits:
        asked["$bit"] = {path: {"or": Int64(word)} for path, word in merge.bits.items()}
    if merge.most:
        asked["$max"] = merge.most
    if merge.members:
        asked["$addToSet"] = {path: {"$each": each} for path, each in merge.members.items()}
    return UpdateOne({"_id": merge.id}, asked, upsert=True)


def _first_stated(change: Change) -> Document:
    """Tell the bookkeeping of an aggregate that is new."""
    if not change.stating:
        return {}
    return {
        "seq": change.stating[-1].seq,
        "outbox": [{"id": m.id, "seq": m.seq} for m in change.stating],
        "stated": [message.kept() for message in change.stating],
    }
