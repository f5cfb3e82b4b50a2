"""What other nodes offer: their programmes, to be adopted, and their cohorts, to nominate to."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from services.enrolment.domain.programme import ProgrammeDraft
from shared.events.offers import CohortOffered, ProgrammeOffered
from shared.events.plan import Origin
from shared.kernel.errors import Conflict, NotFound
from shared.kernel.values import replace

_NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class OfferedProgramme:
    """One version of another node's programme as it last offered it; the id is `node/code.version`."""

    id: str
    node: str = ""
    open: bool = False
    told: ProgrammeOffered | None = None

    def hear(self, fact: ProgrammeOffered) -> Self:
        """Take the newest offer; an earlier one changes nothing."""
        if not _newer(fact, self.told):
            return self
        return replace(self, node=fact.node, open=fact.open, told=fact)

    @property
    def content(self) -> ProgrammeOffered:
        """Tell the offer; NotFound for one that never came."""
        if self.told is None:
            raise NotFound("unknown-offer", f"nobody offers {self.id}")
        return self.told

    @property
    def origin(self) -> Origin:
        """Tell what an adopted copy cites."""
        offer = self.content
        return Origin(node=offer.node, code=offer.code, version=offer.version)

    def syllabus(self) -> ProgrammeDraft:
        """Tell what may be adopted; Conflict for an offer that was taken back."""
        syllabus = self.content.syllabus
        if not self.open or syllabus is None:
            raise Conflict("offer-withdrawn", f"{self.node} does not offer this any more")
        return syllabus


@dataclass(frozen=True)
class OfferedCohort:
    """Another node's cohort as it last offered it; the id is `node/cohort`."""

    id: str
    node: str = ""
    open: bool = False
    told: CohortOffered | None = None

    def hear(self, fact: CohortOffered) -> Self:
        """Take the newest offer; an earlier one changes nothing."""
        if not _newer(fact, self.told):
            return self
        return replace(self, node=fact.node, open=fact.open, told=fact)

    @property
    def content(self) -> CohortOffered:
        """Tell the offer; NotFound for one that never came."""
        if self.told is None:
            raise NotFound("unknown-offer", f"nobody offers {self.id}")
        return self.told


def _newer(
    fact: ProgrammeOffered | CohortOffered, told: ProgrammeOffered | CohortOffered | None
) -> bool:
    """Compare by number; a node whose store was restored may have given one again, and then the later holds."""
    before = (told.offer, told.at) if told else (0, _NEVER)
    return (fact.offer, fact.at) > before


def offered_id(node: str, what: str) -> str:
    """Tell the id of what a node offers, a programme's id or a cohort's."""
    return f"{node}/{what}"
