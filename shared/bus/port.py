"""What a service asks of a bus; the Kafka bus and `MemoryBus` are its twins."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from shared.bus.parking import Parked
from shared.bus.subscription import Record
from shared.events.message import Message
from shared.kernel.errors import Unprocessable


class Read(Protocol):
    """What somebody reads, under a durable name; a subscription does, and a fold."""

    @property
    def name(self) -> str:
        """Tell the consumer group."""
        ...

    @property
    def topics(self) -> Sequence[str]:
        """Tell the topics; none where a pattern tells."""
        ...

    @property
    def pattern(self) -> str:
        """Tell which topics by a pattern, or nothing."""
        ...


class Hearer(Protocol):
    """Who hears what is read: a delivery or a folding."""

    @property
    def subscription(self) -> Read:
        """Tell what it hears."""
        ...

    @property
    def steps(self) -> int:
        """Tell how much was done, so that a watchdog tells what is slow from what is stuck."""
        ...

    async def deliver(self, records: Sequence[Record]) -> None:
        """Handle records in order; Unavailable means: deliver them again."""
        ...

    async def redeliver(self, parked: Parked) -> Unprocessable | None:
        """Handle a parked message again; tell why it still cannot be handled, if so."""
        ...


class Raw(NamedTuple):
    """A record that carries no fact: bytes for one partition of a topic."""

    partition: int
    key: bytes
    value: bytes


class Bus(Protocol):
    """Publishes facts and runs subscriptions."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish in order and await the broker's word for all; Unavailable if it does not come."""
        ...

    async def append(self, topic: str, records: Sequence[Raw]) -> None:
        """Append records in order and await the broker's word for all; Unavailable if it does not come."""
        ...

    async def partitions(self, topic: str) -> int:
        """Tell how many partitions a topic has; Unavailable while nobody can tell."""
        ...

    def running(self, deliveries: Sequence[Hearer]) -> AbstractAsyncContextManager[None]:
        """Run subscriptions for as long as the block lasts, and drain them at its end."""
        ...

    async def ping(self) -> None:
        """Answer if the broker does; Unavailable otherwise."""
        ...

    def lag(self) -> dict[str, int]:
        """Tell by subscription how many records are not read yet."""
        ...

    async def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """Tell by partition where a topic begins and ends; nothing where the broker cannot be trusted in that."""
        ...

    async def remembers(self, mark: str) -> bool:
        """Tell whether the broker, in its present life, was told to remember a mark."""
        ...

    async def remember(self, mark: str) -> None:
        """Let the broker remember a mark for as long as it keeps its records."""
        ...
