"""A real broker that lost the end of its log, as one does whose machine lost power."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.kafka import Cluster, open_kafka
from shared.bus.port import Bus
from shared.events.message import Message
from shared.kernel.errors import Unavailable
from tests.support.deliveries import left, told
from tests.support.parts import Process, kafka_bootstrap
from tests.support.real import RealParts
from tests.support.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def broker(real_parts: RealParts) -> Iterator[Process]:
    """Give a broker whose folder lies open, and which knows idempotent producers."""
    if real_parts.name != "apache":
        pytest.skip(
            "only Apache Kafka by Maven is idempotent and keeps its log in a folder of ours"
        )
    with real_parts.broker() as process:
        assert isinstance(process, Process)
        yield process


async def test_a_broker_that_lost_its_tail_is_told_again_by_a_new_producer(
    broker: Process, tmp_path: Path
) -> None:
    """It refuses the next sequence number; the bus says so once, and goes on with a new producer."""
    data, copy = broker.folder / "data", tmp_path / "copy"
    cluster = Cluster(kafka_bootstrap(broker), partitions=1)
    async with open_kafka(cluster, "corpu-tail") as bus:
        await bus.publish([told(left("kept"))])
        await asyncio.to_thread(_roll_back, broker, data, copy, save=True)
        await until(lambda: _published(bus, [told(left("lost"))]))

        await asyncio.to_thread(_roll_back, broker, data, copy, save=False)
        refusals = await _refusals(bus, [told(left("next"))])

    assert any("lost the producer's place" in refusal for refusal in refusals)
    assert 2 <= await _length(cluster.bootstrap)


def _roll_back(broker: Process, data: Path, copy: Path, *, save: bool) -> None:
    """Crash the broker, save its log or put the saved one back, and start it again."""
    broker.stop()
    source, target = (data, copy) if save else (copy, data)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    broker.start()


async def _refusals(bus: Bus, messages: list[Message]) -> list[str]:
    """Publish until it succeeds; tell what was said before."""
    said: list[str] = []

    async def done() -> bool:
        try:
            await bus.publish(messages)
        except Unavailable as refused:
            said.append(str(refused))
            return False
        return True

    await until(done)
    return said


async def _published(bus: Bus, messages: list[Message]) -> bool:
    try:
        await bus.publish(messages)
    except Unavailable:
        return False
    return True


async def _length(bootstrap: str) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        place = TopicPartition("enrolment", 0)
        return int((await consumer.end_offsets([place]))[place])
    finally:
        await consumer.stop()
