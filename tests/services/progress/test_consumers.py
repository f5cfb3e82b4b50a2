"""Subscriptions: any order, any repetition and any cut of batches end in the same state."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.progress.consumers import SUBSCRIPTIONS
from services.progress.domain.passport import Passport
from services.progress.domain.telling import take_in
from services.progress.store import ProgressWork
from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryBus
from shared.bus.subscription import Subscription
from shared.events.fact import Fact
from shared.events.message import Message
from shared.events.progress import PassportTold
from shared.store.kind import Document
from shared.store.memory import MemoryStore
from tests.support.progress import (
    BUDI,
    SITI,
    certified,
    day,
    decided,
    enrolled,
    erased,
    linked,
    phase_completed,
    plan,
    planned,
    programme_completed,
    publish,
    recorded,
    rescheduled,
    revoked,
    signed,
    states,
    superseded,
    transferred,
    withdrawn,
    works_on,
)

_LATER = date(2024, 5, 1)
_TRIVIAL = plan([[{"completed": []}], [{"completed": ["task"]}]])
_STORIES: dict[str, list[Fact]] = {
    "progress.open-records": [
        enrolled(SITI, _TRIVIAL),
        enrolled(BUDI, plan(version=2)),
        rescheduled(2, ends={1: _LATER}, sessions={"virtual-class": ["vc-1"]}),
        rescheduled(3, at=day(9), ends={1: _LATER + timedelta(days=9)}),
        rescheduled(2, BUDI, ends={1: _LATER}),
        rescheduled(4, BUDI, ends={2: _LATER}),
        withdrawn(SITI),
    ],
    "progress.keep-passports": [
        enrolled(),
        phase_completed(1),
        phase_completed(2),
        phase_completed(3),
        programme_completed(1),
        programme_completed(2),
        decided(1, "deferred"),
        decided(2, "graduated"),
        certified(),
        certified(revision=2, jp=62, draft=True),
        signed(2),
        superseded(1),
        revoked(2),
        withdrawn(BUDI),
        certified(BUDI, node="62"),
        linked(SITI, BUDI),
        linked(SITI, "c" * 32),
        transferred(SITI, linked=["c" * 32]),
    ],
    "progress.keep-plans": [planned(), planned(version=3), planned(version=2)],
    "progress.keep-cards": [
        recorded(version=1),
        recorded(version=2, agency="35.72"),
        recorded(version=3, active=False),
        recorded(BUDI, version=1, name="Budi", home="62"),
        recorded(BUDI, version=2, name="Budi", home="35"),
        recorded(BUDI, version=3, name="Budi", home="62"),
        erased(SITI, 2),
        erased(SITI, 1),
        erased(BUDI, 9),
    ],
}


async def _deliver(
    subscription: Subscription[ProgressWork], batches: Sequence[Sequence[Fact]]
) -> tuple[dict[str, dict[str, Document]], list[Message]]:
    store, bus = MemoryStore(), MemoryBus()
    delivery = Delivery(subscription, works_on(store, bus))
    for batch in batches:
        heard = MemoryBus()
        await publish(heard, *batch)
        await delivery.deliver([record for topic in heard.topics.values() for record in topic])
    return states(store), bus.messages("progress")


@pytest.mark.parametrize("subscription", SUBSCRIPTIONS, ids=lambda each: each.name)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_delivery_ends_in_the_same_state(
    subscription: Subscription[ProgressWork], data: st.DataObject
) -> None:
    """The state and the facts stated do not depend on order, repetition or batches."""
    story = _STORIES[subscription.name]
    repeated = data.draw(st.lists(st.sampled_from(story), max_size=6))
    shuffled = data.draw(st.permutations([*story, *repeated]))
    cuts = data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4).map(sorted))
    pairs = zip([0, *cuts], [*cuts, len(shuffled)], strict=True)
    batches = [shuffled[start:end] for start, end in pairs]

    straight, told = asyncio.run(_deliver(subscription, [story]))
    turned, turned_told = asyncio.run(_deliver(subscription, batches))

    assert straight == turned
    assert sorted(_told(told)) == sorted(_told(turned_told))
    assert _taken_along(told) == _taken_along(turned_told)


def _told(messages: Sequence[Message]) -> list[str]:
    return [each.data for each in messages if each.type != PassportTold.type]


def _taken_along(messages: Sequence[Message]) -> dict[str, Passport]:
    """Tell what passports come to at the new home, in however many pieces they were told."""
    taken: dict[str, Passport] = {}
    for fact in (each.fact() for each in messages):
        if isinstance(fact, PassportTold):
            before = taken.get(fact.learner_id, Passport(fact.learner_id))
            taken[fact.learner_id] = take_in(before, fact, "62")
    return taken


def test_every_subscription_has_a_story_with_every_fact_that_it_hears() -> None:
    """A fact that a subscription hears and no story tells would go untested."""
    for subscription in SUBSCRIPTIONS:
        assert set(subscription.hears) == {type(fact) for fact in _STORIES[subscription.name]}
