"""People get new numbers and new homes, and nobody loses or counts anything twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.enrolment.domain.handover import Handover, Move
from services.enrolment.domain.learner import certified as holds
from services.enrolment.handlers.finishing import finish_what_was_started
from services.enrolment.handlers.transferring import ask_to_move, hand_over
from services.enrolment.store import EnrolmentWork
from shared.events.enrolment import Enrolled, LearnerLinked, LearnerRecorded
from shared.events.exchange import LearnerTransferred
from shared.kernel.errors import Conflict
from shared.kernel.ids import enrolment_id, learner_id
from tests.support.abroad import (
    COHORT,
    PALANGKA,
    Node,
    agree,
    exchange,
    nominate,
    offer,
    people,
    place,
    say,
    served_nodes,
    statuses,
)
from tests.support.enrolment import (
    KEY,
    NOW,
    TODAY,
    Desk,
    certified,
    nip,
    person,
    row,
    served,
)

NEW = "198001012006011234"
NEW_ID = learner_id(NEW, KEY)
MOVE = {"to_node": "62", "on": "2024-07-20", "letter_number": "SK/9"}
DAY_LATER = timedelta(days=1)
LETTER = {"letter_number": "1", "letter_date": "2024-07-19"}


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    """Serve 35, which offers a cohort of two seats, and 62, which has agreed to send people."""
    async with served_nodes(tmp_path, "35", "62") as (host, home):
        await agree(host, home)
        await offer(host)
        await exchange(host, home)
        yield host, home


async def enrol_own(host: Node, *serials: int, agency: str = "35.73") -> None:
    """Enrol people of the host's own, whom an agency of it nominates."""
    claims, rows = {"agency": agency}, [row(each) for each in serials]
    path = f"/cohorts/{COHORT}/rosters"
    roster = await host.ask("POST", path, json={"agency": agency, "rows": rows})
    path = f"/rosters/{roster['id']}/endorsement"
    await host.ask("POST", path, "endorser", claims=claims, json=LETTER)
    await host.settle()


async def change_number(home: Node, serial: int) -> None:
    """Give somebody a new number."""
    body = {"nip": NEW, "since": "2024-07-01"}
    await home.ask("POST", f"/learners/{person(serial)}/number", json=body)


async def test_a_guests_new_number_is_known_to_the_host(both: tuple[Node, Node]) -> None:
    """Under the new number nobody takes a second seat, whichever side notices."""
    host, home = both
    await nominate(home, people(1))
    await exchange(host, home)

    await change_number(home, 1)
    await exchange(host, home)
    again = await nominate(home, [row(1, nip=NEW)])

    assert ["already-enrolled"] == again["rows"][0]["reasons"]
    assert {person(1)} == set((await host.work.learners.get(NEW_ID)).linked)
    assert {NEW_ID} == set((await host.work.learners.get(person(1))).linked)
    assert {(NEW_ID, person(1)), (person(1), NEW_ID)} == {
        (each.learner_id, each.other_id) for each in home.told("35", LearnerLinked)
    }
    assert [] == await host.parked()


async def test_a_host_new_to_the_person_learns_the_former_numbers(both: tuple[Node, Node]) -> None:
    """Who comes for the first time under a later number brings what the former one held."""
    host, home = both
    await nominate(home, people(1))
    await exchange(host, home)
    told = certified("DUA", 1, enrolment_id=place(1), cohort_id=COHORT, home_node="62")
    await say(host, "certification", told)
    await exchange(host, home)
    await change_number(home, 1)
    sent = await nominate(home, [row(1, nip=NEW)])

    assert ["already-enrolled"] == sent["rows"][0]["reasons"]
    linked = [await home.work.learners.get(each) for each in (NEW_ID, person(1))]
    assert holds(linked, "DUA", date(2024, 7, 20))


async def test_numbers_of_guests_change_at_home_only(both: tuple[Node, Node]) -> None:
    """The host cannot give a guest another number, nor give a guest's number to one of its own."""
    host, home = both
    await nominate(home, people(1))
    await enrol_own(host, 2)
    await exchange(host, home)

    body = {"nip": NEW, "since": "2024-07-01"}
    guest = await host.served.ask("POST", f"/learners/{person(1)}/number", json=body)
    taken = await host.served.ask(
        "POST", f"/learners/{person(2)}/number", json={"nip": nip(1), "since": "2024-07-01"}
    )

    assert (404, 409) == (guest.status_code, taken.status_code)


async def test_a_person_moves_with_everything(both: tuple[Node, Node]) -> None:
    """Card, numbers, certificates, days and places go along; the old home keeps the record as moved."""
    host, home = both
    await enrol_own(host, 1, 2)
    earlier = certified("PKP", 1)
    await say(host, "certification", earlier)
    await change_number(host, 1)
    await exchange(host, home)

    moved = await host.ask(
        "POST", f"/learners/{NEW_ID}/transfer", json={**MOVE, "agency": PALANGKA}
    )
    again = await host.served.ask("POST", f"/learners/{NEW_ID}/transfer", json=MOVE)
    await exchange(host, home)

    assert ("done", 2) == (moved["status"], moved["moved"])
    assert 404 == again.status_code
    assert [] == await host.parked() == await home.parked()
    learner = await home.work.learners.get(NEW_ID)
    former = await home.work.learners.get(person(1))
    assert (True, PALANGKA, "Peserta 1") == (learner.own, learner.agency, learner.name)
    assert ["35.73", PALANGKA] == [each.what for each in learner.agencies]
    assert (NEW_ID, True) == (former.replaced_by, former.own)
    assert holds([learner, former], "PKP", date(2024, 7, 20))
    assert {"35/" + COHORT} == {each.cohort_id for each in former.claims.values()}
    shown = await home.ask("GET", f"/enrolments/{place(1)}")
    assert ("enrolled", "35") == (shown["status"], shown["host_node"])
    old = await host.work.learners.get(NEW_ID)
    assert ("62", "62", False) == (old.home_node, old.moved_to, old.own)
    cards = [each.fact() for each in host.province.engine.bus.messages("learners")]
    newest = [
        each for each in cards if isinstance(each, LearnerRecorded) and each.learner_id == NEW_ID
    ]
    assert (False, "62") == (newest[-1].active, newest[-1].home_node)
    enrolment = await host.work.enrolments.get(place(1))
    assert "62" == enrolment.home_node
    assert "62" == (await host.work.cohorts.get(COHORT)).places[place(1)].home_node


async def test_the_new_home_hears_and_acts_from_then_on(both: tuple[Node, Node]) -> None:
    """What the host tells later goes to the new home, which can take the person back."""
    host, home = both
    await enrol_own(host, 1, 2, 3)
    await host.ask("POST", f"/learners/{person(3)}/transfer", json=MOVE)
    await host.ask("POST", f"/learners/{person(1)}/transfer", json=MOVE)
    await exchange(host, home)

    path = f"/enrolments/{place(1)}/withdrawal"
    await home.ask("POST", path, json={"reason": "pindah", "on": "2024-07-20"})
    await exchange(host, home)

    stands = [(await home.work.placements.get(place(each))).stand for each in (1, 3)]
    assert ["withdrawn", "enrolled"] == stands
    assert {place(3)} == {each.enrolment_id for each in home_told(host, Enrolled)}
    assert [] == await host.parked() == await home.parked()


def home_told(host: Node, kind: type[Any]) -> list[Any]:
    """Tell the copies of one type that went to 62."""
    return host.told("62", kind)


async def test_hosts_follow_a_guest_to_the_new_home(tmp_path: Path) -> None:
    """A guest of a third node moves: that node tells the new home, and what went to the old one is passed on."""
    async with served_nodes(tmp_path, "35", "62", "33") as (host, old, new):
        await agree(host, old)
        await offer(host, seats=1)
        await exchange(host, old, new)
        await nominate(old, people(1, 2))
        await exchange(host, old, new)

        move = {**MOVE, "to_node": "33", "agency": "33.74"}
        await old.ask("POST", f"/learners/{person(2)}/transfer", json=move)
        # The host does not know yet: its word goes to the old home, which passes it on.
        leaving = {"reason": "x", "on": "2024-07-20"}
        await host.ask("POST", f"/enrolments/{place(1)}/withdrawal", json=leaving)
        await host.settle()
        await exchange(old, host)
        await exchange(host, old, new)

        placement = await new.work.placements.get(place(2))
        guest = await host.work.learners.get(person(2))
        assert ("enrolled", "33") == (placement.stand, guest.home_node)
        moved = await new.work.learners.get(person(2))
        assert (True, "33.74") == (moved.own, moved.agency)
        for node in (host, old, new):
            assert [] == await node.parked()

        await new.ask("POST", f"/enrolments/{place(2)}/withdrawal", json=leaving)
        await exchange(host, old, new)
        assert "withdrawn" == (await new.work.placements.get(place(2))).stand


async def test_a_guest_moves_to_the_host(both: tuple[Node, Node]) -> None:
    """Who becomes the host's own keeps the seat there, which is a local one from then on."""
    host, home = both
    roster = await nominate(home, people(1))
    await exchange(host, home)

    move = {**MOVE, "to_node": "35", "agency": "35.73"}
    await home.ask("POST", f"/learners/{person(1)}/transfer", json=move)
    await exchange(host, home)

    learner = await host.work.learners.get(person(1))
    (claim,) = learner.claims.values()
    assert (True, COHORT) == (learner.own, claim.cohort_id)
    assert "35" == (await host.work.enrolments.get(place(1))).home_node
    assert not (await host.work.placements.of(place(1))).known
    assert [("enrolled", [])] == await statuses(home, roster)


async def test_who_comes_back_is_ones_own_again(both: tuple[Node, Node]) -> None:
    """There and back: the newest move holds at every node."""
    host, home = both
    await enrol_own(host, 1)
    await host.ask("POST", f"/learners/{person(1)}/transfer", json=MOVE)
    await exchange(host, home)
    home.served.clock.advance(DAY_LATER)

    back = {**MOVE, "to_node": "35"}
    await home.ask("POST", f"/learners/{person(1)}/transfer", json=back)
    await exchange(host, home)

    assert (await host.work.learners.get(person(1))).own
    assert not (await home.work.learners.get(person(1))).own
    assert "35" == (await host.work.enrolments.get(place(1))).home_node
    assert [] == await host.parked() == await home.parked()


async def test_a_city_becomes_a_node(tmp_path: Path) -> None:
    """Everybody of its agency, and of the offices in it, moves; nobody else does."""
    async with served_nodes(tmp_path, "35", "35.72") as (province, city):
        await agree(province, parties=[{"node": "35"}, {"node": "35.72"}])
        await offer(province, nominating_agencies=[])
        await exchange(province, city)
        await enrol_own(province, 1, agency="35.72")
        await enrol_own(province, 2, agency="35.72/dinas-kesehatan")
        await enrol_own(province, 3)

        move = {"to_node": "35.72", "on": "2024-07-20", "letter_number": "Perda 1"}
        moved = await province.ask("POST", "/agencies/35.72/transfer", json=move)
        again = await province.ask("POST", "/agencies/35.72/transfer", json=move)
        await exchange(province, city)

        assert ("done", 2) == (moved["status"], moved["moved"]) == (again["status"], again["moved"])
        own = [each.id for each in await city.work.learners.find({}) if each.own]
        left = [each.id for each in await province.work.learners.find({}) if each.own]
        assert sorted([person(1), person(2)]) == own
        assert [person(3)] == left
        staff = await city.ask("GET", "/agencies/35.72/staff")
        assert [person(1)] == [each["id"] for each in staff["items"]]
        assert [] == (await province.ask("GET", "/agencies/35.72/staff"))["items"]
        assert [] == await province.parked() == await city.parked()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**MOVE, "to_node": "35"}, 422),
        ({**MOVE, "agency": "35.73"}, 422),
        ({**MOVE, "on": "2025-01-01"}, 422),
        ({**MOVE, "to_node": "33"}, 404),
        (MOVE, 404),
    ],
)
async def test_nobody_moves_nowhere(
    both: tuple[Node, Node], body: dict[str, str], status: int
) -> None:
    """A move needs a peer, a day that has come, an agency there, and a person of ours."""
    host, _ = both

    answer = await host.served.ask("POST", f"/learners/{person(9)}/transfer", json=body)

    assert status == answer.status_code


async def test_a_moved_persons_facts_name_no_person(both: tuple[Node, Node]) -> None:
    """Only the new home's copy holds the record, encrypted."""
    host, home = both
    await enrol_own(host, 1)
    await host.ask("POST", f"/learners/{person(1)}/transfer", json=MOVE)
    await exchange(host, home)

    topics = host.province.engine.bus.topics
    seen = b"".join(
        each.value or b"" for log in (topics["enrolment"], topics["share.62"]) for each in log
    )
    (copy,) = {each.learner_id: each for each in host.told("62", LearnerTransferred)}.values()

    assert [] == [each for each in ("Peserta 1", nip(1), "@malang") if each.encode() in seen]
    assert b"Peserta 1" in home.province.keys.decrypt(copy.personal)


def test_ids_differ_by_host() -> None:
    """Two nodes may give their cohorts the same id."""
    assert place(1, "35") != place(1, "62") == enrolment_id(person(1), COHORT, "62")


async def test_a_large_agency_moves_by_and_by() -> None:
    """A hundred go at once; the rest follow, and another move of the same has to wait."""
    desk = Desk()

    async def hire(work: EnrolmentWork) -> None:
        for serial in range(130):
            learner = await work.learners.of(person(serial))
            work.learners.keep(replace(learner, nip=nip(serial), agency="35.72"))

    await desk.works.run(hire)
    move = Move("35.72", NOW.date(), "Perda 1")
    ask = partial(ask_to_move, "35.72", move, NOW, whole_agency=True)
    handover = await desk.works.run(ask)
    first = await hand_over(handover.id, TODAY, desk.works)
    elsewhere = partial(ask_to_move, "35.72", replace(move, agency="35.72"), NOW, whole_agency=True)

    with pytest.raises(Conflict):
        await desk.works.run(elsewhere)
    assert first == await desk.works.run(ask)
    later = replace(TODAY, now=NOW + timedelta(minutes=1))
    await finish_what_was_started(later, desk.works)
    assert ("asked", 100, 35.72) == (first.status, first.moved, float(first.to_node))
    last = await hand_over(handover.id, TODAY, desk.works)
    assert ("done", 130) == (last.status, last.moved)
    assert "" == Handover("x").to_node


async def test_a_node_without_keys_sends_nobody(tmp_path: Path) -> None:
    """It cannot encrypt for anybody, and says so."""
    async with served(tmp_path) as alone:
        answer = await alone.ask("POST", f"/learners/{person(1)}/transfer", json=MOVE)
        moves = await alone.ask("GET", "/transfers")

    assert (409, []) == (answer.status_code, moves.json()["items"])
