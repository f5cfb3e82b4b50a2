"""A roster: one agency's nomination list, drafted, endorsed, and judged row by row in order."""

from services.enrolment.domain.roster.rows import (
    DUPLICATE,
    ERASED,
    MOST_ROWS,
    Listed,
    Nominee,
    Row,
    Words,
    examine,
)
from services.enrolment.domain.roster.whole import NOT_ENDORSED, Letter, Result, Roster

__all__ = [
    "DUPLICATE",
    "ERASED",
    "MOST_ROWS",
    "NOT_ENDORSED",
    "Letter",
    "Listed",
    "Nominee",
    "Result",
    "Roster",
    "Row",
    "Words",
    "examine",
]
