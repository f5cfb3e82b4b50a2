"""Every subscription there is: repeats, disorder and absences change nothing about the end."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.certification import consumers as certification
from services.certification.consumers import SUBSCRIPTIONS as CERTIFICATION
from services.enrolment import consumers as enrolment
from services.enrolment.consumers import SUBSCRIPTIONS as ENROLMENT
from services.notify import consumers as notify
from services.notify.consumers import SUBSCRIPTIONS as NOTIFY
from services.progress import consumers as progress
from services.progress.consumers import SUBSCRIPTIONS as PROGRESS
from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryRecord
from shared.bus.subscription import Subscription
from shared.events.catalogue import CATALOGUE
from shared.federation.heads import INTAKES
from shared.federation.receiving import ReceivingDelivery
from shared.kernel.errors import Unavailable
from shared.store.kind import Document
from shared.store.memory import MemoryStore
from shared.store.works import Works
from tests.shared.store.conftest import Outgoing
from tests.support import stories_abroad
from tests.support.deliveries import FailingStore
from tests.support.stories import (
    HOUSES,
    STORY,
    SUBSCRIPTIONS,
    House,
    numbers,
    records,
    seed,
    stated,
    what_stands,
)

Kept = dict[str, dict[str, Document]]
_SEEDS: dict[str, Kept] = {}
_IN_PIECES = {
    "certified", "certificate_superseded", "certificate_revoked", "certificates_told", "passport_told",
    "learner_transferred",
}  # fmt: skip
"""Certificates come and go; what a new home is told comes at once, or bit by bit, and converges there."""
DISORDER = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


class Stage:
    """One subscription on a store of its own, seeded with what its service knew before."""

    def __init__(self, name: str, kept: Kept) -> None:
        """Stand ready."""
        house = _house(name)
        self.memory = MemoryStore()
        self.memory.restore(kept)
        self.store = FailingStore(self.memory)
        self.outgoing = Outgoing()
        self.works: Works[Any] = house.works(self.store, self.outgoing)
        self.delivery: Delivery[Any]
        self.records: Sequence[MemoryRecord]
        if name in SUBSCRIPTIONS:
            _, subscription = SUBSCRIPTIONS[name]
            self.delivery = Delivery(subscription, self.works)
            self.records = records(STORY, subscription.topics)
        else:
            incoming = stories_abroad.INCOMING[house.name](stories_abroad.OURS)
            self.delivery = ReceivingDelivery(house.name, incoming, self.works, stories_abroad.OURS)
            self.records = stories_abroad.COPIES

    async def play(self, told: Sequence[MemoryRecord], cuts: Sequence[int] = ()) -> "Stage":
        """Deliver records in batches of these sizes and then all the rest."""
        start = 0
        for size in (*cuts, len(told)):
            if batch := told[start : start + size]:
                await self._patiently(partial(self.delivery.deliver, batch))
            start += size
        if isinstance(self.delivery, ReceivingDelivery):
            # What came before its learner did waits; what waited for that in turn, once more.
            for _ in range(2):
                await self._patiently(self.delivery.readmit)
        return self

    async def _patiently(self, step: Callable[[], Awaitable[object]]) -> None:
        """Do a step, and again should the store be away once."""
        try:
            await step()
        except Unavailable:
            self.store.before = None
            await step()

    def ends(self) -> tuple[dict[str, Any], set[tuple[str, str, str]]]:
        """Tell what stands, and what was stated, apart from what is told whole or in pieces."""
        told = {each for each in stated(self.memory) if each[1].split(".")[2] not in _IN_PIECES}
        return what_stands(self.memory), told


def _house(name: str) -> House:
    """Tell whose a subscription is, or that of copies from other nodes."""
    return next(house for house in HOUSES if name.startswith(f"{house.name}."))


async def _seeded(name: str) -> Kept:
    house = _house(name)
    sowing = seed if name in SUBSCRIPTIONS else stories_abroad.seed
    key = f"{house.name} {sowing.__module__}"
    if key not in _SEEDS:
        store = MemoryStore()
        await sowing(house, store)
        _SEEDS[key] = store.snapshot()
    return _SEEDS[key]


async def _stage(name: str) -> Stage:
    return Stage(name, await _seeded(name))


every_subscription = pytest.mark.parametrize(
    "name", [*SUBSCRIPTIONS, *(f"{service}.from-peers" for service in stories_abroad.INCOMING)]
)


def test_every_service_is_here() -> None:
    """A subscription that no story is told to cannot be added unseen."""
    everything: list[Subscription[Any]] = [*ENROLMENT, *PROGRESS, *CERTIFICATION, *NOTIFY]

    assert {each.name for each in everything} == SUBSCRIPTIONS.keys()
    assert len(everything) == len(SUBSCRIPTIONS)
    assert 4 == len(HOUSES)
    houses = (enrolment, progress, certification, notify)
    hearing = {each.__name__.split(".")[1] for each in houses if hasattr(each, "incoming")}
    assert hearing == stories_abroad.INCOMING.keys()


def test_what_counts_a_copy_is_written_after_all_that_it_led_to() -> None:
    """A write that fails between them repeats the copy; the other way round it would be lost."""
    assert INTAKES.stage > max(kind.stage for house in HOUSES for kind in house.kinds)


def test_the_stories_tell_every_fact_that_is_heard() -> None:
    """A fact that nobody tells would be tested by nobody."""
    here = {fact for _, each in SUBSCRIPTIONS.values() for fact in each.hears}
    hearing = stories_abroad.INCOMING.values()
    abroad = {fact for each in hearing for fact in each(stories_abroad.OURS).hears}

    assert set() == here - {type(fact) for fact in STORY}
    assert set() == abroad - {type(fact) for fact in stories_abroad.ABROAD}
    assert CATALOGUE.keys() >= {fact.type for fact in here | abroad}


@every_subscription
async def test_the_story_has_an_effect_and_parks_nothing(name: str) -> None:
    """In order, everything is handled, and something comes of it."""
    stage = await _stage(name)
    before = what_stands(stage.memory)

    await stage.play(stage.records)

    assert not stage.memory.snapshot().get("parked")
    assert before != what_stands(stage.memory)


@every_subscription
async def test_a_repeated_delivery_changes_nothing(name: str) -> None:
    """Delivering the story again leaves every byte as it was, and publishes nothing."""
    stage = await (await _stage(name)).play((await _stage(name)).records)
    before, published = stage.memory.snapshot(), len(stage.outgoing.published)

    await stage.play(stage.records)

    assert before == stage.memory.snapshot()
    assert published == len(stage.outgoing.published)


@every_subscription
async def test_any_fact_may_be_the_last(name: str) -> None:
    """Whichever single fact comes after all others, the end is the same."""
    expected = (await (await _stage(name)).play((await _stage(name)).records)).ends()

    for place in range(len((await _stage(name)).records)):
        stage = await _stage(name)
        late = stage.records[place]
        await stage.play([*(each for each in stage.records if each is not late), late])
        assert expected == stage.ends(), dict(late.headers)["ce_type"]


@every_subscription
@DISORDER
@given(data=st.data())
async def test_any_order_any_repeats_and_any_batches_end_alike(
    name: str, data: st.DataObject
) -> None:
    """The state equals the in-order one, and so do the facts stated as a consequence."""
    in_order = await _stage(name)
    await in_order.play(in_order.records)
    stage = await _stage(name)
    repeats = data.draw(st.lists(st.sampled_from(stage.records), max_size=8))
    told = data.draw(st.permutations([*stage.records, *repeats]))
    cuts = data.draw(st.lists(st.integers(1, 12), max_size=8))

    await stage.play(told, cuts)

    assert in_order.ends() == stage.ends()
    given_ = numbers(stage.memory)
    assert sorted(set(given_)) == sorted(given_)


@every_subscription
async def test_a_store_that_is_away_once_changes_nothing(name: str) -> None:
    """At whichever call it fails, the batch comes again and the end is the same, with every fact published."""
    in_order = await _stage(name)
    await in_order.play(in_order.records, [7, 7, 7, 7, 7, 7])
    calls = in_order.store.calls
    expected = in_order.ends()

    for call in range(1, calls + 1):
        stage = await _stage(name)
        already = _facts(stage.memory)
        stage.store.fail_at(call)
        await stage.play(stage.records, [7, 7, 7, 7, 7, 7])
        stage.store.before = None
        await stage.works.relay.sweep(grace=0)

        assert expected == stage.ends(), f"away at call {call} of {calls}"
        assert _facts(stage.memory) - already == {each.id for each in stage.outgoing.published}


@every_subscription
async def test_a_broker_that_is_away_loses_no_fact(name: str) -> None:
    """What was stated meanwhile leaves once it is back."""
    stage = await _stage(name)
    already = _facts(stage.memory)
    stage.outgoing.away = Unavailable("the broker is away")
    try:
        await stage.delivery.deliver(stage.records)
    except Unavailable:
        stage.outgoing.away = None
        await stage.delivery.deliver(stage.records)
    await stage.works.relay.sweep(grace=0)

    assert _facts(stage.memory) - already == {each.id for each in stage.outgoing.published}


def _facts(store: MemoryStore) -> set[str]:
    return {
        message.id
        for documents in store.snapshot().values()
        for document in documents.values()
        for message in document.get("stated", ())
    }
