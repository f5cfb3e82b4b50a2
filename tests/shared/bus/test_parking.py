"""A message that can never be handled is parked with its reason, and the line goes on."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryRecord
from shared.bus.parking import PARKED, Parked
from shared.events.enrolment import SeatFreed
from shared.events.message import Message
from shared.kernel.errors import Unavailable, Unprocessable
from shared.store.memory import MemoryStore
from shared.store.port import Change
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.shared.store.conftest import Outgoing
from tests.support.boxes import BOXES, KINDS, SOURCE, BoxWork
from tests.support.deliveries import (
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

NAME = "boxes.note-who-left"
MESSAGE = told(left("e0"))
UNFIT: dict[str, tuple[MemoryRecord, str]] = {
    "unknown type": (record(MESSAGE, ce_type=b"id.corpu.seat_sold.v1"), "unknown-type"),
    "foreign type": (record(MESSAGE, ce_type=b"com.example.hello"), "unknown-type"),
    "newer version": (record(MESSAGE, ce_type=b"id.corpu.seat_freed.v2"), "newer-version"),
    "no type": (record(MESSAGE, ce_type=None), "broken-header"),
    "no id": (record(MESSAGE, ce_id=None), "broken-header"),
    "a sequence that is no number": (record(MESSAGE, ce_seq=b"many"), "broken-header"),
    "a time that is none": (record(MESSAGE, ce_time=b"yesterday"), "broken-header"),
    "a time without its zone": (record(MESSAGE, ce_time=b"2024-03-01T10:00:00"), "broken-header"),
    "another specification": (record(MESSAGE, ce_specversion=b"0.3"), "broken-header"),
    "a header that is not text": (record(MESSAGE, ce_source=b"\xff\xfe"), "broken-header"),
    "a type that is not text": (record(MESSAGE, ce_type=b"\xff\xfe"), "broken-header"),
    "no headers": (MemoryRecord("enrolment", 0, 0, (), b"{}"), "broken-header"),
    "no data": (replace(record(MESSAGE), value=None), "broken-data"),
    "data that is no JSON": (replace(record(MESSAGE), value=b"{"), "broken-data"),
    "data that is not text": (replace(record(MESSAGE), value=b"\xff"), "broken-data"),
    "data without a field": (replace(record(MESSAGE), value=b'{"learner_id": "l"}'), "broken-data"),
    "another subject": (record(MESSAGE, ce_subject=b"somebody else"), "broken-data"),
    "a refusal": (record(told(failing("refused"))), "not-here"),
    "what nobody can handle": (record(told(failing("unprocessable"))), "makes-no-sense"),
    "a defect": (record(told(failing("defect"))), "handler-failed"),
    "state that does not fit": (record(told(failing("large"))), "not-storable"),
}


def _without_value(name: str) -> MemoryRecord:
    """Make a record with a header that has no value at all, which Kafka allows."""
    whole = record(MESSAGE)
    nothing: bytes = None  # type: ignore[assignment]  # drivers do give None
    return replace(whole, headers=tuple((n, nothing if n == name else v) for n, v in whole.headers))


@pytest.mark.parametrize("name", UNFIT)
async def test_an_unfit_message_is_parked_and_its_neighbours_are_handled(
    delivery: Delivery[BoxWork], works: Works[BoxWork], name: str
) -> None:
    """Each kind of unfitness has its reason; delivered again, it is parked once."""
    unfit, reason = UNFIT[name]
    batch = [record(told(left("a")), 1), replace(unfit, offset=2), record(told(left("b")), 3)]

    await delivery.deliver(batch)
    await delivery.deliver(batch)

    assert [(2, reason, "parked")] == [
        (each.offset, each.reason, each.status) for each in await parked(works)
    ]
    box = await works.open().boxes.get("c")
    assert (("a", "b"), 2, "") == (box.tags, box.count, box.label)


@pytest.mark.parametrize("header", ["ce_type", "ce_id", "ce_seq", "traceparent"])
async def test_a_header_without_value_parks_its_message(
    delivery: Delivery[BoxWork], works: Works[BoxWork], header: str
) -> None:
    """A stranger's null header does not stop the line."""
    unfit = _without_value(header)
    if header == "traceparent":
        unfit = replace(unfit, headers=(*unfit.headers, ("traceparent", None)))  # type: ignore[arg-type]

    await delivery.deliver([unfit, record(told(left("a")), 1)])

    assert ["broken-header"] == [each.reason for each in await parked(works)]
    assert ("a",) == (await works.open().boxes.get("c")).tags


async def test_one_unreadable_state_parks_only_its_own_messages(
    delivery: Delivery[BoxWork], works: Works[BoxWork], store: FailingStore
) -> None:
    """Among many aggregates the broken one is found, and what was unfit besides is parked as well."""
    await store.write([Change(BOXES, "c3", 0, {"count": "many"})])
    broken = record(told(left("e99")), 99, ce_seq=b"many")
    batch = records(left(f"e{number}", f"c{number % 7}") for number in range(21))

    await delivery.deliver([*batch, broken])

    assert [
        (3, "state-unreadable"), (10, "state-unreadable"), (17, "state-unreadable"), (99, "broken-header"),
    ] == [(each.offset, each.reason) for each in await parked(works)]  # fmt: skip
    counts = {each["_id"]: each["count"] for each in await store.find(BOXES, {})}
    assert {"c0": 3, "c1": 3, "c2": 3, "c3": "many", "c4": 3, "c5": 3, "c6": 3} == counts


async def test_state_that_grows_too_large_parks_only_what_makes_it_so(
    delivery: Delivery[BoxWork], works: Works[BoxWork]
) -> None:
    """Messages of the same aggregate before and after it are handled."""
    facts = [left("a"), failing("large"), left("b"), left("x", "other")]

    await delivery.deliver(records(facts))

    assert [(1, "not-storable")] == [(each.offset, each.reason) for each in await parked(works)]
    assert ("a", "b") == (await works.open().boxes.get("c")).tags
    assert ("x",) == (await works.open().boxes.get("other")).tags


async def test_a_parked_message_is_kept_whole(
    delivery: Delivery[BoxWork], works: Works[BoxWork]
) -> None:
    """Place, headers and value are as they came, so that nothing about it is lost."""
    unfit = replace(record(MESSAGE, ce_type=b"id.corpu.seat_sold.v1"), partition=2, offset=7)

    await delivery.deliver([unfit])

    (kept,) = await parked(works)
    assert ("boxes.note-who-left", "enrolment", 2, 7) == (
        kept.subscription, kept.topic, kept.partition, kept.offset,
    )  # fmt: skip
    assert (tuple(kept.headers), kept.value) == (unfit.headers, unfit.value)


async def test_a_replayed_message_is_handled_once_its_reason_is_gone(
    delivery: Delivery[BoxWork], works: Works[BoxWork], store: FailingStore
) -> None:
    """Until then a replay tells why it is still parked; afterwards a repeat changes nothing."""
    await store.write([Change(BOXES, "c", 0, {"count": "many"})])
    await delivery.deliver(records([left("a")]))
    (kept,) = await parked(works)

    still = await delivery.redeliver(kept)
    await store.write([Change(BOXES, "c", 1, {"count": 5})])
    handled = await delivery.redeliver(kept)
    await delivery.redeliver(kept)

    assert still is not None
    assert "state-unreadable" == still.reason
    assert handled is None
    assert ["replayed"] == [each.status for each in await parked(works)]
    assert 6 == (await works.open().boxes.get("c")).count


async def test_what_was_erased_while_it_was_replayed_stays_empty(
    delivery: Delivery[BoxWork], works: Works[BoxWork], store: FailingStore
) -> None:
    """Whoever replays holds all of the message in hand, and puts none of it back."""
    await store.write([Change(PARKED, "p", 0, _parked_document())])
    held = await works.open().aggregates(PARKED).get("p")

    async def erase(work: BoxWork) -> None:
        parking = work.aggregates(PARKED)
        parking.keep((await parking.get("p")).now("dropped").empty())

    await works.run(erase)
    assert await delivery.redeliver(held) is None

    (kept,) = await parked(works)
    assert ("replayed", True, True) == (kept.status, kept.emptied, kept.holds_nothing)


@pytest.mark.parametrize("name", UNFIT)
async def test_a_replay_in_vain_tells_why(
    delivery: Delivery[BoxWork], works: Works[BoxWork], name: str
) -> None:
    """What is still unfit stays parked, and nothing of it is kept."""
    unfit, reason = UNFIT[name]
    await delivery.deliver([unfit])
    (kept,) = await parked(works)

    why = await delivery.redeliver(kept)

    assert why is not None
    assert reason == why.reason
    assert ["parked"] == [each.status for each in await parked(works)]
    assert [] == await works.open().boxes.find({})


async def test_a_replay_meets_changes_and_absences_as_a_delivery_does(
    delivery: Delivery[BoxWork], works: Works[BoxWork], store: FailingStore
) -> None:
    """A conflict is done again, a store that is away is Unavailable and changes nothing."""
    await delivery.deliver(records([left("a")]))
    message = (await works.open().boxes.get("c")).tags
    await store.write([Change(PARKED, "p", 0, _parked_document())])
    kept = await works.open().aggregates(PARKED).get("p")

    async def interfere(name: str) -> None:
        if name == "write":
            store.before = None
            await store.inner.write([Change(BOXES, "c", 1, {"count": 40})])

    store.fail_at(1)
    with pytest.raises(Unavailable):
        await delivery.redeliver(kept)
    store.before = interfere

    assert await delivery.redeliver(kept) is None
    assert (("a",), ("a", "b"), 41) == (
        message, (await works.open().boxes.get("c")).tags, (await works.open().boxes.get("c")).count,
    )  # fmt: skip


async def test_a_newer_release_takes_up_what_an_older_one_did_not_know(
    delivery: Delivery[BoxWork], works: Works[BoxWork], store: FailingStore
) -> None:
    """By itself, once; what it does not know either stays, and what it cannot handle says why."""
    older = Unprocessable("unknown-type", "an older release knew none such")
    known, refused = record(told(left("a")), 1), record(told(failing("refused")), 2)
    newest = record(MESSAGE, 3, ce_type=b"id.corpu.seat_sold.v1")
    other = record(told(left("b")), 4)
    for place, (each, subscribed) in enumerate(
        ((known, NAME), (refused, NAME), (newest, NAME), (other, "boxes.another"))
    ):
        parked_ = Parked.of(each, subscribed, older)
        await store.write([Change(PARKED, f"p{place}", 0, PARKED.dump(parked_))])

    await delivery.catch_up()
    await delivery.catch_up()

    assert [
        ("replayed", "unknown-type"), ("parked", "not-here"), ("parked", "unknown-type"),
        ("parked", "unknown-type"),
    ] == [(each.status, each.reason) for each in await parked(works)]  # fmt: skip
    box = await works.open().boxes.get("c")
    assert (("a",), 1) == (box.tags, box.count)


async def test_a_dropped_message_stays_dropped(
    delivery: Delivery[BoxWork], works: Works[BoxWork]
) -> None:
    """An operator's decision outlives the message's next delivery."""
    unfit, _ = UNFIT["a refusal"]
    await delivery.deliver([unfit])

    async def drop(work: BoxWork) -> None:
        (kept,) = await parked(works)
        parking = work.aggregates(PARKED)
        await parking.of(kept.id)
        parking.keep(kept.now("dropped"))

    await works.run(drop)
    await delivery.deliver([unfit])

    assert ["dropped"] == [each.status for each in await parked(works)]


NAMES = st.sampled_from([name for name, _ in MESSAGE.to_headers()]) | st.text(max_size=5)
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=20)), max_size=12)
VALUES = st.none() | st.binary(max_size=60) | st.from_regex(rb"\{.*\}", fullmatch=True)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(garbled=HEADERS, keep=st.sets(st.integers(0, 9)), value=VALUES)
async def test_whatever_arrives_is_handled_parked_or_passed_by(
    garbled: list[tuple[str, bytes | None]], keep: set[int], value: bytes | None
) -> None:
    """No record, however garbled, stops the line."""
    store = MemoryStore()
    works = Works(BoxWork, Frame(store, SOURCE), Relay(store, KINDS, Outgoing().publish))
    delivery = Delivery(subscription("boxes.fuzz", {SeatFreed: note_who_left}), works)
    whole = MESSAGE.to_headers()
    headers = (*(whole[place] for place in sorted(keep) if place < len(whole)), *garbled)

    await delivery.deliver(
        [
            MemoryRecord("enrolment", 0, 0, headers, value),  # type: ignore[arg-type]  # drivers do give None
            record(told(left("after")), 1),
        ]
    )

    assert "after" in (await works.open().boxes.get("c")).tags


def _parked_document() -> dict[str, object]:
    waiting = record(told(left("b")), 1)
    return PARKED.dump(Parked.of(waiting, "boxes.note-who-left", Unprocessable("was", "")))


def test_a_fuzzed_message_is_one() -> None:
    """The message that the fuzzing garbles is itself sound."""
    whole = Message.from_record(MESSAGE.to_headers(), MESSAGE.data.encode())

    assert MESSAGE == whole
    assert json.loads(MESSAGE.data)["enrolment_id"] == "e0"
