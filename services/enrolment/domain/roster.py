"""A roster: one agency's nomination list, drafted, endorsed, and judged row by row in order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from services.enrolment.domain.cohort import ALREADY_IN, Outcome
from services.enrolment.domain.learner import Card
from services.enrolment.domain.nip import read_nip, tidy
from shared.events.enrolment import Employment
from shared.events.fact import Value
from shared.kernel.errors import Conflict, Invalid

MOST_ROWS = 10_000
NOT_ENDORSED = "not-endorsed"
DUPLICATE = "duplicate-in-list"

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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row; `told` says whether the learner hears of a refusal."""

    status: Literal["accepted", "waitlisted", "refused"]
    reasons: tuple[str, ...] = ()
    told: bool = False

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """Take over what the cohort decided; who holds a place already hears nothing."""
        told = outcome.status == "refused" and outcome.reasons != (ALREADY_IN,)
        return cls(outcome.status, outcome.reasons, told)


@dataclass(frozen=True, slots=True)
class Letter:
    """The letter by which an agency's officer endorses rows; None endorses all."""

    number: str
    dated: date
    rows: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """One list for one cohort; `results` by row number."""

    id: str
    cohort_id: str = ""
    agency: str = ""
    status: Literal["", "draft", "endorsed", "judged"] = ""
    rows: tuple[Nominee, ...] = ()
    letter: Letter | None = None
    drafted_at: datetime | None = None
    touched_at: datetime | None = None
    results: dict[str, Result] = field(default_factory=dict)

    def draft(self, cohort_id: str, agency: str, rows: Sequence[Nominee], at: datetime) -> Self:
        """Take a list; the same list again changes nothing."""
        if self.status:
            return self
        return replace(
            self,
            cohort_id=cohort_id,
            agency=agency,
            status="draft",
            rows=tuple(rows),
            drafted_at=at,
        )

    def endorse(self, letter: Letter, at: datetime) -> Self:
        """Endorse rows by a letter; the same letter changes nothing, another one is a Conflict."""
        if self.letter is not None:
            if letter != self.letter:
                raise Conflict("already-endorsed", "this list was endorsed by another letter")
            return self
        strange = sorted(set(letter.rows or ()) - {each.row for each in self.rows})
        if strange:
            raise Invalid(
                "unknown-row", f"the list has no row {strange[0]}", {"rows": strange[:100]}
            )
        return replace(self, letter=letter, status="endorsed", touched_at=at)

    def stands(self, nominee: Nominee) -> Result | None:
        """Tell the result of a row that needs no judging: refused by its cells, or not endorsed."""
        if nominee.reasons:
            return Result("refused", nominee.reasons)
        rows = self.letter.rows if self.letter else ()
        if rows is not None and nominee.row not in rows:
            return Result("refused", (NOT_ENDORSED,))
        return None

    @property
    def unjudged(self) -> list[Nominee]:
        """Tell the rows without a result, in their order."""
        return [each for each in self.rows if str(each.row) not in self.results]

    def judge(self, results: Mapping[int, Result], at: datetime) -> tuple[Self, list[Nominee]]:
        """Keep results, the first ones for good, and tell who has to hear of a refusal."""
        fresh = {row: each for row, each in results.items() if str(row) not in self.results}
        merged = {**self.results, **{str(row): each for row, each in fresh.items()}}
        told = [each for each in self.rows if each.row in fresh and fresh[each.row].told]
        done = len(merged) == len(self.rows)
        status = "judged" if done else self.status
        judged = replace(self, results=merged, status=status, touched_at=at)
        return judged, told


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
