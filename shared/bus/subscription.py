"""What a service hears: a durable name, a handler for each fact, and which aggregate a fact concerns."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from shared.events.fact import Fact
from shared.store.work import Aggregates, UnitOfWork

W = TypeVar("W", bound=UnitOfWork)
Handler = Callable[[Any, Any], Awaitable[None]]


class Record(Protocol):
    """A Kafka record as drivers give it."""

    @property
    def topic(self) -> str:
        """Tell the topic."""
        ...

    @property
    def partition(self) -> int:
        """Tell the partition."""
        ...

    @property
    def offset(self) -> int:
        """Tell the offset in the partition."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Tell the headers."""
        ...

    @property
    def value(self) -> bytes | None:
        """Tell the value."""
        ...


@dataclass(frozen=True)
class Subscription(Generic[W]):
    """One durable reader of facts.

    `name` is a consumer group id: durable data, never derived from code. `hears` maps facts to handlers
    `(fact, work)`; `room` and `key` tell which aggregate a fact concerns, so that a batch loads them
    together; `prepare` may load more for a whole batch. With a `pattern` it reads every topic whose
    whole name matches, such as those that are mirrored here, whoever made them.
    """

    name: str
    hears: Mapping[type[Fact], Handler]
    room: Callable[[W], Aggregates[Any]] | None = None
    key: Callable[[Any], str] | None = None
    prepare: Callable[[Sequence[Any], W], Awaitable[None]] | None = None
    pattern: str = ""

    @property
    def topics(self) -> tuple[str, ...]:
        """Tell the topics that carry what is heard; none where a pattern tells."""
        return () if self.pattern else tuple(sorted({fact.topic for fact in self.hears}))
