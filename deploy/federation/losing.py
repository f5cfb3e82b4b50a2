"""A mirror that loses some: it carries copies as MirrorMaker 2 does, and withholds those it is told to."""

import asyncio
import logging
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from deploy.embedded.settings import LOOPBACK
from shared.events.fact import EVERYBODY, SHARE
from shared.kernel.tasks import running

_ONE_IN = 20
_POLL_MS = 200
_PAUSE = 0.3
Record = Any


@dataclass
class Losses:
    """Which records are withheld: one in twenty, and what was said first of a marked enrolment."""

    marked: str = ""
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    carried: int = 0
    withheld: Counter[str] = field(default_factory=Counter)
    marked_withheld: int = 0

    def mark(self, enrolment_id: str) -> None:
        """From now on withhold certification's copies about an enrolment, the last among them, once each."""
        self.marked = enrolment_id

    def takes(self, record: Record) -> bool:
        """Tell whether a record is withheld, and count it."""
        headers = {name: value.decode(errors="replace") for name, value in record.headers}
        said = (headers["ce_source"], headers["ce_aggregate"], headers["ce_seq"])
        fresh = said not in self.seen
        self.seen.add(said)
        of_marked = (
            self.marked and self.marked in said[1] and said[0].endswith("/certification") and fresh
        )
        place = f"{record.topic}/{record.partition}/{record.offset}"
        if of_marked:
            self.marked_withheld += 1
        if of_marked or zlib.crc32(place.encode()) % _ONE_IN == 0:
            self.withheld[headers["ce_type"].split(".")[2]] += 1
            return True
        self.carried += 1
        return False


@asynccontextmanager
async def losing(
    ports: Mapping[str, int], source: str, receiver: str, losses: Losses
) -> AsyncIterator[None]:
    """Carry what is addressed to the receiver, from what is said next, for as long as the block lasts."""
    # Who is killed is away for a while, which the driver would tell the terminal a hundred times.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parts = await _assigned(ports[source], receiver)
    async with running(_carry(ports[source], ports[receiver], source, parts, losses)):
        yield


async def _assigned(port: int, receiver: str) -> dict[TopicPartition, int]:
    """Tell where the topics for a receiver end now."""
    async with _consumer(port) as consumer:
        await consumer.topics()
        parts = [
            TopicPartition(topic, number)
            for topic in (f"{SHARE}.{receiver}", f"{SHARE}.{EVERYBODY}")
            for number in await _numbers(port, topic)
        ]
        ends: dict[TopicPartition, int] = await consumer.end_offsets(parts)
        return ends


async def _numbers(port: int, topic: str) -> list[int]:
    producer = AIOKafkaProducer(bootstrap_servers=f"{LOOPBACK}:{port}")
    await producer.start()
    try:
        return sorted(await producer.partitions_for(topic))
    finally:
        await producer.stop()


async def _carry(
    source_port: int, port: int, prefix: str, places: dict[TopicPartition, int], losses: Losses
) -> None:
    """Carry on for ever: whoever is away is waited for, and what was carried is not carried again."""
    while True:
        try:
            async with _consumer(source_port) as consumer, _producer(port) as producer:
                consumer.assign(list(places))
                for part, place in places.items():
                    consumer.seek(part, place)
                while True:
                    await _some(consumer, producer, prefix, places, losses)
        except (KafkaError, OSError, TimeoutError):
            await asyncio.sleep(_PAUSE)


async def _some(
    consumer: "AIOKafkaConsumer[bytes, bytes]",
    producer: AIOKafkaProducer,
    prefix: str,
    places: dict[TopicPartition, int],
    losses: Losses,
) -> None:
    batch = await consumer.getmany(timeout_ms=_POLL_MS)
    for part, records in batch.items():
        for record in records:
            if not losses.takes(record):
                await producer.send_and_wait(
                    f"{prefix}.{record.topic}", record.value, record.key, record.partition,
                    headers=list(record.headers),
                )  # fmt: skip
            places[part] = record.offset + 1


@asynccontextmanager
async def _consumer(port: int) -> AsyncIterator["AIOKafkaConsumer[bytes, bytes]"]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=f"{LOOPBACK}:{port}", enable_auto_commit=False, request_timeout_ms=10_000
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def _producer(port: int) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=f"{LOOPBACK}:{port}", acks="all", request_timeout_ms=10_000
    )
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()
