"""What is judged, and judged again, by what the node knows of a person."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.enrolment.domain.learner import Card
from services.enrolment.domain.nip import Nip, read_nip
from services.enrolment.domain.staff import Member
from services.enrolment.handlers.cohorts import close_line, send_line_home
from services.enrolment.handlers.enrolments import Withdrawal, enrol_oneself, withdraw_learner
from services.enrolment.handlers.finishing import finish_what_was_started
from services.enrolment.handlers.graduation import decide_graduation, tell_decisions
from services.enrolment.handlers.learners import change_number, move_to_new_number
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.rosters import judge_roster
from services.enrolment.handlers.seats import fill_free_seats
from services.enrolment.handlers.staff import receive_staff_list, tell_staff_list
from services.enrolment.ports import Rooms
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerLinked,
    LearnerRecorded,
    NominationRefused,
    SeatFreed,
    SeatGiven,
    Withdrawn,
)
from shared.kernel.errors import Conflict, Invalid, NotFound, Refusal
from shared.kernel.ids import enrolment_id, learner_id
from tests.support.enrolment import (
    COURSE,
    DAY,
    KEY,
    LATER,
    LECTURE,
    MALANG,
    NOW,
    TODAY,
    Desk,
    certified,
    changed,
    cohort_body,
    completed,
    lecture_body,
    listed,
    nip,
    outcomes,
    person,
    revoked,
    seat,
    sitting,
)

NEW_NIP = "198001012006011234"
NEW_ID = learner_id(NEW_NIP, KEY)
LEAVING = Withdrawal(DAY, "sakit")


@pytest.fixture
def desk() -> Desk:
    """Stand at an empty desk."""
    return Desk()


def slug(caught: pytest.ExceptionInfo[Any]) -> str:
    """Tell the slug of a refusal."""
    assert isinstance(caught.value, Refusal)
    return caught.value.slug


async def leave(desk: Desk, serial: int) -> None:
    """Let somebody leave, and everything follow."""
    await desk.works.run(lambda work: withdraw_learner(seat(serial), LEAVING, TODAY, work))
    await desk.settle()


async def renumber(desk: Desk, serial: int = 1) -> None:
    """Give somebody the new number."""
    new = read_nip(NEW_NIP, "", DAY)
    assert isinstance(new, Nip)
    await desk.works.run(lambda work: change_number(person(serial), new, NEW_ID, DAY, work))
    await move_to_new_number(person(serial), TODAY, desk.works)


async def test_certificates_decide_on_prerequisites_and_repetition(desk: Desk) -> None:
    """A revoked one holds nothing, and each reason is told."""
    await desk.programme("DUA.1", changed(COURSE, prerequisites=["PKP"]))
    await desk.cohort()
    await desk.hear(
        certified("PKP"), certified("PKP", 2), certified("DUA", 2),
        certified("PKP", 3), revoked("PKP", 3),
    )  # fmt: skip

    roster = await desk.nominate([listed(1), listed(2), listed(3)])

    assert [
        ("accepted", ()),
        ("refused", ("already-certified",)),
        ("refused", ("prerequisite-missing",)),
    ] == outcomes(roster)


async def test_days_given_to_another_cohort_cannot_be_given_again(desk: Desk) -> None:
    """Other days can, and days that were given back."""
    await desk.begin()
    await desk.cohort("dua-ii", cohort_body(calendar=LATER))
    await desk.cohort("dua-iii")
    await desk.nominate([listed(1)])
    await desk.settle()

    later = await desk.nominate([listed(1)], cohort="dua-ii")
    same = await desk.nominate([listed(1)], cohort="dua-iii")
    await leave(desk, 1)
    again = await desk.nominate([listed(1), listed(2)], cohort="dua-iii")

    assert [("accepted", ())] == outcomes(later)
    assert [("refused", ("overlapping-training",))] == outcomes(same)
    assert [("accepted", ()), ("accepted", ())] == outcomes(again)


async def test_a_refusal_gives_back_the_days_that_its_list_claimed(desk: Desk) -> None:
    """Whoever finds no seat is free for another cohort."""
    await desk.begin(seats=1, line=0)
    await desk.cohort("dua-ii")
    full = await desk.nominate([listed(1), listed(2)])
    await desk.settle()

    other = await desk.nominate([listed(2)], cohort="dua-ii")

    assert [("accepted", ()), ("refused", ("no-seat",))] == outcomes(full)
    assert [("accepted", ())] == outcomes(other)


async def test_who_waits_is_judged_again_before_promotion(desk: Desk) -> None:
    """Certified meanwhile, or gone from the agency: the seat goes to the next."""
    await desk.begin(seats=1)
    await desk.nominate([listed(1), listed(2), listed(3), listed(4)])
    await desk.settle()
    await desk.hear(certified("DUA", 2))
    remaining = [Member(person(n), Card(nip(n), "A", MALANG, "PNS")) for n in (1, 2, 4)]
    await desk.works.run(lambda work: receive_staff_list("s", MALANG, remaining, (NOW, DAY), work))
    await tell_staff_list("s", desk.works)

    await leave(desk, 1)

    refused = {f.enrolment_id: f.reasons for f in desk.told(NominationRefused)}
    assert {
        seat(2): ("already-certified",),
        seat(3): ("not-eligible-employment",),
    } == refused
    assert {seat(1), seat(2), seat(3)} == {f.enrolment_id for f in desk.told(SeatFreed)}
    assert [seat(4)] == [f.enrolment_id for f in desk.told(SeatGiven) if f.promoted]
    assert "released" == (await desk.enrolment(2)).status
    again = await desk.nominate([listed(2), listed(1)], key="again")
    assert [("already-certified",), ("withdrew-earlier",)] == [r for _, r in outcomes(again)]


async def test_who_waits_keeps_the_place_under_a_new_number(desk: Desk) -> None:
    """The person is judged as who they are now; the old number cannot be nominated any more."""
    await desk.begin(seats=1)
    await desk.nominate([listed(2), listed(1)])
    await desk.settle()
    await renumber(desk)

    doubled = await desk.nominate([listed(1, nip=NEW_NIP)], key="new")
    await desk.cohort("dua-ii", cohort_body(calendar=LATER))
    old = await desk.nominate([listed(1)], cohort="dua-ii")
    await leave(desk, 2)

    assert [("refused", ("already-enrolled",))] == outcomes(doubled)
    assert [("refused", ("not-eligible-employment",))] == outcomes(old)
    assert "enrolled" == (await desk.enrolment(1)).status


async def test_a_new_number_has_its_card_and_its_links(desk: Desk) -> None:
    """What the old number holds counts for the new one."""
    await desk.begin()
    await desk.nominate([listed(1)])
    await desk.hear(certified("PKA"))
    await renumber(desk)
    await renumber(desk)
    await desk.settle()

    links = {(fact.learner_id, fact.other_id) for fact in desk.told(LearnerLinked)}
    assert {(NEW_ID, person(1)), (person(1), NEW_ID)} == links
    cards = [fact for fact in desk.told(LearnerRecorded) if fact.learner_id == NEW_ID]
    assert [(NEW_NIP, (nip(1),), True)] == [(c.nip, c.former_nips, c.active) for c in cards]
    old = await desk.learner(1)
    assert (False, NEW_ID) == (old.active, old.replaced_by)


async def test_a_number_of_somebody_else_is_not_taken(desk: Desk) -> None:
    """Nor is one replaced twice, nor that of whom nobody knows."""
    await desk.begin()
    await desk.nominate([listed(1), listed(2)])
    new = read_nip(NEW_NIP, "", DAY)
    assert isinstance(new, Nip)

    async def change(serial: int, new_id: str) -> None:
        await desk.works.run(lambda work: change_number(person(serial), new, new_id, DAY, work))

    await change(1, person(1))
    await renumber(desk)
    for serial, new_id, expected in ((1, "else", "number-replaced"), (2, NEW_ID, "number-taken")):
        with pytest.raises(Conflict) as caught:
            await change(serial, new_id)
        assert expected == slug(caught)
    await desk.hear(certified("PKA", 9))
    with pytest.raises(NotFound):
        await change(9, "else")


async def test_one_update_promotes_no_more_than_it_can_tell(desk: Desk) -> None:
    """What remains is done by the periodic job."""
    await desk.begin(seats=1, line=100)
    await desk.nominate([listed(number) for number in range(1, 62)])
    await desk.hear(*(certified("DUA", number) for number in range(2, 61)))

    await leave(desk, 1)

    assert ("seats",) == (await desk.cohort_now()).unfinished
    await finish_what_was_started(TODAY, desk.works)
    await desk.works.run(lambda work: fill_free_seats("dua-i", NOW, work))
    await desk.settle()
    cohort = await desk.cohort_now()
    assert ((), 1, 0) == (cohort.unfinished, cohort.seated, len(cohort.waiting))
    assert "enrolled" == (await desk.enrolment(61)).status


async def test_many_refusals_are_told_a_hundred_at_a_time(desk: Desk) -> None:
    """Each once."""
    await desk.begin()
    rows = [listed(number, position_level="pelaksana") for number in range(1, 251)]

    roster = await desk.nominate(rows)
    await judge_roster(roster.id, TODAY, desk.works)
    await desk.settle()

    assert 250 == len(desk.told(NominationRefused))


async def test_a_list_enrols_openly_without_seats(desk: Desk) -> None:
    """A repeat says the same, another list that they are in, a late one that they left."""
    await desk.begin()
    await desk.programme("KULIAH.1", changed(LECTURE, eligible={"employment": ["PNS"]}))
    await desk.cohort("kuliah", lecture_body())
    rows = [listed(1), listed(2, nip="199009132022211007")]

    roster = await desk.nominate(rows, cohort="kuliah", key="one")
    kept = replace(roster, status="endorsed", results={})

    async def forget(work: Rooms) -> None:
        await work.rosters.get("one")
        work.rosters.keep(kept)

    await desk.works.run(forget)
    again = await judge_roster("one", TODAY, desk.works)
    other = await desk.nominate([listed(1)], cohort="kuliah", key="two")
    key = seat(1, "kuliah")
    await desk.works.run(lambda work: withdraw_learner(key, LEAVING, TODAY, work))
    late = await desk.nominate([listed(1)], cohort="kuliah", key="three")
    await desk.settle()

    expected = [("accepted", ()), ("refused", ("not-eligible-employment",))]
    assert expected == outcomes(roster) == outcomes(again)
    assert [("refused", ("already-enrolled",))] == outcomes(other)
    assert [("refused", ("withdrew-earlier",))] == outcomes(late)
    assert [key] == [fact.enrolment_id for fact in desk.told(Enrolled)]
    assert {} == (await desk.cohort_now("kuliah")).places


async def test_learners_enrol_themselves_where_all_are_welcome(desk: Desk) -> None:
    """Elsewhere they need a nomination; who does not qualify hears why."""
    await desk.begin()
    await desk.programme("KULIAH.1", changed(LECTURE, prerequisites=["PKA"]))
    await desk.cohort("kuliah", lecture_body())
    await desk.nominate([listed(1)])
    await renumber(desk)

    async def enrol(learner: str, cohort: str) -> str:
        enrolment = await desk.works.run(lambda w: enrol_oneself(learner, cohort, TODAY, w))
        return enrolment.id

    with pytest.raises(Conflict) as closed:
        await enrol(NEW_ID, "dua-i")
    with pytest.raises(NotFound):
        await enrol(person(9), "kuliah")
    with pytest.raises(Invalid) as refused:
        await enrol(NEW_ID, "kuliah")
    await desk.hear(certified("PKA"))

    assert ("nomination-needed", "not-admitted") == (slug(closed), slug(refused))
    assert ["prerequisite-missing"] == refused.value.extra["reasons"]
    key = enrolment_id(NEW_ID, "kuliah", "35")
    assert [key, key] == [await enrol(NEW_ID, "kuliah"), await enrol(NEW_ID, "kuliah")]


async def test_a_withdrawal_has_its_day(desk: Desk) -> None:
    """An earlier day begins at local midnight; a day to come is refused."""
    await desk.begin()
    await desk.nominate([listed(1)])
    await desk.settle()

    async def leave_on(day: date) -> None:
        leaving = Withdrawal(day, "pindah")
        await desk.works.run(lambda work: withdraw_learner(seat(1), leaving, TODAY, work))

    with pytest.raises(Invalid):
        await leave_on(DAY + timedelta(days=1))
    await leave_on(DAY - timedelta(days=2))
    await desk.settle()

    assert ["2024-01-29T17:00:00+00:00"] == [f.at.isoformat() for f in desk.told(Withdrawn)]


async def test_who_leaves_the_line_frees_no_seat(desk: Desk) -> None:
    """The line moves up; a seat given at that moment enrols nobody."""
    await desk.begin(seats=1)
    await desk.nominate([listed(1), listed(2), listed(3)])
    await desk.settle()

    await leave(desk, 2)
    await leave(desk, 1)
    await leave(desk, 3)

    assert {seat(1), seat(3)} == {fact.enrolment_id for fact in desk.told(Enrolled)}
    cohort = await desk.cohort_now()
    assert (0, []) == (cohort.seated, cohort.waiting)


async def test_a_seat_given_to_who_just_left_the_line_enrols_nobody(desk: Desk) -> None:
    """The place is free again."""
    await desk.begin(seats=1)
    await desk.nominate([listed(1), listed(2)])
    await desk.settle()
    await desk.works.run(lambda work: withdraw_learner(seat(1), LEAVING, TODAY, work))
    await desk.works.run(lambda work: withdraw_learner(seat(2), LEAVING, TODAY, work))

    await desk.settle()

    assert {seat(1)} == {fact.enrolment_id for fact in desk.told(Enrolled)}
    assert 0 == (await desk.cohort_now()).seated


async def test_a_line_of_many_is_sent_home(desk: Desk) -> None:
    """Fifty at a time, each told once; who has a seat keeps it."""
    await desk.begin(seats=1)
    await desk.nominate([listed(number) for number in range(1, 122)])
    for _ in range(2):
        await desk.works.run(lambda work: close_line("dua-i", work))
        await send_line_home("dua-i", NOW, desk.works)
    await desk.settle()

    assert 120 == len(desk.told(NominationRefused)) == len(desk.told(SeatFreed))
    assert 1 == (await desk.cohort_now()).seated


async def test_a_sitting_that_cannot_stand_decides_nothing(desk: Desk) -> None:
    """Somebody decided twice, or not completed; what is certified by itself is not decided."""
    await desk.begin()
    await desk.nominate([listed(1), listed(2)])
    await desk.hear(completed(await desk.programme_now()))
    await desk.programme("KULIAH.1", LECTURE)
    await desk.cohort("kuliah", lecture_body())

    async def decide(cohort: str, *decisions: tuple[int, str], minutes: str = "BA") -> Any:  # noqa: ANN401
        held = sitting(*decisions, minutes=minutes)
        return await desk.works.run(lambda work: decide_graduation(cohort, held, work))

    with pytest.raises(Conflict) as automatic:
        await decide("kuliah", (1, "graduated"))
    with pytest.raises(Invalid) as refused:
        await decide("dua-i", (1, "graduated"), (1, "left"), (2, "graduated"))
    await decide("dua-i", (1, "deferred"))
    await decide("dua-i", (1, "graduated"), minutes="BA/2")
    await finish_what_was_started(TODAY, desk.works)
    await desk.settle()

    assert "issued-automatically" == slug(automatic)
    assert 3 == len(refused.value.extra["decisions"])  # type: ignore[arg-type]  # a list
    enrolment = await desk.enrolment(1)
    assert ("graduated", 2) == (enrolment.outcome, enrolment.decision)


async def test_many_decisions_are_told_a_hundred_at_a_time(desk: Desk) -> None:
    """Each once."""
    await desk.begin(seats=250)
    await desk.nominate([listed(number) for number in range(1, 251)])
    await desk.settle()
    held = sitting(*((number, "left") for number in range(1, 251)))
    await desk.works.run(lambda work: decide_graduation("dua-i", held, work))

    cohort = await tell_decisions("dua-i", NOW, desk.works)
    await desk.settle()

    assert () == cohort.unfinished
    assert 250 == len(desk.told(GraduationDecided))
    assert "left" == (await desk.enrolment(250)).outcome


async def test_what_is_being_done_is_left_to_whoever_does_it(desk: Desk) -> None:
    """The periodic job waits a little before it takes over."""
    await desk.begin()
    roster = await desk.endorse(await desk.draft([listed(1)]))
    members = [Member(person(2), Card(nip(2), "A", MALANG, "PNS"))]
    await desk.works.run(lambda work: receive_staff_list("s", MALANG, members, (NOW, DAY), work))

    await finish_what_was_started(TODAY, desk.works)
    assert "endorsed" == (await desk.works.open().rosters.of(roster.id)).status
    later = replace(TODAY, now=NOW + timedelta(minutes=1))
    for _ in range(2):
        await finish_what_was_started(later, desk.works)

    assert "judged" == (await desk.works.open().rosters.of(roster.id)).status
    assert "told" == (await tell_staff_list("s", desk.works)).status


async def test_a_staff_list_leaves_alone_whom_others_have_taken_on(desk: Desk) -> None:
    """A replaced number is skipped, and whoever moved meanwhile stays where they are."""
    await desk.begin()
    await desk.nominate([listed(1), listed(2)])
    await renumber(desk)
    members = [Member(person(1), Card(nip(1), "A", MALANG, "PNS"))]
    await desk.works.run(lambda work: receive_staff_list("s", MALANG, members, (NOW, DAY), work))

    async def compare_and_move(work: Rooms) -> None:
        staff = await work.staff_lists.get("s")
        work.staff_lists.keep(staff.compare([await work.learners.of(person(2))], []))
        learner = await work.learners.of(person(2))
        work.learners.keep(learner.record(Card(nip(2), "B", "35.72", "PNS"), DAY))

    await desk.works.run(compare_and_move)
    await tell_staff_list("s", desk.works)

    assert not (await desk.learner(1)).active
    assert ("35.72", True) == ((await desk.learner(2)).agency, (await desk.learner(2)).active)


class BusyWorks:
    """Works that find an aggregate busy so many times."""

    def __init__(self, times: int, why: str = "busy") -> None:
        """Refuse so many times."""
        self.times, self.why = times, why

    async def run(self, use_case: Any) -> Any:  # noqa: ANN401 - a fake of any use case
        """Refuse, or run."""
        if self.times:
            self.times -= 1
            raise Conflict(self.why, "somebody else is quicker")
        return await use_case(None)


async def test_a_step_waits_while_others_are_quicker() -> None:
    """Only being busy is waited for, and not for ever."""

    async def step(_: object) -> str:
        return "done"

    assert "done" == await patiently(BusyWorks(20), step)
    for works in (BusyWorks(21), BusyWorks(1, "cohort-not-open")):
        with pytest.raises(Conflict):
            await patiently(works, step)
