"""A batch is handled together, in order, and each message exactly in effect once."""

import asyncio
import time

import pytest

from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryBus, MemoryRecord
from shared.bus.parking import PARKED, Parked
from shared.bus.subscription import Subscription
from shared.events.enrolment import LearnerErased, SeatFreed
from shared.kernel.errors import Unavailable, Unprocessable
from shared.kernel.trace import traceparent
from shared.store.port import Change
from shared.store.works import Works
from tests.shared.store.conftest import Outgoing
from tests.support.boxes import AT, BOXES, Box, BoxWork
from tests.support.deliveries import (
    SAMPLED,
    UNSAMPLED,
    FailingStore,
    failing,
    left,
    note_who_left,
    parked,
    record,
    records,
    subscription,
    told,
)  # fmt: skip


async def _boxes(works: Works[BoxWork]) -> dict[str, Box]:
    return {each.id: each for each in await works.open().boxes.find({})}


async def test_a_batch_is_loaded_and_written_once(
    delivery: Delivery[BoxWork], works: Works[BoxWork], store: FailingStore, outgoing: Outgoing
) -> None:
    """Two hundred messages on twenty aggregates take one load, one write and one clear."""
    batch = records(left(f"e{number}", f"c{number % 20}") for number in range(200))

    await delivery.deliver(batch)

    assert 3 == store.calls
    assert {10} == {box.count for box in (await _boxes(works)).values()}
    assert 200 == len(outgoing.published)


async def test_messages_of_one_aggregate_keep_their_order(
    works: Works[BoxWork], outgoing: Outgoing
) -> None:
    """A handler sees what the one before it kept, and facts leave in that order."""
    seen: list[int] = []

    async def look(fact: SeatFreed, work: BoxWork) -> None:
        seen.append((await work.boxes.of(fact.cohort_id)).count)
        await note_who_left(fact, work)

    delivery = Delivery(subscription("boxes.look", {SeatFreed: look}), works)
    await delivery.deliver(records(left(f"e{number}") for number in range(5)))

    assert [0, 1, 2, 3, 4] == seen
    assert [1, 2, 3, 4, 5] == [each.seq for each in outgoing.published]


async def test_a_repeated_batch_changes_nothing(
    delivery: Delivery[BoxWork], works: Works[BoxWork], outgoing: Outgoing
) -> None:
    """Within a batch or in a later one, a repeat has no effect and states nothing."""
    batch = records([left("e1"), left("e2"), left("e1")])

    await delivery.deliver(batch)
    await delivery.deliver(batch)

    assert 2 == (await _boxes(works))["c"].count
    assert 2 == len(outgoing.published)


async def test_only_the_messages_of_a_changed_aggregate_run_again(
    works: Works[BoxWork], store: FailingStore
) -> None:
    """Somebody else's change of one aggregate leaves the others' handlers alone."""
    ran: list[str] = []

    async def count_runs(fact: SeatFreed, work: BoxWork) -> None:
        ran.append(fact.enrolment_id)
        await note_who_left(fact, work)

    async def interfere(name: str) -> None:
        if name == "write" and store.calls == 2:
            await store.inner.write([Change(BOXES, "c1", 0, {"tags": ["other"], "count": 1})])

    store.before = interfere
    delivery = Delivery(subscription("boxes.runs", {SeatFreed: count_runs}), works)

    await delivery.deliver(records([left("a", "c1"), left("b", "c2"), left("c", "c1")]))

    assert ["a", "b", "c", "a", "c"] == ran
    assert {"c1": ("a", "c", "other"), "c2": ("b",)} == {
        key: box.tags for key, box in (await _boxes(works)).items()
    }


async def test_an_aggregate_that_never_stands_still_is_waited_for(
    delivery: Delivery[BoxWork], store: FailingStore
) -> None:
    """So many conflicts in a row are no fault of the message: it is delivered again later."""
    version = 0

    async def always(name: str) -> None:
        nonlocal version
        if name == "write":
            await store.inner.write([Change(BOXES, "c", version, {"weight": version})])
            version += 1

    store.before = always

    with pytest.raises(Unavailable):
        await delivery.deliver(records([left("e1")]))


@pytest.mark.parametrize("call", range(1, 6))
async def test_a_store_that_is_away_at_any_call_loses_nothing(
    delivery: Delivery[BoxWork],
    works: Works[BoxWork],
    store: FailingStore,
    outgoing: Outgoing,
    call: int,
) -> None:
    """The batch is delivered again, and in the end all is as if nothing had happened."""
    batch = records([left("a", "c1"), left("b", "c2"), failing("refused", "x", "c1")])
    store.fail_at(call)

    try:
        await delivery.deliver(batch)
    except Unavailable:
        store.before = None
        await delivery.deliver(batch)
    store.before = None
    await works.relay.sweep(grace=0)

    assert {"c1": 1, "c2": 1} == {key: box.count for key, box in (await _boxes(works)).items()}
    assert 2 == len({each.id for each in outgoing.published})
    assert ["not-here"] == [each.reason for each in await parked(works)]
    assert {} == await store.inner.unpublished(BOXES, 10)


async def test_a_broker_that_is_away_loses_no_fact(
    delivery: Delivery[BoxWork], works: Works[BoxWork], outgoing: Outgoing
) -> None:
    """What was kept waits in its outbox, and leaves before whatever comes later."""
    outgoing.away = Unavailable("the broker is away")
    with pytest.raises(Unavailable):
        await delivery.deliver(records([left("a")]))
    outgoing.away = None

    await delivery.deliver(records([left("a"), left("b")]))

    assert [1, 2] == [each.seq for each in outgoing.published]
    assert 2 == (await _boxes(works))["c"].count


async def test_facts_that_are_not_heard_pass(
    delivery: Delivery[BoxWork], works: Works[BoxWork], store: FailingStore
) -> None:
    """Other known facts, newer versions of those, and tombstones touch neither store nor parking."""
    message = told(left("e"))
    others = [
        record(message, 0, ce_type=b"id.corpu.withdrawn.v1"),
        record(message, 1, ce_type=b"id.corpu.withdrawn.v7"),
        MemoryRecord("learners", 0, 2, (), None),
    ]

    await delivery.deliver(others)

    assert 0 == store.calls
    assert [] == await parked(works)


async def test_the_trace_goes_on_into_what_is_stated(
    delivery: Delivery[BoxWork], outgoing: Outgoing
) -> None:
    """A fact stated by a handler carries the trace of the fact that it handled, and none leaks on."""
    traces = [UNSAMPLED, SAMPLED, ""]
    batch = [
        record(told(left(f"e{number}", f"c{number}"), traceparent=trace), number)
        for number, trace in enumerate(traces)
    ]

    await delivery.deliver(batch)

    assert ["a" * 32, "c" * 32, ""] == [each.traceparent[3:35] for each in outgoing.published]
    assert "" == traceparent.get()


async def test_slow_handlers_yield_to_the_loop(works: Works[BoxWork]) -> None:
    """Between handlers that burn time, others get the loop, so that heartbeats go on."""
    beats = 0

    async def burn(fact: SeatFreed, work: BoxWork) -> None:
        until = time.perf_counter() + 0.02
        while time.perf_counter() < until:
            pass
        await note_who_left(fact, work)

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    delivery = Delivery(subscription("boxes.burn", {SeatFreed: burn}), works)
    async with asyncio.TaskGroup() as group:
        heart = group.create_task(beat())
        await asyncio.sleep(0)
        before = beats
        await delivery.deliver(records(left(f"e{number}") for number in range(12)))
        between = beats - before
        heart.cancel()

    assert between >= 5


async def test_parked_messages_survive_a_conflict_of_their_batch(
    delivery: Delivery[BoxWork], works: Works[BoxWork], store: FailingStore
) -> None:
    """A message that could not be read is parked even if its own write meets somebody else's."""
    broken = record(told(left("e9")), 9, ce_seq=b"many")
    identity = Parked.of(broken, "boxes.note-who-left", Unprocessable("broken-header", "")).id

    async def interfere(name: str) -> None:
        if name == "write":
            store.before = None
            await store.inner.write([Change(PARKED, identity, 0, {"reason": "by another"})])
            await store.inner.write([Change(BOXES, "c", 0, {"tags": ["other"], "count": 1})])

    store.before = interfere

    await delivery.deliver([broken, *records([left("a")])])

    assert [(9, "broken-header")] == [(each.offset, each.reason) for each in await parked(works)]
    assert ("a", "other") == (await _boxes(works))["c"].tags


async def test_a_tombstone_carries_no_data_and_is_heard(works: Works[BoxWork]) -> None:
    """An erasure travels without a value, so that compaction removes what it erases, and tells whom and when."""
    heard: list[LearnerErased] = []

    async def hear(fact: LearnerErased, work: BoxWork) -> None:
        del work
        heard.append(fact)

    fact = LearnerErased(learner_id="l", at=AT)
    erasure = record(told(fact))
    bus = MemoryBus()
    await bus.publish([told(fact)])

    await Delivery(Subscription("boxes.hear", {LearnerErased: hear}), works).deliver([erasure])

    assert [None] == [each.value for each in bus.topics["learners"]]
    assert [fact] == heard
