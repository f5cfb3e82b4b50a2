"""No crash and no second run makes a home lose, repeat or contradict what it sends abroad."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from services.enrolment.domain.agreements import Agreed
from services.enrolment.domain.handover import Move
from services.enrolment.domain.roster import Letter, Roster, examine
from services.enrolment.handlers.abroad import (
    draft_roster_abroad,
    send_roster,
    withdraw_from_abroad,
)
from services.enrolment.handlers.agreements import record_agreement
from services.enrolment.handlers.finishing import finish_what_was_started
from services.enrolment.handlers.offers import note_offered_cohort
from services.enrolment.handlers.rosters import Nomination, endorse_roster, judge_roster
from services.enrolment.handlers.transferring import ask_to_move, hand_over
from services.enrolment.store import KINDS
from shared.bus.memory import MemoryBus
from shared.events.exchange import LearnerTransferred, Nominated
from shared.events.offers import CohortOffered
from shared.events.plan import Period
from shared.kernel.errors import Conflict, NotFound, Unavailable
from shared.kernel.ids import enrolment_id, learner_id
from shared.store.memory import MemoryStore
from tests.support.abroad import AGREEMENT
from tests.support.deliveries import FailingStore
from tests.support.enrolment import (
    DAY,
    KEY,
    MALANG,
    NOW,
    TODAY,
    Desk,
    listed,
    nip,
    person,
    programme_of,
)

ROWS = [listed(1), listed(2, position_level="pelaksana"), listed(3), listed(4, faults=("x",))]
LATER = replace(TODAY, now=NOW + timedelta(minutes=5))
Step = Callable[[Desk], Awaitable[object]]


def there(serial: int) -> str:
    """Tell the enrolment id of a person in the cohort of 62."""
    return enrolment_id(person(serial), "dua-i", "62")


def offered(**changes: object) -> CohortOffered:
    """Tell that 62 offers a cohort."""
    course = programme_of()
    period = Period(starts=date(2024, 3, 11), ends=date(2024, 3, 15))
    usual: dict[str, Any] = {
        "at": NOW, "node": "62", "cohort_id": "dua-i", "offer": 1, "programme": course.ref, "jp": 50,
        "eligible": course.content.eligible, "title": "Dua Fase", "number": "I", "year": 2024,
        "host_agency": "BPSDM", "seats": 30, "nominations_until": DAY, "calendar_version": 1,
        "calendar": [{"phase": 2, "periods": [period]}], "residential": (2,),
    }  # fmt: skip
    return CohortOffered.model_validate({**usual, **changes})


async def prepare(desk: Desk) -> None:
    """Know an offer and an agreement, and hold an endorsed list for it."""
    agreed = Agreed.model_validate(AGREEMENT)
    await desk.works.run(lambda work: note_offered_cohort(offered(), work))
    await desk.works.run(lambda work: record_agreement("a", agreed, "35", NOW, work))
    await endorsed(desk, "list-1")


async def endorsed(desk: Desk, key: str) -> Roster:
    """Draft a list and endorse its first three rows."""

    def identify(number: str) -> tuple[str, str]:
        learner = learner_id(number, KEY)
        return learner, enrolment_id(learner, "dua-i", "62")

    nomination = Nomination("dua-i", MALANG, examine(ROWS, DAY, identify))
    draft = partial(draft_roster_abroad, key, "62", nomination, TODAY)
    await desk.works.run(draft)
    await desk.works.run(draft)
    letter = Letter("800/1", DAY, (1, 2, 3))
    return await desk.works.run(lambda work: endorse_roster(key, letter, NOW, work))


async def send(desk: Desk) -> None:
    """Send the list."""
    await send_roster("list-1", TODAY, desk.works)


async def take_back(desk: Desk) -> None:
    """Take one back."""
    leave = partial(withdraw_from_abroad, there(1), DAY, "x", TODAY)
    await desk.works.run(leave)


async def move(desk: Desk) -> None:
    """Move one to another node."""
    whither = Move("62", DAY, "SK/1")
    ask = partial(ask_to_move, person(3), whither, NOW, whole_agency=False)
    # Who asks again after the person has moved is told that they are not here any more.
    with suppress(NotFound):
        handover = await desk.works.run(ask)
        await hand_over(handover.id, TODAY, desk.works)


STEPS: tuple[Step, ...] = (send, take_back, move)


async def until(step_at: int) -> tuple[MemoryStore, MemoryBus]:
    """Live without a crash until a step."""
    store, bus = MemoryStore(), MemoryBus()
    desk = Desk(store, bus)
    await prepare(desk)
    for step in STEPS[:step_at]:
        await step(desk)
        await desk.settle()
    return store, bus


async def take(
    step: Step, before: tuple[MemoryStore, MemoryBus], fail_at: int
) -> tuple[Any, Any, bool]:
    """Take a step that dies at its `fail_at`-th call of the store, and go on after it."""
    inner, bus = deepcopy(before[0]), MemoryBus()
    bus.topics = {topic: list(log) for topic, log in before[1].topics.items()}
    bus._places = dict(before[1]._places)
    store, died = FailingStore(inner), False
    store.fail_at(fail_at)
    try:
        desk = Desk(store, bus)
        await step(desk)
        await desk.settle()
    except Unavailable:
        died = True
    store.before = None
    for again in (None, step):
        desk = Desk(store, bus)
        if again:
            await again(desk)
        await finish_what_was_started(LATER, desk.works)
        await desk.settle()
    unequal = {"version", "seq", "outbox", "touched_at", "stated", "at", "moved_by"}
    state = {
        (kind.name, key): {name: part for name, part in document.items() if name not in unequal}
        for kind in KINDS
        for key, document in inner.snapshot().get(kind.name, {}).items()
    }
    told = {
        each.id: each.fact().model_copy(update={"at": NOW})
        for topic in ("enrolment", "learners")
        for each in bus.messages(topic)
    }
    return state, sorted(map(repr, told.values())), died


@pytest.mark.parametrize("step_at", range(len(STEPS)), ids=[step.__name__ for step in STEPS])
async def test_a_crash_before_any_call_of_the_store_changes_nothing_in_the_end(
    step_at: int,
) -> None:
    """Whichever call a process dies at, state and facts are those of a life without a crash."""
    step, before = STEPS[step_at], await until(step_at)
    expected_state, expected_facts, _ = await take(step, before, 0)

    died, fail_at = True, 0
    while died:
        fail_at += 1
        kept, told, died = await take(step, before, fail_at)

        assert expected_state == kept
        assert expected_facts == told
    assert fail_at > 2


async def test_rows_are_numbered_among_those_that_go() -> None:
    """Only sound, endorsed, eligible rows are nominated, and each tells how many go."""
    desk = Desk()
    await prepare(desk)

    roster = await send_roster("list-1", TODAY, desk.works)
    again = await send_roster("list-1", TODAY, desk.works)
    await desk.settle()

    facts = desk.told(Nominated)
    assert [(1, 2), (3, 2)] == sorted((each.row, each.of) for each in facts)
    assert roster == again
    assert ("sent", (1, 3)) == (roster.status, roster.sending)
    refused = {row: each.reasons for row, each in roster.results.items()}
    assert {"2": ("not-eligible-position-level",), "4": ("x",)} == refused
    learner = await desk.learner(1)
    assert ("62/dua-i", ("62",)) == (learner.claims[there(1)].cohort_id, learner.hosts)


async def test_two_runs_at_once_decide_once() -> None:
    """Whoever decides second goes by what was decided first, and states nothing again."""
    desk = Desk(FailingStore())
    await prepare(desk)

    await asyncio.gather(*(send_roster("list-1", TODAY, desk.works) for _ in range(3)))
    await endorsed(desk, "list-2")
    sent = await send_roster("list-2", TODAY, desk.works)
    await desk.settle()

    assert ("already-enrolled",) == sent.results["1"].reasons
    assert 2 == len({each.learner_id for each in desk.told(Nominated)}) == len(desk.told(Nominated))


async def test_who_has_another_home_or_a_newer_number_is_not_sent() -> None:
    """Nor is anybody who has left there before."""
    desk = Desk()
    await prepare(desk)

    async def change(work: Any) -> None:  # noqa: ANN401 - any work
        one, three = [await work.learners.of(person(serial)) for serial in (1, 3)]
        work.learners.keep(replace(one, nip=nip(1), home_node="61"))
        work.learners.keep(replace(three, nip=nip(3), replaced_by="x", active=False))
        place = await work.placements.of(there(2))
        work.placements.keep(replace(place, host_node="62", withdrawn=True))

    await desk.works.run(change)
    roster = await send_roster("list-1", TODAY, desk.works)

    reasons = [roster.results[row].reasons for row in ("1", "2", "3")]
    assert [("home-elsewhere",), ("withdrew-earlier",)] == reasons[:2]
    assert "not-eligible-employment" in reasons[2]
    assert "" == (await desk.learner(1)).name


async def test_a_list_without_a_letter_says_nothing() -> None:
    """It cannot be sent before an officer endorses it."""
    desk = Desk()
    with pytest.raises(Conflict):
        _ = Roster("x").endorsement
    await desk.begin()
    draft = await desk.draft([listed(1)])
    assert "draft" == (await judge_roster(draft.id, TODAY, desk.works)).status


async def test_a_linked_record_of_another_home_stays() -> None:
    """Only what is the node's own moves."""
    desk = Desk()

    async def hire(work: Any) -> None:  # noqa: ANN401 - any work
        one, two = [await work.learners.of(person(serial)) for serial in (1, 2)]
        work.learners.keep(replace(one, nip=nip(1), agency=MALANG, linked=(person(2),)))
        work.learners.keep(replace(two, nip=nip(2), home_node="61", linked=(person(1),)))

    await desk.works.run(hire)
    ask = partial(ask_to_move, person(1), Move("62", DAY), NOW, whole_agency=False)
    handover = await desk.works.run(ask)

    moved = await hand_over(handover.id, TODAY, desk.works)
    again = await hand_over(handover.id, TODAY, desk.works)
    await desk.settle()

    assert ("done", 1) == (moved.status, moved.moved)
    assert moved == again
    assert [person(1)] == [each.learner_id for each in desk.told(LearnerTransferred)]
