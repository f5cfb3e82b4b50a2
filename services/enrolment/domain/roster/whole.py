"""The list as one aggregate, with what became of its rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Self

from services.enrolment.domain.cohort import ALREADY_IN, Outcome
from services.enrolment.domain.roster.rows import Nominee, each_once
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.values import replace

NOT_ENDORSED = "not-endorsed"


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Letter:
    """The letter by which an agency's officer endorses rows; None endorses all."""

    number: str
    dated: date
    rows: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Roster:
    """One list for one cohort, whose `owner` is an agency or "": the node; `results` by row number.

    A list of our own for a cohort of `host_node` is sent there row by row: those in `sending`; the host
    names it `list_abroad`. One of guests comes so from `home_node`, and is judged once all `of` rows are there.
    """

    id: str
    cohort_id: str = ""
    agency: str = ""
    owner: str = ""
    home_node: str = ""
    host_node: str = ""
    of: int = 0
    sending: tuple[int, ...] = ()
    agreement_id: str = ""
    list_abroad: str = ""
    purpose: str = ""
    legal_basis: str = ""
    status: Literal["", "draft", "collecting", "endorsed", "sending", "sent", "judged"] = ""
    rows: tuple[Nominee, ...] = ()
    letter: Letter | None = None
    drafted_at: datetime | None = None
    touched_at: datetime | None = None
    results: dict[str, Result] = field(default_factory=dict)

    def draft(
        self, cohort_id: str, agency: str, rows: Sequence[Nominee], at: datetime, owner: str = ""
    ) -> Self:
        """Take a list; the same list again changes nothing."""
        if self.status:
            return self
        return replace(
            self,
            cohort_id=cohort_id,
            agency=agency,
            owner=owner,
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

    @property
    def endorsement(self) -> Letter:
        """Tell the letter; a list that has none yet is a Conflict."""
        if self.letter is None:
            raise Conflict("not-endorsed", "this list has not been endorsed yet")
        return self.letter

    def stands(self, nominee: Nominee) -> Result | None:
        """Tell the result of a row that needs no judging: refused by its cells, or not endorsed."""
        if nominee.reasons:
            return Result("refused", nominee.reasons)
        rows = self.letter.rows if self.letter else ()
        if rows is not None and nominee.row not in rows:
            return Result("refused", (NOT_ENDORSED,))
        return None

    def tells(self, result: Result) -> bool:
        """Tell whether a result is stated: another node knows of its rows only what it is told."""
        return result.told or (bool(self.home_node) and result.status == "refused")

    def collect(self, row: Nominee, of: int, letter: Letter, at: datetime) -> Self:
        """Take one row of a list of guests; the last one makes it ready to be judged."""
        if any(each.row == row.row for each in self.rows) or self.status not in {"", "collecting"}:
            return self
        rows = tuple(sorted((*self.rows, row), key=lambda each: each.row))
        complete = len(rows) >= of
        return replace(
            self,
            status="endorsed" if complete else "collecting",
            rows=each_once(rows) if complete else rows,
            of=of,
            letter=letter,
            drafted_at=min(at, self.drafted_at or at),
        )

    def send(
        self, refused: Mapping[int, Result], agreement_id: str, list_abroad: str, at: datetime
    ) -> Self:
        """Decide which rows go to the host, once and for all; the others are refused here."""
        results = {str(row): each for row, each in refused.items()}
        sending = tuple(each.row for each in self.rows if str(each.row) not in results)
        return replace(
            self,
            results=results,
            sending=sending,
            agreement_id=agreement_id,
            list_abroad=list_abroad,
            status="sending",
            touched_at=at,
        )

    def sent(self, at: datetime) -> Self:
        """Note that every row is on its way."""
        return replace(self, status="sent", touched_at=at)

    def erase(self, whose: Callable[[Nominee], bool]) -> Self:
        """Blank the rows of a person; their numbers and results stay."""
        rows = tuple(
            each.erased(judged=str(each.row) in self.results) if whose(each) else each
            for each in self.rows
        )
        return self if rows == self.rows else replace(self, rows=rows)

    @property
    def unjudged(self) -> list[Nominee]:
        """Tell the rows without a result, in their order."""
        return [each for each in self.rows if str(each.row) not in self.results]

    def judge(self, results: Mapping[int, Result], at: datetime) -> tuple[Self, list[Nominee]]:
        """Keep results, the first ones for good, and tell who has to hear of a refusal."""
        fresh = {row: each for row, each in results.items() if str(row) not in self.results}
        merged = {**self.results, **{str(row): each for row, each in fresh.items()}}
        told = [each for each in self.rows if each.row in fresh and self.tells(fresh[each.row])]
        done = len(merged) == len(self.rows)
        status = "judged" if done else self.status
        judged = replace(self, results=merged, status=status, touched_at=at)
        return judged, told
