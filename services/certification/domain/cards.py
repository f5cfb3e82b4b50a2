"""Learners' cards: the names and numbers that a person had, so that a certificate keeps the name it was given."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.events.enrolment import LearnerRecorded


@dataclass(frozen=True, slots=True)
class Named:
    """A name and number as one version of a card tells them, from an instant on."""

    version: int
    since: datetime
    name: str
    nip: str


@dataclass(frozen=True, slots=True)
class Card:
    """One learner's names, by version; the only personal data that certification keeps."""

    id: str
    names: tuple[Named, ...] = ()

    def hear(self, fact: LearnerRecorded) -> "Card":
        """Add a version that is not known yet; in any order they come to the same card."""
        if any(named.version == fact.version for named in self.names):
            return self
        heard = Named(fact.version, fact.at, fact.name, fact.nip)
        return replace(
            self, names=tuple(sorted((*self.names, heard), key=lambda each: each.version))
        )

    def at(self, instant: datetime) -> Named | None:
        """Tell the newest name that the person had at an instant, else the first one known."""
        had = [named for named in self.names if named.since <= instant]
        return had[-1] if had else next(iter(self.names), None)
