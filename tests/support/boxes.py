"""A small kind of aggregate with which the spine is tested, apart from any service."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shared.events.enrolment import SeatFreed
from shared.events.message import Message
from shared.store.kind import Index, Kind, ScopeFields
from shared.store.work import Frame, UnitOfWork

AT = datetime(2024, 3, 4, 1, 30, tzinfo=UTC)
SOURCE = "/corpu/35/boxes"


@dataclass(frozen=True)
class Line:
    """A part of a box."""

    key: str
    amount: int = 0


@dataclass(frozen=True)
class Box:
    """An aggregate with a field of every sort that services keep."""

    id: str
    label: str = ""
    count: int = 0
    weight: float | None = None
    sealed: bool = False
    agency: str = ""
    learner_id: str = ""
    mentor_id: str = ""
    tags: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    code: str | None = None
    packed_at: datetime | None = None

    def with_count(self, count: int) -> "Box":
        """Count anew."""
        return replace(self, count=count)


BOXES = Kind(
    "boxes",
    Box,
    indexes=(Index(("agency", "count")), Index(("code",), unique=True)),
    scope=ScopeFields(agency="agency", learner="learner_id", companion="mentor_id"),
)
SHELVES = Kind("shelves", Box, indexes=(Index(("lines.key",), unique=True),), scope=None, stage=0)
KINDS = (BOXES, SHELVES)


class BoxWork(UnitOfWork):
    """A unit of work over boxes and the shelves that are written before them."""

    def __init__(self, frame: Frame) -> None:
        """Open both rooms."""
        super().__init__(frame)
        self.boxes = self.aggregates(BOXES)
        self.shelves = self.aggregates(SHELVES)


def freed(number: int, learner: str = "learner", agency: str = "35.73") -> SeatFreed:
    """Make a fact told apart by its number."""
    return SeatFreed(
        learner_id=learner, at=AT, enrolment_id=f"e{number}", cohort_id="c", agency=agency
    )


def messages(aggregate: str, *seqs: int, kind: str = "boxes") -> Sequence[Message]:
    """State facts as the given ones of their aggregate."""
    return [
        Message.of(freed(seq), source=SOURCE, aggregate=f"{kind}/{aggregate}", seq=seq, epoch=1)
        for seq in seqs
    ]
