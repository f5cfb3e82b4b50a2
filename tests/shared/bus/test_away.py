"""A real broker that goes away and comes back: empty, as the embedded one does, or with its records."""

import pytest

from shared.bus.delivery import Delivery
from shared.bus.kafka import Cluster, open_kafka
from shared.kernel.errors import Unavailable
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.support.boxes import BOXES, KINDS, SOURCE, BoxWork
from tests.support.deliveries import FailingStore, left, subscription, told
from tests.support.parts import kafka_bootstrap
from tests.support.real import RealParts
from tests.support.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow]


async def test_a_broker_away_at_the_start_is_unavailable(real_parts: RealParts) -> None:
    """Opening the bus fails, and can be tried again."""
    with real_parts.broker() as process:
        cluster = Cluster(kafka_bootstrap(process), idempotent=real_parts.idempotent)
        process.stop()
        with pytest.raises(Unavailable):
            async with open_kafka(cluster, "corpu-away"):
                pass
        process.start()
        async with open_kafka(cluster, "corpu-away") as bus:
            await bus.ping()


async def test_what_is_told_again_after_an_outage_has_its_effect_once(
    real_parts: RealParts,
) -> None:
    """While it is away nothing is published or skipped; once back, readers go on with what is told again."""
    store = FailingStore()
    with real_parts.broker() as process:
        cluster = Cluster(kafka_bootstrap(process), idempotent=real_parts.idempotent, partitions=3)
        async with open_kafka(cluster, "corpu-away") as bus:
            relay = Relay(store, KINDS, bus.publish)
            works = Works(BoxWork, Frame(store, SOURCE), relay)
            messages = [told(left(f"e{number}")) for number in range(5)]
            async with bus.running([Delivery(subscription("boxes.away"), works)]):
                await bus.publish(messages)
                await until(lambda: _count(works), equals=5)
                process.stop()
                with pytest.raises(Unavailable):
                    await bus.ping()
                with pytest.raises(Unavailable):
                    await bus.publish(messages)

                process.start()
                await until(lambda: _published(bus, [*messages, told(left("after"))]))
                await until(lambda: _tags(works), equals=6)

    assert 6 == (await store.load(BOXES, ["c"]))["c"]["seq"]


async def _published(bus: object, messages: object) -> bool:
    try:
        await bus.publish(messages)  # type: ignore[attr-defined]  # a bus
    except Unavailable:
        return False
    return True


async def _count(works: Works[BoxWork]) -> int:
    return (await works.open().boxes.of("c")).count


async def _tags(works: Works[BoxWork]) -> int:
    return len((await works.open().boxes.of("c")).tags)
