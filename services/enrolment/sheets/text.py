"""Rows of a .csv file, whatever its encoding and its separator."""

import codecs
import csv
import io
from collections.abc import Iterator

from services.enrolment.sheets.cells import LONGEST_TEXT, MOST_COLUMNS, Cell, RawRow
from shared.kernel.errors import Invalid

_SEPARATORS = ";,\t"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes) -> str:
    """Read bytes as UTF-8, marked UTF-16 or Windows-1252; raises Invalid for what is no text."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "windows-1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Invalid("unreadable-text", "the file is not text in UTF-8, UTF-16 or Windows-1252")


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
