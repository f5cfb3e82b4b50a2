"""aiokafka by hand: `getmany`, a batch at a time with an embedded outbox, one produced batch for each partition.

What aiokafka's documentation offers who wants throughput: `getmany`, `create_batch` and `send_batch`
(https://aiokafka.readthedocs.io/en/stable/producer.html, *Direct batch control*).
"""

from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.partitioner import murmur2

from tests.load.peers import singly
from tests.load.peers.batched import Fact, certify
from tests.load.peers.certifying import TOPICS, read
from tests.load.peers.process import Place, place, run_until_told

_BATCH = 1_000


async def work(where: Place) -> None:
    """Certify until cancelled."""
    consumer = AIOKafkaConsumer(
        *TOPICS, bootstrap_servers=where.bootstrap, group_id=where.group, enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    client, store = singly.open_async(where)
    producer = AIOKafkaProducer(
        bootstrap_servers=where.bootstrap, acks="all", max_batch_size=512 * 1024
    )

    async def publish(facts: list[Fact]) -> None:
        count = len(await producer.partitions_for(where.topic))
        groups: dict[int, list[Fact]] = {}
        for fact in facts:
            groups.setdefault((murmur2(fact[0]) & 0x7FFFFFFF) % count, []).append(fact)
        answers = [
            await producer.send_batch(batch, where.topic, partition=partition)
            for partition, group in groups.items()
            for batch in _batches(producer, group)
        ]
        for answer in answers:
            await answer

    async with client, producer, consumer:
        while True:
            parts = await consumer.getmany(timeout_ms=1_000, max_records=_BATCH)
            records = [record for part in parts.values() for record in part]
            heard = [told for each in records if (told := read(each.headers, each.value))]
            await certify(store, heard, publish)
            if parts:
                await consumer.commit({part: got[-1].offset + 1 for part, got in parts.items()})


def _batches(producer: AIOKafkaProducer, group: list[Fact]) -> Iterator[Any]:
    batch = producer.create_batch()
    for key, value, headers in group:
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
    yield batch


if __name__ == "__main__":
    found, _ = place()
    run_until_told(lambda: work(found))
