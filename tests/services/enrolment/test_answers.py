"""Whatever nodes tell each other about people, in any order and however often, ends in the same state."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrolment.consumers import INCOMING, incoming
from services.enrolment.domain.learner import Claim
from services.enrolment.domain.placement import Asking, Placement
from services.enrolment.handlers import answers
from services.enrolment.handlers.guests import let_guest_go, link_guest, take_nomination
from services.enrolment.handlers.moving import receive_move
from services.enrolment.store import KINDS
from shared.events.certification import CertificateRevoked
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerLinked,
    NewPeriods,
    NominationRefused,
    Rescheduled,
    SeatFreed,
    SeatGiven,
    Waitlisted,
    Withdrawn,
)
from shared.events.exchange import LearnerTransferred
from shared.events.fact import Fact
from shared.events.plan import Period
from shared.kernel.errors import Conflict
from shared.store.memory import MemoryStore
from tests.services.enrolment.test_guests import RECEPTION, moves, nominated, taken_back
from tests.support.enrolment import (
    NOW,
    Desk,
    certified,
    completed,
    person,
    programme_of,
    seat,
    sitting,
)
from tests.support.federation import provinces
from tests.support.stories import PLAN

Told = tuple[Callable[..., Awaitable[None]], Fact]
ABOUT: dict[str, Any] = {
    "learner_id": person(1), "at": NOW, "enrolment_id": seat(1), "cohort_id": "dua-i",
    "agency": "62.71", "home_node": "62",
}  # fmt: skip


def rescheduled(version: int) -> Rescheduled:
    """Tell new dates of the phase on campus."""
    day = date(2024, 5, version)
    periods = (Period(starts=day, ends=day),)
    return Rescheduled(
        **ABOUT, cohort_title="t", calendar_version=version,
        calendar=(NewPeriods(phase=1, periods=periods), NewPeriods(phase=2, periods=periods)),
    )  # fmt: skip


def decided(number: int, outcome: str) -> GraduationDecided:
    """Tell a graduation decision."""
    held = sitting((1, outcome))
    return GraduationDecided.model_validate(
        ABOUT | {
            "cohort_title": "t", "outcome": outcome, "decision": number, "minutes": "BA",
            "decided_on": held.decided_on, "signatory": held.signatory,
            "until": held.decisions[0].until,
        }
    )  # fmt: skip


def certificate(revision: int) -> Fact:
    """Tell a certificate."""
    return certified("DUA", 1, revision, enrolment_id=seat(1), cohort_id="dua-i", home_node="62")


def refusal(list_id: str, *reasons: str) -> NominationRefused:
    """Tell a refusal."""
    return NominationRefused(**ABOUT, cohort_title="t", reasons=reasons, roster_id=list_id)


REVOKED = CertificateRevoked(
    learner_id=person(1), at=NOW, home_node="62", enrolment_id=seat(1), cohort_id="dua-i",
    programme=PLAN.programme, agency="62.71", number="x", revision=1, reason="keliru",
)  # fmt: skip
FROM_THE_HOST: list[Told] = [
    (answers.note_waiting_abroad, Waitlisted(**ABOUT, cohort_title="t", position=1)),
    (answers.note_seat_abroad, SeatGiven(**ABOUT, promoted=True)),
    (answers.note_enrolment_abroad, Enrolled(
        learner_id=person(1), at=NOW, enrolment_id=seat(1), agency="62.71", home_node="62", plan=PLAN
    )),
    (answers.note_new_dates_abroad, rescheduled(2)),
    (answers.note_new_dates_abroad, rescheduled(3)),
    (answers.note_completion_abroad, completed(programme_of(), 1, home_node="62", agency="62.71")),
    (answers.note_graduation_abroad, decided(1, "deferred")),
    (answers.note_graduation_abroad, decided(2, "graduated")),
    (answers.note_certificate_from_abroad, certificate(1)),
    (answers.note_certificate_from_abroad, certificate(2)),
    (answers.note_revocation_from_abroad, REVOKED),
    (answers.note_refusal_abroad, refusal("list-1", "already-enrolled")),
    (answers.note_refusal_abroad, refusal("list-2", "no-seat")),
    (answers.note_withdrawal_abroad, Withdrawn(**ABOUT, cohort_title="t", reason="sakit")),
    (answers.note_freed_abroad, SeatFreed(**ABOUT)),
]  # fmt: skip
FROM_THE_HOME: list[Told] = [
    (partial(take_nomination, RECEPTION), nominated(1, of=3)),
    (partial(take_nomination, RECEPTION), nominated(2, of=3)),
    (partial(take_nomination, RECEPTION), nominated(3, of=3)),
    (partial(let_guest_go, RECEPTION), taken_back(2)),
    (link_guest, LearnerLinked(learner_id=person(1), at=NOW, home_node="62", other_id=person(4))),
    (link_guest, LearnerLinked(learner_id=person(4), at=NOW, home_node="62", other_id=person(1))),
    (partial(receive_move, RECEPTION), moves(5)),
]
BOOKKEEPING = {"version", "seq", "outbox", "stated"}


async def claim_days(work: Any) -> None:  # noqa: ANN401 - any work
    """Claim somebody's days, as their home does before it nominates."""
    learner = await work.learners.of(person(1))
    period = Period(starts=date(2024, 3, 11), ends=date(2024, 3, 15))
    claim = Claim("35/dua-i", "list-2", (period,), 1)
    work.learners.keep(replace(learner.claim(seat(1), claim), nip="1"))


async def hear(told: Sequence[Told], sender: str) -> dict[str, Any]:
    """Hear everything in this order, and tell what is kept and what was stated."""
    desk = Desk()
    await desk.begin()
    if sender == "35":
        await desk.works.run(claim_days)
    for handler, fact in told:
        await desk.works.run(partial(_hear_one, handler, fact, sender))
    assert isinstance(desk.store, MemoryStore)
    kept = desk.store.snapshot()
    stated = sorted(
        message.data
        for kind in KINDS
        for document in kept.get(kind.name, {}).values()
        for message in document.get("stated", [])
    )
    state = {
        (kind.name, key): {name: p for name, p in document.items() if name not in BOOKKEEPING}
        for kind in KINDS
        for key, document in kept.get(kind.name, {}).items()
    }
    return {"state": state, "stated": stated}


async def _hear_one(
    handler: Callable[..., Awaitable[None]],
    fact: Fact,
    sender: str,
    work: Any,  # noqa: ANN401
) -> None:
    await handler(fact, sender, work)


@pytest.mark.parametrize(
    ("story", "sender"), [(FROM_THE_HOST, "35"), (FROM_THE_HOME, "62")], ids=["answers", "guests"]
)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_order_of_copies_ends_in_the_same_state(
    story: list[Told], sender: str, data: st.DataObject
) -> None:
    """Order and repetition make no difference to what is kept, nor to what is stated."""
    repeated = story + data.draw(st.lists(st.sampled_from(story), max_size=4))
    order = data.draw(st.permutations(repeated))

    with asyncio.Runner() as runner:
        in_order = runner.run(hear(story, sender))
        shuffled = runner.run(hear(order, sender))

    assert in_order == shuffled


def test_every_fact_of_another_node_has_a_story(tmp_path: Any) -> None:  # noqa: ANN401 - a path
    """A new one is not forgotten here."""
    (node,) = provinces(tmp_path, "35")
    told = {type(fact) for _, fact in (*FROM_THE_HOST, *FROM_THE_HOME)}
    elsewhere = {each for each in INCOMING if each.type.endswith(("_offered.v1", "_ordered.v1"))}

    assert set(incoming(str, node.federation).hears) == told | elsewhere
    assert LearnerTransferred in told


async def test_what_the_home_claimed_follows_the_host() -> None:
    """The newest dates hold, and the days are free once the learner has left."""
    kept = (await hear(FROM_THE_HOST, "35"))["state"]

    claim = kept["learners", person(1)]["claims"][seat(1)]
    placement = kept["placements", seat(1)]
    assert ("2024-05-03", True, 3) == (
        claim["periods"][0]["starts"],
        claim["final"],
        claim["calendar_version"],
    )
    assert ("graduated", True, 3) == (
        placement["outcome"],
        placement["completed"],
        placement["calendar_version"],
    )


@pytest.mark.parametrize(
    ("placement", "stand", "is_open"),
    [
        (Placement("e"), "nominated", False),
        (Placement("e", host_node="35"), "nominated", True),
        (Placement("e", host_node="35", asked={"a": Asking(refused=True)}), "refused", False),
        (Placement("e", host_node="35", waited=True), "waitlisted", True),
        (Placement("e", host_node="35", seated=True), "accepted", True),
        (Placement("e", host_node="35", seated=True, enrolled=True), "enrolled", True),
        (Placement("e", host_node="35", waited=True, freed=True), "released", False),
        (Placement("e", host_node="35", freed=True, withdrawn=True), "withdrawn", False),
    ],
)
def test_how_a_learner_stands(placement: Placement, stand: str, is_open: bool) -> None:  # noqa: FBT001 - a table
    """What was heard last in the story counts, not what came last."""
    assert (stand, is_open) == (placement.stand, placement.open)


def test_who_has_left_or_graduated_cannot_leave() -> None:
    """Nothing is asked of the host that it could not do."""
    held = Placement("e", host_node="35", enrolled=True)
    left, asks = held.leave(NOW.date(), "x")

    assert (True, False) == (asks, left.leave(NOW.date(), "y")[1])
    for each in (replace(held, freed=True), replace(held, outcome="graduated")):
        with pytest.raises(Conflict):
            each.leave(NOW.date(), "x")


def test_what_two_homes_have_heard_is_one_story() -> None:
    """A refusal of either, the newest decision and the newest dates hold."""
    one = Placement(
        "e", learner_id="l", host_node="35", asked={"a": Asking(1), "b": Asking(2, ("x",), refused=True)},
        decision=1, outcome="deferred",
    )  # fmt: skip
    other = Placement(
        "e", asked={"a": Asking(1, ("y",), refused=True), "b": Asking(2)}, decision=2,
        outcome="graduated", enrolled=True, cohort_title="t",
    )  # fmt: skip

    merged = one.merged(other)

    assert [True, True] == [each.refused for each in merged.asked.values()]
    assert ("graduated", "t", "l") == (merged.outcome, merged.cohort_title, merged.learner_id)
    assert merged == merged.merged(other)
