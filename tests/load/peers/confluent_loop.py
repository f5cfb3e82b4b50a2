"""A poll, handle, commit loop on confluent-kafka, as the event bus of Open edX has it.

Its consumer polls one message, emits it to its receivers and commits just that message, asynchronously; auto-commit is
off since it "will commit offsets for the entire batch of messages received, potentially resulting in data loss"
(openedx/event-bus-kafka, edx_event_bus_kafka/internal/consumer.py, and its ADR 0009). With `--commit sync` each commit
is awaited as well. Each fact is flushed, for the commit may not come before it. Avro and Django's signals are left
out, to the loop's favour.
"""

from confluent_kafka import Consumer, Message, Producer

from tests.load.peers import singly
from tests.load.peers.certifying import TOPICS, headers_of, read
from tests.load.peers.process import Place, Stopping, place

_POLL_SECONDS = 1.0


def work(where: Place, *, await_commit: bool) -> None:
    """Certify until told to end."""
    consumer = Consumer({
        "bootstrap.servers": where.bootstrap, "group.id": where.group, "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    })  # fmt: skip
    # Without a linger each flush sends at once.
    producer = Producer({"bootstrap.servers": where.bootstrap, "acks": "all", "linger.ms": 0})
    client, store = singly.open_plain(where)
    stopping = Stopping()
    consumer.subscribe(TOPICS)
    with client:
        while not stopping:
            message: Message | None = consumer.poll(timeout=_POLL_SECONDS)
            if message is None:
                continue
            if message.error() is not None:
                raise RuntimeError(str(message.error()))
            told = read(message.headers() or (), message.value())
            if told is not None and (earned := singly.certify_now(store, told)):
                completed, fact = earned
                producer.produce(
                    where.topic,
                    fact,
                    key=completed["learner_id"].encode(),
                    headers=headers_of(completed),
                )
                producer.flush()
            consumer.commit(message=message, asynchronous=not await_commit)
    consumer.close()


if __name__ == "__main__":
    found, more = place(commit={"choices": ["async", "sync"], "default": "async"})
    work(found, await_commit=more.commit == "sync")
