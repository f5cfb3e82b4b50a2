"""How far a topic reaches is told for those of sharing too, which nobody in the service reads."""

from datetime import UTC, datetime

import pytest

from shared.bus.kafka import Cluster, open_kafka
from shared.events.federation import RestatementAsked
from shared.events.message import Message

_TO = "91"
_AT = datetime(2024, 3, 4, tzinfo=UTC)


@pytest.mark.real
async def test_the_ends_of_a_sharing_topic_are_told(kafka: str, idempotent: bool) -> None:  # noqa: FBT001 - a fixture
    """Every partition has its ends before anything was said on the topic, and they grow by what is said."""
    asked = RestatementAsked(at=_AT, node="35", of=_TO, service="progress", buckets=(1,))
    message = Message.of(
        asked, source="/corpu/35/progress", aggregate="asks", seq=1, epoch=1, to=_TO
    )
    async with open_kafka(Cluster(kafka, idempotent=idempotent, partitions=3), "ends") as bus:
        before = await bus.ends(f"share.{_TO}")
        await bus.publish([message, message])
        after = await bus.ends(f"share.{_TO}")

    if idempotent:
        assert before.keys() == {0, 1, 2}
        assert sum(end for _, end in after.values()) - sum(end for _, end in before.values()) == 2
    else:
        # The embedded broker is not asked, for it names ends that are too low.
        assert (before, after) == ({}, {})
