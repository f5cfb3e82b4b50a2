"""Rows of an .xlsx workbook, read as a stream.

One pass tells values, types and formulas, and a cell far out costs nothing, where a reader that
holds the sheet as a rectangle allocates all of it.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Final

from services.enrolment.sheets.cells import (
    LONGEST_TEXT,
    MOST_COLUMNS,
    Cell,
    Kind,
    RawRow,
    not_a_workbook,
    too_large_unpacked,
)
from services.enrolment.sheets.package import Package

MOST_SHEETS: Final = 20
_MOST_RANGES = 50
_LAST_ROW = 1_048_576
_BIGGEST_WHOLE = 1e21
_SMALL = re.compile(r"[0-9]{1,7}")
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def tables(content: bytes) -> Iterator[Iterator[RawRow]]:
    """Give the rows of each visible worksheet; an unsound workbook raises Invalid or TooLarge."""
    package = Package(content)
    book = next(iter(package.related("", "/officeDocument").values()), None)
    if book is None:
        raise not_a_workbook("the file is an archive, but not an .xlsx workbook")
    sheets = _sheets(package, book)
    strings = _strings(package, book)
    for part in sheets[:MOST_SHEETS]:
        yield _rows(package, part, strings)


def _sheets(package: Package, book: str) -> list[str]:
    """List the parts of the visible worksheets in the order of the workbook's tabs."""
    worksheets = package.related(book, "/worksheet")
    listed: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet" and attributes.get("state", "visible") == "visible":
            relation = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            if relation in worksheets:
                listed.append(worksheets[relation])

    package.hear(book, start)
    if not listed:
        raise not_a_workbook("the workbook has no visible sheet")
    return listed


def _strings(package: Package, book: str) -> list[str]:
    """Read the texts that cells point to."""
    reader = _Strings()
    for part in package.related(book, "/sharedStrings").values():
        package.hear(part, reader.start, reader.end, reader.text)
    return reader.strings


class _Text:
    """Gathers the text of `t` and `v` elements, up to a cell's longest, without phonetic hints."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._room = 0
        self._hint = False
        self._open = False

    def clear(self) -> None:
        self._pieces.clear()
        self._room = LONGEST_TEXT + 1

    def start(self, name: str) -> None:
        if name == "rPh":
            self._hint = True
        self._open = name in {"t", "v"} and not self._hint

    def end(self, name: str) -> None:
        if name == "rPh":
            self._hint = False
        self._open = False

    def take(self, text: str) -> None:
        if self._open and self._room > 0:
            self._pieces.append(text[: self._room])
            self._room -= len(text)

    def read(self) -> str:
        return _ESCAPE.sub(lambda code: chr(int(code[1], 16)), "".join(self._pieces))


class _Strings:
    """Reads the part with the shared texts."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._text = _Text()
        self.text = self._text.take

    def start(self, name: str, _: dict[str, str]) -> None:
        if name == "si":
            self._text.clear()
        self._text.start(name)

    def end(self, name: str) -> None:
        self._text.end(name)
        if name == "si":
            self.strings.append(self._text.read())


class _Rows:
    """Reads the part of one worksheet; finished rows wait in `ready`."""

    def __init__(self, strings: list[str]) -> None:
        self.ready: deque[RawRow] = deque()
        self._strings = strings
        self._text = _Text()
        self.text = self._text.take
        self._row = self._column = 0
        self._cells: dict[int, Cell] = {}
        self._type = "n"
        self._formula = self._in_cell = False
        self._ranges: list[tuple[int, int, int, int]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            place = _place(attributes.get("r", ""))
            self._column = place[0] if place else self._column + 1
            self._type = attributes.get("t", "n")
            self._formula, self._in_cell = False, True
            self._text.clear()
        elif name == "row":
            given = attributes.get("r", "")
            self._row = int(given) if _SMALL.fullmatch(given) else self._row + 1
            if not 1 <= self._row <= _LAST_ROW:
                raise not_a_workbook("the sheet has a row that no sheet can have")
            self._column, self._cells = -1, {}
            self._ranges = [reach for reach in self._ranges if reach[3] >= self._row]
        elif name == "f" and self._in_cell:
            self._formula = True
            self._spill(attributes)
        if self._in_cell:
            self._text.start(name)

    def end(self, name: str) -> None:
        self._text.end(name)
        if name == "c" and self._in_cell:
            self._in_cell = False
            self._keep()
        elif name == "row":
            self.ready.append(RawRow(self._row, self._cells))
            self._cells = {}

    def _spill(self, attributes: dict[str, str]) -> None:
        """Note the cells that an array formula fills: only the first of them says so itself."""
        first, _, last = attributes.get("ref", "").partition(":")
        if attributes.get("t") == "array" and (start := _place(first)) and (end := _place(last)):
            self._ranges.append((*start, *end))
            if len(self._ranges) > _MOST_RANGES:
                raise too_large_unpacked("the sheet has too many array formulas")

    def _keep(self) -> None:
        if not 0 <= self._column < MOST_COLUMNS:
            return
        text, kind = self._value(self._text.read())
        if self._formula or any(
            left <= self._column <= right and top <= self._row <= bottom
            for left, top, right, bottom in self._ranges
        ):
            kind = "formula"
        if text.strip() or kind == "formula":
            self._cells[self._column] = Cell(text, kind)

    def _value(self, written: str) -> tuple[str, Kind]:
        match self._type:
            case "s":
                known = _SMALL.fullmatch(written) and int(written) < len(self._strings)
                return (self._strings[int(written)] if known else ""), "text"
            case "n":
                return _number(written), "number"
            case "b":
                return ("true" if written.strip() == "1" else "false"), "text"
            case "e":
                return written, "error"
            case _:
                return written, "text"


def _number(written: str) -> str:
    """Write a number as a person reads it: whole numbers without point and exponent."""
    try:
        number = float(written)
    except ValueError:
        return written
    whole = abs(number) < _BIGGEST_WHOLE and number.is_integer()
    return str(int(number)) if whole else written.strip()


def _place(reference: str) -> tuple[int, int] | None:
    """Tell column (0 is A) and row of a reference such as `B7`."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return None
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1, int(found[2])


def _rows(package: Package, part: str, strings: list[str]) -> Iterator[RawRow]:
    reader = _Rows(strings)
    for _ in package.parse(part, reader.start, reader.end, reader.text):
        while reader.ready:
            yield reader.ready.popleft()
