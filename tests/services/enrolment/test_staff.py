"""Staff lists of agencies: whom they may say to work there."""

import pytest

from services.enrolment.domain.learner import Card, Learner
from services.enrolment.domain.staff import Member, StaffList, held_elsewhere
from services.enrolment.handlers.staff import receive_staff_list, tell_staff_list
from services.enrolment.ports import Rooms
from tests.support.enrolment import DAY, MALANG, NOW, Desk, nip, person


@pytest.mark.parametrize(
    ("before", "agency", "held"),
    [
        (Learner("l"), "35.73", False),
        (Learner("l").record(Card("l", "L", "35.72", "PNS"), DAY), "35.73", True),
        (Learner("l").record(Card("l", "L", "35.72", "PNS"), DAY).leave(), "35.73", False),
        (Learner("l").record(Card("l", "L", "35.73", "PNS"), DAY), "35.73", False),
        (Learner("l").record(Card("l", "L", "35.73/dinkes", "PNS"), DAY), "35.73", False),
        (Learner("l").record(Card("l", "L", "35.73/dinkes", "PNS"), DAY), "35.73/bappeda", False),
        (Learner("l").record(Card("l", "L", "35", "PNS"), DAY), "35.73", True),
        (Learner("l", home_node="62").record(Card("l", "L", "62.71", "PNS"), DAY), "35.73", False),
    ],
)
def test_whom_another_agency_has_not_let_go_only_the_node_takes_over(
    before: Learner, agency: str, *, held: bool
) -> None:
    """Offices of one region are one agency; guests are nobody's staff here."""
    staff = StaffList("s").receive(agency, [], NOW, DAY)
    of_the_node = StaffList("s").receive(agency, [], NOW, DAY, takes_over=True)

    assert held is held_elsewhere(before, agency)
    assert (not held, True) == (staff.may_record(before), of_the_node.may_record(before))


async def test_whom_another_agency_took_on_meanwhile_a_list_leaves_there() -> None:
    """Nobody knew the person when the list came; it moves nobody who is another agency's by now."""
    desk = Desk()
    members = [Member(person(1), Card(nip(1), "A", MALANG, "PNS"))]
    await desk.works.run(lambda work: receive_staff_list("s", MALANG, members, (NOW, DAY), work))

    async def join(work: Rooms) -> None:
        learner = await work.learners.of(person(1))
        work.learners.keep(learner.record(Card(nip(1), "B", "35.72", "PNS"), DAY))

    await desk.works.run(join)
    await tell_staff_list("s", desk.works)

    assert ("B", "35.72") == ((await desk.learner(1)).name, (await desk.learner(1)).agency)
