"""Whole-staff lists: received whole, then told learner by learner as a resumable task."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial

from services.enrolment.domain.staff import Member, StaffList, held_elsewhere
from services.enrolment.handlers.cohorts import CHUNK
from services.enrolment.handlers.patience import patiently
from services.enrolment.ports import Rooms, Works


async def others_staff(agency: str, ids: Sequence[str], work: Rooms) -> frozenset[str]:
    """Find who of these people works at another agency of the node, which has not let them go."""
    await work.learners.preload(ids)
    known = [await work.learners.of(key) for key in ids]
    return frozenset(each.id for each in known if held_elsewhere(each, agency))


async def receive_staff_list(
    key: str, agency: str, members: Sequence[Member], at: tuple[datetime, date], work: Rooms,
    *, takes_over: bool = False,
) -> StaffList:  # fmt: skip
    """Receive an agency's whole staff; nothing of it is told before all of it is kept."""
    staff = await work.staff_lists.of(key)
    staff = staff.receive(agency, members, *at, takes_over=takes_over)
    work.staff_lists.keep(staff)
    return staff


async def tell_staff_list(key: str, works: Works) -> StaffList:
    """Bring every card up to date with a received list; doing it again changes nothing."""
    staff = await patiently(works, partial(_compare, key))
    if staff.status != "compared":
        return staff
    for start in range(0, len(staff.members), CHUNK):
        some = staff.members[start : start + CHUNK]
        await patiently(works, partial(_record_some, staff, some))
    for start in range(0, len(staff.leaving), CHUNK):
        await patiently(works, partial(_let_go, staff, staff.leaving[start : start + CHUNK]))
    return await patiently(works, partial(_finish, key))


async def _compare(key: str, work: Rooms) -> StaffList:
    staff = await work.staff_lists.get(key)
    if staff.status == "received":
        ours = {"agency": staff.agency, "active": True, "home_node": {"$in": ["", None]}}
        present = await work.learners.find(ours)
        await work.learners.preload(each.learner_id for each in staff.members)
        known = [await work.learners.of(each.learner_id) for each in staff.members]
        staff = staff.compare(present, known)
        work.staff_lists.keep(staff)
    return staff


async def _record_some(staff: StaffList, members: Sequence[Member], work: Rooms) -> None:
    await work.learners.preload(each.learner_id for each in members)
    for each in members:
        before = await work.learners.of(each.learner_id)
        # Whoever has a newer number is listed under that one, and another node's people there.
        if before.replaced_by or before.home_node or before.erased_since(staff.instant):
            continue
        # Whoever another agency has taken on since the list came is theirs.
        if not staff.may_record(before):
            continue
        learner = before.record(each.card, staff.day)
        work.learners.keep(learner, learner.stated_since(before, staff.instant))


async def _let_go(staff: StaffList, leaving: Sequence[str], work: Rooms) -> None:
    await work.learners.preload(leaving)
    for key in leaving:
        before = await work.learners.of(key)
        # Whoever another agency has meanwhile taken on is theirs.
        if before.agency != staff.agency:
            continue
        learner = before.leave()
        work.learners.keep(learner, learner.stated_since(before, staff.instant))


async def _finish(key: str, work: Rooms) -> StaffList:
    staff = (await work.staff_lists.get(key)).finish()
    work.staff_lists.keep(staff)
    return staff
