"""What a node keeps besides records: the documents of its stores, and the files in its home."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy.embedded.settings import NodeSettings
from deploy.running import Running
from deploy.stores.archive import RAW
from deploy.stores.databases import connected, places, telling

_APART = ("keys", "broker", "store", "engines")
"""Keys name nobody; what the broker's and the store's own files hold is read through their doors."""
_SYSTEM = frozenset({"admin", "config", "local"})


async def _databases(settings: NodeSettings, running: Running) -> AsyncIterator[tuple[str, Any]]:
    """Yield each database of the node: all those of a store that it runs itself, else those it was told of."""
    own = running.addresses.get("store")
    with telling("the store"):
        if own:
            async with connected(own, directConnection=True) as client:
                for name in sorted(set(await client.list_database_names()) - _SYSTEM):
                    yield name, client.get_database(name, codec_options=RAW)
            return
        for place in places(settings):
            async with connected(place.uri, place.password) as client:
                yield place.service, client.get_database(place.database, codec_options=RAW)


async def documents(settings: NodeSettings, running: Running) -> AsyncIterator[tuple[str, bytes]]:
    """Yield every document of the four stores, as it is."""
    async for name, database in _databases(settings, running):
        for room in sorted(await database.list_collection_names()):
            async for document in database[room].find({}):
                yield f"{name}/{room}", bytes(document.raw)


async def namesakes(settings: NodeSettings, running: Running, name: str, ids: Sequence[str]) -> int:
    """Count the other people whom enrolment knows by the same name."""
    alike = {"name": name, "nip": {"$gt": ""}, "_id": {"$nin": list(ids)}}
    return sum(
        [
            await database["learners"].count_documents(alike)
            async for _, database in _databases(settings, running)
        ]
    )


def files(home: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a home, such as logs and what was rendered, apart from keys and the parts' own files."""
    # The parts' folders are not even walked through: they change while their parts run.
    for place in (each for each in sorted(home.iterdir()) if each.name not in _APART):
        for file in (place, *sorted(place.rglob("*"))):
            # What a node that runs has let go of meanwhile holds nothing any more.
            with suppress(FileNotFoundError):
                if file.is_file():
                    yield str(file.relative_to(home)), file.read_bytes()
