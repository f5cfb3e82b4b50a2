"""aiokafka, one message at a time: handled, published with `send_and_wait`, committed.

As in aiokafka's documentation, *Manual commit* ("if you need to achieve at-least-once, commit after processing")
and *Producer* (`send_and_wait`): https://aiokafka.readthedocs.io/en/stable/consumer.html.
"""

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.load.peers import singly
from tests.load.peers.certifying import TOPICS, headers_of, read
from tests.load.peers.process import Place, place, run_until_told


async def work(where: Place) -> None:
    """Certify until cancelled."""
    consumer = AIOKafkaConsumer(
        *TOPICS, bootstrap_servers=where.bootstrap, group_id=where.group, enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    client, store = singly.open_async(where)
    producer = AIOKafkaProducer(bootstrap_servers=where.bootstrap, acks="all")
    async with client, producer, consumer:
        async for record in consumer:
            told = read(record.headers, record.value)
            if told is not None and (earned := await singly.certify(store, told)):
                completed, fact = earned
                await producer.send_and_wait(
                    where.topic,
                    value=fact,
                    key=completed["learner_id"].encode(),
                    headers=headers_of(completed),
                )
            part = TopicPartition(record.topic, record.partition)
            await consumer.commit({part: record.offset + 1})


if __name__ == "__main__":
    found, _ = place()
    run_until_told(lambda: work(found))
