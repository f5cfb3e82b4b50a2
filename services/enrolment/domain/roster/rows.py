"""The rows of a list, as people send them and as they are kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Self

from pydantic import Field

from services.enrolment.domain.learner import Card
from services.enrolment.domain.nip import read_nip, tidy
from shared.events.enrolment import Employment
from shared.events.fact import Value
from shared.kernel.values import replace

MOST_ROWS = 10_000
DUPLICATE = "duplicate-in-list"
ERASED = "erased"

Words = Annotated[str, Field(max_length=300)]


class Row(Value):
    """One row as people send it."""

    nip: Annotated[str, Field(max_length=40)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    position: Words = ""
    position_level: Annotated[str, Field(max_length=64)] = ""
    employment: Employment | None = None
    agency: Words = ""
    email: Annotated[str, Field(max_length=254)] = ""
    phone: Annotated[str, Field(max_length=50)] = ""
    disability: bool = False
    duty_3t: bool = False

    def listed(self, row: int) -> "Listed":
        """Take the row into a list under its number."""
        return Listed(
            row,
            self.nip,
            self.name,
            self.position,
            self.position_level,
            self.employment or "",
            self.agency,
            self.email,
            self.phone,
            self.disability,
            self.duty_3t,
        )


@dataclass(frozen=True)
class Listed:
    """One row of a list however it came; `faults` are the codes of cells that cannot be read."""

    row: int
    nip: str
    name: str
    position: str = ""
    position_level: str = ""
    employment: str = ""
    unit: str = ""
    email: str = ""
    phone: str = ""
    disability: bool = False
    duty_3t: bool = False
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Nominee:
    """One row as it is kept; `reasons` are those that its own cells and the list give."""

    row: int
    nip: str
    name: str
    position: str = ""
    position_level: str = ""
    employment: Employment = "PNS"
    unit: str = ""
    email: str = ""
    phone: str = ""
    disability: bool = False
    duty_3t: bool = False
    learner_id: str = ""
    enrolment_id: str = ""
    reasons: tuple[str, ...] = ()

    def card(self, agency: str, agency_name: str) -> Card:
        """Tell what the row says of its person."""
        return Card(
            nip=self.nip,
            name=self.name,
            agency=agency,
            employment=self.employment,
            agency_name=self.unit or agency_name,
            position=self.position,
            position_level=self.position_level,
            email=self.email,
            phone=self.phone,
            disability=self.disability,
            duty_3t=self.duty_3t,
        )

    def erased(self, *, judged: bool) -> Self:
        """Blank all that is personal; a row without a result yet will be refused."""
        return replace(
            self,
            nip="",
            name="",
            position="",
            position_level="",
            employment="PNS",
            unit="",
            email="",
            phone="",
            disability=False,
            duty_3t=False,
            reasons=self.reasons if judged else (ERASED,),
        )


def examine(
    listed: Sequence[Listed], today: date, identify: Callable[[str], tuple[str, str]]
) -> list[Nominee]:
    """Examine rows by their own cells and against those before them.

    `identify` tells, for a number, the learner's id and that of the enrolment asked for.
    """
    seen: set[str] = set()
    nominees = []
    for each in listed:
        read = read_nip(each.nip, each.employment, today)
        reasons = each.faults
        nominee = Nominee(
            row=each.row,
            nip=tidy(each.nip),
            name=each.name,
            position=each.position,
            position_level=each.position_level,
            unit=each.unit,
            email=each.email,
            phone=each.phone,
            disability=each.disability,
            duty_3t=each.duty_3t,
        )
        if isinstance(read, str):
            reasons = reasons or (read,)
        elif not reasons:
            learner, enrolment = identify(read.digits)
            reasons = (DUPLICATE,) if read.digits in seen else ()
            seen.add(read.digits)
            nominee = replace(
                nominee,
                employment=read.employment,
                learner_id=learner,
                enrolment_id=enrolment,
            )
        nominees.append(replace(nominee, reasons=reasons))
    return nominees


def each_once(rows: Sequence[Nominee]) -> tuple[Nominee, ...]:
    """Find faulty whoever a row before names already."""
    seen: set[str] = set()
    once = []
    for each in rows:
        again = each.learner_id in seen
        once.append(replace(each, reasons=each.reasons or (DUPLICATE,)) if again else each)
        seen.add(each.learner_id)
    return tuple(once)
