"""What a node keeps besides records: the documents of its stores, and the files in its home."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from deploy.embedded.settings import NodeSettings
from deploy.stores.archive import RAW
from deploy.stores.databases import connected, places, telling

_APART = ("keys", "broker", "store", "engines")
"""Keys name nobody; what the broker's and the store's own files hold is read through their doors."""


async def documents(settings: NodeSettings) -> AsyncIterator[tuple[str, bytes]]:
    """Yield every document of the four stores, as it is."""
    for place in places(settings):
        with telling(f"the store of {place.service}"):
            async with connected(place.uri, place.password) as client:
                database = client.get_database(place.database, codec_options=RAW)
                for room in sorted(await database.list_collection_names()):
                    async for document in database[room].find({}):
                        yield f"{place.service}/{room}", bytes(document.raw)


async def namesakes(settings: NodeSettings, name: str, ids: Sequence[str]) -> int:
    """Count the other people known here who bear the same name."""
    place = next(each for each in places(settings) if each.service == "enrolment")
    with telling("the store of enrolment"):
        async with connected(place.uri, place.password) as client:
            room = client[place.database]["learners"]
            return int(await room.count_documents({"name": name, "_id": {"$nin": list(ids)}}))


def files(home: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a home, such as logs and what was rendered, apart from keys and the parts' own files."""
    for file in sorted(home.rglob("*")):
        inside = file.relative_to(home)
        if file.is_file() and inside.parts[0] not in _APART:
            yield str(inside), file.read_bytes()
