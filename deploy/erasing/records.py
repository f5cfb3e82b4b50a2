"""Every record that a cluster can still serve, and how it is made to let go of those that a tombstone ends."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from deploy.client import until
from deploy.embedded.settings import NodeError
from deploy.topics.cluster import KafkaCluster
from deploy.topics.session import session
from shared.bus.kafka.security import diagnose
from shared.web.settings import KafkaSettings

LEARNERS = "learners"
_POLL_MS = 1_000
_STILL_SECONDS = 30.0
_FOR_EVER_MS = 315_360_000_000
SWEPT = timedelta(minutes=1)
"""After so long a broker deletes the files of segments that it has cleaned (file.delete.delay.ms)."""

_LET_GO = {
    "segment.ms": "1000",
    "segment.jitter.ms": "0",
    "min.cleanable.dirty.ratio": "0.001",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "1000",
}
"""What has the broker close the segments of a compacted topic at the next record, and clean them at once."""


async def served(kafka: KafkaSettings, *topics: str) -> AsyncIterator[tuple[str, bytes]]:
    """Read every record of these topics, or of all, from the beginning to where they end now.

    NodeError where the broker refuses, or gives nothing for half a minute.
    """
    consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
        bootstrap_servers=kafka.kafka_bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        client_id="corpu-erase",
        **kafka.security.options(),
    )
    try:
        await consumer.start()
        places = await _places(kafka, topics)
        consumer.assign(places)
        begins = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
        left = {each for each in places if begins[each] < ends[each]}
        still_since = time.monotonic()
        while left:
            batch = await consumer.getmany(*left, timeout_ms=_POLL_MS)
            for records in batch.values():
                still_since = time.monotonic()
                for each in records:
                    yield each.topic, _whole(each.key, each.value, each.headers)
            for each in tuple(left):
                if await consumer.position(each) >= ends[each]:
                    left.discard(each)
            if left and time.monotonic() - still_since > _STILL_SECONDS:
                raise NodeError(f"the broker gives nothing of {sorted(t.topic for t in left)}")
    except (KafkaError, OSError) as away:
        raise NodeError(await diagnose(away, kafka.kafka_bootstrap, kafka.security)) from away
    finally:
        await consumer.stop()


async def _places(kafka: KafkaSettings, topics: tuple[str, ...]) -> list[TopicPartition]:
    """Tell every partition; NodeError where there is no topic of cards, for then nothing would be proved."""
    async with session(kafka.kafka_bootstrap, kafka.security) as opened:
        told = await opened.metadata(topics or None)
    places = [
        TopicPartition(each["topic"], part["partition"])
        for each in told
        if not each["topic"].startswith("__")
        for part in each["partitions"]
    ]
    if LEARNERS not in {each.topic for each in places}:
        raise NodeError(f"the brokers at {kafka.kafka_bootstrap} have no topic {LEARNERS}")
    return sorted(places)


def _whole(key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> bytes:
    return b"\0".join([key or b"", value or b"", *(part or b"" for _, part in headers)])


class Cleaning:
    """A compacted topic whose broker is asked to clean it at once; its settings come back at the end.

    What they were is noted in a file first, so that who comes after a crash still knows.
    """

    def __init__(self, kafka: KafkaSettings, note: Path) -> None:
        """Ask through this connection, and note the settings in this file meanwhile."""
        self._kafka = kafka
        self._note = note
        self._before: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        """Have the broker close and clean the segments; whatever is stated from now on closes them."""
        async with session(self._kafka.kafka_bootstrap, self._kafka.security) as opened:
            cluster = KafkaCluster(opened)
            self._before = self._noted()
            if not self._before:
                settings = (await cluster.topics())[LEARNERS].settings
                self._before = {key: settings[key] for key in _LET_GO if key in settings}
                self._write()
            await _settle(cluster, {key: _LET_GO[key] for key in self._before})
        # The next record closes a segment only once that is older than `segment.ms`.
        await asyncio.sleep(timedelta(milliseconds=int(_LET_GO["segment.ms"])).total_seconds() * 2)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Put the settings back."""
        async with session(self._kafka.kafka_bootstrap, self._kafka.security) as opened:
            await _settle(KafkaCluster(opened), self._before)
        self._note.unlink(missing_ok=True)

    def _noted(self) -> dict[str, str]:
        """Read the settings that somebody who broke off has left to be put back."""
        try:
            return dict(json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    def _write(self) -> None:
        draft = self._note.with_name(f"{self._note.name}.draft")
        draft.write_text(json.dumps(self._before), encoding="utf-8")
        draft.replace(self._note)

    @property
    def longest(self) -> timedelta:
        """Tell how long, at most, segments hold what is let go of by the topic's settings; ten years is for ever."""
        told = [int(self._before.get(key, "0")) for key in ("segment.ms", "max.compaction.lag.ms")]
        return timedelta(milliseconds=min(sum(told), _FOR_EVER_MS))


async def _settle(cluster: KafkaCluster, settings: Mapping[str, str]) -> None:
    """Change the settings of the topic of cards, and wait until its brokers go by them."""
    await cluster.settle(LEARNERS, settings)

    async def in_force() -> bool:
        now = (await cluster.topics())[LEARNERS].settings
        return all(now.get(key) == value for key, value in settings.items())

    await until(f"the settings of {LEARNERS} are in force", in_force, within=_STILL_SECONDS)
