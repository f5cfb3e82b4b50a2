"""A folding merges all that it took, goes on where the store failed, and parks what cannot be folded."""

import asyncio
from typing import Any

import pytest

from shared.bus.folding import Folding, Rhythm
from shared.bus.memory import MemoryRecord
from shared.bus.parking import Parked
from shared.events.fact import ATTENDANCE
from shared.kernel.errors import Unavailable, Unprocessable
from shared.kernel.tasks import start
from shared.store.works import Works
from tests.support.boxes import BOXES, BoxWork
from tests.support.deliveries import FailingStore, parked
from tests.support.folds import BitsFold, said


@pytest.fixture
def folding(works: Works[BoxWork]) -> Folding:
    """Give a folding that is full with three boxes."""
    return Folding(BitsFold(), works, Rhythm(most=3))


def _records(*values: bytes | None) -> list[MemoryRecord]:
    return [MemoryRecord(ATTENDANCE, 0, at, (), value) for at, value in enumerate(values)]


async def _kept(store: FailingStore) -> dict[str, Any]:
    return {each["_id"]: each["notes"]["0"] for each in await store.find(BOXES, {})}


async def test_what_was_taken_is_merged_by_a_flush(folding: Folding, store: FailingStore) -> None:
    """Before it nothing is in the store, and after it nothing is held."""
    folding.take(_records(said("a", 0), said("a", 2), said("b", 1)))
    before = await _kept(store)
    await folding.flush()

    assert {} == before
    assert {"a": 5, "b": 2} == await _kept(store)
    assert 0 == folding.subscription.size


async def test_it_is_full_with_what_changed_and_not_with_what_was_read(folding: Folding) -> None:
    """A thousand records of two boxes are two changes."""
    folding.take(_records(*(said("ab"[number % 2], number % 60) for number in range(1_000))))
    assert not folding.full

    folding.take(_records(said("c", 1)))
    assert folding.full


async def test_a_flush_goes_on_where_the_store_failed(
    folding: Folding, store: FailingStore
) -> None:
    """What was merged before is not merged again, and what was taken meanwhile is merged as well."""
    folding.take(_records(*(said(box, 1) for box in "abcdef")))
    store.fail_at(2)
    with pytest.raises(Unavailable):
        await folding.flush()
    half = await _kept(store)
    folding.take(_records(said("a", 0), said("g", 0)))
    store.fail_at(-1)
    await folding.flush()

    assert {"a", "b"} == half.keys()
    assert {"a": 3, "b": 2, "c": 2, "d": 2, "e": 2, "f": 2, "g": 1} == await _kept(store)


async def test_what_cannot_be_folded_is_parked_and_the_rest_goes_on(
    folding: Folding, store: FailingStore, works: Works[BoxWork]
) -> None:
    """With its reason, once, however often it is read; many of them fill it as well."""
    for _ in range(2):
        await folding.deliver(_records(said("a", 0), b"nonsense", None))
    await folding.flush()

    assert {"a": 1} == await _kept(store)
    assert [("no-bit", "boxes.fold-bits")] * 2 == [
        (each.reason, each.subscription) for each in await parked(works)
    ]
    assert not folding.full
    folding.take(_records(*[b"nonsense"] * 500))
    assert folding.full


async def test_a_parked_record_can_be_folded_again(
    folding: Folding, store: FailingStore, works: Works[BoxWork]
) -> None:
    """One that still cannot be is told so; one that can by now is folded and marked."""
    await folding.deliver(_records(b"nonsense"))
    (one,) = await parked(works)

    why = await folding.redeliver(one)
    assert why is not None
    assert "no-bit" == why.reason

    fit = type(one).of(_records(said("z", 3))[0], "boxes.fold-bits", why)
    assert await folding.redeliver(fit) is None
    assert {"z": 8} == await _kept(store)
    assert {"parked", "replayed"} == {each.status for each in await parked(works)}


async def test_a_replay_takes_nothing_out_of_the_hand_of_a_flush(
    folding: Folding, store: FailingStore
) -> None:
    """Whichever ends first, a flush that says so has merged all that was taken before it."""
    folding.take(_records(*(said(box, 1) for box in "abcdef")))
    one = Parked.of(_records(said("z", 3))[0], "boxes.fold-bits", Unprocessable("x", ""))
    turns = iter((10, 0, 60))

    async def take_turns(name: str) -> None:
        for _ in range(next(turns, 0) if name == "merge" else 0):
            await asyncio.sleep(0)

    store.before = take_turns
    flushing = start(folding.flush(), "flush")
    await asyncio.sleep(0)
    replaying = start(_replay(folding, one), "replay")
    await flushing

    assert {*"abcdef"} <= (await _kept(store)).keys()
    await replaying
    assert {*"abcdefz"} == (await _kept(store)).keys()


async def _replay(folding: Folding, one: Parked) -> None:
    assert await folding.redeliver(one) is None
