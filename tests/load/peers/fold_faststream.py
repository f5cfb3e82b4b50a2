"""The fold on FastStream's batch subscriber, acknowledged once the batch is written.

By https://faststream.ag2.ai/latest/kafka/Subscriber/batch_subscriber/ and …/getting-started/acknowledgement/; bodies
are left as they are, a batch is folded in memory and written by one bulk write, and the broker writes no log.
"""

import asyncio

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from tests.load.peers import singly
from tests.load.peers.folding import Bitmaps, take, updates
from tests.load.peers.process import Place, place

_BATCH = 4_000


async def _raw(message: KafkaMessage) -> list[bytes]:
    bodies: list[bytes] = message.body
    return bodies


async def work(where: Place) -> None:
    """Fold until a signal ends it."""
    broker = KafkaBroker(where.bootstrap, logger=None)
    client, store = singly.open_async(where)
    del client

    @broker.subscriber(
        where.topic, group_id=where.group, auto_offset_reset="earliest", batch=True, max_records=_BATCH,
        ack_policy=AckPolicy.NACK_ON_ERROR, decoder=_raw,
    )  # fmt: skip
    async def hear(bodies: list[bytes]) -> None:
        bitmaps: Bitmaps = {}
        take(bitmaps, bodies)
        await store.attendance.bulk_write(updates(bitmaps), ordered=False)

    await FastStream(broker, logger=None).run()


if __name__ == "__main__":
    asyncio.run(work(place()[0]))
