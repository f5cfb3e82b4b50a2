"""What a service asks of a bus; the Kafka bus and `MemoryBus` are its twins."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from shared.bus.delivery import Delivery
from shared.events.message import Message


class Bus(Protocol):
    """Publishes facts and runs subscriptions."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish in order and await the broker's word for all; Unavailable if it does not come."""
        ...

    def running(self, deliveries: Sequence[Delivery[Any]]) -> AbstractAsyncContextManager[None]:
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
