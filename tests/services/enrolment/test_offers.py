"""Programmes and cohorts that one node offers and another hears of, adopts, and nominates to."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from services.enrolment.domain.cohort import Cohort, CohortDraft, GuestTerms, Offer, Place, Request
from services.enrolment.domain.cohort.shape import Calendar
from services.enrolment.domain.offered import OfferedCohort, OfferedProgramme
from services.enrolment.domain.programme import LARGEST_SYLLABUS, Programme, ProgrammeDraft
from services.enrolment.handlers.cohorts import reschedule_cohort
from services.enrolment.handlers.offers import (
    offer_cohort,
    offer_programme,
    take_back_cohort,
    take_back_programme,
)
from services.enrolment.handlers.seats import fill_free_seats
from shared.events.enrolment import SeatGiven
from shared.events.offers import CohortOffered, ProgrammeOffered
from shared.kernel.errors import Conflict, Invalid, NotFound
from tests.support.enrolment import (
    COURSE,
    DAY,
    LATER,
    NOW,
    SESSIONS,
    TODAY,
    Desk,
    changed,
    cohort_body,
    lecture_body,
    listed,
    outcomes,
)

TERMS = GuestTerms(nominations_until=date(2024, 2, 25))
NEW_DATES = Calendar.model_validate({"calendar": LATER, "sessions": SESSIONS})


@pytest.fixture
def desk() -> Desk:
    """Stand at an empty desk."""
    return Desk()


async def _offer(desk: Desk, **terms: object) -> Cohort:
    told = TERMS.model_copy(update=terms)
    return await desk.works.run(lambda work: offer_cohort("dua-i", told, TODAY, work))


async def _told(desk: Desk, kind: type[Any]) -> list[Any]:
    await desk.settle()
    return desk.told(kind)


async def test_a_published_programme_is_offered_whole_and_taken_back(desk: Desk) -> None:
    """Each change is told once, with a higher number."""
    programme = await desk.programme()
    for step in (offer_programme, offer_programme, take_back_programme, take_back_programme):
        await desk.works.run(partial(step, "DUA.1", "35", NOW))
    await desk.works.run(lambda work: offer_programme("DUA.1", "35", NOW, work))

    told = await _told(desk, ProgrammeOffered)
    assert [(1, True), (2, False), (3, True)] == [(each.offer, each.open) for each in told]
    assert [programme.draft, None, programme.draft] == [each.syllabus for each in told]
    assert {("35", "DUA", 1, ("all",))} == {
        (each.node, each.code, each.version, each.addressees) for each in told
    }


def test_only_a_published_programme_of_bearable_size_is_offered() -> None:
    """It travels as one fact."""
    draft = ProgrammeDraft.model_validate(COURSE)
    phases = [changed(COURSE["phases"][0], number=n, title="x" * 300) for n in range(1, 51)]
    gate = {"all": [{"completed": [f"{'m' * 60}-{n:02}" for n in range(60)]}]}
    huge = changed(COURSE, phases=[changed(each, gate=gate) for each in phases])

    with pytest.raises(Conflict):
        Programme("DUA.1").write(draft, "").put_on_offer()
    large = replace(Programme("X.1"), draft=ProgrammeDraft.model_validate(huge), status="published")
    assert len(large.content.model_dump_json()) > LARGEST_SYLLABUS
    with pytest.raises(Invalid):
        large.put_on_offer()


async def test_an_offered_cohort_tells_its_new_dates_by_itself(desk: Desk) -> None:
    """On the same terms again it tells nothing; new terms, new dates and the end are told."""
    await desk.begin()
    await _offer(desk)
    await _offer(desk)
    await _offer(desk, seats_for_guests=1)
    await desk.works.run(lambda work: reschedule_cohort("dua-i", NEW_DATES, NOW, work))
    await desk.works.run(lambda work: reschedule_cohort("dua-i", NEW_DATES, NOW, work))
    for _ in range(2):
        await desk.works.run(lambda work: take_back_cohort("dua-i", NOW, work))

    told = await _told(desk, CohortOffered)
    offered = OfferedCohort("35/dua-i").hear(told[3])
    assert offered == offered.hear(told[1]).hear(told[3])
    assert [
        (1, True, None, 1),
        (2, True, 1, 1),
        (3, True, 1, 2),
        (4, False, 1, 2),
    ] == [(e.offer, e.open, e.seats_for_guests, e.calendar_version) for e in told]
    assert ("dua-i", "35", ("all",), (2,)) == (
        told[0].subject,
        told[0].node,
        told[0].addressees,
        told[0].residential,
    )
    assert date(2024, 5, 1) == told[2].calendar[0].periods[0].starts


async def test_dates_of_what_is_not_on_offer_are_told_to_nobody_else(desk: Desk) -> None:
    """Neither before an offer nor after it was taken back."""
    await desk.begin()
    await desk.works.run(lambda work: reschedule_cohort("dua-i", NEW_DATES, NOW, work))

    assert [] == await _told(desk, CohortOffered)


async def test_an_offer_asks_for_what_can_be(desk: Desk) -> None:
    """A day to come, agreements that hold, an open cohort, and seats to cap."""
    await desk.programme()
    await desk.cohort()
    for terms in ({"nominations_until": date(2024, 1, 31)}, {"agreements": ("pks",)}):
        with pytest.raises(Invalid):
            await _offer(desk, **terms)
    draft = CohortDraft.model_validate(cohort_body())
    with pytest.raises(Conflict):
        Cohort("new").write(draft, owner="", host_node="35").put_on_offer(TERMS, ())
    open_to_all = replace(
        Cohort("k"), draft=CohortDraft.model_validate(lecture_body()), status="open"
    )
    capped = TERMS.model_copy(update={"seats_for_guests": 5})
    with pytest.raises(Invalid):
        open_to_all.put_on_offer(capped, ())
    assert open_to_all.put_on_offer(TERMS, ()).offer.open


def test_an_offer_takes_nominations_until_its_last_day() -> None:
    """Not after it, nor once it was taken back, nor before there is one."""
    offer = Offer().renew(TERMS, (), 1)

    assert offer.takes(date(2024, 2, 25))
    assert not offer.takes(date(2024, 2, 26))
    assert not offer.close().takes(DAY)
    assert not Offer().takes(DAY)
    assert (Offer(), Offer()) == (Offer().close(), Offer().follow(2))


def _seating(most: int | None, seats: int) -> Cohort:
    draft = CohortDraft.model_validate(cohort_body(seats=seats))
    written = Cohort("dua-i").write(draft, owner="", host_node="35")
    cohort = replace(written, status="open")
    return cohort.put_on_offer(TERMS.model_copy(update={"seats_for_guests": most}), ())


def _asking(*homes: str) -> list[Request]:
    return [Request(f"e{n}", f"l{n}", "35.73", home, "r") for n, home in enumerate(homes, 1)]


@pytest.mark.parametrize(
    ("most", "seats", "homes", "expected"),
    [
        (None, 2, ("62", "62", "35"), "aaw"),
        (1, 3, ("62", "62", "35", "62"), "awaw"),
        (0, 2, ("62", "35", "35"), "waa"),
        (1, 2, ("62", "62", "35", "35"), "awaw"),
        (2, 1, ("35", "62", "35"), "aww"),
    ],
)
def test_guests_take_no_more_than_their_seats(
    most: int | None, seats: int, homes: tuple[str, ...], expected: str
) -> None:
    """A guest beyond them waits, and keeps nobody else from a free seat."""
    _, decided = _seating(most, seats).admit(_asking(*homes))

    assert expected == "".join(each.status[0] for each in decided.values())


def test_a_guest_waits_behind_whoever_may_be_seated() -> None:
    """In a line that anybody could leave for a seat, the order holds for all."""
    waiting = Place("l0", "35.73", "35", "r0", turn=1)
    cohort = replace(_seating(1, 2), places={"e0": waiting}, turns=1)

    _, decided = cohort.admit(_asking("62", "35"))

    assert ["waitlisted", "waitlisted"] == [each.status for each in decided.values()]


def test_more_seats_for_guests_go_to_those_who_wait() -> None:
    """The task to fill seats is begun; without a guest waiting there is none."""
    cohort, _ = _seating(0, 1).admit(_asking("62"))

    assert ([], ["e1"]) == (cohort.promotable, cohort.waiting)
    assert (
        () == cohort.put_on_offer(TERMS.model_copy(update={"seats_for_guests": 0}), ()).unfinished
    )
    assert ("seats",) == cohort.put_on_offer(TERMS, ()).unfinished


async def test_a_freed_seat_passes_over_guests_who_have_all_of_theirs(desk: Desk) -> None:
    """The next of the node's own gets it; the guest goes on waiting, and the task is done."""
    await desk.begin(seats=2)
    await desk.nominate([listed(1), listed(2), listed(3), listed(4)])
    cohort = await _offer(desk, seats_for_guests=0)
    guest, own = cohort.waiting
    places = {**cohort.places, guest: replace(cohort.places[guest], home_node="62")}
    seated = next(key for key, each in places.items() if each.status == "seated")
    arranged = replace(cohort, places=places).free_place(seated)[0].begin("seats")

    async def arrange(work: Any) -> None:  # noqa: ANN401 - the work
        await work.cohorts.of("dua-i")
        work.cohorts.keep(arranged)

    await desk.works.run(arrange)
    await desk.works.run(lambda work: fill_free_seats("dua-i", NOW, work))

    after = await desk.cohort_now()
    assert (["waiting", "seated"], ()) == (
        [after.places[key].status for key in (guest, own)],
        after.unfinished,
    )
    assert [own] == [each.enrolment_id for each in await _told(desk, SeatGiven) if each.promoted]


async def test_without_an_offer_nothing_about_seats_has_changed(desk: Desk) -> None:
    """Two seats for the first two, the rest wait."""
    await desk.begin(seats=2)
    roster = await desk.nominate([listed(1), listed(2), listed(3)])

    assert ["accepted", "accepted", "waitlisted"] == [status for status, _ in outcomes(roster)]


def _offered(number: int, *, later: int = 0, **changes: object) -> ProgrammeOffered:
    told = {
        "at": NOW + timedelta(minutes=number + later), "node": "35", "code": "DUA", "version": 1,
        "offer": number, "syllabus": COURSE,
    }  # fmt: skip
    return ProgrammeOffered.model_validate({**told, **changes})


def test_the_newest_offer_holds_in_whatever_order_they_come() -> None:
    """By number; of the same number, as a restored node may tell again, by time."""
    told = [
        _offered(1),
        _offered(2, open=False, syllabus=None),
        _offered(3, version=1),
        _offered(3, later=9, open=False, syllabus=None),
    ]
    ends = set()
    for order in permutations((*told, told[0], told[2])):
        offered = OfferedProgramme("35/DUA.1")
        for fact in order:
            offered = offered.hear(fact)
        ends.add(offered)

    assert {OfferedProgramme("35/DUA.1", "35", open=False, told=told[3])} == ends


def test_what_was_never_offered_cannot_be_read() -> None:
    """It is not found."""
    for blank in (OfferedProgramme("35/X.1"), OfferedCohort("35/x")):
        with pytest.raises(NotFound):
            _ = blank.content
