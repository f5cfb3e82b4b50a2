"""Where notices, cards and preferences are kept, and the views of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

from services.notify.domain.notices import CHANNELS, NAMES, Card, Channel, Mail, Notice, Preference
from shared.events.hosting import node_of
from shared.store.filters import Filter
from shared.store.kind import Index, Kind, ScopeFields
from shared.store.work import Frame, Kept, UnitOfWork
from shared.store.works import Works

NOTICES = Kind(
    "notices",
    Notice,
    indexes=(
        Index(("learner_id", "place")),
        Index(("agency", "place")),
        Index(("cohort_id", "type")),
        Index(("mail", "mail_due")),
    ),
    scope=ScopeFields(agency="agency", learner="learner_id"),
)
CARDS = Kind("cards", Card, scope=ScopeFields(learner="_id"))
PREFERENCES = Kind("preferences", Preference, scope=ScopeFields(learner="_id"))
KINDS = (NOTICES, CARDS, PREFERENCES)

Told = Callable[[Iterable[str]], None]


def _nobody(_: Iterable[str]) -> None:
    """Tell nobody."""


class NotifyWork(UnitOfWork):
    """Notices, cards and preferences, kept together; `told` hears whose inbox has changed."""

    def __init__(
        self, frame: Frame, channels: frozenset[Channel] = CHANNELS, told: Told = _nobody
    ) -> None:
        """Begin with nothing loaded, at a node that has these channels."""
        super().__init__(frame)
        self.notices = self.aggregates(NOTICES)
        self.cards = self.aggregates(CARDS)
        self.preferences = self.aggregates(PREFERENCES)
        self.channels = channels
        self._told = told

    @property
    def node(self) -> str:
        """Tell this node's code."""
        return node_of(self.frame.source)

    @property
    def teller(self) -> str:
        """Tell the node that states the fact in hand, this one where a person asks."""
        return node_of(self.message.source if self.message else self.frame.source)

    async def commit(self) -> Kept:
        """Write every change, and only then tell whose inbox it changed."""
        # A conflict's owner is told as well: whoever listens reads the store, so that costs a look.
        owners = {
            entry.kept.learner_id
            for entry in self.notices.entries.values()
            if entry.kept is not entry.value
            and (not entry.version or entry.kept.unread != entry.value.unread)
        }
        kept = await super().commit()
        if owners:
            self._told(owners)
        return kept


async def newest(
    work: NotifyWork, learner: str, *, unread: bool | None = None, before: str = "", limit: int
) -> list[Notice]:
    """Find a person's notices, newest first, from before a place on."""
    where: dict[str, Any] = {"learner_id": learner}
    if unread is not None:
        where["unread"] = unread
    if before:
        where["place"] = {"$lt": before}
    within = _within(work, where)
    found = await work.frame.store.find(NOTICES, within, sort="place", descending=True, limit=limit)
    return [NOTICES.load(document) for document in found]


async def newest_of_agency(
    work: NotifyWork, agency: str, *, seen: bool | None = None, before: str = "", limit: int
) -> list[Notice]:
    """Find the notices in scope of an agency's people, newest first, from before a place on."""
    where: dict[str, Any] = {"agency": agency}
    if seen is not None:
        where["seen"] = {"$ne": not seen}
    if before:
        where["place"] = {"$lt": before}
    within = _within(work, where)
    found = await work.frame.store.find(NOTICES, within, sort="place", descending=True, limit=limit)
    return [NOTICES.load(document) for document in found]


async def names_of(work: NotifyWork, learners: Iterable[str]) -> dict[str, str]:
    """Tell learners' names; a name goes with a notice in scope, whatever the card's scope."""
    found = await work.frame.store.load(CARDS, list(dict.fromkeys(learners)))
    return {key: document["name"] for key, document in found.items()}


async def how_many(work: NotifyWork, where: Filter) -> int:
    """Count the notices in scope that match."""
    return await work.frame.store.count(NOTICES, _within(work, where))


def _within(work: NotifyWork, where: Filter) -> Filter:
    return {"$and": [where, work.frame.scope.where(NOTICES)]}


@dataclass(frozen=True)
class Summary:
    """How many notices there are by type, and what became of their e-mails."""

    notices: dict[str, int]
    email: dict[Mail, int]


async def summarise(work: NotifyWork, cohort: str | None) -> Summary:
    """Count the notices in scope, of one cohort or of all."""
    about: dict[str, str] = {} if cohort is None else {"cohort_id": cohort}
    return Summary(
        notices={name: await how_many(work, {**about, "type": name}) for name in NAMES},
        email={mail: await how_many(work, {**about, "mail": mail}) for mail in get_args(Mail)},
    )


async def undelivered(
    work: NotifyWork, cohort: str | None, *, after: str, limit: int
) -> list[Notice]:
    """Find the notices in scope whose e-mail has failed, in id order."""
    where: dict[str, Any] = {"mail": "failed", "_id": {"$gt": after}}
    if cohort is not None:
        where["cohort_id"] = cohort
    return await work.notices.find(where, limit=limit)


async def audit_rows(works: Works[NotifyWork], after: str, limit: int) -> list[dict[str, Any]]:
    """Tell the next notices, in id order, in the fewest words that an audit can compare."""
    found = await works.open().notices.find({"_id": {"$gt": after}}, limit=limit)
    return [_audited(notice) for notice in found]


def _audited(notice: Notice) -> dict[str, Any]:
    row = {
        "id": notice.id,
        "learner_id": notice.learner_id,
        "type": notice.type,
        "enrolment_id": notice.enrolment_id,
    }
    if notice.type.startswith("certifi"):
        row["subject_number"] = notice.words["number"]
    return row
