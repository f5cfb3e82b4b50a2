"""Agreements between nodes: who may send people to whose programmes, and by which law."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from services.enrolment.domain.cohort.shape import Day
from services.enrolment.domain.programme import Code
from shared.events.fact import Value
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.regions import is_region
from shared.kernel.values import replace

NO_AGREEMENT = "no-agreement"
EXPIRED = "agreement-expired"
NOT_COVERED = "programme-not-covered"
_FEWEST = 2


def _in_a_known_province(code: str) -> str:
    if not is_region(code):
        raise ValueError("a node is named by the code of a region in a known province, e.g. 62")
    return code


NodeCode = Annotated[str, Field(max_length=5), AfterValidator(_in_a_known_province)]


class Party(Value):
    """A node that an agreement names; an auditor reads and neither sends people nor takes them."""

    node: NodeCode
    role: Literal["party", "auditor"] = "party"


class Agreed(Value):
    """An agreement as people write it; both days are included, `programmes` None covers all.

    `legal_basis` and `purpose` are what UU 27/2022 asks to be recorded for the personal data that it lets travel.
    """

    number: Annotated[str, Field(min_length=1, max_length=100)]
    parties: tuple[Party, ...] = Field(min_length=2, max_length=600)
    valid_from: Day
    valid_until: Day
    programmes: Annotated[tuple[Code, ...], Field(min_length=1, max_length=500)] | None = None
    legal_basis: Annotated[str, Field(min_length=1, max_length=1_000)]
    purpose: Annotated[str, Field(min_length=1, max_length=1_000)]

    @field_validator("parties")
    @classmethod
    def _each_node_once(cls, parties: tuple[Party, ...]) -> tuple[Party, ...]:
        if len({each.node for each in parties}) != len(parties):
            raise ValueError("an agreement names each node once")
        if sum(each.role == "party" for each in parties) < _FEWEST:
            raise ValueError("an agreement has two parties at least, besides auditors")
        return parties

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_until < self.valid_from:
            raise ValueError("an agreement ends on or after the day it begins")
        return self


@dataclass(frozen=True)
class Agreement:
    """One agreement as this node has recorded it; from the day it was terminated on it covers nothing."""

    id: str
    status: Literal["", "active", "terminated"] = ""
    agreed: Agreed | None = None
    recorded_at: datetime | None = None
    terminated_on: date | None = None
    termination_reason: str = ""

    @property
    def content(self) -> Agreed:
        """Tell what was agreed; what was never recorded is Invalid."""
        if self.agreed is None:
            raise Invalid("agreement-empty", f"agreement {self.id} was never recorded")
        return self.agreed

    def record(self, agreed: Agreed, node: str, at: datetime) -> Self:
        """Record what was agreed, at a node that it names; a terminated one takes only what it says."""
        if agreed == self.agreed:
            return self
        if self.status == "terminated":
            raise Conflict("agreement-terminated", "a terminated agreement never changes")
        if node not in {each.node for each in agreed.parties}:
            raise Invalid("not-a-party", f"the agreement does not name this node, {node}")
        return replace(self, agreed=agreed, status="active", recorded_at=at)

    def terminate(self, on: date, reason: str) -> Self:
        """End it on a day; ending it again the same way changes nothing, another way is a Conflict."""
        if self.status == "terminated":
            if (on, reason) != (self.terminated_on, self.termination_reason):
                raise Conflict("agreement-terminated", "this agreement was terminated before")
            return self
        return replace(self, status="terminated", terminated_on=on, termination_reason=reason)

    def binds(self, *nodes: str) -> bool:
        """Tell whether all of these nodes are parties."""
        parties = {each.node for each in self.content.parties if each.role == "party"}
        return parties.issuperset(nodes)

    def holds(self, on: date) -> bool:
        """Tell whether it is in force on a day."""
        ended = self.terminated_on is not None and self.terminated_on <= on
        return self.content.valid_from <= on <= self.content.valid_until and not ended

    def why_not(self, nodes: Iterable[str], programme: str, on: date) -> str:
        """Tell why these nodes cannot rest on it for a programme on a day; "" where they can."""
        if self.agreed is None or not self.binds(*nodes) or self.agreed.valid_from > on:
            return NO_AGREEMENT
        if not self.holds(on):
            return EXPIRED
        return "" if self.covers(programme) else NOT_COVERED

    def covers(self, programme: str) -> bool:
        """Tell whether it is about a programme, by the host's code of it."""
        return self.content.programmes is None or programme in self.content.programmes


def in_force(
    agreements: Iterable[Agreement], host: str, home: str, programme: str, on: date
) -> Agreement | str:
    """Tell the agreement by which `home` may nominate to a host's programme on a day, or why there is none.

    Of several it is the one valid longest. The reason is `no-agreement` where none between the two has
    begun, `agreement-expired` where none still holds, else `programme-not-covered`.
    """
    judged = [(each, each.why_not((host, home), programme, on)) for each in agreements]
    covering = [each for each, reason in judged if not reason]
    if covering:
        return max(covering, key=lambda each: (each.content.valid_until, each.id))
    found = {reason for _, reason in judged}
    return next((each for each in (NOT_COVERED, EXPIRED) if each in found), NO_AGREEMENT)


def cited(agreements: Iterable[Agreement], numbers: Collection[str]) -> list[Agreement]:
    """Tell the agreements that an offer cites by number; all of them where it cites none."""
    return [each for each in agreements if not numbers or each.content.number in numbers]
