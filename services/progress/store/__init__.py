"""Where records, passports, cards and live sessions are kept, and the views of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from services.progress.domain.attendance import (
    Addition,
    Attendance,
    Closing,
    Curve,
    Unnoted,
    Visitor,
    attendance_id,
    closing_id,
)
from services.progress.domain.card import Card
from services.progress.domain.live import Claim, HandedIn, LiveSession, WatchedAbroad
from services.progress.domain.minutes import words_of
from services.progress.domain.passport import Passport
from services.progress.domain.plans import CohortPlan
from services.progress.domain.record import Record
from shared.events.hosting import node_of
from shared.kernel.errors import NotFound
from shared.store.kind import Index, Kind, ScopeFields
from shared.store.port import Merge
from shared.store.work import Frame, UnitOfWork

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
    indexes=(Index(("session_id", "_id")), Index(("due", "session_id", "_id"))),
    scope=None,
    stage=2,
)
CURVES = Kind("curves", Curve, indexes=(Index(("session_id",)),), scope=None)
CLOSINGS = Kind("closings", Closing, scope=None)
PLANS = Kind("plans", CohortPlan, scope=None)
# Up to whom a session is judged is written after the evidence, and after what became evidence.
LIVE_SESSIONS = Kind(
    "live_sessions",
    LiveSession,
    indexes=(Index(("place.cohort_id",)), Index(("state", "counted"))),
    scope=ScopeFields(host="owner", shown=True),
    stage=3,
)
HANDED_IN = Kind(
    "handed_in", HandedIn, indexes=(Index(("added",)),), scope=ScopeFields(host="owner")
)
CLAIMS = Kind(
    "claims",
    Claim,
    indexes=(Index(("session_id", "_id")), Index(("learner_id",)), Index(("state", "added"))),
    scope=ScopeFields(learner="learner_id", host="owner"),
)
VISITORS = Kind("visitors", Visitor, scope=None)
WATCHED_ABROAD = Kind("watched_abroad", WatchedAbroad, scope=None)
UNNOTED = Kind(
    "unnoted",
    Unnoted,
    indexes=(Index(("session_id", "_id")),),
    scope=ScopeFields(host="owner"),
)
KINDS = (
    RECORDS, PASSPORTS, CARDS, PLANS, LIVE_SESSIONS, HANDED_IN, CLAIMS, VISITORS, WATCHED_ABROAD,
)  # fmt: skip
SILENT = (ATTENDANCE, CURVES, CLOSINGS, UNNOTED)
"""Kinds that state nothing."""
_CHUNK = 100


class ProgressWork(UnitOfWork):
    """Everything that progress owns, kept together."""

    def __init__(self, frame: Frame) -> None:
        """Begin with nothing loaded."""
        super().__init__(frame)
        self.records = self.aggregates(RECORDS)
        self.passports = self.aggregates(PASSPORTS)
        self.cards = self.aggregates(CARDS)
        self.plans = self.aggregates(PLANS)
        self.live_sessions = self.aggregates(LIVE_SESSIONS)
        self.handed_in = self.aggregates(HANDED_IN)
        self.claims = self.aggregates(CLAIMS)
        self.visitors = self.aggregates(VISITORS)
        self.watched_abroad = self.aggregates(WATCHED_ABROAD)
        self.attendance = self.aggregates(ATTENDANCE)
        self.unnoted = self.aggregates(UNNOTED)
        self.curves = self.aggregates(CURVES)
        self.closings = self.aggregates(CLOSINGS)
        self._sessions: dict[str, list[LiveSession]] = {}

    async def sessions_of(self, cohort_ids: Iterable[str], host: str) -> list[LiveSession]:
        """Load the live sessions of a node's cohorts, once for all who ask in this work."""
        asked = dict.fromkeys(cohort_ids)
        if fresh := [each for each in asked if each not in self._sessions]:
            self._sessions |= {each: [] for each in fresh}
            for found in await self.live_sessions.find({"place.cohort_id": {"$in": fresh}}):
                self._sessions[found.place.cohort_id].append(found)
        found_here = (session for each in asked for session in self._sessions[each])
        return [session for session in found_here if session.host_node == host]

    @property
    def node(self) -> str:
        """Tell this node's code."""
        return node_of(self.frame.source)

    @property
    def teller(self) -> str:
        """Tell the node that states the fact in hand, this one where a person asks."""
        return node_of(self.message.source if self.message else self.frame.source)


_DUE = {"due": True}


def _paths(name: str, bitmap: int) -> dict[str, int]:
    """Tell the words of a bitmap by where they are kept."""
    return {f"{name}.{place}": word for place, word in words_of(bitmap).items()} if bitmap else {}


def adding(additions: Iterable[Addition]) -> list[Merge]:
    """Tell how minutes are added to attendance, whoever says so: they are due to become evidence."""
    return [
        Merge(
            attendance_id(each.session_id, each.learner_id),
            {"session_id": each.session_id, "learner_id": each.learner_id},
            _paths("live", each.live) | _paths("replay", each.replay),
            members={"sources": (each.source,)},
            marks=_DUE,
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
