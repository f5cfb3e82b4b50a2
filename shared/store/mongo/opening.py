"""How a service's database is reached and opened, with its indexes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from warnings import catch_warnings, simplefilter

from pymongo import AsyncMongoClient, MongoClient, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import ConfigurationError
from pymongo.read_concern import ReadConcern

from shared.kernel.errors import Unavailable
from shared.kernel.faults import durable
from shared.store.kind import Document, Kind
from shared.store.mongo.away import away
from shared.store.mongo.store import OUTBOX, MongoStore

RESTORING = "restoring"
"""The mark in `meta` of a store that a restoration has not finished, or never finished."""


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
            # A message may go on with what was given, or quote it: a password's "/" makes a database of its rest.
            said = str(wrong).partition(":")[0].partition(' "')[0]
            raise ValueError(said.removesuffix(". Hint")) from None


def _user(password: str) -> dict[str, Any]:
    return {"password": password} if password else {}


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
        with away():
            hello = await client.admin.command("hello")
        # A replica set could show a write that it will take back; one server alone has no such thing.
        concern = ReadConcern("majority" if "setName" in hello else None)
        opened = client.get_database(
            database,
            write_concern=WriteConcern(w="majority", j=True, wtimeout=milliseconds * 4),
            read_concern=concern,
        )
        with away():
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
    await room.create_index("outbox.id", name=OUTBOX, partialFilterExpression=there)
    for index in kind.indexes:
        keys = [(name, 1) for name in index.fields]
        if index.unique:
            held = {index.fields[0]: {"$type": "string"}}
            await room.create_index(keys, unique=True, partialFilterExpression=held)
        else:
            await room.create_index(keys)
