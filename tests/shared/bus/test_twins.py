"""Kafka and its memory twin keep the same promises to subscriptions and publishers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.bus.delivery import Delivery
from shared.bus.kafka import Cluster, open_kafka
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus
from shared.bus.subscription import Subscription
from shared.events.enrolment import SeatFreed
from shared.events.message import Message
from shared.kernel.errors import Unavailable
from shared.kernel.ids import fresh
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.support.boxes import BOXES, KINDS, SOURCE, BoxWork
from tests.support.deliveries import (
    SAMPLED,
    FailingStore,
    left,
    note_who_left,
    parked,
    record,
    told,
)  # fmt: skip
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Put = Callable[[str, Sequence[tuple[str, bytes]], bytes | None], Awaitable[None]]


class Line:
    """A bus with one running subscription; every test marks its facts with a `run` of its own."""

    def __init__(self, bus: Bus, put: Put, name: str) -> None:
        """Stand over an empty store; `put` adds raw records as a stranger might."""
        self.bus = bus
        self.put = put
        self.name = name
        self.run = ""
        self.store = FailingStore()
        relay = Relay(self.store, KINDS, bus.publish)
        self.works = Works(BoxWork, Frame(self.store, SOURCE), relay)
        self.seen: list[SeatFreed] = []
        self.batches: list[int] = []

    def delivery(self) -> Delivery[BoxWork]:
        """Make the delivery that handles the present test's facts, and passes by all others."""

        async def note(fact: SeatFreed, work: BoxWork) -> None:
            if fact.agency == self.run:
                self.seen.append(fact)
                await note_who_left(fact, work)

        async def count(facts: Sequence[SeatFreed], work: BoxWork) -> None:
            del work
            self.batches.append(sum(fact.agency == self.run for fact in facts))

        heard: Subscription[BoxWork] = Subscription(
            self.name,
            {SeatFreed: note},
            lambda work: work.boxes,
            lambda fact: fact.cohort_id,
            count,
        )
        return Delivery(heard, self.works)

    async def tell(self, *enrolments: str, learner: str = "l") -> None:
        """Publish facts of this test."""
        await self.bus.publish([self.message(each, learner) for each in enrolments])

    def message(self, enrolment: str, learner: str = "l") -> Message:
        """State a fact of this test."""
        return told(left(enrolment, self.run, learner).model_copy(update={"agency": self.run}))

    def noted(self) -> list[str]:
        """Tell what was handled, in order."""
        return [fact.enrolment_id for fact in self.seen]

    async def tags(self) -> tuple[str, ...]:
        """Tell what this test's box holds."""
        return (await self.works.open().boxes.of(self.run)).tags

    async def reasons(self) -> list[str]:
        """Tell why messages of this test were parked."""
        mark = ("run", self.run.encode())
        return sorted(each.reason for each in await parked(self.works) if mark in each.headers)


@asynccontextmanager
async def _memory() -> AsyncIterator[Line]:
    bus = MemoryBus()

    async def append(topic: str, headers: Sequence[tuple[str, bytes]], value: bytes | None) -> None:
        bus.put(topic, headers, value)

    yield Line(bus, append, "boxes.twins")


@asynccontextmanager
async def _kafka(bootstrap: str, *, idempotent: bool) -> AsyncIterator[Line]:
    async with (
        open_kafka(Cluster(bootstrap, idempotent=idempotent, partitions=3), "corpu-test") as bus,
        AIOKafkaProducer(bootstrap_servers=bootstrap) as producer,
    ):

        async def send(
            topic: str, headers: Sequence[tuple[str, bytes]], value: bytes | None
        ) -> None:
            await producer.send_and_wait(topic, value, headers=list(headers), partition=0)

        yield Line(bus, send, f"boxes.twins-{fresh()}")


@pytest.fixture(scope="module", params=["memory", pytest.param("kafka", marks=pytest.mark.real)])
def twin(request: pytest.FixtureRequest) -> str | None:
    """Tell which twin it is: a broker's address, or None for memory."""
    bootstrap: str | None = None
    if request.param == "kafka":
        bootstrap = request.getfixturevalue("kafka")
    return bootstrap


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(twin: str | None, idempotent: bool) -> AsyncIterator[Line]:  # noqa: FBT001 - a fixture
    """Give a line whose subscription runs, for joining a group takes a broker seconds."""
    async with _kafka(twin, idempotent=idempotent) if twin else _memory() as opened:
        opened.run = "first"
        await opened.tell("before")
        async with opened.bus.running([opened.delivery()]):
            await until(opened.noted, equals=["before"])
            yield opened


@pytest.fixture
def line(running: Line) -> Line:
    """Give the line with a mark of this test's own."""
    running.run = fresh()
    running.seen.clear()
    running.batches.clear()
    running.store.before = None
    return running


async def test_what_was_published_is_handled(line: Line) -> None:
    """Facts reach the subscription, each with its effect once."""
    await line.tell("a", "b")
    await line.tell("c")

    await until(line.tags, equals=("a", "b", "c"))


async def test_facts_of_one_learner_stay_in_order(line: Line) -> None:
    """Many learners' facts, published together: each learner's come in the order they were told."""
    learners = ("ani", "budi", "citra")
    await line.bus.publish(
        [line.message(f"{who}-{step:02}", who) for step in range(20) for who in learners]
    )

    await until(lambda: len(line.seen), equals=60)
    for who in learners:
        own = [each for each in line.noted() if each.startswith(who)]
        assert [f"{who}-{step:02}" for step in range(20)] == own


async def test_facts_come_in_batches(line: Line) -> None:
    """What was published together is delivered together, not message by message."""
    await line.tell(*(f"e{number:03}" for number in range(300)))

    await until(lambda: len(line.seen), equals=300)
    assert len([size for size in line.batches if size]) <= 5


async def test_a_repeated_fact_has_its_effect_once(line: Line) -> None:
    """Publishing again what was published changes nothing and states nothing."""
    await line.tell("a")
    await line.tell("a")

    await until(lambda: len(line.seen), equals=2)
    await until(line.tags, equals=("a",))
    assert 1 == (await line.store.load(BOXES, [line.run]))[line.run]["seq"]


async def test_a_store_that_is_away_is_waited_for(line: Line) -> None:
    """Nothing is skipped: the same messages come until the store takes them."""
    attempts = 0

    async def away(name: str) -> None:
        nonlocal attempts
        if name == "write":
            attempts += 1
            if attempts <= 3:
                raise Unavailable("the store is away")

    line.store.before = away
    await line.tell("a")
    await until(line.tags, equals=("a",))
    await line.tell("b")

    await until(line.tags, equals=("a", "b"))
    assert ["a"] * 4 + ["b"] == line.noted()


async def test_an_unfit_record_is_parked_and_the_line_goes_on(line: Line) -> None:
    """A stranger's record, an unknown type and a newer version do not stop what comes after."""
    message, mark = line.message("x"), line.run.encode()
    for unfit in (
        record(message, ce_type=b"id.corpu.seat_sold.v1", run=mark),
        record(message, ce_type=b"id.corpu.seat_freed.v2", run=mark),
        record(message, ce_id=None, run=mark),
    ):
        await line.put("enrolment", unfit.headers, unfit.value)
    await line.put("enrolment", [("run", mark)], b"\xff")
    await line.tell("after")

    expected = ["broken-header", "broken-header", "newer-version", "unknown-type"]
    await until(line.reasons, equals=expected)
    await until(line.tags, equals=("after",))


async def test_the_trace_travels_with_the_fact(line: Line) -> None:
    """What a handler states about a fact belongs to the trace of that fact."""
    await line.bus.publish([line.message("a")._replace(traceparent=SAMPLED)])

    await until(line.tags, equals=("a",))
    (stated,) = await _stated(line)
    assert SAMPLED.split("-")[1] == stated.traceparent.split("-")[1]


async def test_tells_its_lag_and_answers_a_ping(line: Line) -> None:
    """A bus that is there says so; a subscription that has handled everything lags by nothing."""
    await line.bus.ping()
    await line.tell("a")

    await until(line.tags, equals=("a",))
    await until(line.bus.lag, equals={line.name: 0})


async def test_a_place_is_kept_for_the_next_process(line: Line, twin: str | None) -> None:
    """What was handled is committed under the subscription's name, and only then."""
    await line.tell("a")
    await until(line.tags, equals=("a",))

    if twin is None:
        assert {line.name: 0} == line.bus.lag()
        return
    reader = AIOKafkaConsumer(bootstrap_servers=twin, group_id=line.name, enable_auto_commit=False)
    await reader.start()
    try:
        places = [TopicPartition("enrolment", number) for number in range(3)]
        reader.assign(places)
        await until(lambda: _behind(reader, places), equals=0)
    finally:
        await reader.stop()


async def _behind(reader: AIOKafkaConsumer, places: list[TopicPartition]) -> int:
    ends = await reader.end_offsets(places)
    committed = await asyncio.gather(*(reader.committed(place) for place in places))
    return sum(end - (place or 0) for end, place in zip(ends.values(), committed, strict=True))


async def _stated(line: Line) -> list[Message]:
    stories = await line.store.stated(BOXES, "", 1000)
    return stories[line.run]
