"""Where each service's store is, and how it is reached."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from deploy.embedded.settings import SERVICES, NodeError, NodeSettings
from shared.store.mongo import check_address
from shared.web.settings import mongo_password

_MILLISECONDS = 10_000


@dataclass(frozen=True)
class Place:
    """One service's store: the server's address and the database in it."""

    service: str
    uri: str = field(repr=False)
    database: str
    password: str = field(default="", repr=False)


def places(settings: NodeSettings) -> list[Place]:
    """Tell where each service's store is; NodeError for an address or a password's file that is no use."""
    return [_place(settings, service) for service in SERVICES]


def _place(settings: NodeSettings, service: str) -> Place:
    told = settings.of(service)
    file = told.get("MONGO_PASSWORD_FILE")
    try:
        password = mongo_password(Path(file) if file else None)
        check_address(told["MONGO_URI"], password)
    except ValueError as wrong:
        raise NodeError(f"the store of {service} (MONGO_URI) cannot be meant: {wrong}") from wrong
    return Place(service, told["MONGO_URI"], told["MONGO_DATABASE"], password)


@asynccontextmanager
async def connected(
    address: str | Sequence[str],
    password: str = "",
    **options: Any,  # noqa: ANN401 - the driver's own options
) -> AsyncIterator[AsyncMongoClient[Any]]:
    """Connect to a server for as long as the block lasts."""
    given = {**options, **({"password": password} if password else {})}
    async with AsyncMongoClient(
        address, serverSelectionTimeoutMS=_MILLISECONDS, tz_aware=True, **given
    ) as client:
        yield client


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Turn what the server or the driver refuses into a NodeError of one line."""
    try:
        yield
    except PyMongoError as failure:
        first = (str(failure).splitlines() or [type(failure).__name__])[0]
        raise NodeError(f"{what}: {first[:300]}") from failure
