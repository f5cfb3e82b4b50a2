"""Agreements with other nodes, recorded and ended by whoever answers for the whole node."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Self

from pydantic import Field

from services.enrolment.api.asking import CohortId as Slug
from services.enrolment.api.asking import Now, Opened, new_router
from services.enrolment.domain.agreements import Agreed, Agreement
from services.enrolment.domain.cohort.shape import Day
from services.enrolment.handlers.agreements import record_agreement, terminate_agreement
from shared.events.fact import Value
from shared.web.identity import ROLES, Access, allow
from shared.web.paging import After, Limit, Page, page

router = new_router("agreements")
_Anybody = Annotated[Access, allow(*ROLES)]
_WholeNode = Annotated[Access, allow("organiser", "operator", whole=True)]


class TerminationBody(Value):
    """From which day on an agreement covers nothing, and why."""

    on: Day
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class AgreementView(Agreed):
    """An agreement as it stands; `in_force` tells of today."""

    id: str
    status: str
    in_force: bool
    recorded_at: datetime | None
    terminated_on: date | None
    termination_reason: str

    @classmethod
    def of(cls, agreement: Agreement, today: date) -> Self:
        """Show an agreement."""
        return cls.model_validate(
            {
                **agreement.content.model_dump(),
                "id": agreement.id,
                "status": agreement.status,
                "in_force": agreement.holds(today),
                "recorded_at": agreement.recorded_at,
                "terminated_on": agreement.terminated_on,
                "termination_reason": agreement.termination_reason,
            }
        )


@router.put("/agreements/{agreement_id}")
async def put_agreement(
    agreement_id: Slug, body: Agreed, who: _WholeNode, works: Opened, now: Now
) -> AgreementView:
    """Record an agreement that names this node, or what was agreed since to change in it."""
    use_case = partial(record_agreement, agreement_id, body, now.node, now.now)
    return AgreementView.of(await works.run(use_case, who.scope), now.day)


@router.post("/agreements/{agreement_id}/termination")
async def post_termination(
    agreement_id: Slug, body: TerminationBody, who: _WholeNode, works: Opened, now: Now
) -> AgreementView:
    """End an agreement from a day on; who was enrolled by it stays enrolled."""
    use_case = partial(terminate_agreement, agreement_id, body.on, body.reason)
    return AgreementView.of(await works.run(use_case, who.scope), now.day)


@router.get("/agreements")
async def list_agreements(
    who: _Anybody, works: Opened, now: Now, after: After = "", limit: Limit = 100
) -> Page[AgreementView]:
    """List agreements by id."""
    where = {"_id": {"$gt": after}}
    found = await works.open(who.scope).agreements.find(where, limit=limit + 1)
    return page(found, limit, lambda each: AgreementView.of(each, now.day), lambda each: each.id)


@router.get("/agreements/{agreement_id}")
async def get_agreement(
    agreement_id: Slug, who: _Anybody, works: Opened, now: Now
) -> AgreementView:
    """Show one agreement."""
    agreement = await works.open(who.scope).agreements.get(agreement_id)
    return AgreementView.of(agreement, now.day)
