"""Enrolments: listed, shown, left, and made by learners themselves in open cohorts."""

from datetime import date
from functools import partial
from typing import Annotated, Literal, Self, get_args

from fastapi import Query
from pydantic import BaseModel, Field

from services.enrolment.api.asking import CohortId, Id, Now, Opened, new_router
from services.enrolment.domain.agreements import NodeCode
from services.enrolment.domain.cohort.shape import Day
from services.enrolment.domain.enrolment import Enrolment, guard_day
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.placement import Placement
from services.enrolment.handlers.abroad import withdraw_from_abroad
from services.enrolment.handlers.enrolments import Withdrawal, enrol_oneself, withdraw_learner
from services.enrolment.store import EnrolmentWork
from shared.events.fact import Value
from shared.kernel.errors import Forbidden
from shared.store.works import Works
from shared.web.identity import Access, allow
from shared.web.paging import After, Limit, Page, page

router = new_router("enrolments")
_Reader = Annotated[Access, allow("organiser", "nominator", "endorser", "learner")]
_Leaver = Annotated[Access, allow("organiser", "nominator", "learner")]
_Shown = Literal["waitlisted", "released", "enrolled", "withdrawn"]
_Learner = Annotated[Access, allow("learner")]


class WithdrawalBody(Value):
    """Why a learner leaves, and on which day of the node's calendar."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    on: Day


class EnrolmentView(BaseModel):
    """One learner in one cohort, with the name and number as the card has them.

    `result_revision` is that of the newest result known here, on which a graduation decision would rest;
    0 before completion, and none where another node hosts.
    """

    id: str
    learner_id: str
    nip: str
    name: str
    agency: str
    cohort_id: str
    cohort_title: str
    programme: str
    version: int
    status: str
    withdrawn_on: date | None
    withdrawal_reason: str
    completed: bool
    result_revision: int | None
    outcome: str | None
    deferred_until: date | None
    jp: int
    calendar_version: int
    home_node: str
    host_node: str

    @classmethod
    def of(cls, enrolment: Enrolment, learner: Learner) -> Self:
        """Show an enrolment of a learner."""
        code, _, version = enrolment.programme_id.rpartition(".")
        return cls(
            id=enrolment.id,
            learner_id=enrolment.learner_id,
            nip=learner.nip,
            name=learner.name,
            agency=enrolment.agency,
            cohort_id=enrolment.cohort_id,
            cohort_title=enrolment.cohort_title,
            programme=code,
            version=int(version or 0),
            status=enrolment.status,
            withdrawn_on=enrolment.withdrawn_on,
            withdrawal_reason=enrolment.withdrawal_reason,
            completed=enrolment.completed_revision > 0,
            result_revision=enrolment.completed_revision,
            outcome=enrolment.outcome,
            deferred_until=enrolment.deferred_until,
            jp=enrolment.jp,
            calendar_version=enrolment.calendar_version,
            home_node=enrolment.home_node,
            host_node="",
        )

    @classmethod
    def abroad(cls, placement: Placement, learner: Learner) -> Self:
        """Show one of our learners in another node's cohort."""
        return cls(
            id=placement.id,
            learner_id=placement.learner_id,
            nip=learner.nip,
            name=learner.name,
            agency=placement.agency,
            cohort_id=placement.cohort_id,
            cohort_title=placement.cohort_title,
            programme=placement.programme,
            version=placement.programme_version,
            status=placement.stand,
            withdrawn_on=placement.leaving_on,
            withdrawal_reason=placement.withdrawal_reason or placement.leaving_reason,
            completed=placement.completed,
            result_revision=None,
            outcome=placement.outcome,
            deferred_until=placement.until,
            jp=placement.jp,
            calendar_version=placement.calendar_version,
            home_node="",
            host_node=placement.host_node,
        )


async def _show(enrolment: Enrolment, works: Works[EnrolmentWork]) -> EnrolmentView:
    return EnrolmentView.of(enrolment, await works.open().learners.of(enrolment.learner_id))


async def _show_abroad(placement: Placement, works: Works[EnrolmentWork]) -> EnrolmentView:
    return EnrolmentView.abroad(placement, await works.open().learners.of(placement.learner_id))


@router.get("/placements")
async def list_placements(
    who: _Reader, works: Opened, after: After = "", limit: Limit = 100,
    host: Annotated[NodeCode | None, Query()] = None,
) -> Page[EnrolmentView]:  # fmt: skip
    """List our learners in other nodes' cohorts, of one node or of all."""
    where = {"_id": {"$gt": after}, **({"host_node": host} if host else {})}
    found = await works.open(who.scope).placements.find(where, limit=limit + 1)
    learners = works.open().learners
    await learners.preload(each.learner_id for each in found)
    people = {each.learner_id: await learners.of(each.learner_id) for each in found}
    return page(
        found, limit, lambda e: EnrolmentView.abroad(e, people[e.learner_id]), lambda e: e.id
    )


@router.get("/cohorts/{cohort_id}/enrolments")
async def list_enrolments(
    cohort_id: CohortId, who: _Reader, works: Opened, after: After = "", limit: Limit = 100,
    status: Annotated[_Shown | None, Query()] = None,
) -> Page[EnrolmentView]:  # fmt: skip
    """List a cohort's enrolments, of one status or of all."""
    work = works.open(who.scope)
    await work.cohorts.get(cohort_id)
    where = {
        "cohort_id": cohort_id,
        "_id": {"$gt": after},
        "status": status or {"$in": list(get_args(_Shown))},
    }
    found = await work.enrolments.find(where, limit=limit + 1)
    learners = works.open().learners
    await learners.preload(each.learner_id for each in found)
    people = {each.learner_id: await learners.of(each.learner_id) for each in found}
    return page(
        found, limit, lambda each: EnrolmentView.of(each, people[each.learner_id]), lambda e: e.id
    )


@router.get("/enrolments/{enrolment_id}")
async def get_enrolment(enrolment_id: Id, who: _Reader, works: Opened) -> EnrolmentView:
    """Show one enrolment, in a cohort here or of another node."""
    placement = await works.open(who.scope).placements.of(enrolment_id)
    if placement.known:
        return await _show_abroad(placement, works)
    return await _show(await works.open(who.scope).enrolments.get(enrolment_id), works)


@router.post("/enrolments/{enrolment_id}/withdrawal")
async def post_withdrawal(
    enrolment_id: Id, body: WithdrawalBody, who: _Leaver, works: Opened, now: Now
) -> EnrolmentView:
    """Let a learner leave a cohort, or its line, for good; the next in line gets the seat.

    Of a cohort of another node they leave once that one has told so.
    """
    if (await works.open(who.scope).placements.of(enrolment_id)).known:
        guard_day(body.on, now.day)
        asking = partial(withdraw_from_abroad, enrolment_id, body.on, body.reason, now)
        return await _show_abroad(await works.run(asking, who.scope), works)
    withdrawal = Withdrawal(body.on, body.reason)
    use_case = partial(withdraw_learner, enrolment_id, withdrawal, now)
    return await _show(await works.run(use_case, who.scope), works)


@router.post("/cohorts/{cohort_id}/self-enrolment")
async def post_self_enrolment(
    cohort_id: CohortId, who: _Learner, works: Opened, now: Now
) -> EnrolmentView:
    """Enrol oneself in an open cohort; doing so again changes nothing."""
    learner = who.person.learner_id
    if learner is None:
        raise Forbidden("no-learner", "this token names no learner")
    # What is read besides one's own (linked numbers) is one's own too, under other ids.
    enrolment = await works.run(partial(enrol_oneself, learner, cohort_id, now))
    return await _show(enrolment, works)
