"""Both twins of the store, empty for each test."""

from collections.abc import AsyncIterator, Sequence

import pytest
from pymongo import AsyncMongoClient

from shared.events.message import Message
from shared.kernel.ids import fresh
from shared.store.kind import Document
from shared.store.memory import MemoryStore
from shared.store.mongo import open_mongo
from shared.store.port import Store
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.support.boxes import KINDS, SOURCE, BoxWork


class Outgoing:
    """A broker that notes what was published, or is away while `away` says so."""

    def __init__(self) -> None:
        """Start with nothing published."""
        self.published: list[Message] = []
        self.away: Exception | None = None

    async def publish(self, messages: Sequence[Message]) -> None:
        """Note messages."""
        if self.away:
            raise self.away
        self.published += messages


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.real)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Give an empty store."""
    if request.param == "memory":
        yield MemoryStore()
        return
    uri = request.getfixturevalue("mongo")
    name = f"twins_{fresh().replace('-', '')}"
    async with open_mongo(uri, name, KINDS) as opened:
        yield opened
    client: AsyncMongoClient[Document] = AsyncMongoClient(uri)
    async with client:
        await client.drop_database(name)


@pytest.fixture
def outgoing() -> Outgoing:
    """Give a broker."""
    return Outgoing()


@pytest.fixture
def relay(store: Store, outgoing: Outgoing) -> Relay:
    """Give the relay between both."""
    return Relay(store, KINDS, outgoing.publish)


@pytest.fixture
def works(store: Store, relay: Relay) -> Works[BoxWork]:
    """Give the works over the store."""
    return Works(BoxWork, Frame(store, SOURCE), relay)
