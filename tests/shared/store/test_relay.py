"""Facts leave: at once, soon, or in the end; and all of them again when asked."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.events.message import Message
from shared.kernel.errors import Conflict, Invalid, Unavailable
from shared.kernel.tasks import running
from shared.store.kind import Kind
from shared.store.memory import MemoryStore
from shared.store.port import Change, Store
from shared.store.relay import Relay
from shared.store.scope import Scope
from shared.store.work import Kept
from shared.store.works import Works
from tests.shared.store.conftest import Outgoing
from tests.support.boxes import BOXES, SHELVES, Box, BoxWork, freed, messages
from tests.support.waiting import until


async def _leave(store: Store, key: str, *seqs: int) -> None:
    await store.write([Change(BOXES, key, 0, {"count": 1}, messages(key, *seqs))])


async def _state(work: BoxWork) -> str:
    box = await work.boxes.of("a")
    work.boxes.keep(box.with_count(box.count + 1), [freed(box.count)])
    return "stated"


async def test_what_a_use_case_states_leaves_soon(
    works: Works[BoxWork], store: Store, relay: Relay, outgoing: Outgoing
) -> None:
    """The use case answers once the write holds; its facts are published and cleared behind it."""
    async with running(relay.run()):
        answer = await works.run(_state)
        await until(lambda: len(outgoing.published) == 1)
        await until(lambda: store.unpublished(BOXES, 10), equals={})

    assert "stated" == answer


async def test_a_use_case_never_waits_for_the_broker(
    works: Works[BoxWork], store: Store, relay: Relay, outgoing: Outgoing
) -> None:
    """With the broker away it answers all the same, and the sweep sends the facts once it is back."""
    outgoing.away = Unavailable("the broker is away")
    async with running(relay.run()):
        assert "stated" == await works.run(_state)
        assert "stated" == await works.run(_state)
    with pytest.raises(Unavailable):
        await relay.sweep(grace=0)
    outgoing.away = None

    assert 2 == await relay.sweep(grace=0)
    assert [1, 2] == [each.seq for each in outgoing.published]
    assert {} == await store.unpublished(BOXES, 10)


async def test_a_batch_that_fails_does_not_end_the_sending(
    works: Works[BoxWork], relay: Relay, outgoing: Outgoing
) -> None:
    """Whatever one publication meets, the next one is tried."""
    outgoing.away = ValueError("a defect")
    async with running(relay.run()):
        await works.run(_state)
        await until(lambda: relay.idle)
        outgoing.away = None
        await works.run(_state)
        await until(lambda: len(outgoing.published) >= 2)

    assert [1, 2] == [each.seq for each in outgoing.published]


async def test_the_sweep_spares_what_is_fresh(
    store: Store, relay: Relay, outgoing: Outgoing
) -> None:
    """Facts that another task is just sending get their grace; without any, all leave at once."""
    await _leave(store, "a", 1, 2)

    assert 0 == await relay.sweep(grace=60)
    assert 0 == await relay.sweep(grace=60)
    assert 2 == await relay.sweep(grace=0)
    assert 0 == await relay.sweep(grace=0)
    assert [1, 2] == [each.seq for each in outgoing.published]


async def test_facts_that_were_not_acknowledged_stay(
    store: Store, relay: Relay, outgoing: Outgoing
) -> None:
    """A publication that fails clears nothing."""
    await _leave(store, "a", 1)
    outgoing.away = Unavailable("the broker is away")
    kept = Kept(messages("a", 1), [(("boxes", "a"), [messages("a", 1)[0].id])])

    with pytest.raises(Unavailable):
        await relay.send(kept)

    assert list(messages("a", 1)) == await store.pending(BOXES, ["a"])


async def test_states_every_fact_again(store: Store, relay: Relay, outgoing: Outgoing) -> None:
    """All kinds' facts, cleared or not, with the same ids and in each aggregate's order."""
    for number in range(12):
        await _leave(store, f"k{number:02}", 1, 2)
    await store.write([Change(SHELVES, "s", 0, {}, messages("s", 1, kind="shelves"))])
    await relay.sweep(grace=0)
    first = {each.id for each in outgoing.published}
    outgoing.published.clear()

    told = await relay.restate()

    assert 25 == told == len(outgoing.published)
    assert first == {each.id for each in outgoing.published}
    assert all(
        [1, 2]
        == [each.seq for each in outgoing.published if each.aggregate == f"boxes/k{number:02}"]
        for number in range(12)
    )


async def test_a_use_case_that_meets_another_change_is_done_again(
    works: Works[BoxWork], store: Store
) -> None:
    """It decides again on the new state, and answers what it decided last."""
    seen: list[int] = []

    async def count(work: BoxWork) -> int:
        box = await work.boxes.of("a")
        seen.append(box.count)
        if len(seen) == 1:
            await store.write([Change(BOXES, "a", 0, {"count": 10})])
        work.boxes.keep(box.with_count(box.count + 1))
        return box.count + 1

    assert 11 == await works.run(count)
    assert [0, 10] == seen


async def test_a_use_case_that_never_wins_is_refused(works: Works[BoxWork], store: Store) -> None:
    """After many attempts it answers `busy`, which a client may try again."""
    version = 0

    async def lose(work: BoxWork) -> None:
        nonlocal version
        box = await work.boxes.of("a")
        await store.write([Change(BOXES, "a", version, {"count": version})])
        version += 1
        work.boxes.keep(box.with_count(-1))

    with pytest.raises(Conflict, match="busy"):
        await works.run(lose)


async def test_a_use_case_whose_state_does_not_fit_is_refused(works: Works[BoxWork]) -> None:
    """Nothing is kept, and the person is told."""

    async def grow(work: BoxWork) -> None:
        await work.boxes.of("a")
        work.boxes.keep(Box(id="a", label="x" * 17_000_000))

    with pytest.raises(Invalid, match="not-storable"):
        await works.run(grow)


async def test_a_use_case_has_the_eyes_of_its_person(works: Works[BoxWork]) -> None:
    """The scope given to a run is the scope of its work."""

    async def look(work: BoxWork) -> list[Box]:
        return await work.boxes.find({})

    await works.run(_state)

    assert [] == await works.run(look, Scope(agency="35.78"))
    assert 1 == len(await works.run(look))


class _Asked(MemoryStore):
    """A store that counts how often it is asked for what is left in outboxes."""

    def __init__(self) -> None:
        """Begin with nobody having asked."""
        super().__init__()
        self.looks = 0

    async def unpublished(self, kind: Kind[Any], limit: int) -> dict[str, list[str]]:
        """Count a look."""
        self.looks += 1
        return await super().unpublished(kind, limit)


async def test_nobody_looks_where_nothing_can_have_been_left() -> None:
    """One look at the start, and the next when a send has failed, until all that is left has gone."""
    store, outgoing = _Asked(), Outgoing()
    relay = Relay(store, [BOXES], outgoing.publish)
    for _ in range(3):
        await relay.tend()
    quiet = store.looks
    await _leave(store, "a", 1)
    outgoing.away = Unavailable("the broker is away")
    with pytest.raises(Unavailable):
        await relay.send(Kept(messages("a", 1), [(("boxes", "a"), [messages("a", 1)[0].id])]))
    outgoing.away = None
    await relay.tend()

    assert 1 == quiet
    assert quiet + 1 == store.looks
    assert 1 == await relay.sweep(grace=0)


async def test_what_another_process_left_is_found_in_time() -> None:
    """Though nothing of its own was left, a relay looks now and then; what it then finds, it sends."""
    store, outgoing = _Asked(), Outgoing()
    relay = Relay(store, [BOXES], outgoing.publish, look_every=0)
    await relay.tend()
    await _leave(store, "a", 1)
    await relay.tend()

    assert 2 == store.looks
    assert 1 == await relay.sweep(grace=0)


async def test_what_is_on_its_way_is_not_sent_twice() -> None:
    """However long the broker takes over a batch, no sweep sends it beside."""
    store, gate = MemoryStore(), asyncio.Event()
    published: list[Message] = []

    async def publish(batch: Sequence[Message]) -> None:
        published.extend(batch)
        await gate.wait()

    relay = Relay(store, [BOXES], publish)
    await _leave(store, "a", 1)
    kept = Kept(messages("a", 1), [(("boxes", "a"), [messages("a", 1)[0].id])])
    async with running(relay.send(kept)):
        await until(lambda: len(published) == 1)
        swept = await relay.sweep(grace=0)
        gate.set()
        await until(lambda: store.unpublished(BOXES, 10), equals={})

    assert 0 == swept
    assert 1 == len(published)
