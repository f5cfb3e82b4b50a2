"""The fold as it is written first: aiokafka, and one `$bit` update for each beat. Offsets are committed by batches."""

from aiokafka import AIOKafkaConsumer

from tests.load.peers import singly
from tests.load.peers.folding import Bitmaps, take, updates
from tests.load.peers.process import Place, place, run_until_told


async def work(where: Place) -> None:
    """Fold until cancelled."""
    consumer = AIOKafkaConsumer(
        where.topic, bootstrap_servers=where.bootstrap, group_id=where.group, enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    client, store = singly.open_async(where)
    async with client, consumer:
        while True:
            parts = await consumer.getmany(timeout_ms=1_000, max_records=1_000)
            for records in parts.values():
                for record in records:
                    one: Bitmaps = {}
                    take(one, [record.value])
                    await store.attendance.bulk_write(updates(one))
            if parts:
                await consumer.commit({part: got[-1].offset + 1 for part, got in parts.items()})


if __name__ == "__main__":
    found, _ = place()
    run_until_told(lambda: work(found))
