"""Who a learner is, as far as figures about an agency's people need it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from shared.events.enrolment import LearnerRecorded


@dataclass(frozen=True, slots=True)
class Card:
    """A learner's current card; the id is the pseudonym. Personal data: it is never stated on."""

    id: str
    number: int = 0
    recorded_at: datetime | None = None
    nip: str = ""
    name: str = ""
    agency: str = ""
    agency_name: str = ""
    employment: str = ""
    active: bool = False

    def record(self, fact: LearnerRecorded) -> Self:
        """Take the newer card."""
        if fact.version <= self.number:
            return self
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
        )
