"""No crash, race or long list makes enrolment lose, repeat or oversell anything."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.enrolment.domain.cohort.shape import Calendar
from services.enrolment.domain.nip import Nip, read_nip
from services.enrolment.domain.roster import examine
from services.enrolment.domain.staff import Member
from services.enrolment.handlers.calendars import GRACE, tell_new_dates
from services.enrolment.handlers.cohorts import close_line, reschedule_cohort, send_line_home
from services.enrolment.handlers.enrolments import Withdrawal, enrol_oneself, withdraw_learner
from services.enrolment.handlers.finishing import finish_what_was_started
from services.enrolment.handlers.graduation import decide_graduation, tell_decisions
from services.enrolment.handlers.learners import change_number, move_to_new_number
from services.enrolment.handlers.rosters import judge_roster
from services.enrolment.handlers.staff import receive_staff_list, tell_staff_list
from services.enrolment.store import KINDS
from shared.bus.memory import MemoryBus
from shared.events.enrolment import (
    Enrolled,
    LearnerLinked,
    NominationRefused,
    SeatGiven,
    Waitlisted,
)
from shared.kernel.errors import Unavailable
from shared.kernel.ids import learner_id
from shared.store.memory import MemoryStore
from tests.support.deliveries import FailingStore
from tests.support.enrolment import (
    BLITAR,
    DAY,
    KEY,
    LATER,
    LECTURE,
    MALANG,
    NOW,
    SESSIONS,
    TODAY,
    Desk,
    completed,
    lecture_body,
    listed,
    nip,
    outcomes,
    person,
    seat,
    sitting,
)

AFTERWARDS = replace(TODAY, now=NOW + GRACE + timedelta(minutes=5))
Step = Callable[[Desk], Awaitable[object]]


async def nominate(desk: Desk) -> None:
    """Judge a list of an accepted, a refused, an accepted and two waiting learners."""
    rows = [listed(1), listed(2, position_level="pelaksana"), listed(3), listed(4), listed(5)]
    await desk.nominate(rows, key="list-1")


async def withdraw(desk: Desk) -> None:
    """Let the first leave."""
    leaving = Withdrawal(DAY, "sakit")
    await desk.works.run(lambda work: withdraw_learner(seat(1), leaving, TODAY, work))


async def reschedule(desk: Desk) -> None:
    """Give the cohort later dates."""
    calendar = Calendar.model_validate({"calendar": LATER, "sessions": SESSIONS})
    await desk.works.run(lambda work: reschedule_cohort("dua-i", calendar, NOW, work))
    await tell_new_dates("dua-i", NOW, desk.works)


async def graduate(desk: Desk) -> None:
    """Decide on two learners."""
    held = sitting((3, "graduated"), (4, "not_graduated"))
    await desk.works.run(lambda work: decide_graduation("dua-i", held, work))
    await tell_decisions("dua-i", NOW, desk.works)


async def send_home(desk: Desk) -> None:
    """Close the line."""
    await desk.works.run(lambda work: close_line("dua-i", work))
    await send_line_home("dua-i", NOW, desk.works)


async def renumber(desk: Desk) -> None:
    """Give the third a new number."""
    new = read_nip("198001012006011234", "", DAY)
    assert isinstance(new, Nip)
    new_id = learner_id(new.digits, KEY)
    await desk.works.run(lambda work: change_number(person(3), new, new_id, DAY, work))
    await move_to_new_number(person(3), TODAY, desk.works)


async def import_staff(desk: Desk) -> None:
    """Take a whole staff in which some are new and some are gone."""
    cards = [replace(listed(0, serial), unit="Kecamatan") for serial in (1, 4, 8)]
    members = [
        Member(person(serial), _card(row)) for serial, row in zip((1, 4, 8), cards, strict=True)
    ]
    at = (NOW, DAY)
    await desk.works.run(lambda work: receive_staff_list("staff-1", MALANG, members, at, work))
    await tell_staff_list("staff-1", desk.works)


def _card(row: Any) -> Any:  # noqa: ANN401 - a listed row and its card
    (nominee,) = examine([row], DAY, lambda number: (learner_id(number, KEY), ""))
    return nominee.card(MALANG, "")


STEPS: tuple[Step, ...] = (
    nominate, withdraw, reschedule, graduate, send_home, renumber, import_staff,
)  # fmt: skip


async def prepare(desk: Desk) -> None:
    """Open a cohort in which the third learner has completed everything already."""
    await desk.begin()
    programme = await desk.programme_now()
    await desk.hear(completed(programme, 3), completed(programme, 4))


async def settle_all(store: FailingStore, bus: MemoryBus) -> None:
    """Begin the process again, and let it finish and tell all that it finds."""
    desk = Desk(store, bus)
    await finish_what_was_started(AFTERWARDS, desk.works)
    await desk.settle()


async def until(step_at: int) -> tuple[MemoryStore, MemoryBus]:
    """Live without a crash until a step."""
    store, bus = FailingStore(), MemoryBus()
    desk = Desk(store, bus)
    await prepare(desk)
    for step in STEPS[:step_at]:
        await step(desk)
        await desk.settle()
    assert isinstance(store.inner, MemoryStore)
    return store.inner, bus


async def take(
    step: Step, before: tuple[MemoryStore, MemoryBus], fail_at: int
) -> tuple[dict[str, Any], list[tuple[str, str]], bool]:
    """Take a step that dies at its `fail_at`-th call of the store, and go on after it.

    Tell the state at the end, every fact that was published, and whether that call was ever made.
    """
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
    await settle_all(store, bus)
    # Whoever got no answer asks once more.
    await step(Desk(store, bus))
    await settle_all(store, bus)
    return state(inner), published(bus), died


def state(store: MemoryStore) -> dict[str, Any]:
    """Tell what is kept, without bookkeeping and instants."""
    unequal = {"version", "seq", "outbox", "stated", "touched_at", "counts", "instant"}
    kept = store.snapshot()
    return {
        kind.name: {
            key: {name: part for name, part in document.items() if name not in unequal}
            for key, document in kept.get(kind.name, {}).items()
        }
        for kind in KINDS
    }


def published(bus: MemoryBus) -> list[tuple[str, str]]:
    """Tell what facts were published, each once by its id, without when they happened."""
    messages = {m.id: m for topic in ("enrolment", "learners") for m in bus.messages(topic)}
    return sorted(
        (each.type, each.fact().model_copy(update={"at": NOW}).write())
        for each in messages.values()
    )


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
    assert fail_at > 3


async def test_lists_judged_at_once_neither_oversell_nor_stop_each_other() -> None:
    """Many lists race for one cohort, some of them for the same people, and each judged twice at once."""
    desk = Desk(FailingStore())
    await desk.begin(seats=7, line=5)
    people = [
        [listed(row, serial) for row, serial in enumerate(range(n, n + 6), 1)] for n in range(8)
    ]
    rosters = [
        await desk.endorse(await desk.draft(rows, key=f"list-{n}", agency=(MALANG, BLITAR)[n % 2]))
        for n, rows in enumerate(people)
    ]

    await asyncio.gather(
        *(judge_roster(each.id, TODAY, desk.works) for each in rosters for _ in range(2))
    )
    await desk.settle()

    cohort = await desk.cohort_now()
    assert (7, 5) == (cohort.seated, len(cohort.waiting))
    given = [fact.enrolment_id for fact in desk.told(SeatGiven)]
    assert 7 == len(given) == len(set(given)) == len(desk.told(Enrolled))
    waiting = sorted((fact.position, fact.enrolment_id) for fact in desk.told(Waitlisted))
    assert cohort.waiting == [key for _, key in waiting]
    judged = [await desk.works.open().rosters.of(each.id) for each in rosters]
    assert {"judged"} == {each.status for each in judged}
    accepted = [status for roster in judged for status, _ in outcomes(roster)]
    assert (7, 5) == (accepted.count("accepted"), accepted.count("waitlisted"))
    for roster in judged:
        told = [n.enrolment_id for n in roster.rows if roster.results[str(n.row)].told]
        facts = [f.enrolment_id for f in desk.told(NominationRefused) if f.roster_id == roster.id]
        assert sorted(told) == sorted(facts)


async def test_days_of_one_person_are_claimed_by_one_cohort_only() -> None:
    """Two cohorts with the same days judge one person at once; one of them refuses."""
    desk = Desk(FailingStore())
    await desk.begin()
    await desk.cohort("dua-ii")
    rosters = [
        await desk.endorse(await desk.draft([listed(1)], cohort=cohort))
        for cohort in ("dua-i", "dua-ii")
    ]

    await asyncio.gather(*(judge_roster(each.id, TODAY, desk.works) for each in rosters))

    judged = [await desk.works.open().rosters.of(each.id) for each in rosters]
    assert [("accepted", ()), ("refused", ("overlapping-training",))] == sorted(
        outcomes(each)[0] for each in judged
    )


async def test_a_new_number_asked_for_twice_at_once_is_linked_once() -> None:
    """Both askers get the same person."""
    desk = Desk(FailingStore())
    await desk.begin()
    await desk.nominate([listed(3)])

    await asyncio.gather(renumber(desk), renumber(desk))
    await desk.settle()

    assert 2 == len(desk.told(LearnerLinked))


async def test_an_enrolment_under_way_while_dates_change_gets_the_new_ones() -> None:
    """Whoever is told of a seat by the old calendar meets the new one."""
    desk = Desk(FailingStore())
    await desk.begin()
    await desk.nominate([listed(1), listed(2)])

    await asyncio.gather(reschedule(desk), desk.settle())
    await desk.settle()

    for serial in (1, 2):
        assert 2 == (await desk.enrolment(serial)).calendar_version
    assert () == (await desk.cohort_now()).unfinished


async def test_who_enrols_in_an_open_cohort_while_dates_change_is_told() -> None:
    """An open cohort is searched again for a while."""
    desk = Desk(FailingStore())
    await desk.begin()
    await desk.nominate([listed(number) for number in range(1, 6)])
    await desk.programme("KULIAH.1", LECTURE)
    await desk.cohort("kuliah", lecture_body())
    dates = [{"phase": 1, "periods": [{"starts": "2024-06-01", "ends": "2024-06-01"}]}]
    calendar = Calendar.model_validate({"calendar": dates, "sessions": {"stream": ["live"]}})

    async def change() -> None:
        await desk.works.run(lambda work: reschedule_cohort("kuliah", calendar, NOW, work))
        await tell_new_dates("kuliah", NOW, desk.works)

    async def enrol(serial: int) -> None:
        await desk.works.run(lambda w: enrol_oneself(person(serial), "kuliah", TODAY, w))

    await asyncio.gather(enrol(1), enrol(2), change(), enrol(3), enrol(4))
    assert ("calendar",) == (await desk.cohort_now("kuliah")).unfinished
    await finish_what_was_started(AFTERWARDS, desk.works)

    assert () == (await desk.cohort_now("kuliah")).unfinished
    for serial in range(1, 5):
        assert 2 == (await desk.enrolment(serial, "kuliah")).calendar_version


@pytest.mark.slow
async def test_ten_thousand_rows_with_every_third_broken_are_judged() -> None:
    """A list of the largest size is judged in steps, with at most 100 facts an update of the cohort."""
    desk = Desk()
    await desk.begin(seats=3_000, line=2_000)
    rows = [
        listed(number, nip=nip(number) if number % 3 else "1980") for number in range(1, 10_001)
    ]

    roster = await desk.nominate(rows)

    said = [status for status, _ in outcomes(roster)]
    assert (3_000, 2_000, 5_000) == tuple(
        said.count(status) for status in ("accepted", "waitlisted", "refused")
    )
    assert 3_333 == sum(("malformed-nip",) == reasons for _, reasons in outcomes(roster))
    cohort = await desk.cohort_now()
    first = [seat(number) for number in range(1, 10) if number % 3]
    assert [1, 2, 3, 4, 5, 6] == [cohort.places[key].turn for key in first]
