"""Where records, passports and cards are kept, and the views of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from services.progress.domain.attendance import (
    Addition,
    Attendance,
    Closing,
    Curve,
    attendance_id,
    closing_id,
)
from services.progress.domain.card import Card
from services.progress.domain.digest import digest
from services.progress.domain.minutes import words_of
from services.progress.domain.passport import Entry, Passport
from services.progress.domain.plans import CohortPlan
from services.progress.domain.record import Record
from shared.events.hosting import node_of
from shared.kernel.errors import NotFound
from shared.store.kind import Index, Kind, ScopeFields
from shared.store.port import Merge
from shared.store.work import Frame, UnitOfWork
from shared.store.works import Works

RECORDS = Kind(
    "records",
    Record,
    indexes=(Index(("cohort_id", "_id")), Index(("dues",))),
    scope=ScopeFields(
        agency="agency",
        learner="learner_id",
        companion="companions.learner_id",
        host="owner",
    ),
)
# A passport is opened with its learner's card, whose agency is the present one: `passports_of`.
PASSPORTS = Kind("passports", Passport, indexes=(Index(("linked",)),), scope=None)
CARDS = Kind(
    "cards",
    Card,
    indexes=(Index(("agency", "_id")),),
    scope=ScopeFields(agency="agency", learner="_id"),
)
# Written by merging alone, and read by whoever may see the session: they carry no owner of their own.
# What says that it has become evidence is written after the evidence.
ATTENDANCE = Kind(
    "attendance",
    Attendance,
    indexes=(Index(("session_id", "_id")), Index(("session_id", "due"))),
    scope=None,
    stage=2,
)
CURVES = Kind("curves", Curve, indexes=(Index(("session_id",)),), scope=None)
CLOSINGS = Kind("closings", Closing, scope=None)
PLANS = Kind("plans", CohortPlan, scope=None)
KINDS = (RECORDS, PASSPORTS, CARDS, PLANS)
SILENT = (ATTENDANCE, CURVES, CLOSINGS)
"""Kinds that state nothing."""
_CHUNK = 100


class ProgressWork(UnitOfWork):
    """Records, passports and cards, kept together."""

    def __init__(self, frame: Frame) -> None:
        """Begin with nothing loaded."""
        super().__init__(frame)
        self.records = self.aggregates(RECORDS)
        self.passports = self.aggregates(PASSPORTS)
        self.cards = self.aggregates(CARDS)
        self.plans = self.aggregates(PLANS)
        self.attendance = self.aggregates(ATTENDANCE)
        self.curves = self.aggregates(CURVES)
        self.closings = self.aggregates(CLOSINGS)

    @property
    def node(self) -> str:
        """Tell this node's code."""
        return node_of(self.frame.source)

    @property
    def teller(self) -> str:
        """Tell the node that states the fact in hand, this one where a person asks."""
        return node_of(self.message.source if self.message else self.frame.source)


def adding(additions: Iterable[Addition]) -> list[Merge]:
    """Tell how minutes are added to attendance, whoever says so: they are due to become evidence."""
    return [
        Merge(
            attendance_id(each.session_id, each.learner_id),
            {"session_id": each.session_id, "learner_id": each.learner_id},
            bits={
                f"{name}.{place}": word
                for name, bitmap in (("live", each.live), ("replay", each.replay))
                for place, word in words_of(bitmap).items()
            },
            members={"sources": [each.source]},
            marks={"due": True},
        )
        for each in additions
        if each.live or each.replay
    ]


async def record_of(work: ProgressWork, enrolment_id: str) -> Record:
    """Load a record whose plan is known; NotFound otherwise."""
    record = await work.records.get(enrolment_id)
    if not record.plan:
        raise NotFound("unknown-records", f"there is no {enrolment_id!r} here")
    return record


async def cohort_records(
    work: ProgressWork, cohort_id: str, after: str, limit: int
) -> list[Record]:
    """Find a cohort's records in scope, in id order."""
    where = {"cohort_id": cohort_id, "plan": {"$ne": ""}, "_id": {"$gt": after}}
    return await work.records.find(where, limit=limit)


async def names_of(work: ProgressWork, learners: Iterable[str]) -> dict[str, str]:
    """Tell learners' names; a name goes with a record in scope, whatever the card's scope."""
    found = await work.frame.store.load(CARDS, list(dict.fromkeys(learners)))
    return {key: document["name"] for key, document in found.items()}


async def near_deadlines(
    work: ProgressWork, days: Sequence[date], after: str, limit: int
) -> list[str]:
    """Find the ids of open records with a phase to warn of that ends on one of these days."""
    where = {"dues": {"$in": [day.isoformat() for day in days]}, "_id": {"$gt": after}}
    return [
        document["_id"] for document in await work.frame.store.find(RECORDS, where, limit=limit)
    ]


async def card_of(work: ProgressWork, learner_id: str) -> Card:
    """Load the card that opens a learner's passport; NotFound where this person may not see it."""
    card = await work.cards.of(learner_id)
    if not work.frame.scope.sees(CARDS, {"_id": learner_id, "agency": card.agency}):
        raise NotFound("unknown-learner", f"there is no {learner_id!r} here")
    return card


async def passports_of(work: ProgressWork, learners: Collection[str]) -> dict[str, list[Passport]]:
    """Load for each learner the passports under all of the person's linked ids."""
    known: dict[str, Passport] = {}
    links: dict[str, set[str]] = {}
    visited: set[str] = set()
    asked = sorted({*learners})
    while asked:
        visited.update(asked)
        await work.passports.preload(asked)
        found = [await work.passports.of(key) for key in asked]
        for start in range(0, len(asked), _CHUNK):
            linking = {"linked": {"$in": asked[start : start + _CHUNK]}}
            found += await work.passports.find(linking)
        for passport in found:
            known[passport.id] = passport
            for other in passport.linked:
                links.setdefault(passport.id, set()).add(other)
                links.setdefault(other, set()).add(passport.id)
        asked = sorted(links.keys() - visited)
    return {key: [known[each] for each in _person(key, links)] for key in learners}


def _person(key: str, links: Mapping[str, Collection[str]]) -> list[str]:
    """Tell all ids of the person that has this one, itself first."""
    ids = [key]
    for each in ids:
        ids += [other for other in sorted(links.get(each, ())) if other not in ids]
    return ids


async def people_of(
    work: ProgressWork, agency: str, after: str, limit: int
) -> list[tuple[Card, list[Passport]]]:
    """Find an agency's active people in id order, each with the passports of all their ids.

    Guests are people of their home, whose figures they are in.
    """
    at_home = {"$or": [{"home_node": {"$exists": False}}, {"home_node": {"$in": ["", work.node]}}]}
    where = {"agency": agency, "active": True, "_id": {"$gt": after}, **at_home}
    cards = await work.cards.find(where, limit=limit)
    passports = await passports_of(work, [card.id for card in cards])
    return [(card, passports[card.id]) for card in cards]


async def is_closed(work: ProgressWork, session_id: str, number: int) -> bool:
    """Tell whether all that was sent before a closing is in the store, so that attendance is evidence."""
    return (await work.closings.of(closing_id(session_id, number))).done


async def audit_rows(works: Works[ProgressWork], after: str, limit: int) -> list[dict[str, Any]]:
    """Tell the next rows of the audit: every passport, then every record."""
    work = works.open()
    rows: list[dict[str, Any]] = []
    if after < "passport0":
        where = {"_id": {"$gt": after.removeprefix("passport/")}}
        rows += [_passport_row(each) for each in await work.passports.find(where, limit=limit)]
    if len(rows) < limit:
        where = {"_id": {"$gt": after.removeprefix("record/") if after > "passport0" else ""}}
        found = await work.records.find(where, limit=limit - len(rows))
        await work.passports.preload(each.learner_id for each in found)
        rows += [await _record_row(each, work) for each in found]
    return rows


def _passport_row(passport: Passport) -> dict[str, Any]:
    return {
        "id": f"passport/{passport.id}",
        "learner_id": passport.id,
        "jp_by_enrolment": passport.jp_by_enrolment,
        "entries": [_entry_row(passport.id, each) for each in passport.entries],
    }


def _entry_row(learner_id: str, entry: Entry) -> dict[str, Any]:
    return {
        "enrolment_id": entry.enrolment_id,
        "node": entry.node,
        "programme": entry.programme.code if entry.programme else None,
        "status": entry.standing,
        "enrolled": entry.enrolled_at is not None,
        "withdrawn": entry.withdrawn_at is not None,
        "completed": entry.completed_at is not None,
        "outcome": entry.outcome,
        "phases": len(entry.phases),
        "numbers": [each.number for each in entry.certificates],
        "live": entry.live.number if entry.live else None,
        "signed": [each.number for each in entry.certificates if each.revision in entry.signed],
        "brought": entry.brought,
        "digest": digest(learner_id, entry),
    }


async def _record_row(record: Record, work: ProgressWork) -> dict[str, Any]:
    passport = await work.passports.of(record.learner_id)
    return {
        "id": f"record/{record.id}",
        "enrolment_id": record.id,
        "learner_id": record.learner_id,
        "cohort_id": record.cohort_id,
        "status": record.status,
        "phases": len(record.completed),
        "of": len(record.course.phases) if record.plan else 0,
        "jp": record.jp if record.plan else 0,
        # Who moved was told in part by the one home and in part by the other.
        "guest": record.home_node not in ("", work.node) or bool(passport.moves),
    }
