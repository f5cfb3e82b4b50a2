"""A unit of work loads together, changes in memory, and keeps state and facts in one write."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.events.message import Message
from shared.kernel.errors import Forbidden, NotFound
from shared.kernel.ids import fact_id
from shared.kernel.trace import traceparent
from shared.store.kind import Document
from shared.store.memory import MemoryStore
from shared.store.port import Change, Store, Written
from shared.store.relay import Relay
from shared.store.scope import Scope
from shared.store.work import Frame, Kept
from shared.store.works import Works
from tests.shared.store.conftest import Outgoing
from tests.support.boxes import AT, BOXES, SHELVES, SOURCE, Box, BoxWork, Line, freed, messages

FULL = Box(
    id="a", label="L", count=3, weight=1.5, sealed=True, agency="35.73", learner_id="l", mentor_id="m",
    tags=("x", "y"), lines=(Line("k", 2),), notes={"a.b": [1, None]}, code="K", packed_at=AT,
)  # fmt: skip


class WatchedStore(MemoryStore):
    """Notes the changes that were written."""

    def __init__(self) -> None:
        """Start with none."""
        super().__init__()
        self.written: list[Change] = []

    async def write(self, changes: Sequence[Change]) -> Written:
        """Note and write."""
        self.written += changes
        return await super().write(changes)


async def _keep(works: Works[BoxWork], *boxes: Box) -> Kept:
    work = works.open()
    for box in boxes:
        await work.boxes.of(box.id)
        work.boxes.keep(box)
    return await work.commit()


async def test_an_aggregate_comes_back_as_it_was_kept(works: Works[BoxWork]) -> None:
    """Every sort of field survives the way into the store and back."""
    await _keep(works, FULL)

    assert FULL == await works.open().boxes.get("a")


async def test_an_unknown_aggregate_is_blank_or_not_found(works: Works[BoxWork]) -> None:
    """`of` gives what is blank, `get` refuses, and looking keeps nothing."""
    work = works.open()

    assert Box(id="a") == await work.boxes.of("a")
    with pytest.raises(NotFound, match="unknown-boxes"):
        await work.boxes.get("a")
    await work.commit()
    assert {} == await works.frame.store.load(BOXES, ["a"])


async def test_a_work_reads_what_it_has_kept(works: Works[BoxWork], store: Store) -> None:
    """What is kept is seen by the same work at once, by others after the commit."""
    await _keep(works, FULL)
    work = works.open()
    box = await work.boxes.get("a")

    work.boxes.keep(box.with_count(9))

    assert 9 == (await work.boxes.get("a")).count
    assert [9] == [each.count for each in await work.boxes.find({"agency": "35.73"})]
    assert 3 == (await store.load(BOXES, ["a"]))["a"]["count"]


async def test_writes_only_the_fields_that_changed() -> None:
    """A change names what differs; keeping the same value again writes nothing."""
    store = WatchedStore()
    works = Works(BoxWork, Frame(store, SOURCE), Relay(store, (), Outgoing().publish))
    await _keep(works, FULL)
    await _keep(works, FULL.with_count(4))
    await _keep(works, replace(FULL, count=4))

    assert [{"count": 4}] == [each.fields for each in store.written[1:]]


async def test_facts_count_on_without_a_gap(works: Works[BoxWork]) -> None:
    """Each fact knows its place in its aggregate's story, across works, and its id follows from it."""
    token = traceparent.set("00-" + "a" * 32 + "-" + "b" * 16 + "-00")
    stated: list[Message] = []
    for number in range(3):
        work = works.open()
        box = await work.boxes.of("a")
        work.boxes.keep(box.with_count(number), [freed(number), freed(10 + number)])
        kept = await work.commit()
        stated += kept.messages
        await works.relay.send(kept)
    traceparent.reset(token)

    assert [1, 2, 3, 4, 5, 6] == [each.seq for each in stated]
    assert [fact_id(SOURCE, "boxes/a", 1, seq) for seq in range(1, 7)] == [
        each.id for each in stated
    ]
    assert {"00-" + "a" * 32 + "-" + "b" * 16 + "-00"} == {each.traceparent for each in stated}


async def test_a_fact_can_be_stated_without_a_change(works: Works[BoxWork], store: Store) -> None:
    """Stating alone is a change of its aggregate."""
    work = works.open()
    work.boxes.keep(await work.boxes.of("a"), [freed(1)])

    kept = await work.commit()

    assert [1] == [each.seq for each in kept.messages]
    assert list(kept.messages) == await store.pending(BOXES, ["a"])


async def test_a_conflict_names_the_marks_that_must_be_done_again(works: Works[BoxWork]) -> None:
    """Only the messages of the aggregate that somebody else changed are named."""
    work = works.open()
    await work.boxes.preload(["a", "b"])
    for mark, key in enumerate("abab"):
        work.begin(mark)
        box = await work.boxes.of(key)
        work.boxes.keep(box.with_count(mark + 1), [freed(mark)])
    await _keep(works, Box(id="a", count=100))

    kept = await work.commit()

    assert frozenset({0, 2}) == kept.conflicts
    assert ["boxes/b", "boxes/b"] == [each.aggregate for each in kept.messages]
    assert 100 == (await works.open().boxes.get("a")).count


async def test_undo_puts_back_what_one_message_kept(works: Works[BoxWork]) -> None:
    """State and facts are as before `begin`; what earlier messages kept stays."""
    work = works.open()
    box = await work.boxes.of("a")
    work.begin(0)
    work.boxes.keep(box.with_count(1), [freed(1)])
    work.begin(1)
    work.boxes.keep(box.with_count(2), [freed(2)])
    work.boxes.keep(box.with_count(3), [freed(3)])
    work.boxes.keep(replace(await work.boxes.of("b"), count=7), [freed(4)])
    work.undo()
    work.begin(2)
    work.boxes.keep((await work.boxes.of("a")).with_count(11), [freed(5)])

    kept = await work.commit()

    assert [("boxes/a", 1, "e1"), ("boxes/a", 2, "e5")] == [
        (each.aggregate, each.seq, each.fact().model_dump()["enrolment_id"])
        for each in kept.messages
    ]
    assert 11 == (await works.open().boxes.get("a")).count
    assert Box(id="b") == await works.open().boxes.of("b")


async def test_earlier_stages_are_written_first(works: Works[BoxWork], store: Store) -> None:
    """A conflict in an earlier stage keeps every later one from being written."""
    work = works.open()
    work.begin(0)
    work.shelves.keep(replace(await work.shelves.of("s"), count=1))
    work.begin(1)
    work.boxes.keep(replace(await work.boxes.of("a"), count=1), [freed(1)])
    await store.write([Change(SHELVES, "s", 0, {"count": 5})])

    kept = await work.commit()

    assert frozenset({0, 1}) == kept.conflicts
    assert () == tuple(kept.messages)
    assert {} == await store.load(BOXES, ["a"])


async def test_a_taken_unique_key_is_found_before_later_stages(works: Works[BoxWork]) -> None:
    """A number that another page holds already leaves the later stage unwritten."""
    first = works.open()
    first.shelves.keep(replace(await first.shelves.of("p1"), lines=(Line("x"),)))
    await first.commit()
    work = works.open()
    work.shelves.keep(replace(await work.shelves.of("p2"), lines=(Line("x"),)))
    work.boxes.keep(replace(await work.boxes.of("a"), count=1))

    kept = await work.commit()

    assert frozenset({0}) == kept.conflicts
    assert Box(id="a") == await works.open().boxes.of("a")


async def test_what_the_store_refuses_is_told_by_mark(works: Works[BoxWork], store: Store) -> None:
    """A message whose state does not fit into a document is named, and the others are kept."""
    work = works.open()
    for mark, (key, label) in enumerate([("a", "fits"), ("b", "x" * 17_000_000)]):
        work.begin(mark)
        work.boxes.keep(replace(await work.boxes.of(key), label=label), [freed(mark)])

    kept = await work.commit()

    assert {1} == kept.refused.keys()
    assert frozenset() == kept.conflicts
    assert ["boxes/a"] == [each.aggregate for each in kept.messages]
    assert ["a"] == [each["_id"] for each in await store.find(BOXES, {})]


async def test_a_fact_left_behind_leaves_before_a_later_one(
    works: Works[BoxWork], store: Store, outgoing: Outgoing
) -> None:
    """Whoever states the third fact publishes the first two that a crash left, and clears all three."""
    await store.write([Change(BOXES, "a", 0, {"count": 1}, messages("a", 1, 2))])
    await store.write([Change(BOXES, "b", 0, {"count": 1}, messages("b", 1))])
    work = works.open()
    work.boxes.keep((await work.boxes.of("a")).with_count(2), [freed(3)])

    await works.relay.send(await work.commit())

    assert [1, 2, 3] == [each.seq for each in outgoing.published]
    assert {"b": [messages("b", 1)[0].id]} == await store.unpublished(BOXES, 10)


async def test_twenty_workers_count_to_twenty(works: Works[BoxWork], store: Store) -> None:
    """Nobody's change is lost when all change one aggregate at once, nor is any fact."""

    async def count(work: BoxWork) -> None:
        box = await work.boxes.of("a")
        work.boxes.keep(box.with_count(box.count + 1), [freed(box.count)])

    await asyncio.gather(*(works.run(count) for _ in range(20)))

    document: Document = (await store.load(BOXES, ["a"]))["a"]
    assert (20, 20) == (document["count"], document["seq"])
    assert list(range(1, 21)) == [each.seq for each in (await store.stated(BOXES, "", 1))["a"]]


async def test_what_is_out_of_scope_does_not_exist(works: Works[BoxWork]) -> None:
    """Loading, finding and keeping reach only what the person may see."""
    await _keep(
        works, FULL, replace(FULL, id="b", agency="35.78", learner_id="o", mentor_id="", code="B")
    )
    agency, learner, companion, nobody = (
        works.open(scope)
        for scope in (Scope(agency="35.78"), Scope(learner="l"), Scope(companion="m"), Scope())
    )

    assert [["b"], ["a"], ["a"], []] == [
        [each.id for each in await work.boxes.find({})]
        for work in (agency, learner, companion, nobody)
    ]
    assert "b" == (await agency.boxes.get("b")).id
    for work in (agency, nobody):
        with pytest.raises(NotFound):
            await work.boxes.of("a")
        with pytest.raises(NotFound):
            await work.boxes.get("a")


async def test_nobody_keeps_what_is_not_theirs(works: Works[BoxWork]) -> None:
    """A new aggregate of another agency, or one's own moved to it, is Forbidden."""
    await _keep(works, FULL)
    work = works.open(Scope(agency="35.73"))
    mine = await work.boxes.get("a")
    work.boxes.keep(mine.with_count(1))
    await work.boxes.of("new")

    with pytest.raises(Forbidden):
        work.boxes.keep(replace(mine, agency="35.78"))
    with pytest.raises(Forbidden):
        work.boxes.keep(Box(id="new", agency="35.78"))


async def test_a_kind_without_scope_is_seen_by_all(works: Works[BoxWork]) -> None:
    """What everybody admitted may see needs no owner."""
    work = works.open(Scope(agency="35.78"))
    work.shelves.keep(replace(await work.shelves.of("s"), count=1))
    await work.commit()

    assert 1 == (await works.open(Scope()).shelves.get("s")).count


def test_only_what_changed_is_written_and_what_an_older_writer_did_not_know() -> None:
    """A field that its document lacks is written with the next change, whatever that is."""
    before = FULL.with_count(4)
    document = {**BOXES.dump(before), "_id": "a"}
    del document["weight"]

    assert {"count": 5, "weight": 1.5} == BOXES.dump_changes(before, before.with_count(5), document)
