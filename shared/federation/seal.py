"""Copies sealed by their source and accepted by their addressee.

The signature is over the CloudEvents attributes (among them source, aggregate, seq, epoch and
addressee) and the data. A copy is accepted only where three agree: the mirrored topic's prefix, which
tells who handed it over, the source that it names, and the key that signed it.
"""

import json
import re
from collections.abc import Sequence

from shared.bus.subscription import Record
from shared.events.fact import EVERYBODY, SHARE, LearnerFact
from shared.events.message import Message
from shared.federation.keys import Federation
from shared.kernel.errors import Unprocessable
from shared.store.relay import Publish

_SOURCE = re.compile(r"/corpu/([0-9]{2}(?:\.[0-9]{2})?)/([a-z]+)")
_PREFIX = re.compile(r"([0-9]{2}(?:\.[0-9]{2})?)\.share\.(.+)")


def mirrored(node: str) -> str:
    """Write the pattern of the topics that MirrorMaker 2 brings to a node, by its default policy's names."""
    return rf"[0-9]{{2}}(?:\.[0-9]{{2}})?\.{SHARE}\.(?:{re.escape(node)}|{EVERYBODY})"


def mirrored_topic(peer: str, addressee: str) -> str:
    """Name the topic in which a peer's copies arrive."""
    return f"{peer}.{SHARE}.{addressee}"


def source_of(message: Message) -> tuple[str, str]:
    """Tell the node and the service that a message names as its source; ("", "") for neither."""
    found = _SOURCE.fullmatch(message.source)
    return (found[1], found[2]) if found else ("", "")


def payload(message: Message) -> bytes:
    """Write what a signature is over."""
    parts = (
        message.id, message.type, message.source, message.subject, message.time,
        message.aggregate, message.seq, message.epoch, message.to, message.data,
    )  # fmt: skip
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()


def seal(message: Message, federation: Federation) -> Message:
    """Sign a copy as it leaves."""
    return message._replace(signature=federation.keys.sign(payload(message)))


def sealing(publish: Publish, federation: Federation | None) -> Publish:
    """Make a publish that seals copies as they leave."""
    if federation is None:
        return publish

    async def sealed(messages: Sequence[Message]) -> None:
        await publish([seal(each, federation) if each.to else each for each in messages])

    return sealed


def accept(record: Record, federation: Federation) -> Message:
    """Read a copy that may be believed; Unprocessable with a reason of its own for each that may not."""
    found = _PREFIX.fullmatch(record.topic)
    message = Message.from_record(record.headers, record.value)
    node, _ = source_of(message)
    if found is None or found[1] != node:
        raise Unprocessable("wrong-prefix", f"{message.source} came by {record.topic}")
    if node == federation.node:
        raise Unprocessable("echo", "our own word came back to us")
    if message.to != found[2] or message.to not in (federation.node, EVERYBODY):
        raise Unprocessable("not-addressed-to-us", f"it is for {message.to or 'nobody'}")
    if node not in federation.peers.cards:
        raise Unprocessable("unknown-peer", f"{node} is no peer of ours")
    if not federation.peers.verify(node, payload(message), message.signature):
        raise Unprocessable("bad-signature", f"{node} did not sign this")
    return message


def vet(fact: LearnerFact, sender: str, federation: Federation) -> bool:
    """Tell whether a learner's fact concerns one of ours; Unprocessable for another province's learner.

    A peer may tell us about our learners, whom we know, and about its own, whom it sends to us.
    """
    if fact.home_node == sender:
        return False
    if fact.home_node != federation.node:
        raise Unprocessable("not-our-learner", "the learner's home is neither the sender nor us")
    return True
