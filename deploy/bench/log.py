"""The benchmark's own hands on the broker: topics made and filled, groups' places read, what was stated read back."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import murmur2

Headers = Sequence[tuple[str, bytes]]
_BATCH_BYTES = 512 * 1024
_QUIET_MS = 1_500


class Entry(NamedTuple):
    """One record to be written: to its key's partition, unless another is named."""

    key: bytes | None
    value: bytes
    headers: Headers = ()
    partition: int | None = None

    def place(self, partitions: int) -> int:
        """Tell the partition, as Kafka's own default partitioner does for a key."""
        if self.partition is not None:
            return self.partition
        return int((murmur2(self.key or b"") & 0x7FFFFFFF) % partitions)


async def make_topics(bootstrap: str, names: Iterable[str], partitions: int) -> None:
    """Make those of these topics that are missing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        missing = sorted({*names} - set(await admin.list_topics()))
        if missing:
            await admin.create_topics([NewTopic(name, partitions, 1) for name in missing])
    finally:
        await admin.close()


async def fill(bootstrap: str, topic: str, entries: Iterable[Entry], partitions: int) -> int:
    """Write entries in their order within a partition, and tell how many they were."""
    written = 0
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_batch_size=_BATCH_BYTES, linger_ms=5
    ) as producer:
        for chunk in _chunks(entries):
            groups: dict[int, list[Entry]] = {}
            for entry in chunk:
                groups.setdefault(entry.place(partitions), []).append(entry)
            answers = [
                await producer.send_batch(batch, topic, partition=partition)
                for partition, group in groups.items()
                for batch in _batches(producer, group)
            ]
            await asyncio.gather(*answers)
            written += len(chunk)
    return written


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    chunk: list[Entry] = []
    for entry in entries:
        chunk.append(entry)
        if len(chunk) == 10_000:  # noqa: PLR2004 - as many as one round of batches takes well
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _batches(producer: AIOKafkaProducer, group: Sequence[Entry]) -> Iterator[Any]:
    batch = producer.create_batch()
    for each in group:
        told = {"key": each.key, "value": each.value, "headers": list(each.headers)}
        if batch.append(timestamp=None, **told) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(timestamp=None, **told)
    yield batch


class Group:
    """One consumer group as its broker knows it, without being a member."""

    def __init__(self, consumer: AIOKafkaConsumer, parts: Sequence[TopicPartition]) -> None:
        """Ask by this consumer."""
        self._consumer = consumer
        self._parts = parts

    async def rewind(self) -> None:
        """Let the group, which must be empty, begin anew."""
        await self._consumer.commit(dict.fromkeys(self._parts, 0))

    async def committed(self) -> int:
        """Tell how many records it has done with."""
        found = [await self._consumer.committed(part) for part in self._parts]
        return sum(each or 0 for each in found)


@asynccontextmanager
async def group(
    bootstrap: str, name: str, topics: Iterable[str], partitions: int
) -> AsyncIterator[Group]:
    """Look at a consumer group for as long as the block lasts."""
    parts = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=name, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(parts)
        yield Group(consumer, parts)
    finally:
        await consumer.stop()


class Tail:
    """What comes to a topic from one look to the next."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        """Begin where the topic begins."""
        self._bootstrap = bootstrap
        self._parts = [TopicPartition(topic, number) for number in range(partitions)]
        self._places = dict.fromkeys(self._parts, 0)

    async def news(self) -> list[ConsumerRecord]:
        """Read everything that came since, until nothing has come for a while."""
        found: list[ConsumerRecord] = []
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign(self._parts)
            for part, place in self._places.items():
                consumer.seek(part, place)
            while parts := await consumer.getmany(timeout_ms=_QUIET_MS):
                for part, records in parts.items():
                    found += records
                    self._places[part] = records[-1].offset + 1
        finally:
            await consumer.stop()
        return found
