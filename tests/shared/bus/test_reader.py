"""A reader tells its lag, and tells what is slow from what is stuck, whatever a rebalance does."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from shared.bus.delivery import Delivery
from shared.bus.kafka.reader import Reader
from shared.kernel.errors import Unavailable
from shared.kernel.tasks import end, start
from tests.support.boxes import BoxWork
from tests.support.deliveries import FailingStore, left, records

A, B = TopicPartition("enrolment", 0), TopicPartition("enrolment", 1)
LOOK = 0.005
PATIENCE = 30


@dataclass
class StandIn:
    """A consumer that stands where it is put, on what it is assigned."""

    positions: dict[TopicPartition, int]
    ends: dict[TopicPartition, int | None]
    meanwhile: Callable[[], None] = lambda: None

    def assignment(self) -> frozenset[TopicPartition]:
        """Tell what is assigned."""
        return frozenset(self.positions)

    async def position(self, part: TopicPartition) -> int:
        """Tell the next record's offset, as aiokafka does."""
        self.meanwhile()
        if part not in self.positions:
            raise IllegalStateError(part)
        return self.positions[part]

    def highwater(self, part: TopicPartition) -> int | None:
        """Tell the end that the last fetch told, as aiokafka does."""
        assert part in self.positions, "Partition is not assigned"
        return self.ends[part]

    async def end_offsets(self, parts: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Tell the ends."""
        return {part: self.ends[part] or 0 for part in parts}


def reading(delivery: Delivery[BoxWork], consumer: StandIn) -> Reader[Delivery[BoxWork]]:
    """Make a reader in the midst of a session."""
    reader = Reader(delivery, "nowhere:1", "test", look_every=LOOK)
    reader._consumer = consumer
    return reader


async def watched(
    reader: Reader[Delivery[BoxWork]], meanwhile: Callable[[], Awaitable[Any]]
) -> bool:
    """Tell whether the watchdog ended the session while something was going on."""
    assert reader._consumer is not None
    watching = start(reader._watch(reader._consumer), "watch")
    await meanwhile()
    ended = watching.done()
    await end(watching)
    return ended


async def test_an_end_that_nobody_told_yet_counts_as_one(delivery: Delivery[BoxWork]) -> None:
    """After joining and before the first fetch there may be anything, so nobody reads `quiet` from it."""
    reader = reading(delivery, StandIn({A: 3, B: 7}, {A: None, B: 9}))
    await reader._find_places(reader._consumer)

    assert reader.lag == 3


async def test_a_partition_taken_away_counts_as_one_until_it_is_forgotten(
    delivery: Delivery[BoxWork],
) -> None:
    """The operator who asks during a rebalance gets an answer and no defect."""
    consumer = StandIn({A: 3, B: 7}, {A: 3, B: 7})
    reader = reading(delivery, consumer)
    await reader._find_places(reader._consumer)
    del consumer.positions[B]

    assert reader.lag == 1

    await reader._find_places(reader._consumer)

    assert reader.lag == 0


async def test_a_rebalance_while_the_places_are_asked_for_is_lived_through(
    delivery: Delivery[BoxWork],
) -> None:
    """A partition that goes between question and answer ends no session."""
    consumer = StandIn({A: 3}, {A: 3})
    consumer.meanwhile = consumer.positions.clear
    reader = reading(delivery, consumer)
    await reader._find_places(reader._consumer)

    assert reader.lag == 1


async def test_a_partition_that_was_read_on_elsewhere_and_comes_back_does_not_lag(
    delivery: Delivery[BoxWork],
) -> None:
    """What another worker read meanwhile is nobody's lag, and no reason to begin again."""
    consumer = StandIn({A: 3}, {A: 3})
    reader = reading(delivery, consumer)
    await reader._find_places(reader._consumer)
    consumer.positions[A] = consumer.ends[A] = 30
    await reader._find_places(reader._consumer)

    assert reader.lag == 0


async def test_what_is_in_hand_is_not_handled_yet(delivery: Delivery[BoxWork]) -> None:
    """A position is past the batch in hand, and a look at it must not count the batch as done."""
    reader = reading(delivery, StandIn({A: 10, B: 4}, {A: 10, B: 4}))
    reader._places, reader._in_hand = {A: 2}, True
    await reader._find_places(reader._consumer)

    assert reader.lag == 8


async def test_a_slow_batch_is_not_taken_for_a_stuck_one(
    delivery: Delivery[BoxWork], store: FailingStore
) -> None:
    """A batch may take longer than the watchdog's patience, as long as one step follows another."""
    reader = reading(delivery, StandIn({A: 20}, {A: 20}))
    reader._places, reader._in_hand = {A: 0}, True

    async def slow(_: str) -> None:
        await asyncio.sleep(4 * LOOK)

    store.before = slow

    async def handle() -> None:
        for each in records([left(f"e{number}") for number in range(8)]):
            await delivery.deliver([each])

    assert not await watched(reader, handle)


async def test_a_stuck_batch_ends_its_session(delivery: Delivery[BoxWork]) -> None:
    """Nothing moves while there is more to read: whoever begins again may get on."""
    reader = reading(delivery, StandIn({A: 20}, {A: 20}))
    reader._places, reader._in_hand = {A: 0}, True

    async with asyncio.timeout(PATIENCE):
        await reader._watch(reader._consumer)


@dataclass
class Unanswered(StandIn):
    """A consumer whose commits are answered only while told so."""

    answered: bool = False

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Answer, or never."""
        del offsets
        if not self.answered:
            await asyncio.Event().wait()


async def test_commits_that_nobody_answers_end_the_session(delivery: Delivery[BoxWork]) -> None:
    """One may be lost; the next in a row, and the consumer is given up, for it would never get on."""
    consumer = Unanswered({A: 20}, {A: 20})
    reader = Reader(delivery, "nowhere:1", "test", commit_within=LOOK)
    batch = {A: 20}

    await reader._commit(consumer, batch)
    consumer.answered = True
    await reader._commit(consumer, batch)
    consumer.answered = False
    await reader._commit(consumer, batch)
    with pytest.raises(Unavailable):
        await reader._commit(consumer, batch)


async def test_an_idle_reader_is_left_alone(delivery: Delivery[BoxWork]) -> None:
    """Nothing moves because there is nothing to read."""
    reader = reading(delivery, StandIn({A: 20}, {A: 20}))

    assert not await watched(reader, lambda: asyncio.sleep(30 * LOOK))


@dataclass
class BadEnding(StandIn):
    """A consumer whose end is cut off: the driver passes on the cancellation of its own heartbeat."""

    closed: list[str] = field(default_factory=list)

    async def stop(self) -> None:
        """End as aiokafka does when its heartbeat is cancelled in the middle of a request."""
        heartbeat = start(asyncio.Event().wait(), "heartbeat")  # type: ignore[arg-type]
        heartbeat.cancel()
        await heartbeat

    @property
    def _fetcher(self) -> "_Closing":
        return _Closing("fetcher", self.closed)

    @property
    def _client(self) -> "_Closing":
        return _Closing("client", self.closed)


@dataclass
class _Closing:
    """A part of the driver that notes its end."""

    name: str
    closed: list[str]

    async def close(self) -> None:
        """Note it."""
        self.closed.append(self.name)


async def test_a_consumer_that_cannot_end_is_taken_apart(delivery: Delivery[BoxWork]) -> None:
    """What the driver leaves running when its own end is cut off is closed all the same."""
    consumer = BadEnding({}, {})

    await reading(delivery, consumer)._close(consumer)

    assert ["fetcher", "client"] == consumer.closed


class Interrupted(Reader[Delivery[BoxWork]]):
    """A reader whose first session ends as the driver's own cancellation."""

    sessions = 0

    async def _session(self) -> None:
        self.sessions += 1
        if self.sessions == 1:
            raise asyncio.CancelledError
        self.stop()


async def test_a_cancellation_of_the_drivers_own_ends_no_reader(
    delivery: Delivery[BoxWork],
) -> None:
    """A reader that nobody cancelled begins again; one that was cancelled ends."""
    reader = Interrupted(delivery, "nowhere:1", "test")
    async with asyncio.timeout(PATIENCE):
        await reader.run()

    assert 2 == reader.sessions
    cancelled = start(Reader(delivery, "nowhere:1", "test").run(), "run")
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
