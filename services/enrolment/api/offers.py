"""Offers between nodes: programmes and cohorts put on offer, those of others listed, programmes adopted."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Self

from fastapi import Query
from pydantic import BaseModel, Field

from services.enrolment.api.asking import Code, CohortId, Now, Opened, Version, new_router
from services.enrolment.api.cohorts import CohortView
from services.enrolment.api.programmes import ProgrammeView
from services.enrolment.domain.agreements import NodeCode
from services.enrolment.domain.cohort.offer import GuestTerms
from services.enrolment.domain.cohort.shape import Dates
from services.enrolment.domain.offered import OfferedCohort, OfferedProgramme, offered_id
from services.enrolment.domain.programme import Code as ProgrammeCode
from services.enrolment.domain.programme import programme_id
from services.enrolment.handlers.offers import (
    adopt_programme,
    offer_cohort,
    offer_programme,
    take_back_cohort,
    take_back_programme,
)
from shared.events.fact import Value
from shared.events.offers import Eligible, Syllabus
from shared.events.plan import Origin, ProgrammeRef
from shared.web.identity import ROLES, Access, allow
from shared.web.paging import After, Limit, Page, page

router = new_router("offers")
_Anybody = Annotated[Access, allow(*ROLES)]
_Organiser = Annotated[Access, allow("organiser")]
_Node = Annotated[NodeCode | None, Query(description="Offers of this node only")]
_TakenBack = Annotated[bool, Query(description="Those taken back as well")]


class AdoptionBody(Value):
    """Whose programme is adopted in which version, and as which version of ours."""

    node: NodeCode
    code: ProgrammeCode
    version: Annotated[int, Field(ge=1, le=10_000)]
    as_version: Annotated[int, Field(ge=1, le=10_000)] = 1


class OfferedProgrammeView(BaseModel):
    """Another node's programme as it last offered it; without its syllabus where it is offered no longer."""

    id: str
    node: str
    code: str
    version: int
    offer: int
    open: bool
    offered_at: datetime
    origin: Origin | None
    syllabus: Syllabus | None

    @classmethod
    def of(cls, offered: OfferedProgramme) -> Self:
        """Show an offer."""
        told = offered.content
        return cls(
            id=offered.id,
            node=told.node,
            code=told.code,
            version=told.version,
            offer=told.offer,
            open=told.open,
            offered_at=told.at,
            origin=told.origin,
            syllabus=told.syllabus,
        )


class OfferedCohortView(BaseModel):
    """Another node's cohort as it last offered it; `agreements` empty: any in force between the two."""

    id: str
    node: str
    cohort_id: str
    offer: int
    open: bool
    offered_at: datetime
    programme: ProgrammeRef
    jp: int
    eligible: Eligible
    prerequisites: tuple[str, ...]
    title: str
    number: str
    year: int
    host_agency: str
    seats: int | None
    seats_for_guests: int | None
    nominations_until: date
    agreements: tuple[str, ...]
    calendar_version: int
    calendar: tuple[Dates, ...]

    @classmethod
    def of(cls, offered: OfferedCohort) -> Self:
        """Show an offer."""
        told = offered.content
        return cls.model_validate({**told.model_dump(), "id": offered.id, "offered_at": told.at})


@router.post("/programmes/{code}/{version}/offer")
async def post_programme_offer(
    code: Code, version: Version, who: _Organiser, works: Opened, now: Now
) -> ProgrammeView:
    """Offer a published version to every node, with its whole syllabus."""
    use_case = partial(offer_programme, programme_id(code, version), now.node, now.now)
    return ProgrammeView.of(await works.run(use_case, who.scope))


@router.delete("/programmes/{code}/{version}/offer")
async def delete_programme_offer(
    code: Code, version: Version, who: _Organiser, works: Opened, now: Now
) -> ProgrammeView:
    """Offer it no longer; whoever adopted it keeps their copy."""
    use_case = partial(take_back_programme, programme_id(code, version), now.node, now.now)
    return ProgrammeView.of(await works.run(use_case, who.scope))


@router.post("/cohorts/{cohort_id}/offer")
async def post_cohort_offer(
    cohort_id: CohortId, body: GuestTerms, who: _Organiser, works: Opened, now: Now
) -> CohortView:
    """Offer an open cohort to every node; new dates later are told to them by themselves."""
    return CohortView.of(await works.run(partial(offer_cohort, cohort_id, body, now), who.scope))


@router.delete("/cohorts/{cohort_id}/offer")
async def delete_cohort_offer(
    cohort_id: CohortId, who: _Organiser, works: Opened, now: Now
) -> CohortView:
    """Take no nominations of other nodes any more; guests who are in stay in."""
    use_case = partial(take_back_cohort, cohort_id, now.now)
    return CohortView.of(await works.run(use_case, who.scope))


@router.post("/programmes/adoption", status_code=201)
async def post_adoption(body: AdoptionBody, who: _Organiser, works: Opened) -> ProgrammeView:
    """Draft our own copy of an offered programme, which cites its origin and can be changed until published."""
    offer = offered_id(body.node, programme_id(body.code, body.version))
    use_case = partial(adopt_programme, offer, body.as_version, who.scope.host or "")
    return ProgrammeView.of(await works.run(use_case, who.scope))


@router.get("/offers/programmes")
async def list_offered_programmes(
    who: _Anybody, works: Opened, *, after: After = "", limit: Limit = 100, node: _Node = None,
    taken_back: _TakenBack = False,
) -> Page[OfferedProgrammeView]:  # fmt: skip
    """List the programmes that other nodes offer, by node and programme."""
    where = _asked(after, node, taken_back=taken_back)
    found = await works.open(who.scope).offered_programmes.find(where, limit=limit + 1)
    return page(found, limit, OfferedProgrammeView.of, lambda each: each.id)


@router.get("/offers/cohorts")
async def list_offered_cohorts(
    who: _Anybody, works: Opened, *, after: After = "", limit: Limit = 100, node: _Node = None,
    taken_back: _TakenBack = False,
) -> Page[OfferedCohortView]:  # fmt: skip
    """List the cohorts that other nodes offer, by node and cohort."""
    where = _asked(after, node, taken_back=taken_back)
    found = await works.open(who.scope).offered_cohorts.find(where, limit=limit + 1)
    return page(found, limit, OfferedCohortView.of, lambda each: each.id)


def _asked(after: str, node: str | None, *, taken_back: bool) -> dict[str, object]:
    """Write the filter of a list of offers."""
    where: dict[str, object] = {"_id": {"$gt": after}}
    if node:
        where["node"] = node
    if not taken_back:
        where["open"] = True
    return where
