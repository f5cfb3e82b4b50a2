"""Copies a node's four stores, and its keys if asked, into one archive."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure, PyMongoError

from deploy.embedded.settings import PSEUDONYM_KEY, NodeError, NodeSettings
from deploy.stores.archive import RAW, Manifest, Stored, Writer, writing
from deploy.stores.databases import Place, connected, places, telling
from deploy.stores.standing import standing
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.ids import fresh

_TOO_OLD = 239
PEERS_FILE = "peers.json"
META, BACKUP = "meta", "backup"
_BATCH = 500
# Where there is no common moment, who mostly hears is read before who mostly states: what a hearer
# lacks is stated again after a restoration, while nobody could tell a teller what it has forgotten.
_ORDER = ("notify", "certification", "progress", "enrolment")


@dataclass(frozen=True)
class Taken:
    """A backup that was taken."""

    path: Path
    manifest: Manifest


async def back_up(
    settings: NodeSettings, target: Path, *, with_keys: bool = False, clock: Clock | None = None
) -> Taken:
    """Write an archive of a node, running or not, to a file or into a folder; NodeError where it fails."""
    now = (clock or SystemClock()).now()
    path = _file(target, f"corpu-{settings.node}-{now:%Y%m%dT%H%M%SZ}.zip")
    async with standing(settings):
        with telling("the backup failed"):
            try:
                manifest = await _write(
                    settings, path, now.isoformat(), with_keys=with_keys, moment=True
                )
            except OperationFailure as refused:
                if refused.code != _TOO_OLD:
                    raise
                # The stores are too large to be read within the time that the server keeps a moment.
                manifest = await _write(
                    settings, path, now.isoformat(), with_keys=with_keys, moment=False
                )
    return Taken(path, manifest)


def _file(target: Path, name: str) -> Path:
    return target / name if target.is_dir() else target


async def _write(
    settings: NodeSettings, path: Path, taken_at: str, *, with_keys: bool, moment: bool
) -> Manifest:
    keys = key_files(settings) if with_keys else {}
    with writing(path) as archive:
        async with AsyncExitStack() as stack:
            readers = await _readers(stack, settings, moment=moment)
            services = {each.place.service: await _copy(archive, each) for each in readers}
            version = (await readers[0].client.server_info())["version"]
        manifest = Manifest(
            node=settings.node,
            taken_at=taken_at,
            one_moment=all(each.session is not None for each in readers),
            store_version=version,
            pseudonym=fingerprint(settings),
            services=services,
            keys={name: archive.key(name, file.read_bytes()) for name, file in keys.items()},
        )
        archive.close(manifest)
    return manifest


@dataclass(frozen=True)
class _Reader:
    """A service's store, read as it was at the session's moment if there is one."""

    place: Place
    client: AsyncMongoClient[Any]
    session: AsyncClientSession | None


async def _readers(stack: AsyncExitStack, settings: NodeSettings, *, moment: bool) -> list[_Reader]:
    every = sorted(places(settings), key=lambda place: _ORDER.index(place.service))
    servers: dict[tuple[str, str], AsyncMongoClient[Any]] = {}
    for place in every:
        key = (place.uri, place.password)
        if key not in servers:
            servers[key] = await stack.enter_async_context(connected(*key))
    # Stores on different servers have no moment in common.
    one = next(iter(servers.values())) if moment and len(servers) == 1 else None
    session = None if one is None else await stack.enter_async_context(_snapshot(one, every[0]))
    return [_Reader(place, servers[place.uri, place.password], session) for place in every]


@asynccontextmanager
async def _snapshot(
    client: AsyncMongoClient[Any], place: Place
) -> AsyncIterator[AsyncClientSession | None]:
    """Hold the server's present moment for reading; None where it cannot, or says it could and does not."""
    meta, mark = client[place.database][META], fresh()
    async with client.start_session(snapshot=True) as session:
        try:
            await meta.find_one({}, session=session)
            # The embedded store takes the question and answers with what is there by now.
            await meta.update_one({"_id": BACKUP}, {"$set": {"mark": mark}}, upsert=True)
            held = await meta.find_one({"_id": BACKUP, "mark": mark}, session=session) is None
        except PyMongoError:
            held = False
        yield session if held else None


async def _copy(archive: Writer, reader: _Reader) -> Stored:
    """Copy one service's collections."""
    service, database = reader.place.service, reader.client[reader.place.database]
    names = await database.list_collection_names()
    kept = sorted(name for name in names if not name.startswith("system."))
    for name in kept:
        found = database.get_collection(name, codec_options=RAW).find(
            {}, session=reader.session, batch_size=_BATCH
        )
        with archive.collection(service, name) as filling:
            async for document in found:
                filling.add(document.raw)
    meta = await database[META].find_one({"_id": "epoch"})
    if meta is None:
        raise NodeError(
            f"the store of {service} was never opened: {reader.place.database} is empty"
        )
    return Stored(
        epoch=meta["epoch"],
        collections={name: archive.written[f"{service}/{name}"] for name in kept},
    )


def key_files(settings: NodeSettings) -> Mapping[str, Path]:
    """Tell the node's key files by the names that they have in its home; peers may lie elsewhere."""
    folder = settings.home / "keys"
    found = {
        file.name: file
        for file in sorted(folder.glob("*"))
        if file.is_file() and ".draft" not in file.suffixes
    }
    peers = key_place(settings, PEERS_FILE)
    return {**found, **({PEERS_FILE: peers} if peers.is_file() else {})}


def key_place(settings: NodeSettings, name: str) -> Path:
    """Tell where a key file of this name lies, or has to."""
    elsewhere = settings.environment.get("CORPU_PEERS_FILE") if name == PEERS_FILE else None
    return Path(elsewhere) if elsewhere else settings.home / "keys" / name


def pseudonym_key(settings: NodeSettings) -> Path:
    """Tell where the key lies from which learner ids are made.

    That is where services read it; before containers' first start only the home has it, to hand it to them.
    """
    read = Path(settings.of("enrolment")["CORPU_PSEUDONYM_KEY_FILE"])
    return read if read.is_file() else settings.home / PSEUDONYM_KEY


def fingerprint(settings: NodeSettings) -> str:
    """Tell keys apart without telling them; "" where there is none."""
    path = pseudonym_key(settings)
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    except ValueError as broken:
        raise NodeError(f"the pseudonym key in {path} is not text") from broken
    return sha256(f"corpu backup {key}".encode()).hexdigest()[:16]
