"""Signed copies as a peer's service would have sent them, put where MirrorMaker 2 would have put them."""

from itertools import count

from shared.bus.memory import MemoryRecord
from shared.events.fact import Fact
from shared.events.message import Message
from shared.federation.seal import mirrored_topic, seal
from tests.support.federation import Province

_places = count(1)


def copies(
    source: Province, to: str, *facts: Fact, service: str = "enrolment"
) -> list[MemoryRecord]:
    """Make the records that carry a node's copies for another, each of an aggregate of its own."""
    made = []
    for fact in facts:
        place = next(_places)
        message = Message.of(
            fact, source=f"/corpu/{source.node}/{service}", aggregate=f"shares/{to}/told/{place}", seq=1,
            epoch=1, to=to,
        )  # fmt: skip
        sealed = seal(message, source.federation)
        topic = mirrored_topic(source.node, to)
        headers = tuple(sealed.to_headers())
        made.append(MemoryRecord(topic, 0, place, headers, sealed.data.encode()))
    return made


async def tell_abroad(
    source: Province, to: Province, *facts: Fact, service: str = "enrolment"
) -> None:
    """Have a service of one node tell another node facts, and wait until they are heard."""
    for record in copies(source, to.node, *facts, service=service):
        to.engine.bus.put(record.topic, record.headers, record.value)
    await to.engine.bus.quiet()
