"""Enrolment's use cases, from a programme to the graduation decision, on memory twins."""

import pytest

from services.enrolment.handlers.enrolments import Withdrawal, withdraw_learner
from services.enrolment.handlers.graduation import decide_graduation, tell_decisions
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerRecorded,
    NominationRefused,
    SeatFreed,
    SeatGiven,
    Waitlisted,
    Withdrawn,
)
from tests.support.enrolment import (
    DAY,
    NOW,
    TODAY,
    Desk,
    completed,
    listed,
    nip,
    outcomes,
    pppk_nip,
    seat,
    sitting,
)


@pytest.fixture
def desk() -> Desk:
    """Stand at an empty desk."""
    return Desk()


async def test_a_list_is_judged_row_by_row_and_ends_in_enrolments(desk: Desk) -> None:
    """Seats go in row order, then the line; every refusal has its reason."""
    await desk.begin()
    rows = [
        listed(1),
        listed(2, nip="19801301200501" + "1001"),
        listed(3, nip=pppk_nip()),
        listed(4, position_level="pelaksana"),
        listed(5),
        listed(6, 5),
        listed(7),
    ]

    roster = await desk.nominate(rows)
    await desk.settle()

    assert "judged" == roster.status
    assert [
        ("accepted", ()),
        ("refused", ("impossible-nip",)),
        ("refused", ("not-eligible-employment",)),
        ("refused", ("not-eligible-position-level",)),
        ("accepted", ()),
        ("refused", ("duplicate-in-list",)),
        ("waitlisted", ()),
    ] == outcomes(roster)
    assert [seat(1), seat(5)] == [fact.enrolment_id for fact in desk.told(SeatGiven)]
    assert [(seat(7), 1)] == [(f.enrolment_id, f.position) for f in desk.told(Waitlisted)]
    assert {seat(1), seat(5)} == {fact.enrolment_id for fact in desk.told(Enrolled)}
    assert 2 == len(desk.told(NominationRefused))
    assert 5 == len(desk.told(LearnerRecorded))


async def test_a_seat_that_is_left_goes_to_the_next_in_line(desk: Desk) -> None:
    """A withdrawal frees the seat, promotes the first who waits and gives the days back."""
    await desk.begin()
    await desk.nominate([listed(1), listed(2), listed(3), listed(4)])
    await desk.settle()

    leaving = Withdrawal(DAY, "sakit")
    for _ in range(2):
        await desk.works.run(lambda work: withdraw_learner(seat(1), leaving, TODAY, work))
        await desk.settle()

    assert [seat(1)] == [fact.enrolment_id for fact in desk.told(Withdrawn)]
    assert [seat(1)] == [fact.enrolment_id for fact in desk.told(SeatFreed)]
    promoted = [fact.enrolment_id for fact in desk.told(SeatGiven) if fact.promoted]
    assert [seat(3)] == promoted
    assert "enrolled" == (await desk.enrolment(3)).status
    assert "waitlisted" == (await desk.enrolment(4)).status
    assert (await desk.learner(1)).claims[seat(1)].final


async def test_graduation_is_decided_in_one_call(desk: Desk) -> None:
    """Every decision is stated once, and the enrolment knows it."""
    await desk.begin()
    await desk.nominate([listed(1), listed(2)])
    await desk.settle()
    programme = await desk.programme_now()
    corrected = completed(programme).model_copy(update={"revision": 2})
    await desk.hear(completed(programme), corrected, completed(programme, 2))
    held = sitting((1, "graduated"), (2, "deferred"))

    counts: list[dict[str, int]] = []
    for _ in range(2):
        counts.append(await desk.works.run(lambda w: decide_graduation("dua-i", held, w)))
        await tell_decisions("dua-i", NOW, desk.works)
        await desk.settle()

    assert [{"graduated": 1, "deferred": 1}] * 2 == counts
    assert {(seat(1), 1, 2), (seat(2), 1, 1)} == {
        (fact.enrolment_id, fact.decision, fact.result_revision)
        for fact in desk.told(GraduationDecided)
    }
    assert "graduated" == (await desk.enrolment(1)).outcome
    assert nip(1) == (await desk.learner(1)).nip
