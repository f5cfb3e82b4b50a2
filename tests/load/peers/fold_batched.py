"""The fold by hand: aiokafka's `getmany`, bitmaps in a dict, one unordered bulk write a second, then the offsets.

It lacks what a service needs besides: parking, metrics, readiness, bounded memory, an event loop that stays free.
"""

import gc
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.load.peers import singly
from tests.load.peers.folding import Bitmaps, take, updates
from tests.load.peers.process import Place, place, run_until_told

_FLUSH_SECONDS = 1.0


async def work(where: Place) -> None:
    """Fold until cancelled."""
    gc.freeze()
    gc.set_threshold(50_000)
    consumer = AIOKafkaConsumer(
        where.topic, bootstrap_servers=where.bootstrap, group_id=where.group, enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    client, store = singly.open_async(where)
    bitmaps: Bitmaps = {}
    done: dict[TopicPartition, int] = {}
    due = time.monotonic() + _FLUSH_SECONDS
    async with client, consumer:
        while True:
            parts = await consumer.getmany(timeout_ms=200, max_records=4_000)
            for part, records in parts.items():
                take(bitmaps, (record.value for record in records))
                done[part] = records[-1].offset + 1
            if done and time.monotonic() >= due:
                await store.attendance.bulk_write(updates(bitmaps), ordered=False)
                await consumer.commit(done)
                bitmaps.clear()
                done.clear()
                due = time.monotonic() + _FLUSH_SECONDS


if __name__ == "__main__":
    found, _ = place()
    run_until_told(lambda: work(found))
