"""A batch at a time, as somebody with time and skill writes it by hand: what batched peers share.

One look for the dossiers of the batch, one range of numbers, one bulk write of the changed dossiers with what
is to be told in them (an embedded outbox), one batch of facts awaited, one bulk write that clears. It lacks what a
service needs besides: parking, metrics, traces, readiness, a relay, the account of every number.
"""

from collections.abc import Awaitable, Callable, Sequence

from pymongo import ReturnDocument, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from tests.load.peers.certifying import (
    Document,
    Told,
    certified,
    headers_of,
    is_due,
    merged,
    register_of,
)

Fact = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""Key, value and headers."""
_CHUNK = 100
"""Ids asked for at once: the stand-in's cost of an `$in` list grows with its square."""


async def certify(
    store: AsyncDatabase[Document],
    heard: Sequence[Told],
    publish: Callable[[list[Fact]], Awaitable[None]],
) -> None:
    """Take in what a batch told, keep it, and tell what it earned."""
    if not heard:
        return
    changed = merged(await _load(store, {told.enrolment_id for told in heard}), heard)
    due = [dossier for dossier in changed.values() if is_due(dossier)]
    facts = await _number(store, due)
    await store.dossiers.bulk_write([_write(each) for each in changed.values()], ordered=False)
    if facts:
        await publish(facts)
        cleared = [UpdateOne({"_id": each["_id"]}, {"$set": {"outbox": []}}) for each in due]
        await store.dossiers.bulk_write(cleared, ordered=False)


async def _load(store: AsyncDatabase[Document], ids: set[str]) -> dict[str, Document]:
    wanted = list(ids)
    found: dict[str, Document] = {}
    for start in range(0, len(wanted), _CHUNK):
        where = {"_id": {"$in": wanted[start : start + _CHUNK]}}
        found |= {each["_id"]: each async for each in store.dossiers.find(where)}
    return found


async def _number(store: AsyncDatabase[Document], due: Sequence[Document]) -> list[Fact]:
    """Give numbers to the certificates that are due, and put what is to be told into their dossiers."""
    registers: dict[str, list[Document]] = {}
    for dossier in due:
        registers.setdefault(register_of(dossier["completed"]), []).append(dossier)
    facts: list[Fact] = []
    for register, dossiers in registers.items():
        counted = await store.registers.find_one_and_update(
            {"_id": register},
            {"$inc": {"last": len(dossiers)}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        last = counted["last"] if counted else len(dossiers)
        for serial, dossier in enumerate(dossiers, last - len(dossiers) + 1):
            completed = dossier["completed"]
            dossier["number"] = f"{register}/{serial:05d}"
            fact = certified(dossier["terms"], completed, dossier["number"])
            dossier["outbox"] = [fact]
            facts.append((completed["learner_id"].encode(), fact, headers_of(completed)))
    return facts


def _write(dossier: Document) -> UpdateOne:
    fields = {name: held for name, held in dossier.items() if name != "_id"}
    return UpdateOne({"_id": dossier["_id"]}, {"$set": fields}, upsert=True)
