"""What a cell of a sheet holds, and the refusals that every kind of file shares."""

import re
import unicodedata
from typing import Literal, NamedTuple

from shared.kernel.errors import Invalid, TooLarge

LONGEST_TEXT = 500
MOST_COLUMNS = 200

Kind = Literal["text", "number", "formula", "error"]
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SPACES = re.compile(r"\s+")


class Cell(NamedTuple):
    """One cell: its text as a person reads it and how the file typed it."""

    text: str
    kind: Kind = "text"


class RawRow(NamedTuple):
    """One row by its number as Excel shows it, with its cells by column (0 is A)."""

    number: int
    cells: dict[int, Cell]


def tidy(text: str) -> str:
    """Make text one line in NFC without the characters that nobody sees."""
    if text.isascii() and text.isprintable():
        return _SPACES.sub(" ", text).strip()
    spaced = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    return "".join(sign for sign in spaced if unicodedata.category(sign) not in _UNSEEN).strip()


def not_a_workbook(detail: str) -> Invalid:
    """Refuse a file that is no workbook, or a broken one."""
    return Invalid("not-a-workbook", detail)


def too_large_unpacked(detail: str) -> TooLarge:
    """Refuse a workbook that grows beyond reason when it is unpacked."""
    return TooLarge("too-large-unpacked", f"{detail}; copy the table into an empty template")
