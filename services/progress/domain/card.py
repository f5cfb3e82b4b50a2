"""Who a learner is, as far as figures about an agency's people need it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.events.enrolment import LearnerErased, LearnerRecorded
from shared.kernel.values import replace


@dataclass(frozen=True)
class Card:
    """A learner's current card; the id is the pseudonym. Personal data: it is never stated on.

    `home_node` is "" or this node for its own people; `abroad` are those who never were. What was
    recorded until `erased_at` names nobody any more.
    """

    id: str
    number: int = 0
    recorded_at: datetime | None = None
    nip: str = ""
    name: str = ""
    agency: str = ""
    agency_name: str = ""
    employment: str = ""
    active: bool = False
    home_node: str = ""
    abroad: bool = False
    erased_at: datetime | None = None

    @property
    def known(self) -> bool:
        """Tell whether this is one of the node's own people, or was."""
        return bool(self.number) and not self.abroad

    def record(self, fact: LearnerRecorded, node: str) -> Self:
        """Take the newer card, at this node; of an older one only that the person belonged here."""
        abroad = fact.home_node not in ("", node) and (self.abroad or not self.number)
        if fact.version <= self.number:
            return self if abroad == self.abroad else replace(self, abroad=abroad)
        return replace(
            self,
            number=fact.version,
            recorded_at=fact.at,
            nip=fact.nip,
            name=fact.name,
            agency=fact.agency,
            agency_name=fact.agency_name,
            employment=fact.employment,
            active=fact.active,
            home_node=fact.home_node,
            abroad=abroad,
        ).blanked()

    def erase(self, fact: LearnerErased) -> Self:
        """Forget who this is, as far as it was recorded by then."""
        if self.erased_at and self.erased_at >= fact.at:
            return self
        return replace(self, erased_at=fact.at).blanked()

    def blanked(self) -> Self:
        """Name nobody where what is known was recorded before an erasure."""
        if self.erased_at is None or (self.recorded_at and self.recorded_at > self.erased_at):
            return self
        return replace(self, nip="", name="", agency_name="", active=False)
