"""Whatever the order, the repeats and the batches, people are told the same."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain.tellings import TELLINGS
from shared.events.fact import Fact
from tests.support import notify as say
from tests.support.notify import AYU, BAGUS
from tests.support.notify_desk import Desk

STORY: Sequence[Fact] = [
    *say.each_once(AYU),
    *say.each_once(BAGUS),
    *say.each_once(AYU, "pkp-i-2024"),
    say.waitlisted(position=2),
    say.nomination_refused(at=say.AT.replace(hour=9)),
    say.nomination_refused(reasons=("no-seat", "not-endorsed")),
    say.rescheduled(calendar_version=3),
    say.phase_completed(phase=2),
    say.programme_completed(revision=2),
    say.phase_at_risk(phase=3),
    say.phase_at_risk(due=say.AT.date()),
    say.graduation_decided(decision=2, outcome="deferred"),
    say.certified(revision=2),
    say.certificate_signed(revision=2),
    say.certificate_superseded(revision=2),
    say.certificate_revoked(revision=2),
]
CARDS: Sequence[Fact] = [
    say.card(AYU, version=1),
    say.card(AYU, version=2, email="ayu.lestari@malangkota.go.id"),
    say.card(AYU, version=3, name="Dr. Ayu Lestari", language="en"),
    say.card(BAGUS, version=1, email=""),
]


async def test_every_fact_that_concerns_a_person_becomes_one_notice() -> None:
    """No two different facts share a notice."""
    desk = Desk()

    await desk.hear(STORY)

    assert len(STORY) == len(desk.kept()["notices"])
    assert set(TELLINGS) == {type(fact) for fact in STORY}


async def test_a_fact_heard_again_changes_nothing() -> None:
    """Delivering a story twice leaves what delivering it once did, to the last write."""
    desk = Desk()
    await desk.hear([*STORY, *CARDS])
    before = desk.memory.snapshot()

    await desk.hear([*STORY, *CARDS])

    assert before == desk.memory.snapshot()


@settings(deadline=None, max_examples=50)
@given(
    order=st.permutations([*STORY, *CARDS]),
    repeats=st.lists(st.sampled_from([*STORY, *CARDS]), max_size=10),
    batch=st.integers(1, 60),
)
async def test_people_are_told_the_same_in_any_order(
    order: Sequence[Fact], repeats: Sequence[Fact], batch: int
) -> None:
    """Any order, with any repeats and batches cut anywhere, ends in the same state."""
    in_order, shuffled = Desk(), Desk()
    await in_order.hear([*STORY, *CARDS])

    await shuffled.hear([*order, *repeats], batch)

    assert in_order.kept() == shuffled.kept()
