"""FastStream on aiokafka, in three modes.

`default` acknowledges on receipt (`AckPolicy.ACK_FIRST`, offsets committed by time); `safe` acknowledges each message
once it was handled and has a failed one delivered again (`AckPolicy.NACK_ON_ERROR`); `batch` is the batch subscriber
(`batch=True, max_records=…`), safe too, with a handler that does its job by bulk writes and awaits all facts together
(`no_confirm=True`; `publish_batch` would send them to one partition and drop each one's headers).

By https://faststream.ag2.ai/latest/getting-started/acknowledgement/ ("Use `ACK_FIRST` for scenarios with high
throughput where some message loss can be acceptable", "Use `NACK_ON_ERROR` to retry messages in case of failure"). A
decoder of ours leaves bodies as they are (…/getting-started/serialization/decoder/), so that nothing is decoded or
validated twice, and the broker writes no log.
"""

import asyncio
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from tests.load.peers import singly
from tests.load.peers.batched import Fact, certify
from tests.load.peers.certifying import TOPICS, headers_of, read
from tests.load.peers.process import Place, place

_BATCH = 1_000
_COMMIT_MS = 1_000
"""Of the default mode: five times as often as it comes, so that a short run shows several."""


async def _raw(message: KafkaMessage) -> Any:  # noqa: ANN401 - bytes, or a batch of them
    return message.body


def _singly(broker: KafkaBroker, where: Place, policy: AckPolicy) -> None:
    client, store = singly.open_async(where)
    del client
    publisher = broker.publisher(where.topic)

    @broker.subscriber(
        *TOPICS, group_id=where.group, auto_offset_reset="earliest", ack_policy=policy, decoder=_raw,
        auto_commit_interval_ms=_COMMIT_MS,
    )  # fmt: skip
    async def hear(body: bytes, message: KafkaMessage) -> None:
        record = message.raw_message
        told = read(record.headers, body)
        if told is not None and (earned := await singly.certify(store, told)):
            completed, fact = earned
            headers = {name: value.decode() for name, value in headers_of(completed)}
            await publisher.publish(fact, key=completed["learner_id"].encode(), headers=headers)


def _batched(broker: KafkaBroker, where: Place) -> None:
    client, store = singly.open_async(where)
    del client

    async def publish(facts: list[Fact]) -> None:
        answers = [
            await broker.publish(
                value,
                topic=where.topic,
                key=key,
                headers={name: held.decode() for name, held in headers},
                no_confirm=True,
            )
            for key, value, headers in facts
        ]
        await asyncio.gather(*answers)

    @broker.subscriber(
        *TOPICS, group_id=where.group, auto_offset_reset="earliest", batch=True, max_records=_BATCH,
        ack_policy=AckPolicy.NACK_ON_ERROR, decoder=_raw,
    )  # fmt: skip
    async def hear(bodies: list[bytes], message: KafkaMessage) -> None:
        records: tuple[Any, ...] = message.raw_message
        pairs = zip(bodies, records, strict=True)
        heard = [told for body, each in pairs if (told := read(each.headers, body))]
        await certify(store, heard, publish)


async def work(where: Place, mode: str) -> None:
    """Certify until a signal ends it."""
    broker = KafkaBroker(where.bootstrap, acks="all", logger=None)
    if mode == "batch":
        _batched(broker, where)
    else:
        policy = AckPolicy.NACK_ON_ERROR if mode == "safe" else AckPolicy.ACK_FIRST
        _singly(broker, where, policy)
    await FastStream(broker, logger=None).run()


if __name__ == "__main__":
    found, more = place(mode={"choices": ["safe", "default", "batch"], "required": True})
    asyncio.run(work(found, more.mode))
