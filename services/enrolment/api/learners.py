"""Learners: the one place where a person is shown by name."""

from datetime import date
from functools import partial
from typing import Annotated, Self

from pydantic import BaseModel, Field

from services.enrolment.api.asking import Id, Key, Now, Opened, new_router
from services.enrolment.domain.cohort.shape import Day
from services.enrolment.domain.enrolment import guard_day
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.nip import read_nip
from services.enrolment.handlers.learners import change_number, move_to_new_number
from shared.events.enrolment import Employment
from shared.events.fact import Value
from shared.kernel.errors import Invalid, NotFound
from shared.kernel.ids import learner_id as pseudonym
from shared.web.identity import Access, allow

router = new_router("learners")
_Reader = Annotated[Access, allow("organiser", "nominator", "endorser", "learner")]
_Officer = Annotated[Access, allow("organiser", "nominator")]
_Learner = Annotated[Access, allow("learner")]


class NumberBody(Value):
    """A person's new number; `employment` where the number alone does not tell it."""

    nip: Annotated[str, Field(max_length=40)]
    since: Day
    employment: Employment | None = None


class SinceView(BaseModel):
    """What was so since a day."""

    what: str
    since: date


class LearnerView(BaseModel):
    """A person with everything that enrolment knows of them."""

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
    await move_to_new_number(learner_id, now.now, works)
    return LearnerView.of(await works.open().learners.get(new_id))
