"""The bus on Kafka: one producer that awaits every in-sync replica, and one reader per subscription."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber
from aiokafka.partitioner import murmur2

from shared.bus.folding import Folding
from shared.bus.kafka.folding import FoldReader
from shared.bus.kafka.reader import Reader
from shared.bus.kafka.security import reason
from shared.bus.kafka.topics import MADE, Cluster, make_topics
from shared.bus.port import Hearer, Raw
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
_MARKED = TopicPartition("enrolment", 0)


class KafkaBus:
    """Publishes facts and runs subscriptions on a Kafka cluster."""

    def __init__(self, cluster: Cluster, client_id: str) -> None:
        """Stand closed; `open_kafka` opens."""
        self._cluster = cluster
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()
        self._readers: list[Reader[Any]] = []
        self._known: set[str] = set()

    async def open(self) -> None:
        """Make the topics that are missing and connect; Unavailable while the brokers are away."""
        await make_topics(self._cluster)
        self._producer = await self._connected()

    async def close(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish in order and await every in-sync replica's word for all; else Unavailable."""
        if messages:
            async with self._answered():
                await self._publish(messages)

    async def append(self, topic: str, records: Sequence[Raw]) -> None:
        """Append records in order and await every in-sync replica's word for all; else Unavailable."""
        if records:
            async with self._answered():
                await self._append(topic, records)

    async def partitions(self, topic: str) -> int:
        """Tell how many partitions a topic has; Unavailable while nobody can tell."""
        async with self._answered():
            return len(await self._open_producer.partitions_for(topic))

    @asynccontextmanager
    async def _answered(self) -> AsyncIterator[None]:
        """Let the broker answer within its time; all that keeps it from doing so is Unavailable."""
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                yield
        except OutOfOrderSequenceNumber as broken:
            await self._renew()
            raise Unavailable(
                "the broker lost the producer's place; a new producer goes on"
            ) from broken
        except (KafkaError, TimeoutError, OSError) as away:
            # Somebody may have deleted a topic of sharing: what is missing is made when it is next needed.
            self._known.clear()
            if type(away).__name__ == "UnknownTopicOrPartitionError":
                await make_topics(self._cluster)
            raise Unavailable(reason(away)) from away

    async def _publish(self, messages: Sequence[Message]) -> None:
        """Hand whole batches to the driver: a future for each batch, not for each fact."""
        producer = self._open_producer
        shares = {message.topic for message in messages if message.to} - self._known
        if shares:
            await make_topics(self._cluster, shares)
            self._known |= shares
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

    async def _append(self, topic: str, records: Sequence[Raw]) -> None:
        producer = self._open_producer
        with durable("bus.append"):
            answers: list[asyncio.Future[Any]] = []
            for record in records:
                batch = producer.create_batch()
                batch.append(key=record.key, value=record.value, timestamp=None)
                answers.append(await producer.send_batch(batch, topic, partition=record.partition))
            await asyncio.gather(*answers)

    @property
    def _open_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise Unavailable("the bus is closed")
        return self._producer

    @asynccontextmanager
    async def running(self, deliveries: Sequence[Hearer]) -> AsyncIterator[None]:
        """Run subscriptions for as long as the block lasts, and drain them at its end."""
        readers = [self._reader(each) for each in deliveries]
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

    def _reader(self, hearer: Hearer) -> Reader[Any]:
        kind: type[Reader[Any]] = FoldReader if isinstance(hearer, Folding) else Reader
        cluster = self._cluster
        return kind(
            hearer,
            cluster.bootstrap,
            self._client_id,
            session_ms=cluster.session_ms,
            security=cluster.security,
        )

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

    async def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """Tell by partition where a topic begins and ends; nothing where the broker cannot be trusted in that."""
        if not self._cluster.idempotent:
            # The embedded broker names ends that are too low (ADR 0005).
            return {}
        producer = self._producer
        if producer is None:
            raise Unavailable("the bus is closed")
        if topic not in {*MADE, *self._known}:
            await make_topics(self._cluster, {topic})
            self._known.add(topic)
        try:
            async with self._looking(None) as consumer:
                # A consumer that reads nothing hears of no topics; the producer asks for this one.
                numbers = await producer.partitions_for(topic)
                parts = [TopicPartition(topic, number) for number in numbers]
                starts = await consumer.beginning_offsets(parts)
                ends = await consumer.end_offsets(parts)
        except Unavailable:
            # It may have been deleted: then it is made anew when it is next needed.
            self._known.discard(topic)
            raise
        return {part.partition: (starts[part], ends[part]) for part in parts}

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
        async with self._looking(f"mark.{mark}") as consumer:
            consumer.assign([_MARKED])
            yield consumer

    @asynccontextmanager
    async def _looking(self, group: str | None) -> AsyncIterator[AIOKafkaConsumer]:
        """Open a consumer that reads nothing."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._cluster.bootstrap,
            client_id=self._client_id,
            group_id=group,
            enable_auto_commit=False,
            **self._cluster.security.options(),
        )
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await consumer.start()
                yield consumer
        except (KafkaError, TimeoutError, OSError) as away:
            raise Unavailable(reason(away)) from away
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
            **self._cluster.security.options(),
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as away:
            await producer.stop()
            raise Unavailable(reason(away)) from away
        return producer

    async def _renew(self) -> None:
        """Begin again with a new producer: one that met OutOfOrderSequence can never go on."""
        async with self._renewing:
            stale, self._producer = self._producer, await self._connected()
            if stale is not None:
                await stale.stop()


def _batches(producer: AIOKafkaProducer, group: Sequence[Message]) -> Iterator[Any]:
    """Fill the driver's batches with one partition's messages, in their order."""
    batch = producer.create_batch()
    for message in group:
        key, value, headers = message.subject.encode(), message.value, message.to_headers()
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
