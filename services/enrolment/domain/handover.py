"""A handover: a person, or everybody of an agency, who moves to another node."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Self

from shared.kernel.errors import Conflict
from shared.kernel.values import replace


@dataclass(frozen=True)
class Move:
    """Where to, since which day, by which letter; `agency` is the new one's code, "" where it stays."""

    to_node: str
    on: date
    letter_number: str = ""
    agency: str = ""


@dataclass(frozen=True)
class Handover:
    """One move as it goes on; `whose` is a learner's id or an agency's code, `moved` counts records."""

    id: str
    whose: str = ""
    whole_agency: bool = False
    move: Move | None = None
    asked_at: datetime | None = None
    status: Literal["", "asked", "done"] = ""
    moved: int = 0

    @property
    def to_node(self) -> str:
        """Tell where to."""
        return self.move.to_node if self.move else ""

    def ask(self, whose: str, move: Move, at: datetime, *, whole_agency: bool) -> Self:
        """Begin; a move that is under way, or was done, may only be asked for again just so."""
        if self.status == "asked" and move != self.move:
            raise Conflict("moving-already", "another move of the same is under way")
        if self.status == "asked":
            return self
        return replace(
            self, whose=whose, whole_agency=whole_agency, move=move, asked_at=at, status="asked"
        )

    def count(self, moved: int) -> Self:
        """Count records that have moved."""
        return replace(self, moved=self.moved + moved)

    def finish(self, moved: int) -> Self:
        """Note that all have, and how many they are."""
        return replace(self, status="done", moved=moved)
