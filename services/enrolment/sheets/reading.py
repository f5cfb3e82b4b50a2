"""Lists read row by row: a bad row is told by its codes, a file that cannot be read is refused."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import Final

from services.enrolment.sheets import text, workbook
from services.enrolment.sheets.cells import Cell, RawRow, not_a_workbook, tidy
from services.enrolment.sheets.columns import FIELDS, field_of, value_of
from shared.kernel.errors import Invalid, TooLarge

MOST_ROWS: Final = 10_000
MOST_BYTES: Final = 12 * 1024 * 1024
_HEADING_WITHIN = 30
_BLANKS_WITHIN = 100_000
_ZIP = b"PK\x03\x04"
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_COUNTED = re.compile(r"\(?[0-9]{1,2}\)?")
_NOMINATIONS = ("nip", "name", "position", "position_level")
_STAFF = ("nip", "name")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row by its number as Excel shows it, its cells by field, and the codes of what is wrong.

    Every field is there, empty where the cell or the column is; levels, employment (PNS, PPPK) and
    answers (`true`, `false`) stand in their canonical form unless a code says they are unknown.
    """

    row: int
    cells: dict[str, str]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The filled-in rows of a list, in the order of the file."""

    rows: tuple[SheetRow, ...]


def read_nominations(content: bytes, filename: str) -> Sheet:
    """Read a nomination list from .xlsx or .csv; an unreadable file raises Invalid or TooLarge."""
    return _read(content, filename, _NOMINATIONS)


def read_staff(content: bytes, filename: str) -> Sheet:
    """Read an agency's staff from .xlsx or .csv; an unreadable file raises Invalid or TooLarge."""
    return _read(content, filename, _STAFF)


def _read(content: bytes, filename: str, required: Sequence[str]) -> Sheet:
    best: set[str] = set()
    for table in _tables(content, filename):
        columns = _heading(table, required, best)
        if columns is not None:
            return Sheet(tuple(_filled_in(table, columns)))
    missing = [field for field in required if field not in best]
    detail = f"no heading row names {', '.join(missing)}"
    raise Invalid("missing-columns", detail, {"missing": missing})


def _tables(content: bytes, filename: str) -> Iterator[Iterator[RawRow]]:
    """Give what the file may be read as, judged by its content before its name."""
    if not content.strip():
        raise Invalid("empty-file", "the file is empty")
    if len(content) > MOST_BYTES:
        raise TooLarge("too-large-file", f"a list has at most {MOST_BYTES} bytes")
    if content.startswith(_OLD):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise Invalid("encrypted-workbook", "the workbook has a password; save it without one")
        raise not_a_workbook("this is the format of before 2007; save it as .xlsx")
    if content.startswith(_ZIP):
        return workbook.tables(content)
    if PurePath(filename.replace("\0", "")).suffix.lower() in {".xlsx", ".xlsm", ".xls"}:
        raise not_a_workbook("the file is named as a workbook and is none")
    return text.tables(content)


def _heading(
    table: Iterator[RawRow], required: Sequence[str], best: set[str]
) -> dict[str, list[int]] | None:
    """Find the row with all required headings, and tell each field's columns from left to right.

    Lists often begin with a title and the agency's name, so the heading may stand lower. `best`
    collects the headings of the row that comes nearest.
    """
    written = (row for row in islice(table, _BLANKS_WITHIN) if row.cells)
    for row in islice(written, _HEADING_WITHIN):
        columns: dict[str, list[int]] = {}
        for column, cell in sorted(row.cells.items()):
            field = field_of(cell.text)
            if field is not None:
                columns.setdefault(field, []).append(column)
        if len(columns) > len(best):
            best.clear()
            best.update(columns)
        if all(field in columns for field in required):
            if len(columns["nip"]) > 1:
                raise Invalid("ambiguous-columns", "two columns hold the NIP", {"columns": ["nip"]})
            return columns
    return None


def _filled_in(table: Iterator[RawRow], columns: dict[str, list[int]]) -> Iterator[SheetRow]:
    """Read the rows below the heading, without the empty ones."""
    count = 0
    may_count_columns = True
    for row in table:
        found = _found(row, columns)
        if not any(cell.text for cell in found.values()):
            continue
        skipped = may_count_columns and _counts_columns(found)
        may_count_columns = False
        if skipped:
            continue
        count += 1
        if count > MOST_ROWS:
            raise TooLarge("too-many-rows", f"a list has at most {MOST_ROWS} rows")
        yield _row(row.number, found)
    if not count:
        raise Invalid("empty-file", "no row is filled in below the heading")


def _found(row: RawRow, columns: dict[str, list[int]]) -> dict[str, Cell]:
    """Tell the first filled-in cell of each field, its text made tidy."""
    found: dict[str, Cell] = {}
    for field, numbers in columns.items():
        cell = next((row.cells[number] for number in numbers if number in row.cells), None)
        if cell is not None:
            found[field] = cell._replace(text=tidy(cell.text))
    return found


def _counts_columns(found: dict[str, Cell]) -> bool:
    """Tell whether a row only numbers its columns, as official forms do below the heading."""
    return len(found) > 1 and all(_COUNTED.fullmatch(cell.text) for cell in found.values())


def _row(number: int, found: dict[str, Cell]) -> SheetRow:
    cells = dict.fromkeys(FIELDS, "")
    errors: list[str] = []
    for field, cell in found.items():
        cells[field], error = value_of(field, cell)
        if error is not None:
            errors.append(error)
    errors += [f"missing-{field}" for field in ("nip", "name") if not cells[field]]
    return SheetRow(number, cells, tuple(dict.fromkeys(errors)))
