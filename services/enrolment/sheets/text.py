"""Rows of a .csv file, whatever its encoding and its separator."""

import csv
import io
from collections.abc import Iterator

from services.enrolment.sheets.cells import LONGEST_TEXT, MOST_COLUMNS, Cell, RawRow
from shared.kernel.errors import Invalid
from shared.kernel.text import decoded

_SEPARATORS = ";,\t"


def tables(content: bytes) -> Iterator[Iterator[RawRow]]:
    """Give the file's rows once for each separator that it may have."""
    text = decoded(content)
    for separator in _SEPARATORS:
        yield _rows(text, separator)


def _rows(text: str, separator: str) -> Iterator[RawRow]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for number, line in enumerate(lines, start=1):
            cells = {
                column: Cell(written[: LONGEST_TEXT + 1])
                for column, written in enumerate(line[:MOST_COLUMNS])
                if written.strip()
            }
            yield RawRow(number, cells)
    except csv.Error as broken:
        detail = f"line {lines.line_num} cannot be read: {broken}"
        raise Invalid("unreadable-text", detail) from broken
