"""Kafka and its memory twin keep the same promises to folds and to whoever appends raw records."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.folding import Folding, Rhythm
from shared.bus.kafka import Cluster, open_kafka
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus, Raw
from shared.events.fact import ATTENDANCE
from shared.kernel.errors import Unavailable
from shared.kernel.ids import fresh
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.support.boxes import BOXES, KINDS, SOURCE, BoxWork
from tests.support.deliveries import FailingStore
from tests.support.folds import BitsFold, said
from tests.support.waiting import until


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.real)])
def twin(request: pytest.FixtureRequest) -> str | None:
    """Tell which twin it is: a broker's address, or None for memory."""
    bootstrap: str | None = None
    if request.param == "kafka":
        bootstrap = request.getfixturevalue("kafka")
    return bootstrap


@asynccontextmanager
async def _opened(twin: str | None, *, idempotent: bool) -> AsyncIterator[Bus]:
    if twin is None:
        yield MemoryBus()
        return
    cluster = Cluster(twin, idempotent=idempotent, partitions=3, session_ms=6_000)
    async with open_kafka(cluster, "corpu-test") as bus:
        yield bus


@pytest.fixture
async def bus(twin: str | None, idempotent: bool) -> AsyncIterator[Bus]:  # noqa: FBT001 - a fixture
    """Give a bus."""
    async with _opened(twin, idempotent=idempotent) as opened:
        yield opened


def _folding(
    store: FailingStore, bus: Bus, name: str = "boxes.fold", seconds: float = 0.1, most: int = 1_000
) -> Folding:
    works = Works(BoxWork, Frame(store, SOURCE), Relay(store, KINDS, bus.publish))
    return Folding(BitsFold(name), works, Rhythm(seconds, most))


async def _bits(store: FailingStore, box: str) -> int:
    document = (await store.inner.load(BOXES, [box])).get(box, {})
    told: int = document.get("notes", {}).get("0", 0)
    return told


async def _append(bus: Bus, box: str, bits: range) -> None:
    parts = await bus.partitions(ATTENDANCE)
    records = [Raw(bit % parts, b"k", said(box, bit)) for bit in bits]
    await bus.append(ATTENDANCE, records)


async def test_what_was_appended_is_folded_once_store_and_time_allow(bus: Bus) -> None:
    """A store that is away is waited for, and nothing is committed that is not merged."""
    box, store = fresh(), FailingStore()
    attempts = 0

    async def away(name: str) -> None:
        nonlocal attempts
        attempts += name == "merge"
        if attempts <= 3:
            raise Unavailable("the store is away")

    store.before = away
    await _append(bus, box, range(50))
    async with bus.running([_folding(store, bus, f"boxes.fold-{box}")]):
        await until(lambda: _bits(store, box), equals=2**50 - 1)
        await until(lambda: sum(bus.lag().values()), equals=0)


async def test_nothing_appended_is_nothing_sent(bus: Bus) -> None:
    """And the topic has its partitions all the same."""
    await bus.append(ATTENDANCE, [])

    assert 3 == await bus.partitions(ATTENDANCE)


@pytest.mark.real
async def test_what_is_not_flushed_is_not_committed_and_is_flushed_at_the_end(
    kafka: str, idempotent: bool,  # noqa: FBT001 - a fixture
) -> None:  # fmt: skip
    """A reader that holds records for a long time has committed none of them; told to stop, it flushes."""
    box, store = fresh(), FailingStore()
    async with _opened(kafka, idempotent=idempotent) as bus:
        await _append(bus, box, range(30))
        folding = _folding(store, bus, f"boxes.fold-{box}", seconds=3_600)
        async with bus.running([folding]):
            await until(lambda: folding.subscription.folded >= 30)
            assert 0 == await _committed(kafka, folding)
        assert 2**30 - 1 == await _bits(store, box)
        assert await _committed(kafka, folding) >= 30


@pytest.mark.real
async def test_a_full_fold_is_flushed_before_its_time(
    kafka: str, idempotent: bool,  # noqa: FBT001 - a fixture
) -> None:  # fmt: skip
    """What it holds is bounded, whatever is there to read."""
    box, store = fresh(), FailingStore()
    async with _opened(kafka, idempotent=idempotent) as bus:
        for number in range(8):
            await _append(bus, f"{box}-{number}", range(1))
        folding = _folding(store, bus, f"boxes.fold-{box}", seconds=3_600, most=4)
        async with bus.running([folding]):
            await until(lambda: store.count(BOXES, {"notes.0": 1}), equals=8)


@pytest.mark.real
async def test_a_rebalance_loses_and_repeats_nothing(
    kafka: str, idempotent: bool,  # noqa: FBT001 - a fixture
) -> None:  # fmt: skip
    """A second reader comes and goes while records are appended: every bit is there."""
    box, store = fresh(), FailingStore()
    async with (
        _opened(kafka, idempotent=idempotent) as bus,
        _opened(kafka, idempotent=idempotent) as other,
    ):
        name = f"boxes.fold-{box}"
        async with bus.running([_folding(store, bus, name)]):
            await _append(bus, box, range(20))
            async with other.running([_folding(store, other, name)]):
                await _append(bus, box, range(20, 40))
                await until(lambda: _bits(store, box), equals=2**40 - 1)
            await _append(bus, box, range(40, 60))
            await until(lambda: _bits(store, box), equals=2**60 - 1)


async def _committed(kafka: str, folding: Folding) -> int:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=folding.subscription.name, enable_auto_commit=False
    )
    await consumer.start()
    try:
        parts = [TopicPartition(ATTENDANCE, number) for number in range(3)]
        consumer.assign(parts)
        return sum([await consumer.committed(part) or 0 for part in parts])
    finally:
        await consumer.stop()
