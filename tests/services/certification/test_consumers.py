"""Whatever the order, the repeats and the batches, certification comes to the same state."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.certification.consumers import SUBSCRIPTIONS
from shared.bus.memory import MemoryRecord
from shared.events.fact import Fact
from tests.support.certification import (
    AUTOMATIC,
    CertificationNode,
    completed,
    decided,
    enrolled,
    plan,
    recorded,
    rescheduled,
    told,
    what_stands,
    withdrawn,
)

FAILING = {"seminar": 10.0, "attitude": 10.0}
BETTER = {"seminar": 99.0, "attitude": 99.0}
STRICT = {**AUTOMATIC, "weights": {"seminar": 100}, "pass_mark": 70}
STORIES: Sequence[Sequence[Fact]] = [
    [enrolled(), completed(), decided(), recorded()],
    [enrolled(), rescheduled(), completed(), decided(), completed(revision=2, scores=BETTER)],
    [enrolled(), completed(), decided(), completed(revision=4, scores=FAILING), recorded(), recorded(version=2)],
    [enrolled(), completed(), completed(revision=2, scores=FAILING), decided(), decided(decision=2)],
    [enrolled(), completed(), decided(outcome="deferred"), decided(decision=2), rescheduled(version=3)],
    [enrolled(), completed(), decided(), decided(decision=2, outcome="left"), decided(decision=3)],
    [enrolled(), completed(), decided(), withdrawn()],
    [enrolled(), withdrawn(), rescheduled()],
    [enrolled(plan=plan(AUTOMATIC)), completed(), completed(revision=2, jp=70), rescheduled()],
    [enrolled(plan=plan(STRICT)), completed(), completed(revision=2, scores=FAILING), completed(revision=3)],
]  # fmt: skip


async def state_after(facts: Sequence[Fact], cuts: Sequence[int]) -> dict[str, Any]:
    """Deliver facts in batches of these sizes, and tell what stands."""
    node = CertificationNode()
    messages = {id(fact): message for fact, message in zip(facts, told(facts), strict=True)}
    records = [
        MemoryRecord(m.topic, 0, place, tuple(m.to_headers()), m.data.encode())
        for place, m in enumerate(messages.values())
    ]
    start = 0
    for size in (*cuts, len(records)):
        for delivery in node.deliveries:
            await delivery.deliver(records[start : start + size])
        start += size
    card = await node.works.open().cards.of("l1")

    assert await node.parked() == 0
    return {**what_stands(await node.dossier()), "card": card}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
async def test_any_order_with_any_repeats_comes_to_the_same(data: st.DataObject) -> None:
    """What stands is a function of what was heard, not of when."""
    story = data.draw(st.sampled_from(STORIES))
    repeats = data.draw(st.lists(st.sampled_from(story), max_size=4))
    order = data.draw(st.permutations([*story, *(fact.model_copy() for fact in repeats)]))
    cuts = data.draw(st.lists(st.integers(1, 4), max_size=5))
    in_order = await state_after(story, ())

    assert in_order == await state_after(order, cuts)


async def test_a_repeated_delivery_writes_nothing() -> None:
    """Everything stated again, as on every start of a small node, leaves the store as it was."""
    for story in STORIES:
        node = CertificationNode()
        await node.hear(*story)
        await node.relay.sweep(grace=0)
        before, said = node.snapshot(), node.said()
        await node.hear(*story)

        assert before == node.snapshot()
        assert said == node.said()


def test_subscription_names_are_durable() -> None:
    """They are consumer groups: a new name would hear everything anew."""
    assert [each.name for each in SUBSCRIPTIONS] == [
        "certification.certify-when-complete",
        "certification.keep-cards",
        "certification.follow-who-moves",
    ]
