"""Whatever enrolment hears, in any order and however often, ends in the same state."""

import asyncio
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrolment.consumers import SUBSCRIPTIONS
from services.enrolment.domain.programme import Programme
from services.enrolment.store import KINDS, EnrolmentWork
from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryRecord
from shared.bus.parking import PARKED
from shared.bus.subscription import Subscription
from shared.events.enrolment import (
    GraduationDecided,
    NominationRefused,
    SeatFreed,
    SeatGiven,
    Waitlisted,
    Withdrawn,
)
from shared.events.exchange import LearnerTransferred
from shared.events.fact import Fact
from shared.events.progress import LectureAttended
from shared.kernel.ids import enrolment_id
from shared.store.memory import MemoryStore
from tests.support.deliveries import record
from tests.support.enrolment import (
    LECTURE,
    MALANG,
    NOW,
    Desk,
    certified,
    completed,
    lecture_body,
    listed,
    message_of,
    person,
    revoked,
    seat,
    sitting,
)

Snapshot = dict[str, dict[str, dict[str, Any]]]


def about(serial: int) -> dict[str, Any]:
    """Tell what every fact about somebody's place says."""
    return {
        "learner_id": person(serial), "at": NOW, "enrolment_id": seat(serial),
        "cohort_id": "dua-i", "agency": MALANG,
    }  # fmt: skip


def given_seat(serial: int, *, promoted: bool = False) -> SeatGiven:
    """Tell that somebody holds a seat."""
    return SeatGiven(**about(serial), home_node="35", promoted=promoted)


def waits(serial: int, position: int = 1) -> Waitlisted:
    """Tell that somebody waits."""
    return Waitlisted(**about(serial), cohort_title="t", position=position)


def freed(serial: int) -> SeatFreed:
    """Tell that somebody's place is free."""
    return SeatFreed(**about(serial))


def left(serial: int) -> Withdrawn:
    """Tell that somebody left."""
    return Withdrawn(**about(serial), cohort_title="t", reason="sakit")


def refused(serial: int, roster: str) -> NominationRefused:
    """Tell that somebody's nomination by a list was refused."""
    return NominationRefused(
        **about(serial), cohort_title="t", reasons=("no-seat",), roster_id=roster
    )


def decided(serial: int, decision: int, outcome: str) -> GraduationDecided:
    """Tell a graduation decision."""
    held = sitting((serial, outcome))
    return GraduationDecided.model_validate(
        about(serial) | {
            "cohort_title": "t", "outcome": outcome, "decision": decision, "minutes": "BA",
            "decided_on": held.decided_on, "signatory": held.signatory,
            "until": held.decisions[0].until,
        }
    )  # fmt: skip


def attended(serial: int, cohort: str = "kuliah-mei") -> LectureAttended:
    """Tell that somebody has attended a lecture."""
    told = about(serial) | {"cohort_id": cohort, "enrolment_id": seat(serial, cohort)}
    del told["agency"]
    return LectureAttended(**told, session_id="session", title="Kuliah Umum")


def moved(serial: int, to: str, day: int) -> LearnerTransferred:
    """Tell that somebody has moved."""
    return LearnerTransferred(
        learner_id=person(serial), at=NOW + timedelta(days=day), home_node="35", to_node=to,
        moved_on=NOW.date(),
    )  # fmt: skip


def stranger(fact: Fact) -> Fact:
    """Make the same fact of somebody whom nobody has heard of, in a cohort that is known."""
    other = {"learner_id": "nobody", "enrolment_id": enrolment_id("nobody", "dua-i", "35")}
    return fact.model_copy(update=other)


@cache
def beginning() -> tuple[Snapshot, Programme]:
    """Tell what the store holds once a list of four was judged for two seats, and nothing was heard."""

    async def begin() -> tuple[Snapshot, Programme]:
        desk = Desk()
        await desk.begin()
        await desk.programme("KULIAH.1", LECTURE)
        await desk.cohort("kuliah-mei", lecture_body())
        await desk.nominate([listed(1), listed(2), listed(3), listed(4)], key="list-1")
        assert isinstance(desk.store, MemoryStore)
        return desk.store.snapshot(), await desk.programme_now()

    with asyncio.Runner() as runner:
        return runner.run(begin())


def stories() -> dict[str, list[Fact]]:
    """Tell what each subscription may have to hear."""
    programme = beginning()[1]
    return {
        "enrolment.enrol-seat-holders": [
            given_seat(1), given_seat(2), waits(3), waits(4, 2), freed(1),
            given_seat(3, promoted=True), freed(4), stranger(freed(1)),
        ],
        "enrolment.free-seats": [left(1), left(3), left(2), stranger(left(1))],
        "enrolment.release-dates": [
            refused(1, "list-1"), refused(1, "list-2"), refused(1, "list-3"), refused(2, "list-9"),
            left(3), freed(3), refused(3, "list-1"), stranger(left(1)), stranger(refused(1, "a")),
            refused(4, "list-1").model_copy(update={"reasons": ("already-enrolled",)}),
        ],
        "enrolment.note-completion": [
            completed(programme, 1), completed(programme, 1, 2), completed(programme, 1, 3),
            completed(programme, 2), stranger(completed(programme)),
        ],
        "enrolment.note-graduation": [
            decided(1, 1, "deferred"), decided(1, 2, "graduated"), decided(2, 1, "left"),
        ],
        "enrolment.note-certificates": [
            certified("PKA"), revoked("PKA"), certified("PKA", revision=2),
            revoked("PKA", revision=3), certified("PKP"), certified("PKA", 2),
            certified("PKA", revision=3), stranger(certified("PKA")),
        ],
        "enrolment.enrol-who-attended": [
            attended(1), attended(2), attended(3, "dua-i"), stranger(attended(1, "dua-i")),
            attended(1).model_copy(update={"learner_id": "nobody", "enrolment_id": "nobody"}),
        ],
        "enrolment.follow-moves": [
            moved(1, "62", 1), moved(1, "33", 2), moved(3, "62", 1), stranger(moved(1, "62", 1)),
        ],
    }  # fmt: skip


BOOKKEEPING = {"version", "seq", "outbox", "stated"}


def state(store: MemoryStore) -> Snapshot:
    """Tell what is kept, without how often it was written."""
    return {
        kind.name: {
            key: {name: part for name, part in document.items() if name not in BOOKKEEPING}
            for key, document in store.snapshot().get(kind.name, {}).items()
        }
        for kind in KINDS
    }


def stated(store: MemoryStore) -> list[tuple[str, str]]:
    """Tell every fact that was ever stated, in no order."""
    return sorted(
        (message.type, message.data)
        for kind in KINDS
        for document in store.snapshot().get(kind.name, {}).values()
        for message in document.get("stated", [])
    )


async def hear(
    subscription: Subscription[EnrolmentWork], batches: list[list[Fact]]
) -> tuple[MemoryStore, Desk]:
    """Deliver batches to one subscription that stands at the beginning."""
    store = MemoryStore()
    for name, documents in beginning()[0].items():
        store._rooms[name] = {key: dict(document) for key, document in documents.items()}
    desk = Desk(store)
    delivery = Delivery(subscription, desk.works)
    offset = 0
    for batch in batches:
        records: list[MemoryRecord] = []
        for fact in batch:
            offset += 1
            records.append(record(message_of(fact), offset))
        await delivery.deliver(records)
    return store, desk


@st.composite
def deliveries(draw: st.DrawFn, story: list[Fact]) -> list[list[Fact]]:
    """Draw an order with every fact in it at least once, some more often, cut into batches."""
    repeated = story + draw(st.lists(st.sampled_from(story), max_size=6))
    order = draw(st.permutations(repeated))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=len(order) - 1)))
    return [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def test_every_subscription_has_a_story() -> None:
    """A new subscription is not forgotten here, and each fact that it hears is told."""
    told = {name: {type(fact) for fact in story} for name, story in stories().items()}

    assert {each.name: set(each.hears) for each in SUBSCRIPTIONS} == told


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS, ids=attrgetter("name"))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_order_ends_in_the_same_state(
    subscription: Subscription[EnrolmentWork], data: st.DataObject
) -> None:
    """Order, repetition and batches make no difference to what is kept."""
    story = stories()[subscription.name]
    batches = data.draw(deliveries(story))

    async def both() -> tuple[MemoryStore, MemoryStore]:
        return (await hear(subscription, [story]))[0], (await hear(subscription, batches))[0]

    with asyncio.Runner() as runner:
        in_order, shuffled = runner.run(both())

    assert state(in_order) == state(shuffled)
    assert {} == in_order.snapshot().get(PARKED.name, {})
    # Who is promoted on the way, only to leave, depends on who leaves first: no order is wrong.
    if subscription.name != "enrolment.free-seats":
        assert stated(in_order) == stated(shuffled)


async def test_a_withdrawal_told_twice_promotes_one() -> None:
    """Seats are freed once, and never oversold."""
    (subscription,) = (each for each in SUBSCRIPTIONS if each.name == "enrolment.free-seats")

    _, desk = await hear(subscription, [[left(1), left(1)], [left(1)]])
    await desk.settle()

    cohort = await desk.cohort_now()
    assert 2 == cohort.seated
    assert ["left", "seated", "seated", "waiting"] == [
        cohort.places[seat(serial)].status for serial in (1, 2, 3, 4)
    ]
    assert asdict(cohort.places[seat(3)])["reasons"] == ()
