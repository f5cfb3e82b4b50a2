"""The bus on Kafka: one producer that awaits every in-sync replica, and one reader per subscription."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, for_code
from aiokafka.partitioner import murmur2

from shared.bus.delivery import Delivery
from shared.bus.kafka.reader import Reader
from shared.events.fact import TOPICS
from shared.events.message import Message
from shared.kernel.errors import Unavailable
from shared.kernel.faults import durable
from shared.kernel.tasks import end, start

_log = logging.getLogger(__name__)
_REQUEST_MS = 10_000
_PUBLISH_SECONDS = 25.0
_PING_SECONDS = 3.0
_DRAIN_SECONDS = 5.0
_BATCH_BYTES = 512 * 1024
_LARGEST_REQUEST = 4 * 1024 * 1024
_TOPIC_EXISTS = 36
_MARKED = TopicPartition("enrolment", 0)
_LEARNER_PARTITIONS = 6
"""Fixed for good: a compacted topic that gains partitions holds one learner's card twice."""


@dataclass(frozen=True)
class Cluster:
    """Where the brokers are and what they can do."""

    bootstrap: str
    idempotent: bool = True
    session_ms: int = 10_000
    partitions: int = 6
    replication: int = 1


class KafkaBus:
    """Publishes facts and runs subscriptions on a Kafka cluster."""

    def __init__(self, cluster: Cluster, client_id: str) -> None:
        """Stand closed; `open_kafka` opens."""
        self._cluster = cluster
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()
        self._readers: list[Reader] = []

    async def open(self) -> None:
        """Make the topics that are missing and connect; Unavailable while the brokers are away."""
        await self._make_topics()
        self._producer = await self._connected()

    async def close(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish in order and await every in-sync replica's word for all; else Unavailable."""
        if not messages:
            return
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await self._publish(messages)
        except OutOfOrderSequenceNumber as broken:
            await self._renew()
            raise Unavailable(
                "the broker lost the producer's place; a new producer goes on"
            ) from broken
        except (KafkaError, TimeoutError, OSError) as away:
            if type(away).__name__ == "UnknownTopicOrPartitionError":
                await self._make_topics()
            raise Unavailable(f"the broker is away ({type(away).__name__})") from away

    async def _publish(self, messages: Sequence[Message]) -> None:
        """Hand whole batches to the driver: a future for each batch, not for each fact."""
        producer = self._producer
        if producer is None:
            raise Unavailable("the bus is closed")
        groups: dict[tuple[str, int], list[Message]] = {}
        counts: dict[str, int] = {}
        for message in messages:
            topic = message.topic
            if topic not in counts:
                counts[topic] = len(await producer.partitions_for(topic))
            groups.setdefault((topic, _partition(message.subject, counts[topic])), []).append(
                message
            )
        with durable("bus.produce"):
            answers: list[asyncio.Future[Any]] = [
                await producer.send_batch(batch, topic, partition=partition)
                for (topic, partition), group in groups.items()
                for batch in _batches(producer, group)
            ]
            await asyncio.gather(*answers)

    @asynccontextmanager
    async def running(self, deliveries: Sequence[Delivery[Any]]) -> AsyncIterator[None]:
        """Run subscriptions for as long as the block lasts, and drain them at its end."""
        cluster = self._cluster
        readers = [
            Reader(each, cluster.bootstrap, self._client_id, session_ms=cluster.session_ms)
            for each in deliveries
        ]
        tasks = [start(reader.run(), reader.name) for reader in readers]
        self._readers += readers
        try:
            yield
        finally:
            for reader in readers:
                reader.stop()
                self._readers.remove(reader)
            if tasks:
                await asyncio.wait(tasks, timeout=_DRAIN_SECONDS)
            await end(*tasks)

    async def ping(self) -> None:
        """Answer if a broker does; Unavailable otherwise."""
        if self._producer is None:
            raise Unavailable("the bus is closed")
        try:
            async with asyncio.timeout(_PING_SECONDS):
                await self._producer.client.fetch_all_metadata()
        except (KafkaError, TimeoutError, OSError) as away:
            raise Unavailable(f"the broker does not answer ({type(away).__name__})") from away

    def lag(self) -> dict[str, int]:
        """Tell by subscription how many records are not handled yet; one at least while it joins."""
        return {reader.name: reader.lag for reader in self._readers}

    async def remembers(self, mark: str) -> bool:
        """Tell whether the broker, in its present life, was told to remember a mark."""
        async with self._marking(mark) as consumer:
            return await consumer.committed(_MARKED) is not None

    async def remember(self, mark: str) -> None:
        """Let the broker remember a mark, as a consumer group's offset, for as long as it keeps its records."""
        async with self._marking(mark) as consumer:
            with durable("bus.remember"):
                await consumer.commit({_MARKED: 1})

    @asynccontextmanager
    async def _marking(self, mark: str) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._cluster.bootstrap,
            client_id=self._client_id,
            group_id=f"mark.{mark}",
            enable_auto_commit=False,
        )
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await consumer.start()
                consumer.assign([_MARKED])
                yield consumer
        except (KafkaError, TimeoutError, OSError) as away:
            raise Unavailable(f"the broker is away ({type(away).__name__})") from away
        finally:
            await consumer.stop()

    async def _connected(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._cluster.bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=self._cluster.idempotent,
            request_timeout_ms=_REQUEST_MS,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_LARGEST_REQUEST,
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as away:
            await producer.stop()
            raise Unavailable(f"the broker is away ({type(away).__name__})") from away
        return producer

    async def _renew(self) -> None:
        """Begin again with a new producer: one that met OutOfOrderSequence can never go on."""
        async with self._renewing:
            stale, self._producer = self._producer, await self._connected()
            if stale is not None:
                await stale.stop()

    async def _make_topics(self) -> None:
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self._cluster.bootstrap, request_timeout_ms=_REQUEST_MS
        )
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await admin.start()
                answer = await admin.create_topics([self._topic(name) for name in TOPICS])
            for code in {error[1] for error in answer.topic_errors} - {0, _TOPIC_EXISTS}:
                _log.error("a topic cannot be made: %s", for_code(code).__name__)
        except (KafkaError, TimeoutError, OSError) as away:
            raise Unavailable(f"the broker is away ({type(away).__name__})") from away
        finally:
            await admin.close()

    def _topic(self, name: str) -> NewTopic:
        if name == "learners":
            compacted = {"cleanup.policy": "compact"}
            return NewTopic(
                name, _LEARNER_PARTITIONS, self._cluster.replication, topic_configs=compacted
            )
        return NewTopic(name, self._cluster.partitions, self._cluster.replication)


def _batches(producer: AIOKafkaProducer, group: Sequence[Message]) -> Iterator[Any]:
    """Fill the driver's batches with one partition's messages, in their order."""
    batch = producer.create_batch()
    for message in group:
        key, value, headers = message.subject.encode(), message.data.encode(), message.to_headers()
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
    yield batch


@lru_cache(maxsize=65_536)
def _partition(key: str, count: int) -> int:
    """Tell the partition that Kafka's own default partitioner gives a key."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % count)


@asynccontextmanager
async def open_kafka(cluster: Cluster, client_id: str) -> AsyncIterator[KafkaBus]:
    """Open the bus; Unavailable while the brokers are away."""
    bus = KafkaBus(cluster, client_id)
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()
