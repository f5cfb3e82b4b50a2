"""Moves as nodes hear of them: told again, taken in by the new home, followed by every host."""

from services.enrolment.domain.learner import Learner, move_in
from services.enrolment.domain.placement import Placement
from services.enrolment.domain.traveller import Mover, arriving
from services.enrolment.handlers.guests import Reception, vet_sender
from services.enrolment.ports import Rooms
from shared.events.exchange import LearnerTransferred
from shared.kernel.errors import Unprocessable
from shared.kernel.ids import enrolment_id


async def tell_move_again(learner_id: str, work: Rooms) -> None:
    """Tell the move of a person again of whom a host has told the former home something new.

    The new home takes over what is new, and the host hears where to tell it from now on.
    """
    learner = await work.learners.of(learner_id)
    if learner.moved_by:
        work.learners.keep(learner, [learner.moved_by])


async def receive_move(
    reception: Reception, fact: LearnerTransferred, sender: str, work: Rooms
) -> None:
    """Take in a person who moves here, or follow a guest to their new home."""
    vet_sender(reception, fact, sender)
    learner = await work.learners.of(fact.learner_id)
    newer = not learner.home_since or learner.home_since < fact.at
    if newer and learner.own:
        raise Unprocessable("not-their-learner", "the learner is one of ours")
    if newer and learner.home_node not in {"", sender}:
        # An earlier move may still be on its way here: this one is tried again.
        raise Unprocessable("unknown-learner", f"{sender} is not known as the learner's home (yet)")
    if fact.to_node == reception.node:
        await _take_in(reception, fact, learner, work)
    await follow_move(reception.node, fact, work)


async def _take_in(
    reception: Reception, fact: LearnerTransferred, before: Learner, work: Rooms
) -> None:
    if before.erased_since(fact.at):
        return
    mover = Mover.read(reception.decrypt(fact.personal))
    if reception.pseudonym(mover.learner.nip) != fact.learner_id:
        raise Unprocessable("wrong-pseudonym", "the learner's id is not that of their number")
    moving = arriving(mover.learner, reception.node)
    learner = move_in(before, moving, fact.agency, fact.at, fact.moved_on)
    work.learners.keep(learner, learner.stated_since(before, fact.at))
    for each in mover.placements:
        if each.host_node != reception.node and _names_itself(each, fact.learner_id):
            placement = (await work.placements.of(each.id)).merged(each)
            work.placements.keep(placement)


def _names_itself(placement: Placement, learner_id: str) -> bool:
    expected = enrolment_id(learner_id, placement.cohort_id, placement.host_node)
    return placement.id == expected and placement.learner_id == learner_id


async def follow_move(node: str, fact: LearnerTransferred, work: Rooms) -> None:
    """Tell the new home from now on how somebody fares who has moved, in whatever cohort of ours."""
    before = await work.learners.of(fact.learner_id)
    # Whoever moves here was taken in before; where a move is old news, the newest home stands.
    learner = before if fact.to_node == node else before.rehome(fact.to_node, fact.at)
    work.learners.keep(learner)
    home = learner.home_node or node
    enrolments = await work.enrolments.find({"learner_id": fact.learner_id})
    for each in enrolments:
        work.enrolments.keep(each.rehome(home))
    for key in sorted({each.cohort_id for each in enrolments}):
        cohort = await work.cohorts.of(key)
        work.cohorts.keep(cohort.rehome(fact.learner_id, home))


async def follow_own_move(fact: LearnerTransferred, work: Rooms) -> None:
    """Follow a person of ours to their new home, in whatever cohort of ours they are."""
    await follow_move(fact.home_node, fact, work)
