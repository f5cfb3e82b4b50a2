"""Tables as meeting tools write them: the row with the headings found, the rows below it read."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from shared.kernel.errors import Invalid, TooLarge
from shared.kernel.text import decoded

MOST_ROWS = 20_000
_HEADING_WITHIN = 40
_SEPARATORS = ",;\t"
_FIELDS: Mapping[str, Sequence[str]] = {
    "name": (
        "name original name", "name", "full name", "participant", "nama nama asli", "nama",
        "nama lengkap", "peserta", "nama peserta",
    ),
    "first": ("first name", "nama depan"),
    "last": ("last name", "nama belakang"),
    "email": ("user email", "email", "e mail", "email address", "email pengguna", "alamat email", "surel"),
    "joined": ("join time", "time joined", "joined", "waktu bergabung", "jam masuk", "waktu masuk"),
    "left": ("leave time", "time exited", "left", "waktu keluar", "jam keluar", "waktu meninggalkan"),
    "duration": ("duration minutes", "duration", "durasi menit", "durasi"),
    "nip": ("nip", "nomor induk pegawai", "registration nip", "nip pendaftaran"),
}  # fmt: skip
_CALLED = {name: field for field, names in _FIELDS.items() for name in names}
_JOINTS = re.compile(r"[\W_]+")


class TableRow(NamedTuple):
    """One row by its number in the file, its cells by field, "" where there is none."""

    number: int
    cells: Mapping[str, str]


def read_table(content: bytes, *needed: str) -> list[TableRow]:
    """Read the rows below the headings of a file; Invalid or TooLarge where it is no such table."""
    text = decoded(content)
    if not text.strip():
        raise Invalid("empty-file", "the file is empty")
    for separator in _SEPARATORS:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            if columns := _columns(lines, needed):
                return list(_rows(lines, columns))
        except csv.Error as broken:
            detail = f"line {lines.line_num} cannot be read: {broken}"
            raise Invalid("unreadable-text", detail) from broken
    raise Invalid(
        "missing-columns",
        f"no row of headings names: {', '.join(needed)}",
        {"missing": list(needed)},
    )


def _columns(lines: Iterator[list[str]], needed: Sequence[str]) -> dict[int, str]:
    """Find the row of headings, and tell which column holds which field."""
    for line in islice(lines, _HEADING_WITHIN):
        columns: dict[int, str] = {}
        for place, heading in enumerate(line):
            field = _CALLED.get(_JOINTS.sub(" ", heading).strip().casefold())
            if field and field not in columns.values():
                columns[place] = field
        if set(needed) <= set(columns.values()):
            return columns
    return {}


def _rows(lines: Iterator[list[str]], columns: Mapping[int, str]) -> Iterator[TableRow]:
    first = getattr(lines, "line_num", 0)
    count = 0
    for number, line in enumerate(lines, first + 1):
        cells = dict.fromkeys(_FIELDS, "")
        cells |= {field: line[at].strip() for at, field in columns.items() if at < len(line)}
        if not any(cells.values()):
            continue
        count += 1
        if count > MOST_ROWS:
            raise TooLarge(
                "too-many-rows", f"a report has at most {MOST_ROWS} rows; send it in parts"
            )
        yield TableRow(number, cells)
