"""The store on MongoDB: guarded upserts, journalled majority writes, the outbox beside the state."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from warnings import catch_warnings, simplefilter

from bson.errors import InvalidDocument
from pymongo import AsyncMongoClient, InsertOne, MongoClient, UpdateOne, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern

from shared.events.message import Message
from shared.kernel.errors import Unavailable
from shared.kernel.faults import durable
from shared.store.filters import Filter
from shared.store.kind import Document, Kind
from shared.store.port import Change, Key, Written

_CHUNK = 100
"""Ids asked for at once: the embedded store's cost of an `$in` list grows with its square."""

_DUPLICATE_KEY = 11000
_UNFIT = frozenset({2, 121, 10334, 17280, 17419, 17420})
"""Bad value, failed validation, and the three ways to be too large."""
_REFUSED = {13: "grants no right to it", 18: "refuses the user name or the password"}
_UNSEEN = {"stated": 0}
_OUTBOX = "outbox"
"""The name of the partial index on what is not published yet."""

RESTORING = "restoring"
"""The mark in `meta` of a store that a restoration has not finished, or never finished."""


@contextmanager
def _away() -> Iterator[None]:
    """Tell a store that is away from a question that is wrong."""
    try:
        yield
    except ConnectionFailure as away:
        raise Unavailable(f"the store is away ({_cause(away)})") from away
    except PyMongoError as error:
        if isinstance(error, OperationFailure) and error.code in _REFUSED:
            raise Unavailable(f"the store {_REFUSED[error.code]}") from error
        if error.timeout or error.has_error_label("RetryableWriteError"):
            raise Unavailable("the store does not answer in time") from error
        raise


def _cause(away: ConnectionFailure) -> str:
    """Tell a certificate that is not trusted from a server that is not there: the driver tries both for ever."""
    if "CERTIFICATE_VERIFY_FAILED" in str(away):
        return "its certificate is not trusted"
    return type(away).__name__


def check_address(uri: str, password: str = "") -> None:
    """Connect to nobody, and raise ValueError where an address, its options or its files cannot be meant."""
    if not uri.startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("an address begins with mongodb:// or mongodb+srv://")
    with catch_warnings():
        # An option that the driver does not know, and so passes over, could be the one that asks for TLS.
        simplefilter("error", UserWarning)
        try:
            MongoClient(uri, connect=False, **_user(password)).close()
        except OSError as wrong:
            place = f"{wrong.filename}: " if wrong.filename else ""
            why = getattr(wrong, "reason", None) or wrong.strerror
            raise ValueError(f"{place}a file it names cannot be used ({why})") from None
        except (ConfigurationError, UserWarning, ValueError) as wrong:
            # A message may go on with what was given, which may hold a password.
            raise ValueError(str(wrong).partition(":")[0]) from None


def _user(password: str) -> dict[str, Any]:
    return {"password": password} if password else {}


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
        with _away():
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
        with _away():
            return (
                await self._room(kind.name).find(where, _UNSEEN).sort(order).limit(limit).to_list()
            )

    async def count(self, kind: Kind[Any], where: Filter) -> int:
        """Count documents."""
        with _away():
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
            with _away(), durable("store.write"):
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

    async def pending(self, kind: Kind[Any], ids: Sequence[str]) -> list[Message]:
        """Load the facts still in these aggregates' outboxes, each aggregate's in seq order."""
        waiting: list[Message] = []
        with _away():
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
            with _away(), durable("store.clear"):
                await self._room(name).bulk_write(updates, ordered=False)

    async def unpublished(self, kind: Kind[Any], limit: int) -> dict[str, list[str]]:
        """Find aggregates whose outbox is not empty, with the ids of the facts in it."""
        with _away():
            full = self._room(kind.name).find({"outbox.id": {"$exists": True}}, {"outbox": 1})
            # The embedded store reads a whole collection unless it is told of the partial index.
            return {
                document["_id"]: [pointer["id"] for pointer in document["outbox"]]
                for document in await full.hint(_OUTBOX).limit(limit).to_list()
            }

    async def stated(
        self, kind: Kind[Any], after: str, limit: int, where: Filter | None = None
    ) -> dict[str, list[Message]]:
        """Load all facts ever stated by the next aggregates that match, in id order."""
        told = {**(where or {}), "_id": {"$gt": after}, "stated.seq": {"$exists": True}}
        with _away():
            page = self._room(kind.name).find(told, {"stated": 1}).sort("_id", 1).limit(limit)
            return {
                document["_id"]: [Message(**message) for message in document["stated"]]
                for document in await page.to_list()
            }

    async def forget(self, kind: Kind[Any], ids: Sequence[str], types: Sequence[str]) -> None:
        """Take facts of these types out of what aggregates have stated, so that nothing states them again."""
        taken = {"$pull": {"stated": {"type": {"$in": list(types)}}}}
        with _away(), durable("store.remove"):
            await self._room(kind.name).bulk_write(
                [UpdateOne({"_id": key}, taken) for key in ids], ordered=False
            )

    async def remove(self, kind: Kind[Any], where: Filter) -> int:
        """Remove documents for good, and tell how many."""
        with _away(), durable("store.remove"):
            return (await self._room(kind.name).delete_many(where)).deleted_count

    async def ping(self) -> None:
        """Answer if the store does."""
        with _away():
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


def _first_stated(change: Change) -> Document:
    """Tell the bookkeeping of an aggregate that is new."""
    if not change.stating:
        return {}
    return {
        "seq": change.stating[-1].seq,
        "outbox": [{"id": m.id, "seq": m.seq} for m in change.stating],
        "stated": [message.kept() for message in change.stating],
    }


@asynccontextmanager
async def open_mongo(
    uri: str,
    database: str,
    kinds: Sequence[Kind[Any]],
    *,
    timeout: float = 5.0,
    password: str = "",
) -> AsyncIterator[MongoStore]:
    """Open a service's database with its indexes; Unavailable after `timeout` seconds without an answer.

    `password` is that of the user whom `uri` names, if it does not stand there.
    """
    milliseconds = int(timeout * 1000)
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        uri,
        tz_aware=True,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=milliseconds * 6,
        **_user(password),
    )
    async with client:
        with _away():
            hello = await client.admin.command("hello")
        # A replica set could show a write that it will take back; one server alone has no such thing.
        concern = ReadConcern("majority" if "setName" in hello else None)
        opened = client.get_database(
            database,
            write_concern=WriteConcern(w="majority", j=True, wtimeout=milliseconds * 4),
            read_concern=concern,
        )
        with _away():
            if await opened["meta"].find_one({"_id": RESTORING}) is not None:
                raise Unavailable("the store is being restored from a backup, or was so by half")
            # `$max` makes the counter at first and never lowers what a restore raised.
            with durable("store.open"):
                await opened["meta"].update_one(
                    {"_id": "epoch"}, {"$max": {"epoch": 1}}, upsert=True
                )
            meta = await opened["meta"].find_one({"_id": "epoch"})
            for kind in kinds:
                await _make_indexes(opened[kind.name], kind)
        yield MongoStore(opened, meta["epoch"] if meta else 1)


async def _make_indexes(room: AsyncCollection[Document], kind: Kind[Any]) -> None:
    there = {"outbox.id": {"$exists": True}}
    await room.create_index("outbox.id", name=_OUTBOX, partialFilterExpression=there)
    for index in kind.indexes:
        keys = [(name, 1) for name in index.fields]
        if index.unique:
            held = {index.fields[0]: {"$type": "string"}}
            await room.create_index(keys, unique=True, partialFilterExpression=held)
        else:
            await room.create_index(keys)
