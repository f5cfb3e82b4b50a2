"""What a node takes from others about people: only what they may say, whatever the order."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.enrolment.domain.learner import Learner
from services.enrolment.domain.placement import Placement
from services.enrolment.domain.roster import MOST_ROWS, Nominee
from services.enrolment.domain.traveller import Credit, Mover, Traveller, in_region
from services.enrolment.handlers.answers import note_certificate_from_abroad, note_seat_abroad
from services.enrolment.handlers.guests import (
    Reception,
    guest_list,
    let_guest_go,
    link_guest,
    take_nomination,
)
from services.enrolment.handlers.moving import follow_move, receive_move
from services.enrolment.handlers.rosters import judge_roster
from shared.events.enrolment import LearnerLinked, SeatGiven, Waitlisted, Withdrawn
from shared.events.exchange import LearnerTransferred, Nominated, NominationWithdrawn
from shared.events.fact import Fact
from shared.kernel.errors import Unprocessable
from shared.kernel.ids import enrolment_id, learner_id
from tests.support.enrolment import DAY, KEY, NOW, TODAY, Desk, certified, nip, person, seat

AUDITOR = "31"


def pseudonym(number: str) -> str:
    """Tell a number's learner id."""
    return learner_id(number, KEY)


RECEPTION = Reception("35", str.encode, pseudonym, lambda node: node != AUDITOR)
"""A node to whom everything comes in clear."""


def traveller(serial: int = 1, **changes: object) -> Traveller:
    """Make whom 62 sends."""
    usual: dict[str, Any] = {
        "nip": nip(serial), "name": f"Tamu {serial}", "employment": "PNS", "position_level": "pengawas",
    }  # fmt: skip
    return Traveller.model_validate({**usual, **changes})


def nominated(serial: int = 1, **changes: object) -> Nominated:
    """Tell that 62 nominates somebody, as the only row of a list."""
    usual: dict[str, Any] = {
        "learner_id": person(serial), "at": NOW, "enrolment_id": seat(serial), "home_node": "62",
        "host_node": "35", "cohort_id": "dua-i", "agency": "62.71", "agency_name": "BKPSDM",
        "list_id": "list-1", "row": serial, "of": 1, "letter_number": "800/1", "letter_dated": DAY,
        "agreement_id": "120/1", "purpose": "pelatihan", "legal_basis": "UU 27/2022",
        "personal": traveller(serial).model_dump_json(),
    }  # fmt: skip
    return Nominated(**{**usual, **changes})


def taken_back(serial: int = 1, **changes: object) -> NominationWithdrawn:
    """Tell that 62 takes somebody back."""
    usual: dict[str, Any] = {
        "learner_id": person(serial), "at": NOW, "enrolment_id": seat(serial), "home_node": "62",
        "host_node": "35", "cohort_id": "dua-i", "agency": "62.71", "reason": "batal", "on": DAY,
    }  # fmt: skip
    return NominationWithdrawn(**{**usual, **changes})


def moves(serial: int = 1, to: str = "35", **changes: object) -> LearnerTransferred:
    """Tell that somebody of 62 moves."""
    mover = Mover(Learner(person(serial), nip=nip(serial), name="Tamu", agency="62.71"))
    usual: dict[str, Any] = {
        "learner_id": person(serial), "at": NOW, "home_node": "62", "to_node": to, "moved_on": DAY,
        "personal": mover.write().decode(),
    }  # fmt: skip
    return LearnerTransferred(**{**usual, **changes})


@pytest.fixture
async def desk() -> Desk:
    """Stand at 35 with an open cohort of two seats."""
    made = Desk()
    await made.begin()
    return made


async def hear(desk: Desk, handler: Callable[..., Any], fact: Fact, sender: str = "62") -> None:
    """Hear a fact of another node."""
    if handler is link_guest:
        await desk.works.run(lambda work: handler(fact, sender, work))
    else:
        await desk.works.run(lambda work: handler(RECEPTION, fact, sender, work))


@pytest.mark.parametrize(
    ("fact", "sender", "reason"),
    [
        (nominated(home_node="33"), "62", "not-their-learner"),
        (nominated(home_node=AUDITOR), AUDITOR, "auditor-nominates"),
        (nominated(host_node="33"), "62", "not-our-cohort"),
        (nominated(enrolment_id=seat(2)), "62", "not-our-cohort"),
        (nominated(agency="35.73"), "62", "not-their-agency"),
        (nominated(agency="621"), "62", "not-their-agency"),
        (nominated(of=0), "62", "too-many-rows"),
        (nominated(of=MOST_ROWS + 1), "62", "too-many-rows"),
        (
            nominated(cohort_id="x", enrolment_id=enrolment_id(person(1), "x", "35")),
            "62", "cohort-not-open",
        ),
        (nominated(personal="{}"), "62", "broken-personal-data"),
        (nominated(personal=traveller(2).model_dump_json()), "62", "wrong-pseudonym"),
    ],
)  # fmt: skip
async def test_a_nomination_must_be_its_senders(
    desk: Desk, fact: Nominated, sender: str, reason: str
) -> None:
    """Whoever it does not come from, or is not about, it changes nothing."""
    with pytest.raises(Unprocessable) as refused:
        await hear(desk, take_nomination, fact, sender)

    assert reason == refused.value.reason
    assert [] == await desk.works.open().rosters.find({})


async def test_a_list_waits_for_its_last_row(desk: Desk) -> None:
    """Rows come in any order; they are judged together and in their order, a repeated person once."""
    three, one = nominated(3, of=3), nominated(1, of=3)
    double = nominated(1, of=3, row=2)
    key = guest_list("62", "list-1")
    for fact in (three, one, three):
        await hear(desk, take_nomination, fact)
    waiting = await judge_roster(key, TODAY, desk.works)
    await hear(desk, take_nomination, double)
    await hear(desk, take_nomination, nominated(4, of=3))

    roster = await judge_roster(key, TODAY, desk.works)

    assert "collecting" == waiting.status
    assert [1, 2, 3] == [each.row for each in roster.rows]
    reasons = [roster.results[str(each.row)].reasons for each in roster.rows]
    assert [("no-agreement",), ("duplicate-in-list",), ("no-agreement",)] == [
        tuple(each for each in found if each != "offer-closed") for found in reasons
    ]


async def test_a_faulty_number_is_refused_and_told(desk: Desk) -> None:
    """What cannot be anybody's number is a reason that the home hears of."""
    bad = "1"
    fact = nominated(
        learner_id=pseudonym(bad), enrolment_id=enrolment_id(pseudonym(bad), "dua-i", "35"),
        personal=traveller(nip=bad).model_dump_json(),
    )  # fmt: skip
    await hear(desk, take_nomination, fact)
    await judge_roster(guest_list("62", "list-1"), TODAY, desk.works)
    await desk.settle()

    (refusal,) = [each for each in desk.told() if type(each).__name__ == "NominationRefused"]
    assert (("malformed-nip",), "62") == (refusal.reasons, refusal.home_node)


async def test_the_home_vouches_for_certificates_and_former_numbers(desk: Desk) -> None:
    """Both are read together with what the host knows; a former number of somebody else's is not."""
    credit = Credit(enrolment_id="e-1", programme="PKP", revision=2, revoked=1)
    told = traveller(1, former_nips=(nip(2), nip(3)), credits=(credit,))
    await desk.works.run(_own(3))
    await hear(desk, take_nomination, nominated(personal=told.model_dump_json()))

    guest = await desk.learner(1)
    assert ("PKP", 2, 1) == (
        guest.certificates["e-1"].programme,
        guest.certificates["e-1"].revision,
        guest.certificates["e-1"].revoked,
    )
    assert (person(2),) == guest.linked
    assert ((person(1),), ()) == ((await desk.learner(2)).linked, (await desk.learner(3)).linked)


def _own(serial: int) -> Callable[[Any], Any]:
    async def keep(work: Any) -> None:  # noqa: ANN401 - any work
        learner = await work.learners.of(person(serial))
        work.learners.keep(replace(learner, nip=nip(serial), agency="35.73"))

    return keep


async def test_ones_own_people_take_no_credit_from_others(desk: Desk) -> None:
    """Whoever the node knows as its own stays as they are."""
    await desk.works.run(_own(1))
    credit = Credit(enrolment_id="e-1", programme="PKP", revision=1)
    told = traveller(1, credits=(credit,))

    await hear(desk, take_nomination, nominated(personal=told.model_dump_json()))

    assert {} == (await desk.learner(1)).certificates


async def test_a_guest_is_taken_back_before_the_place_is_known(desk: Desk) -> None:
    """The seat that the cohort gives meanwhile is freed again, and nobody is enrolled."""
    await hear(desk, let_guest_go, taken_back())
    await desk.settle()
    about: dict[str, Any] = {
        "learner_id": person(1), "at": NOW, "enrolment_id": seat(1), "cohort_id": "dua-i",
        "agency": "62.71", "home_node": "62",
    }  # fmt: skip
    waits = Waitlisted(**about, cohort_title="t", position=1)
    await desk.hear(waits, SeatGiven(**about, promoted=True))

    assert "withdrawn" == (await desk.enrolment(1)).status
    assert 2 == len(desk.told(Withdrawn))
    assert {"62"} == {each.home_node for each in desk.told(Withdrawn)}
    await hear(desk, let_guest_go, taken_back())
    assert 2 == len(desk.told(Withdrawn))


async def test_a_seat_after_being_taken_back_is_freed(desk: Desk) -> None:
    """The same without a line."""
    await hear(desk, let_guest_go, taken_back())
    await desk.settle()
    given = SeatGiven(
        learner_id=person(1), at=NOW, enrolment_id=seat(1), cohort_id="dua-i", agency="62.71",
        home_node="62",
    )  # fmt: skip
    await desk.hear(given)

    assert 2 == len(desk.told(Withdrawn))


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (taken_back(home_node="33"), "not-their-learner"),
        (taken_back(host_node="33"), "not-our-cohort"),
        (
            taken_back(cohort_id="x", enrolment_id=enrolment_id(person(1), "x", "35")),
            "cohort-not-open",
        ),
    ],
)
async def test_only_its_home_takes_a_guest_back(
    desk: Desk, fact: NominationWithdrawn, reason: str
) -> None:
    """Nobody else does, and nobody from another node's cohort."""
    with pytest.raises(Unprocessable) as refused:
        await hear(desk, let_guest_go, fact)

    assert reason == refused.value.reason


async def test_a_former_home_takes_nobody_back(desk: Desk) -> None:
    """Whose home is another by now stays."""

    async def keep(work: Any) -> None:  # noqa: ANN401 - any work
        enrolment = await work.enrolments.of(seat(1))
        work.enrolments.keep(enrolment.rehome("33"))

    await desk.works.run(keep)

    with pytest.raises(Unprocessable) as refused:
        await hear(desk, let_guest_go, taken_back())

    assert "not-their-learner" == refused.value.reason


async def test_nobody_links_another_nodes_people(desk: Desk) -> None:
    """Only the home of both does."""
    await desk.works.run(_own(2))
    fact = LearnerLinked(learner_id=person(1), at=NOW, home_node="62", other_id=person(2))

    for told, sender in ((fact, "62"), (fact, "33")):
        with pytest.raises(Unprocessable) as refused:
            await hear(desk, link_guest, told, sender)
        assert "not-their-learner" == refused.value.reason


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (moves(2), "not-their-learner"),
        (moves(3), "unknown-learner"),
        (moves(1, personal=Mover(Learner("x", nip=nip(9))).write().decode()), "wrong-pseudonym"),
        (moves(1, personal=""), "broken-personal-data"),
        (moves(1, home_node="33"), "not-their-learner"),
    ],
)
async def test_only_its_home_moves_a_person(
    desk: Desk, fact: LearnerTransferred, reason: str
) -> None:
    """Neither our own people, nor a third node's guests, nor anybody under another's number."""

    async def keep(work: Any) -> None:  # noqa: ANN401 - any work
        learner = await work.learners.of(person(3))
        work.learners.keep(replace(learner, nip=nip(3), home_node="33"))

    await desk.works.run(_own(2))
    await desk.works.run(keep)

    with pytest.raises(Unprocessable) as refused:
        await hear(desk, receive_move, fact)

    assert reason == refused.value.reason


async def test_old_news_of_a_move_changes_nothing(desk: Desk) -> None:
    """The newest home stands, and what an older move still brings is taken in."""
    await hear(desk, receive_move, moves())
    place = Placement(
        enrolment_id(person(1), "c", "33"), learner_id=person(1), host_node="33", cohort_id="c",
        seated=True,
    )  # fmt: skip
    strange = replace(place, id="x")
    mover = Mover(Learner(person(1), nip=nip(1), name="Lain"), (place, strange))
    await hear(desk, receive_move, moves(personal=mover.write().decode()))

    learner = await desk.learner(1)
    assert (True, "Tamu", 1) == (learner.own, learner.name, learner.card_version)
    assert "accepted" == (await desk.works.open().placements.of(place.id)).stand
    assert not (await desk.works.open().placements.of("x")).known


async def test_a_move_of_somebody_unknown_is_noted(desk: Desk) -> None:
    """A host that has not met the person knows the new home when it does."""
    await desk.works.run(lambda work: follow_move("35", moves(to="33"), work))
    await desk.works.run(
        lambda work: follow_move("35", moves(to="61", at=NOW.replace(year=2023)), work)
    )

    assert "33" == (await desk.learner(1)).home_node
    assert "33" == (await desk.learner(1)).welcome("62").home_node


@pytest.mark.parametrize(
    ("home", "host", "reason"), [("62", "62", "not-our-learner"), ("35", "33", "not-the-host")]
)
async def test_only_the_host_answers(desk: Desk, home: str, host: str, reason: str) -> None:
    """Nobody says how our people fare in another node's cohort."""
    fact = SeatGiven(
        learner_id=person(1), at=NOW, enrolment_id=enrolment_id(person(1), "c", "62"),
        cohort_id="c", agency="35.73", home_node=home,
    )  # fmt: skip

    with pytest.raises(Unprocessable) as refused:
        await desk.works.run(lambda work: note_seat_abroad(fact, host, work))
    told = certified("PKA", home_node="35")
    with pytest.raises(Unprocessable):
        await desk.works.run(lambda work: note_certificate_from_abroad(told, "62", work))

    assert reason == refused.value.reason


@pytest.mark.parametrize(
    ("agency", "node", "expected"),
    [
        ("62", "62", True), ("62.71", "62", True), ("62/bkd", "62", True),
        ("62.71/dinas", "62", True), ("35.72", "35.72", True), ("35.72/dinas", "35.72", True),
        ("35.73", "35.72", False), ("35", "35.72", False), ("621", "62", False),
        ("61.71", "62", False),
    ],
)  # fmt: skip
def test_an_agency_lies_in_its_nodes_region(agency: str, node: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """A code belongs to the node whose region holds it."""
    assert expected == in_region(agency, node)


def test_broken_records_tell_nothing_of_themselves() -> None:
    """A reason may come to a log, where nothing personal belongs."""
    for read in (Traveller.read, Mover.read):
        with pytest.raises(Unprocessable) as refused:
            read(b'{"nip": 5, "name": "Sulastri"}')
        assert "Sulastri" not in str(refused.value)


def test_a_place_that_an_older_release_tells_keeps_its_programmes_version() -> None:
    """Copies stay on the bus, and nodes are not upgraded on one day."""
    place = Placement("p", programme="PKA", programme_version=3)
    mover = Mover(Learner(person(1), nip=nip(1)), (place,))
    older = mover.write().replace(b'"programme_version":3', b'"version":3')

    assert mover.write() != older
    assert mover == Mover.read(older) == Mover.read(mover.write())


def test_a_traveller_brings_what_the_row_leaves_out() -> None:
    """The home's card fills what the list does not tell."""
    learner = Learner("x", email="a@b.id", phone="08", position="Kabid", agency_name="BKD")
    told = Traveller.of(Nominee(1, nip(1), "Sulastri"), learner, [])

    assert ("a@b.id", "08", "Kabid", "BKD") == (told.email, told.phone, told.position, told.unit)
