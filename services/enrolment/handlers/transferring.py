"""People who move to another node, one by one or with their whole agency, with all that is kept of them."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from services.enrolment.domain.handover import Handover, Move
from services.enrolment.handlers.cohorts import CHUNK
from services.enrolment.handlers.learners import move_to_new_number
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.rosters import Today
from services.enrolment.ports import Rooms, Works
from shared.events.exchange import LearnerTransferred
from shared.kernel.errors import NotFound


async def ask_to_move(
    whose: str, move: Move, now: datetime, work: Rooms, *, whole_agency: bool
) -> Handover:
    """Note a move to another node; `hand_over` then does what follows."""
    if not whole_agency and not (await work.learners.get(whose)).own:
        raise NotFound("unknown-learners", f"{whose} is not one of this node's own people")
    handover = await work.handovers.of(f"{whose}>{move.to_node}")
    handover = handover.ask(whose, move, now, whole_agency=whole_agency)
    work.handovers.keep(handover)
    return handover


async def hand_over(key: str, today: Today, works: Works) -> Handover:
    """Move the next people whom a handover is about; resumable, and nobody moves twice."""
    handover = await works.run(lambda work: work.handovers.get(key))
    if handover.status != "asked":
        return handover
    people = await works.run(partial(_still_here, handover))
    moved = 0
    for each in people:
        moved += await _move_person(each, handover, today, works)
    if len(people) < CHUNK:
        return await patiently(works, partial(_finish, key))
    return await patiently(works, partial(_count, key, moved))


async def _still_here(handover: Handover, work: Rooms) -> list[str]:
    """Tell the next people to move: those whose home this still is."""
    ours = {"home_node": {"$in": ["", None]}, "nip": {"$gt": ""}}
    about = {"_id": handover.whose} if not handover.whole_agency else _within(handover.whose)
    return [each.id for each in await work.learners.find({**about, **ours}, limit=CHUNK)]


def _within(code: str) -> dict[str, Any]:
    """Tell who belongs to an agency: its own people, and those of the offices in it, `35.72/...`."""
    return {"$or": [{"agency": code}, {"agency": {"$gt": f"{code}/", "$lt": f"{code}0"}}]}


async def _move_person(key: str, handover: Handover, today: Today, works: Works) -> int:
    """Move all ids of one person, so that none is left behind; tell how many moved."""
    await move_to_new_number(key, today, works)
    everybody = await works.run(partial(all_ids, key))
    # Whom it was asked for goes last: until then the handover finds them again after a crash.
    order = [*(each for each in everybody if each != key), key]
    hosts = await works.run(partial(_hosts_of, everybody))
    return sum(
        [
            await patiently(works, partial(_move_one, each, (order, hosts), handover, today))
            for each in order
        ]
    )


async def all_ids(key: str, work: Rooms) -> list[str]:
    """Tell every id of the person who has this one."""
    found, ahead = {key}, [key]
    while ahead:
        await work.learners.preload(ahead)
        linked = {other for each in ahead for other in (await work.learners.of(each)).linked}
        ahead = sorted(linked - found)
        found |= linked
    return sorted(found)


async def _hosts_of(people: Iterable[str], work: Rooms) -> set[str]:
    return {host for each in people for host in (await work.learners.of(each)).hosts}


async def _move_one(
    key: str, whom: tuple[list[str], set[str]], handover: Handover, today: Today, work: Rooms
) -> int:
    before, move = await work.learners.of(key), handover.move
    if not before.own or move is None:
        return 0
    ids, hosts = whom
    at = handover.asked_at or today.now
    fact = LearnerTransferred(
        learner_id=key,
        at=at,
        home_node=today.node,
        to_node=move.to_node,
        hosts=tuple(sorted(hosts - {today.node, move.to_node})),
        linked=tuple(sorted(set(ids) - {key})),
        moved_on=move.on,
        agency=move.agency,
        letter_number=move.letter_number,
    )
    away = before.move_away(fact)
    work.learners.keep(away, [*away.stated_since(before, today.now), fact])
    return 1


async def _count(key: str, moved: int, work: Rooms) -> Handover:
    handover = (await work.handovers.get(key)).count(moved)
    work.handovers.keep(handover)
    return handover


async def _finish(key: str, work: Rooms) -> Handover:
    """Note that all have moved; how many is counted anew, for a crash may have lost count."""
    handover = await work.handovers.get(key)
    ids = [] if handover.whole_agency else await all_ids(handover.whose, work)
    about = _within(handover.whose) if handover.whole_agency else {"_id": {"$in": ids}}
    gone = await work.learners.find({**about, "moved_to": handover.to_node})
    handover = handover.finish(len(gone))
    work.handovers.keep(handover)
    return handover
