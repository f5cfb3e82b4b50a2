"""A person's data is erased wherever enrolment keeps it, whatever it is interrupted by."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.learner import Card, Held, Learner
from services.enrolment.domain.nip import Nip, read_nip
from services.enrolment.domain.placement import Placement
from services.enrolment.domain.staff import Member, StaffList
from services.enrolment.handlers.erasing import ask_erasure, finish_erasure
from services.enrolment.handlers.finishing import finish_erasures
from services.enrolment.handlers.learners import change_number, move_to_new_number
from services.enrolment.handlers.rosters import Today, judge_roster
from services.enrolment.handlers.staff import receive_staff_list, tell_staff_list
from services.enrolment.store import LEARNERS, EnrolmentWork, KeptStatements
from shared.events.enrolment import ErasureOrdered, LearnerErased, LearnerRecorded
from shared.kernel.errors import Conflict, NotFound, Unavailable
from shared.kernel.ids import learner_id
from shared.store.memory import MemoryStore
from tests.support.deliveries import FailingStore
from tests.support.enrolment import (
    BLITAR,
    DAY,
    KEY,
    MALANG,
    NOW,
    TODAY,
    Desk,
    listed,
    nip,
    person,
    served,
)

BASIS = "permintaan yang bersangkutan, UU 27/2022 Pasal 8"
LATER = replace(TODAY, now=NOW + timedelta(minutes=1))
NEW = "198001012006011234"
NEW_ID = learner_id(NEW, KEY)
STAFF: dict[str, Any] = {"position_level": "staf"}
"""A rank that the course does not take: who is refused may be erased at once."""


def told(number: str) -> str:
    """Tell the id of a number."""
    return learner_id(number, KEY)


async def ask(desk: Desk, who: str = "", now: Today = LATER) -> Learner:
    """Ask for an erasure."""
    return await desk.works.run(partial(ask_erasure, who or person(), BASIS, now.now))


async def finish(desk: Desk, now: Today = LATER) -> None:
    """Do what the periodic job does, until all that was stated has left, and once more."""
    for _ in range(2):
        await finish_erasures(now, desk.works, KeptStatements(desk.works), told)
        await desk.relay.sweep(0)


async def erase(desk: Desk, who: str = "", now: Today = LATER) -> Learner:
    """Ask for an erasure and finish it."""
    await ask(desk, who, now)
    await finish(desk, now)
    return await desk.works.open().learners.of(who or person())


async def refused(desk: Desk) -> None:
    """Nominate one who is refused, beside another whose number is mistyped and who bears the same name."""
    await desk.begin()
    again = listed(3, 3, nip=f"{nip(1)}0", name="Peserta 1", **STAFF)
    await desk.nominate([listed(1, **STAFF), listed(2, **STAFF), again])
    await desk.relay.sweep(0)


def kept(desk: Desk) -> str:
    """Write all that is kept."""
    store = desk.store.inner if isinstance(desk.store, FailingStore) else desk.store
    assert isinstance(store, MemoryStore)
    return repr(store.snapshot())


def traces(desk: Desk, number: str = "") -> list[str]:
    """Tell which words about the first person still stand anywhere."""
    words = ("Peserta 1", nip(1), "p1@malangkota.go.id", *filter(None, [number]))
    return [word for word in words if word in kept(desk)]


async def test_nothing_of_the_person_is_left_in_any_document() -> None:
    """Card, numbers, lists and stated cards go; the pseudonym stays with its results."""
    desk = Desk()
    await refused(desk)
    assert 3 == len(traces(desk))

    erased = await erase(desk)

    assert [] == traces(desk)
    assert (LATER.now, BASIS, False) == (erased.erased_at, erased.erasure_basis, erased.erasure_due)
    (roster,) = await desk.works.open().rosters.find({})
    assert [("", "refused"), ("Peserta 2", "refused"), ("", "refused")] == [
        (each.name, roster.results[str(each.row)].status) for each in roster.rows
    ]
    assert [LATER.now] == [each.at for each in desk.told(LearnerErased)]
    assert [] == desk.told(ErasureOrdered)
    assert 0 == len(await desk.store.unpublished(LEARNERS, 10))


async def test_what_has_not_left_yet_is_not_forgotten() -> None:
    """A fact that still waits for the broker keeps the erasure waiting, so that it comes before its end."""
    desk = Desk()
    await desk.begin()
    await desk.nominate([listed(1, **STAFF)])
    await ask(desk)

    waiting = await finish_erasure(person(), LATER, desk.works, KeptStatements(desk.works), told)
    await desk.relay.sweep(0)
    done = await finish_erasure(person(), LATER, desk.works, KeptStatements(desk.works), told)

    assert (True, False) == (waiting.erasure_due, done.erasure_due)
    types = [type(each) for each in desk.told() if each.subject == person()]
    assert types.index(LearnerRecorded) < types.index(LearnerErased)
    assert [] == traces(desk)


async def test_stating_everything_again_tells_no_card_of_an_erased_person() -> None:
    """What is stated again is that they were erased."""
    desk = Desk()
    await refused(desk)
    await erase(desk)
    desk.bus.topics.clear()

    await desk.relay.restate()

    assert {person(2)} == {each.learner_id for each in desk.told(LearnerRecorded)}
    assert [person()] == [each.learner_id for each in desk.told(LearnerErased)]


@pytest.mark.parametrize("who", [person(), NEW_ID])
async def test_both_numbers_of_a_person_are_erased(who: str) -> None:
    """Whichever number is named, and even where the newer one is not in place yet."""
    desk = Desk()
    await refused(desk)
    await desk.works.run(partial(change_number, person(), _nip(), NEW_ID, DAY))
    if who == NEW_ID:
        await move_to_new_number(person(), TODAY, desk.works)

    await erase(desk, who)

    assert [] == traces(desk, NEW)
    assert {person(), NEW_ID} == {each.learner_id for each in desk.told(LearnerErased)}
    assert (NEW_ID,) == (await desk.learner()).linked


async def test_whoever_learns_keeps_their_card() -> None:
    """While an enrolment is under way, it is refused with the enrolments that are."""
    desk = Desk()
    await desk.begin()
    await desk.nominate([listed(1)])
    await desk.settle()

    with pytest.raises(Conflict) as refusal:
        await ask(desk)

    assert "still-enrolled" == refusal.value.slug
    assert {"enrolments": [(await desk.enrolment()).id]} == refusal.value.extra
    assert not (await desk.learner()).erasure_due


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "enrolled"}, True),
        ({"status": "waitlisted"}, True),
        ({"status": "enrolled", "outcome": "deferred"}, True),
        ({"status": "enrolled", "outcome": "graduated"}, False),
        ({"status": "enrolled", "outcome": "not_graduated"}, False),
        ({"status": "enrolled", "issue": "automatic", "completed_revision": 1}, False),
        ({"status": "withdrawn"}, False),
    ],
)
def test_an_enrolment_is_under_way_until_it_is_decided(
    changes: dict[str, Any], *, expected: bool
) -> None:
    """A deferral ends nothing; a decision, a completion that needs none, or leaving does."""
    assert expected == replace(Enrolment("e"), **changes).under_way


@pytest.mark.parametrize(
    ("changes", "certified", "expected"),
    [
        ({"enrolled": True}, False, True),
        ({"enrolled": True, "completed": True}, False, True),
        ({"enrolled": True, "completed": True}, True, False),
        ({"enrolled": True, "outcome": "graduated"}, False, False),
        ({"withdrawn": True}, False, False),
    ],
)
def test_a_place_abroad_is_under_way_until_its_host_has_decided(
    changes: dict[str, Any], *, certified: bool, expected: bool
) -> None:
    """Or until the certificate has come, where no decision is asked."""
    placement = replace(Placement("p", host_node="62"), **changes)

    assert expected == placement.under_way(certified=certified)


async def test_a_place_abroad_refuses_as_well() -> None:
    """The host needs the person's card for as long as it teaches them."""
    desk = Desk()
    await refused(desk)

    async def keep(work: EnrolmentWork) -> None:
        await work.placements.of("p")
        work.placements.keep(
            Placement("p", person(), host_node="62", enrolled=True, completed=True)
        )

    async def certify(work: EnrolmentWork) -> None:
        learner = await work.learners.of(person())
        work.learners.keep(learner.certify("p", Held("DUA", 1)))

    await desk.works.run(keep)
    with pytest.raises(Conflict):
        await ask(desk)
    await desk.works.run(certify)

    assert (await ask(desk)).erasure_due


async def test_nobody_and_the_erased_are_told_apart() -> None:
    """Of whom nothing is known is not found; who was erased is asked for in vain, and without harm."""
    desk = Desk()
    await refused(desk)
    with pytest.raises(NotFound):
        await ask(desk, "nobody")
    await desk.works.run(_blank_stranger)
    with pytest.raises(NotFound):
        await ask(desk, "stranger")
    first = await erase(desk)

    again = await erase(desk, now=replace(TODAY, now=NOW + timedelta(days=1)))

    assert first == again
    assert 1 == len(desk.told(LearnerErased))
    assert first == await finish_erasure(
        person(), LATER, desk.works, KeptStatements(desk.works), told
    )


async def _blank_stranger(work: EnrolmentWork) -> None:
    learner = await work.learners.of("stranger")
    work.learners.keep(learner.link("other"))


async def test_asking_twice_before_it_is_done_asks_once() -> None:
    """The first request stands."""
    desk = Desk()
    await refused(desk)

    first = await ask(desk)
    second = await ask(desk, now=replace(TODAY, now=NOW + timedelta(hours=1)))

    assert first == second


async def test_whoever_is_hired_again_is_recorded_anew() -> None:
    """The newer card has a higher version; another erasure is another request."""
    desk = Desk()
    await refused(desk)
    await erase(desk)
    after = replace(TODAY, now=NOW + timedelta(days=1))
    staff = Member(person(), Card(nip(1), "Peserta 1", BLITAR, "PNS"))
    at = (after.now, after.day)
    await desk.works.run(partial(receive_staff_list, "new", BLITAR, [staff], at))
    await tell_staff_list("new", desk.works)
    hired = await desk.learner()
    await desk.works.run(partial(_note_late, NOW))
    await finish(desk, after)

    assert ("Peserta 1", 2, BLITAR) == (hired.name, hired.card_version, hired.agency)
    late = await desk.learner()
    assert ("Peserta 1", False) == (late.name, late.erasure_due)
    assert [1, 2] == [each.version for each in desk.told(LearnerRecorded)[::2]]
    latest = replace(TODAY, now=NOW + timedelta(days=2))
    assert latest.now == (await erase(desk, now=latest)).erased_at
    assert [] == traces(desk)


async def _note_late(told_at: datetime, work: EnrolmentWork) -> None:
    learner = await work.learners.of(person())
    work.learners.keep(learner.forget_again(told_at))


async def test_a_staff_list_on_its_way_brings_nobody_back() -> None:
    """Its member is let go of; a list that was read before does not record them either."""
    desk = Desk()
    await refused(desk)
    members = [Member(person(n), Card(nip(n), f"Peserta {n}", MALANG, "PNS")) for n in (1, 2)]
    await desk.works.run(partial(receive_staff_list, "list", MALANG, members, (NOW, DAY)))

    await erase(desk)
    await desk.works.run(partial(receive_staff_list, "list", MALANG, members, (NOW, DAY)))
    await tell_staff_list("list", desk.works)

    assert "" == (await desk.learner()).name
    assert [] == traces(desk)


def test_a_list_without_the_person_stays_as_it_is() -> None:
    """Nothing is written where nothing is to be erased."""
    staff = StaffList("s", members=(Member("a", Card("1", "A", MALANG, "PNS")),))

    assert staff is staff.erase({"b"})


async def test_a_list_newer_than_the_request_is_left_alone() -> None:
    """Whoever is listed again afterwards is meant to be there."""
    desk = Desk()
    await refused(desk)
    await ask(desk, now=replace(TODAY, now=NOW - timedelta(days=1)))
    members = [Member(person(), Card(nip(1), "Peserta 1", MALANG, "PNS"))]
    await desk.works.run(partial(receive_staff_list, "list", MALANG, members, (NOW, DAY)))

    await finish(desk)

    work = desk.works.open()
    (roster,) = await work.rosters.find({})
    assert ("Peserta 1", 1) == (
        roster.rows[0].name,
        len((await work.staff_lists.of("list")).members),
    )


async def test_a_draft_of_before_refuses_the_erased() -> None:
    """A row that waits for its letter is blank, and refused once it is judged; so is one read earlier."""
    desk = Desk()
    await refused(desk)
    draft = await desk.draft([listed(1), listed(2)], key="draft")
    await erase(desk)
    judged = await judge_roster((await desk.endorse(draft)).id, TODAY, desk.works)
    read_before = await desk.draft([listed(1)], key="read-before")
    second = await judge_roster((await desk.endorse(read_before)).id, TODAY, desk.works)

    assert ("refused", ("erased",)) == (judged.results["1"].status, judged.results["1"].reasons)
    assert "erased" in second.results["1"].reasons
    assert "" == (await desk.learner()).name


async def test_a_list_that_comes_in_between_is_blanked_in_the_next_round() -> None:
    """The erasure is not done before no list of before the request names the person."""
    desk = Desk()
    await refused(desk)
    await ask(desk)
    await desk.relay.sweep(0)

    class Between(KeptStatements):
        """Keeps another list of before the request, just before the end."""

        async def waiting(self, learner_ids: Sequence[str]) -> bool:
            """Wait for nothing."""
            del learner_ids
            await desk.draft([listed(1)], key="between")
            return False

    first = await finish_erasure(person(), LATER, desk.works, Between(desk.works), told)
    await finish(desk)

    assert first.erasure_due
    assert [] == traces(desk)


@pytest.mark.parametrize("call", range(1, 40))
async def test_a_crash_between_any_two_steps_is_finished_by_the_periodic_job(call: int) -> None:
    """Whichever call the store is away for, nothing is left in the end, and each fact is stated once."""
    store = FailingStore()
    desk = Desk(store)
    await refused(desk)
    await ask(desk)
    store.fail_at(call)
    with suppress(Unavailable):
        await finish(desk)
    store.before = None

    await finish(desk)

    assert [] == traces(desk)
    assert not (await desk.learner()).erasure_due
    assert 1 == len({each.at for each in desk.told(LearnerErased)})


async def test_the_door_is_the_operators(tmp_path: Path) -> None:
    """Nobody else erases, a basis is asked, and nobody unknown is found."""
    async with served(tmp_path) as desk:
        path = "/learners/nobody/erasure"
        organiser = await desk.ask("POST", path, json={"basis": BASIS})
        baseless = await desk.ask("POST", path, "operator", json={"basis": " "})
        nobody = await desk.ask("POST", path, "operator", json={"basis": BASIS})

        assert [403, 422, 404] == [each.status_code for each in (organiser, baseless, nobody)]


def _nip() -> Nip:
    read = read_nip(NEW, "", DAY)
    assert isinstance(read, Nip)
    return read
