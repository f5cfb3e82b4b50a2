"""Records that nobody may believe: made from real copies, put under a mirrored topic of the receiver's broker."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.embedded.settings import LOOPBACK
from deploy.federation.segments import Kept
from shared.events.message import Message
from shared.federation.keys import NodeKeys
from shared.federation.seal import payload

_STRANGER = "33"
"""Central Java, which is no peer of the receiver's."""


@dataclass(frozen=True)
class Hostile:
    """One record that is put there, and the reason with which it must be parked; "" for a mere repeat."""

    what: str
    reason: str
    topic: str
    message: Message


def needed() -> int:
    """Tell how many real copies the forgeries take."""
    return len(_FORGERIES)


def forge(real: Sequence[Kept], sender: NodeKeys, receiver: str) -> list[Hostile]:
    """Make one record of each kind; `sender` are the keys of the peer, as a faulty peer would use them."""
    stranger = NodeKeys.make(_STRANGER)
    hostile = []
    for (what, reason, make), each in zip(_FORGERIES, real, strict=True):
        message = Message.from_record(each.headers, each.value)
        topic, made = make(_Case(message, each.topic, sender, stranger, receiver))
        hostile.append(Hostile(what, reason, topic, made))
    return hostile


def replays(real: Sequence[Kept]) -> list[Hostile]:
    """Say again what was said long ago, word for word."""
    return [
        Hostile(
            "replayed old version", "", each.topic, Message.from_record(each.headers, each.value)
        )
        for each in real
    ]


async def inject(port: int, hostile: Sequence[Hostile]) -> None:
    """Put the records into a broker, as somebody who can write there would."""
    address = f"{LOOPBACK}:{port}"
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        missing = {each.topic for each in hostile} - set(await admin.list_topics())
        if missing:
            await admin.create_topics([NewTopic(topic, 1, 1) for topic in sorted(missing)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, acks="all")
    await producer.start()
    try:
        for each in hostile:
            await producer.send_and_wait(
                each.topic,
                each.message.data.encode(),
                each.message.subject.encode(),
                headers=each.message.to_headers(),
            )
    finally:
        await producer.stop()


async def remake(port: int, topic: str) -> None:
    """Delete a topic, as a careless administrator would; its broker knows nothing of what was in it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=f"{LOOPBACK}:{port}")
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()


@dataclass(frozen=True)
class _Case:
    """A real copy, and whose keys are at hand: a faulty peer's and a stranger's."""

    told: Message
    topic: str
    peer: NodeKeys
    stranger: NodeKeys
    receiver: str

    def under(self, prefix: str) -> str:
        """Tell the topic under another prefix."""
        return f"{prefix}.{self.topic.partition('.')[2]}"


def _signed(message: Message, keys: NodeKeys) -> Message:
    return message._replace(signature=keys.sign(payload(message)))


def _from(message: Message, node: str) -> Message:
    return message._replace(source=f"/corpu/{node}/{message.source.rpartition('/')[2]}")


def _with(message: Message, **changed: object) -> Message:
    data: Mapping[str, Any] = {**json.loads(message.data), **changed}
    return message._replace(data=json.dumps(data))


def _later(message: Message) -> Message:
    return message._replace(seq=message.seq + 1_000)


Make = Callable[[_Case], tuple[str, Message]]
_FORGERIES: Sequence[tuple[str, str, Make]] = (
    (
        "forged source",
        "wrong-prefix",
        lambda case: (case.topic, _signed(_from(case.told, _STRANGER), case.stranger)),
    ),
    ("wrong prefix", "wrong-prefix", lambda case: (case.under(_STRANGER), case.told)),
    (
        "unknown peer",
        "unknown-peer",
        lambda case: (case.under(_STRANGER), _signed(_from(case.told, _STRANGER), case.stranger)),
    ),
    (
        "altered payload",
        "bad-signature",
        lambda case: (case.topic, _with(case.told, at="2024-01-01T00:00:00Z")),
    ),
    (
        "forged signature",
        "bad-signature",
        lambda case: (case.topic, _signed(case.told, case.stranger)),
    ),
    (
        "old version as a new one",
        "bad-signature",
        lambda case: (case.topic, _later(case.told)),
    ),
    (
        "addressed to another",
        "not-addressed-to-us",
        lambda case: (case.topic, _signed(case.told._replace(to=_STRANGER), case.peer)),
    ),
    (
        "another province's learner",
        "not-our-learner",
        lambda case: (
            case.topic,
            _signed(_later(_with(case.told, home_node=_STRANGER)), case.peer),
        ),
    ),
    (
        "our own word",
        "echo",
        lambda case: (case.under(case.receiver), _from(case.told, case.receiver)),
    ),
)
