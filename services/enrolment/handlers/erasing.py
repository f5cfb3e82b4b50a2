"""Erasure: a person's data leaves every document here, and every other node that holds it is told to follow.

A request is noted first; what follows is a resumable task, since lists, cards and kept statements are
many documents. Whatever step a crash comes after, doing it again finds what is left.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from services.enrolment.domain.learner import Learner
from services.enrolment.domain.roster import Nominee
from services.enrolment.handlers.learners import move_to_new_number
from services.enrolment.handlers.patience import patiently
from services.enrolment.handlers.rosters import Today
from services.enrolment.handlers.transferring import all_ids
from services.enrolment.ports import Rooms, Statements, Works
from shared.events.enrolment import ErasureOrdered, LearnerErased
from shared.events.fact import Fact
from shared.kernel.errors import Conflict, NotFound, Unprocessable

Pseudonym = Callable[[str], str]
"""Tells the learner id of a number."""


async def ask_erasure(learner_id: str, basis: str, now: datetime, work: Rooms) -> Learner:
    """Note that a person's data must go; Conflict `still-enrolled` while they learn here or elsewhere."""
    learner = await work.learners.get(learner_id)
    if not learner.known:
        if learner.erasure_asked is None:
            raise NotFound("unknown-learners", f"there is no {learner_id!r} here")
        return learner
    await _refuse_while_learning(await all_ids(learner_id, work), work)
    asked = learner if learner.erasure_due else learner.ask_erasure(basis, now)
    work.learners.keep(asked)
    return asked


async def _refuse_while_learning(ids: Sequence[str], work: Rooms) -> None:
    of_them = {"learner_id": {"$in": list(ids)}}
    running = [each.id for each in await work.enrolments.find(of_them) if each.under_way]
    held = {key for each in ids for key in (await work.learners.of(each)).certificates}
    running += [
        each.id
        for each in await work.placements.find(of_them)
        if each.under_way(certified=each.id in held)
    ]
    if running:
        raise Conflict(
            "still-enrolled",
            "whoever is enrolled needs a card: withdraw them, or decide on their graduation, first",
            {"enrolments": sorted(running)},
        )


async def heed_order(fact: ErasureOrdered, sender: str, work: Rooms) -> None:
    """Note that the home of a guest wants the guest's data erased."""
    learner = await work.learners.of(fact.learner_id)
    if fact.home_node != sender or learner.own or learner.home_node not in {"", sender}:
        raise Unprocessable("not-their-learner", f"{sender} is not the learner's home")
    work.learners.keep(learner.ask_erasure(fact.basis, fact.at))


async def finish_erasure(
    learner_id: str,
    today: Today,
    works: Works,
    statements: Statements,
    pseudonym: Pseudonym,
) -> Learner:
    """Erase what was asked for, under every id of the person; what has not left yet is waited for."""
    learner = await works.run(lambda work: work.learners.get(learner_id))
    asked = learner.erasure_asked
    if not learner.erasure_due or asked is None:
        return learner
    learner = await move_to_new_number(learner_id, today, works)
    ids = await works.run(partial(all_ids, learner_id))
    names = await works.run(partial(_names_of, ids))
    person = _Person(frozenset(ids), names, asked, pseudonym)
    for roster_id in await works.run(partial(_lists_about, person)):
        await patiently(works, partial(_blank_rows, roster_id, person))
    for staff_id in await works.run(partial(_staff_lists_about, person)):
        await patiently(works, partial(_drop_members, staff_id, ids))
    blank = await patiently(works, partial(_erase_ids, ids, learner, today))
    if await statements.waiting(blank):
        # A fact that is forgotten before it has left would keep its place in the outbox for ever.
        return await works.run(lambda work: work.learners.get(learner_id))
    await statements.forget(blank)
    return await patiently(works, partial(_finish, learner_id, person))


@dataclass(frozen=True, slots=True)
class _Person:
    """Whose rows are looked for: by id and, where a row was too faulty to have one, by number or name.

    Only in lists from before the request: whoever is hired again is listed anew.
    """

    ids: Collection[str]
    names: Collection[str]
    asked: datetime
    pseudonym: Pseudonym

    def has(self, row: Nominee) -> bool:
        """Tell whether a row is about this person and still tells who that is."""
        if not (row.nip or row.name):
            return False
        if row.learner_id:
            return row.learner_id in self.ids
        return self.pseudonym(row.nip) in self.ids or row.name.casefold() in self.names


async def _names_of(ids: Sequence[str], work: Rooms) -> frozenset[str]:
    people = [await work.learners.of(each) for each in ids]
    return frozenset(each.name.casefold() for each in people if each.name)


async def _lists_about(person: _Person, work: Rooms) -> list[str]:
    asked = {"rows.learner_id": {"$in": [*person.ids, ""]}}
    return [
        each.id
        for each in await work.rosters.find(asked)
        if (each.drafted_at or person.asked) <= person.asked
        and any(person.has(row) for row in each.rows)
    ]


async def _blank_rows(roster_id: str, person: _Person, work: Rooms) -> None:
    roster = await work.rosters.get(roster_id)
    work.rosters.keep(roster.erase(person.has))


async def _staff_lists_about(person: _Person, work: Rooms) -> list[str]:
    lists = await work.staff_lists.find({"members.learner_id": {"$in": [*person.ids]}})
    return [each.id for each in lists if each.instant <= person.asked]


async def _drop_members(staff_id: str, ids: Sequence[str], work: Rooms) -> None:
    work.staff_lists.keep((await work.staff_lists.get(staff_id)).erase(ids))


async def _erase_ids(ids: Sequence[str], asked: Learner, today: Today, work: Rooms) -> list[str]:
    """Blank the cards, and state so; every node that has the person as a guest is told to do the same.

    Tell which ids are blank: all, but those of whom a newer card was recorded since.
    """
    await work.learners.preload(ids)
    nodes = await _holders(ids, today.node, work)
    at = asked.erasure_asked or today.now
    for each in ids:
        before = await work.learners.of(each)
        erased = before.erase(asked.erasure_basis, at, today.now)
        if erased is before:
            continue
        told_at = max(at, today.now)
        facts: list[Fact] = [LearnerErased(learner_id=each, at=told_at)]
        if nodes:
            facts.append(
                ErasureOrdered(
                    learner_id=each,
                    at=told_at,
                    home_node=today.node,
                    basis=asked.erasure_basis,
                    nodes=nodes,
                )
            )
        work.learners.keep(erased, facts)
    return [each for each in ids if not (await work.learners.of(each)).known]


async def _holders(ids: Sequence[str], node: str, work: Rooms) -> tuple[str, ...]:
    """Tell which nodes hold our own person's data; of another node's person that one decides."""
    people = [await work.learners.of(each) for each in ids]
    if any(each.home_node for each in people):
        return ()
    places = await work.placements.find({"learner_id": {"$in": list(ids)}})
    held = {host for each in people for host in each.hosts} | {each.host_node for each in places}
    return tuple(sorted(held - {"", node}))


async def _finish(learner_id: str, person: _Person, work: Rooms) -> Learner:
    learner = await work.learners.get(learner_id)
    if not await _lists_about(person, work):
        learner = learner.erased()
        work.learners.keep(learner)
    return learner
