"""The physical limit: everything is read and its offsets are committed, nothing is looked at."""

from aiokafka import AIOKafkaConsumer
from confluent_kafka import Consumer

from tests.load.peers.process import Place, Stopping, place, run_until_told

_BATCH = 1_000


async def by_aiokafka(where: Place, topics: list[str]) -> None:
    """Drain by `getmany`."""
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=where.bootstrap, group_id=where.group, enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    async with consumer:
        while True:
            parts = await consumer.getmany(timeout_ms=1_000, max_records=_BATCH)
            if parts:
                await consumer.commit({part: got[-1].offset + 1 for part, got in parts.items()})


def by_confluent(where: Place, topics: list[str]) -> None:
    """Drain by `consume`."""
    consumer = Consumer({
        "bootstrap.servers": where.bootstrap, "group.id": where.group, "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    })  # fmt: skip
    stopping = Stopping()
    consumer.subscribe(topics)
    while not stopping:
        if consumer.consume(_BATCH, timeout=1.0):
            consumer.commit(asynchronous=False)
    consumer.close()


if __name__ == "__main__":
    found, more = place(driver={"choices": ["aiokafka", "confluent"], "required": True},
                        topics={"required": True})  # fmt: skip
    named = more.topics.split(",")
    if more.driver == "aiokafka":
        run_until_told(lambda: by_aiokafka(found, named))
    else:
        by_confluent(found, named)
