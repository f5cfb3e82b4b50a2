"""The bus's memory twin: topics as lists, delivered until nothing is left to say."""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.bus.port import Hearer, Raw
from shared.bus.subscription import Record
from shared.events.message import Message
from shared.kernel.errors import Unavailable
from shared.kernel.tasks import running

_PARTITIONS = 3
_PATIENCE = 0.005


@dataclass(frozen=True)
class MemoryRecord:
    """A record in memory."""

    topic: str
    partition: int
    offset: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None


class MemoryBus:
    """Keeps topics in memory and every subscription's place in them."""

    def __init__(self) -> None:
        """Start with empty topics."""
        self.topics: dict[str, list[MemoryRecord]] = {}
        self._places: dict[tuple[str, str], int] = {}
        self._running: list[Hearer] = []
        self._marks: set[str] = set()
        self._waiting: set[asyncio.Event] = set()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append messages to their topics."""
        for message in messages:
            partition = zlib.crc32(message.subject.encode()) % _PARTITIONS
            self.put(message.topic, message.to_headers(), message.value, partition)

    async def append(self, topic: str, records: Sequence[Raw]) -> None:
        """Append records to a topic."""
        for record in records:
            self.put(topic, (), record.value, record.partition)

    async def partitions(self, topic: str) -> int:
        """Tell how many partitions a topic has."""
        del topic
        return _PARTITIONS

    def put(
        self,
        topic: str,
        headers: Sequence[tuple[str, bytes]],
        value: bytes | None,
        partition: int = 0,
    ) -> None:
        """Append one raw record, as a stranger might."""
        log = self.topics.setdefault(topic, [])
        log.append(MemoryRecord(topic, partition, len(log), tuple(headers), value))
        for news in self._waiting:
            news.set()

    def messages(self, topic: str) -> list[Message]:
        """Read every message of a topic."""
        return [
            Message.from_record(each.headers, each.value) for each in self.topics.get(topic, [])
        ]

    async def settle(self, deliveries: Sequence[Hearer], batch: int = 500) -> None:
        """Deliver until every subscription has heard everything."""
        while any([await self._advance(delivery, batch) for delivery in deliveries]):
            pass

    async def _advance(self, delivery: Hearer, batch: int) -> bool:
        name = delivery.subscription.name
        records: list[Record] = []
        places: dict[tuple[str, str], int] = {}
        for topic in self._topics_of(delivery):
            start = self._places.get((name, topic), 0)
            fresh = self.topics.get(topic, [])[start : start + batch]
            records += fresh
            places[name, topic] = start + len(fresh)
        if not records:
            return False
        await delivery.deliver(records)
        self._places |= places
        return True

    @asynccontextmanager
    async def running(self, deliveries: Sequence[Hearer]) -> AsyncIterator[None]:
        """Run subscriptions for as long as the block lasts."""
        self._running += deliveries
        try:
            async with running(*(self._follow(delivery) for delivery in deliveries)):
                yield
        finally:
            for delivery in deliveries:
                self._running.remove(delivery)

    async def _follow(self, delivery: Hearer) -> None:
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            while True:
                news.clear()
                try:
                    while await self._advance(delivery, 500):
                        pass
                except Unavailable:
                    await asyncio.sleep(_PATIENCE)
                else:
                    await news.wait()
        finally:
            self._waiting.discard(news)

    async def quiet(self) -> None:
        """Wait until every running subscription has heard everything."""
        while any(self.lag().values()):
            await asyncio.sleep(0)

    async def ping(self) -> None:
        """Answer always."""

    def lag(self) -> dict[str, int]:
        """Tell by subscription how many records are not read yet."""
        return {delivery.subscription.name: self._behind(delivery) for delivery in self._running}

    async def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """Tell where a topic begins and ends, counted over all partitions."""
        return {0: (0, len(self.topics.get(topic, [])))}

    async def remembers(self, mark: str) -> bool:
        """Tell whether this bus was told to remember a mark."""
        return mark in self._marks

    async def remember(self, mark: str) -> None:
        """Remember a mark."""
        self._marks.add(mark)

    def _behind(self, delivery: Hearer) -> int:
        name = delivery.subscription.name
        return sum(
            len(self.topics.get(topic, [])) - self._places.get((name, topic), 0)
            for topic in self._topics_of(delivery)
        )

    def _topics_of(self, delivery: Hearer) -> Sequence[str]:
        pattern = delivery.subscription.pattern
        if not pattern:
            return delivery.subscription.topics
        return sorted(topic for topic in self.topics if re.fullmatch(pattern, topic))
