"""Puts an archive back into a node's stores, whole, under a new epoch."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase

from deploy.embedded.settings import NodeError, NodeSettings
from deploy.stores.archive import Manifest, Reader, reading
from deploy.stores.backup import (
    BACKUP,
    META,
    PEERS_FILE,
    fingerprint,
    key_files,
    key_place,
)
from deploy.stores.databases import connected, places, telling
from deploy.stores.standing import stopped
from shared.kernel.clock import Clock, SystemClock
from shared.store.mongo import RESTORING

_CHUNK = 250
_OURS = (RESTORING, BACKUP, "epoch")
_DURABLE = WriteConcern(w="majority", j=True)


class Archive(Protocol):
    """What the stores are filled from."""

    @property
    def manifest(self) -> Manifest:
        """Tell what it holds."""

    def documents(self, service: str, collection: str) -> Iterator[RawBSONDocument]:
        """Read one collection's documents."""


@dataclass(frozen=True)
class Restored:
    """What a restoration put back, and the epoch in which the stores go on."""

    manifest: Manifest
    epoch: int


async def restore(
    settings: NodeSettings,
    path: Path,
    *,
    replace: bool = False,
    with_keys: bool = False,
    clock: Clock | None = None,
) -> Restored:
    """Put an archive back into the stores of a node whose services are stopped.

    NodeError, and nothing has changed, for an archive that is damaged or another node's, for learner
    ids of another key, and for stores that are not empty unless `replace` says to empty them. A restoration that
    breaks off leaves stores that no service opens; do it again with `replace`.
    """
    with reading(path) as archive:
        _check_node(settings, archive.manifest)
        if with_keys:
            _put_keys(settings, archive)
        _check_key(settings, archive.manifest)
        async with stopped(settings):
            with telling("the restoration failed"):
                now = (clock or SystemClock()).now()
                epoch = await put_stores(
                    settings, archive, replace=replace, now=int(now.timestamp())
                )
    return Restored(archive.manifest, epoch)


def _check_node(settings: NodeSettings, manifest: Manifest) -> None:
    if manifest.node != settings.node:
        raise NodeError(
            f"this is a backup of node {manifest.node}, and this node is {settings.node}"
        )
    if manifest.services.keys() != {place.service for place in places(settings)}:
        raise NodeError("this backup does not hold the stores of the four services")


def _check_key(settings: NodeSettings, manifest: Manifest) -> None:
    held = fingerprint(settings)
    if held != manifest.pseudonym:
        raise NodeError(
            "the pseudonym key here is not the one of this backup, so no learner would be found "
            "again: put that key in place first, or restore with --with-keys where there is none"
        )


def _put_keys(settings: NodeSettings, archive: Reader) -> None:
    """Put the archive's keys where there are none; NodeError where there are others.

    Peers that are known by now stay as they are.
    """
    if not archive.manifest.keys:
        raise NodeError("this backup holds no keys: it was taken without --with-keys")
    folder, held = settings.home / "keys", key_files(settings)
    for name in archive.manifest.keys:
        if name == PEERS_FILE or name not in held:
            continue
        if held[name].read_bytes() != archive.key(name):
            raise NodeError(f"{held[name]} is another key than the backup's: move it away first")
    if fingerprint(settings):
        # The home may lack what services have already.
        _check_key(settings, archive.manifest)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in archive.manifest.keys.keys() - held.keys():
        place = key_place(settings, name)
        draft = place.with_name(f"{name}.draft")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(archive.key(name))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)


async def put_stores(settings: NodeSettings, archive: Archive, *, replace: bool, now: int) -> int:
    """Fill a stopped node's stores from a checked archive, and tell the epoch that they are in."""
    async with AsyncExitStack() as stack:
        rooms: dict[str, AsyncDatabase[Any]] = {}
        for place in places(settings):
            client = await stack.enter_async_context(connected(place.uri, place.password))
            rooms[place.service] = _durable(client, place.database)
        if not replace:
            await _check_empty(rooms)
        epoch = await _next_epoch(rooms, archive.manifest, now)
        # From here on no service opens any of the stores, until all are whole.
        for room in rooms.values():
            await room[META].update_one({"_id": RESTORING}, {"$set": {"since": now}}, upsert=True)
        for service, room in rooms.items():
            await _fill(room, archive, service)
            await room[META].update_one({"_id": "epoch"}, {"$set": {"epoch": epoch}}, upsert=True)
        for room in rooms.values():
            await room[META].delete_one({"_id": RESTORING})
    return epoch


def _durable(client: AsyncMongoClient[Any], database: str) -> AsyncDatabase[Any]:
    return client.get_database(database, write_concern=_DURABLE)


async def _check_empty(rooms: dict[str, AsyncDatabase[Any]]) -> None:
    for service, room in rooms.items():
        for name in await room.list_collection_names():
            if name != META and await room[name].find_one({}, {"_id": 1}) is not None:
                raise NodeError(
                    f"the store of {service} is not empty ({name}): "
                    "`--replace` empties the four stores first"
                )


async def _next_epoch(rooms: dict[str, AsyncDatabase[Any]], manifest: Manifest, now: int) -> int:
    """Tell an epoch that no store of this node ever had.

    It is a time in seconds, since a lost store cannot tell which epochs it went through after the backup.
    """
    known = [stored.epoch for stored in manifest.services.values()]
    for room in rooms.values():
        meta = await room[META].find_one({"_id": "epoch"})
        known.append(0 if meta is None else meta["epoch"])
    return max(now, *(each + 1 for each in known))


async def _fill(room: AsyncDatabase[Any], archive: Archive, service: str) -> None:
    """Empty one store and put back what the archive holds; its services make the indexes again."""
    for name in await room.list_collection_names():
        if name == META:
            await room[name].delete_many({"_id": {"$nin": list(_OURS)}})
        elif not name.startswith("system."):
            await room.drop_collection(name)
    for name, member in archive.manifest.services[service].collections.items():
        put = 0
        for chunk in _chunks(archive.documents(service, name)):
            kept = [_waiting(each) for each in chunk if name != META or each["_id"] not in _OURS]
            if kept:
                await room[name].insert_many(kept, ordered=False)
            put += len(chunk)
        if put != member.documents:
            raise NodeError(f"the backup holds {put} of {member.documents} documents of {name}")


def _waiting(document: RawBSONDocument) -> Mapping[str, Any]:
    """Have every fact that an aggregate ever stated wait in its outbox, so that it is stated again.

    The others' stores may lack some of them, and the broker too; those who have them ignore a repeat.
    """
    if "stated" not in document:
        return document
    pointers = [{"id": fact["id"], "seq": fact["seq"]} for fact in document["stated"]]
    return {**document, "outbox": pointers}


def _chunks(documents: Iterator[RawBSONDocument]) -> Iterator[list[RawBSONDocument]]:
    while chunk := list(islice(documents, _CHUNK)):
        yield chunk
