"""What is added to the one copy that goes to whoever has to know a person: enough to enrol or to keep them."""

from collections.abc import Callable

from services.enrolment.domain.placement import as_seen_from_abroad
from services.enrolment.domain.traveller import Mover, Traveller, leaving
from services.enrolment.ports import Rooms
from shared.events.exchange import LearnerTransferred, Nominated
from shared.events.fact import Fact
from shared.kernel.values import replace

Encrypt = Callable[[str, bytes], str]
"""Encrypts for a node."""


async def add_the_person(encrypt: Encrypt, node: str, fact: Fact, to: str, work: Rooms) -> Fact:
    """Add to a nomination, or to a move, whom it is about: encrypted for the host, or for the new home."""
    if isinstance(fact, Nominated):
        traveller = await _traveller(fact, work)
        return fact.model_copy(
            update={"personal": encrypt(to, traveller.model_dump_json().encode())}
        )
    if isinstance(fact, LearnerTransferred) and to == fact.to_node:
        mover = await _mover(fact, node, work)
        return fact.model_copy(update={"personal": encrypt(to, mover.write())})
    return fact


async def _traveller(fact: Nominated, work: Rooms) -> Traveller:
    roster = await work.rosters.get(fact.list_id)
    row = next(each for each in roster.rows if each.row == fact.row)
    learner = await work.learners.of(fact.learner_id)
    linked = [await work.learners.of(each) for each in learner.linked]
    return Traveller.of(row, learner, linked)


async def _mover(fact: LearnerTransferred, node: str, work: Rooms) -> Mover:
    learner = await work.learners.of(fact.learner_id)
    ours = {"learner_id": fact.learner_id}
    placements = await work.placements.find(ours)
    placements += [
        as_seen_from_abroad(each, node) for each in await work.enrolments.find(ours) if each.status
    ]
    bare = replace(learner, home_node="", home_since=None, moved_to="", moved_by=None)
    return Mover(leaving(bare, node), tuple(placements))
