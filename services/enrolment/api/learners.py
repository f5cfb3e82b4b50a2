"""Learners: the one place where a person is shown by name."""

from datetime import date, datetime
from functools import partial
from typing import Annotated, Self

from pydantic import BaseModel, Field

from services.enrolment.api.asking import Id, Key, Now, Opened, new_router
from services.enrolment.domain.cohort.shape import Day
from services.enrolment.domain.enrolment import guard_day
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.nip import read_nip
from services.enrolment.handlers.erasing import ask_erasure, finish_erasure
from services.enrolment.handlers.learners import change_number, move_to_new_number
from services.enrolment.handlers.transferring import all_ids
from services.enrolment.store import KeptStatements
from shared.events.enrolment import Employment
from shared.events.fact import Value
from shared.kernel.errors import Invalid, NotFound
from shared.kernel.ids import learner_id as pseudonym
from shared.web.identity import Access, allow

router = new_router("learners")
_Reader = Annotated[Access, allow("organiser", "nominator", "endorser", "learner")]
_Officer = Annotated[Access, allow("organiser", "nominator")]
_Learner = Annotated[Access, allow("learner")]
_Operator = Annotated[Access, allow("operator", whole=True)]


class NumberBody(Value):
    """A person's new number; `employment` where the number alone does not tell it."""

    nip: Annotated[str, Field(max_length=40)]
    since: Day
    employment: Employment | None = None


class ErasureBody(Value):
    """Why a person's data is erased: the request, or the legal basis (UU 27/2022)."""

    basis: Annotated[str, Field(min_length=3, max_length=300, pattern=r"\S")]


class ErasureView(BaseModel):
    """How far the erasure of a person has come; `nodes` have the person as a guest and were told to follow."""

    learner_ids: tuple[str, ...]
    basis: str
    asked_at: datetime
    erased_at: datetime | None
    finished: bool
    nodes: tuple[str, ...]


class SinceView(BaseModel):
    """What was so since a day."""

    what: str
    since: date


class LearnerView(BaseModel):
    """A person with everything that enrolment knows; `home_node` is "" for one of ours."""

    id: str
    nip: str
    former_nips: tuple[str, ...]
    name: str
    agency: str
    agency_name: str
    employment: str
    position: str
    position_level: str
    email: str
    phone: str
    disability: bool
    duty_3t: bool
    active: bool
    card_version: int
    numbers: tuple[SinceView, ...]
    agencies: tuple[SinceView, ...]
    linked: tuple[str, ...]
    replaced_by: str | None
    home_node: str
    hosts: tuple[str, ...]

    @classmethod
    def of(cls, learner: Learner) -> Self:
        """Show a person; one whom nobody has named is NotFound."""
        if not learner.known:
            raise NotFound("unknown-learners", f"there is no {learner.id!r} here")
        return cls(
            id=learner.id,
            nip=learner.nip,
            former_nips=learner.former_nips,
            name=learner.name,
            agency=learner.agency,
            agency_name=learner.agency_name,
            employment=learner.employment,
            position=learner.position,
            position_level=learner.position_level,
            email=learner.email,
            phone=learner.phone,
            disability=learner.disability,
            duty_3t=learner.duty_3t,
            active=learner.active,
            card_version=learner.card_version,
            numbers=tuple(SinceView(what=each.what, since=each.since) for each in learner.numbers),
            agencies=tuple(
                SinceView(what=each.what, since=each.since) for each in learner.agencies
            ),
            linked=learner.linked,
            replaced_by=learner.replaced_by or None,
            home_node=learner.home_node,
            hosts=learner.hosts,
        )


@router.get("/learners/me")
async def get_me(who: _Learner, works: Opened) -> LearnerView:
    """Show the learner who asks."""
    return LearnerView.of(await works.open(who.scope).learners.get(who.person.learner_id or ""))


@router.get("/learners/{learner_id}")
async def get_learner(learner_id: Id, who: _Reader, works: Opened) -> LearnerView:
    """Show a learner."""
    return LearnerView.of(await works.open(who.scope).learners.get(learner_id))


@router.post("/learners/{learner_id}/number")
async def post_number(
    learner_id: Id, body: NumberBody, who: _Officer, works: Opened, key: Key, now: Now
) -> LearnerView:
    """Give a person a new number; both stay one person, whose record is read as one."""
    guard_day(body.since, now.day)
    nip = read_nip(body.nip, body.employment or "", now.day)
    if isinstance(nip, str):
        raise Invalid(nip, "this cannot be the number of anybody in office")
    new_id = pseudonym(nip.digits, key)
    use_case = partial(change_number, learner_id, nip, new_id, body.since)
    await works.run(use_case, who.scope)
    await move_to_new_number(learner_id, now, works)
    return LearnerView.of(await works.open().learners.get(new_id))


@router.post("/learners/{learner_id}/erasure")
async def post_erasure(
    learner_id: Id, body: ErasureBody, _: _Operator, works: Opened, key: Key, now: Now
) -> ErasureView:
    """Erase a person's data under every number; asked again it tells how far that has come."""
    asked = await works.run(partial(ask_erasure, learner_id, body.basis, now.now))
    told = partial(pseudonym, key=key)
    learner = await finish_erasure(learner_id, now, works, KeptStatements(works), told)
    work = works.open()
    ids = await all_ids(learner_id, work)
    hosts = {host for each in ids for host in (await work.learners.of(each)).hosts}
    return ErasureView(
        learner_ids=tuple(ids),
        basis=learner.erasure_basis,
        asked_at=asked.erasure_asked or now.now,
        erased_at=learner.erased_at,
        finished=not learner.erasure_due,
        nodes=tuple(sorted(hosts)),
    )
