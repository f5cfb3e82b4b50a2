"""Learners: a number that changes, and what it takes that both numbers stay one person."""

from datetime import date
from functools import partial

from services.enrolment.domain.learner import Learner
from services.enrolment.domain.nip import Nip
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.rosters import Today
from services.enrolment.ports import Rooms, Works
from shared.events.enrolment import LearnerLinked
from shared.events.fact import Fact
from shared.kernel.errors import Conflict, NotFound


async def change_number(
    learner_id: str, nip: Nip, new_id: str, since: date, work: Rooms
) -> Learner:
    """Note a person's new number; `move_to_new_number` then does what follows."""
    learner = await work.learners.get(learner_id)
    if not learner.own:
        raise NotFound("unknown-learner", "nobody has told yet who this is, or another node does")
    if new_id in {learner_id, learner.moving_to, learner.replaced_by}:
        return learner
    if learner.moving_to or learner.replaced_by:
        raise Conflict("number-replaced", "this number was replaced already; change the newest one")
    other = await work.learners.of(new_id)
    if (
        other.replaced_by
        or other.home_node
        or (other.known and other.linked and learner_id not in other.linked)
    ):
        raise Conflict("number-taken", "this number belongs to somebody else, or did")
    learner = learner.move(new_id, nip.digits, nip.employment, since)
    work.learners.keep(learner)
    return learner


async def move_to_new_number(learner_id: str, today: Today, works: Works) -> Learner:
    """Give the new number its card, link both, and let the old card rest; resumable."""
    old = await works.run(lambda work: work.learners.get(learner_id))
    if not old.moving_to:
        return old
    await patiently(works, partial(_begin_new, old, today))
    return await patiently(works, partial(_rest_old, learner_id, today))


async def _begin_new(old: Learner, today: Today, work: Rooms) -> None:
    before = await work.learners.of(old.moving_to)
    if old.id in before.linked:
        return
    begun = before.taken_over(old, old.moving_since or today.day)
    facts: list[Fact] = [*begun.stated_since(before, today.now)]
    facts += [_linked(begun, other, today) for other in begun.linked if other not in before.linked]
    work.learners.keep(begun, facts)


def _linked(learner: Learner, other: str, today: Today) -> LearnerLinked:
    """State that both are one person, to whoever has the person as a guest too."""
    return LearnerLinked(
        learner_id=learner.id,
        at=today.now,
        home_node=today.node,
        other_id=other,
        hosts=learner.hosts,
    )


async def _rest_old(learner_id: str, today: Today, work: Rooms) -> Learner:
    before = await work.learners.get(learner_id)
    if not before.moving_to:
        return before
    rested = before.rest().counted(before)
    linked = _linked(rested, before.moving_to, today)
    work.learners.keep(rested, [*rested.stated_since(before, today.now), linked])
    return rested
