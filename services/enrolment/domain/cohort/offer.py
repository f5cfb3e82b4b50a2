"""A cohort offered to other nodes: until when they nominate, by which agreements, for how many seats."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Self

from pydantic import Field

from services.enrolment.domain.cohort.shape import MOST_SEATS, Day
from shared.events.fact import Value
from shared.events.plan import Slug
from shared.kernel.values import replace

OFFER_CLOSED = "offer-closed"


class GuestTerms(Value):
    """On what terms other nodes nominate; no agreement named means by any in force.

    Of a seated cohort at most `seats_for_guests` are for people of other nodes, None: as many as come.
    """

    agreements: tuple[Slug, ...] = Field((), max_length=50)
    nominations_until: Day
    seats_for_guests: Annotated[int, Field(ge=0, le=MOST_SEATS)] | None = None


@dataclass(frozen=True)
class Offer:
    """What other nodes are told of a cohort, for the `number`-th time; `cites` are the agreements' numbers.

    One taken back keeps its terms, which hold for guests who are already in.
    """

    number: int = 0
    open: bool = False
    terms: GuestTerms | None = None
    cites: tuple[str, ...] = ()
    calendar_version: int = 0

    def renew(self, terms: GuestTerms, cites: tuple[str, ...], calendar_version: int) -> Self:
        """Offer on these terms; what is offered just so already is not told again."""
        told = (self.open, self.terms, self.cites, self.calendar_version)
        if told == (True, terms, cites, calendar_version):
            return self
        return replace(
            self, number=self.number + 1, open=True, terms=terms, cites=cites,
            calendar_version=calendar_version,
        )  # fmt: skip

    def follow(self, calendar_version: int) -> Self:
        """Tell the new dates of what is on offer."""
        if not self.open:
            return self
        return replace(self, number=self.number + 1, calendar_version=calendar_version)

    def close(self) -> Self:
        """Offer it no longer."""
        return replace(self, number=self.number + 1, open=False) if self.open else self

    def takes(self, on: date) -> bool:
        """Tell whether other nodes may nominate on a day."""
        return self.open and self.terms is not None and on <= self.terms.nominations_until

    @property
    def most_guests(self) -> int | None:
        """Tell how many seats guests may hold, None for as many as come."""
        return self.terms.seats_for_guests if self.terms else None
