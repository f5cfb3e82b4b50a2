"""The real engine of a service: MongoDB for its store, Kafka for its bus."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from shared.bus.kafka import Cluster, open_kafka
from shared.bus.port import Bus
from shared.kernel.errors import Unavailable
from shared.store.kind import Kind
from shared.store.mongo import open_mongo
from shared.store.port import Store
from shared.web.settings import ServiceSettings

T = TypeVar("T")


class KafkaMongoEngine:
    """Opens the parts that the settings name."""

    @asynccontextmanager
    async def open_store(
        self, settings: ServiceSettings, service: str, kinds: Sequence[Kind[Any]]
    ) -> AsyncIterator[Store]:
        """Open a service's database; Unavailable while it is away."""
        database = settings.mongo_database or f"corpu_{service}"
        password = _still_readable(lambda: settings.mongo_password)
        async with open_mongo(settings.mongo_uri, database, kinds, password=password) as store:
            yield store

    @asynccontextmanager
    async def open_bus(self, settings: ServiceSettings, service: str) -> AsyncIterator[Bus]:
        """Open the bus; Unavailable while the brokers are away."""
        cluster = Cluster(
            bootstrap=settings.kafka_bootstrap,
            idempotent=settings.kafka_idempotent,
            session_ms=settings.kafka_session_ms,
            partitions=settings.kafka_partitions,
            replication=settings.kafka_replication,
            security=_still_readable(lambda: settings.security),
        )
        async with open_kafka(cluster, f"corpu-{settings.node}-{service}") as bus:
            yield bus


def _still_readable(read: Callable[[], T]) -> T:
    """Read a secret's file anew, for it may have been renewed; Unavailable while it cannot be read."""
    try:
        return read()
    except ValueError as gone:
        raise Unavailable(str(gone)) from gone
