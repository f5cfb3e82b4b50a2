"""Lists written as .xlsx: rosters, and templates that read back when they are filled in."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from services.enrolment.sheets.cells import tidy
from services.enrolment.sheets.columns import COLUMNS, POSITION_LEVELS, Column

_PREPARED_ROWS: Final = 1000
_AS_TEXT: Final = 49  # the number of the built-in format "@"
_LONGEST_CELL: Final = 32_767
_EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_FURTHER: Final = (
    Column("status", "Keadaan", "Status", "", 60, 16),
    Column("agency_name", "Nama instansi", "Agency name", "", 300, 34),
    Column("outcome", "Hasil", "Outcome", "", 60, 16),
    Column("reasons", "Alasan", "Reasons", "", 300, 34),
    Column("enrolment_id", "ID kepesertaan", "Enrolment id", "", 60, 38),
    Column("learner_id", "ID peserta", "Learner id", "", 60, 34),
)
_ANSWERS: Final = ["Ya", "Tidak"]
_EMPLOYMENTS: Final = ["PNS", "PPPK"]
_EXAMPLE: Final = {
    "nip": "198503152010012001", "name": "Contoh Nama, S.Sos.", "position": "Lurah",
    "position_level": "Pengawas", "employment": "PNS", "agency": "Kecamatan Contoh",
    "email": "nama@contoh.go.id", "phone": "081234567890", "disability": "Tidak",
    "duty_3t": "Tidak",
}  # fmt: skip
_LEVEL_HINT = ", ".join(POSITION_LEVELS.values())
_HINTS: Final = {
    "nip": (
        "18 angka, diketik sebagai teks (kolom ini sudah berformat teks); jangan rumus",
        "18 digits, typed as text (this column is text already); never a formula",
    ),
    "name": ("nama lengkap dengan gelar", "full name with titles"),
    "position": ("nama jabatan sekarang", "the present position"),
    "position_level": (
        f"salah satu dari {_LEVEL_HINT}; atau eselon",
        "one of the list, or an echelon",
    ),
    "employment": ("PNS atau PPPK", "PNS (civil servant) or PPPK (contract)"),
    "agency": ("perangkat daerah atau unit kerja", "agency or unit"),
    "email": ("boleh kosong", "may be empty"),
    "phone": ("boleh kosong; diketik sebagai teks", "may be empty; typed as text"),
    "disability": (
        "Ya atau Tidak, menurut pernyataan yang bersangkutan",
        "Yes or no, as the person declares",
    ),
    "duty_3t": (
        "Ya bila bertugas di daerah tertinggal, terdepan, atau terluar",
        "Yes for duty in a frontier, outermost or underdeveloped region",
    ),
}


def write_roster(title: str, rows: Sequence[Mapping[str, str]]) -> bytes:
    """Write a cohort's roster as .xlsx: a title, a bilingual heading, a numbered row a person.

    Columns stand in the order of the templates, as far as any row has them; fields of other names
    follow. Every value is text, so that nothing in it can run as a formula.
    """
    known = {column.field: column for column in (*COLUMNS, *_FURTHER)}
    fields = dict.fromkeys(field for row in rows for field in row) or dict.fromkeys(("nip", "name"))
    others = [Column(field, field, field, "") for field in fields if field not in known]
    columns = [column for column in known.values() if column.field in fields] + others
    with _workbook(title) as (book, out):
        sheet = book.add_worksheet("Peserta")
        bold = book.add_format({"bold": True, "font_size": 14})
        _set_widths(book, sheet, columns, first=1)
        sheet.set_column(0, 0, 5)
        sheet.freeze_panes(3, 3)
        sheet.write_string(0, 0, _safe(title), bold)
        _write_headings(book, sheet, 2, ["No", *(_heading(column) for column in columns)])
        for number, row in enumerate(rows, start=1):
            sheet.write_number(2 + number, 0, number)
            for at, column in enumerate(columns, start=1):
                sheet.write_string(2 + number, at, _safe(row.get(column.field, "")))
        sheet.autofilter(2, 0, 2 + max(len(rows), 1), len(columns))
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(2)
    return out.getvalue()


def nominations_template() -> bytes:
    """Make an empty nomination list as .xlsx, with drop-down lists and a sheet of instructions."""
    return _template(
        "Usulan",
        "Daftar usulan peserta / Nomination list",
        "Satu baris untuk setiap orang yang diusulkan, menurut prioritas: kursi dibagi dari atas."
        " / One row for each nominee, in order of priority: seats are given from the top.",
        {"nip", "name", "position", "position_level"},
    )


def staff_template() -> bytes:
    """Make an empty list of an agency's staff as .xlsx, with drop-down lists and instructions."""
    return _template(
        "Pegawai",
        "Daftar seluruh pegawai / Whole staff",
        "Satu baris untuk setiap pegawai aktif; yang tidak tercantum dianggap pindah atau pensiun."
        " / One row for each active employee; who is no longer listed has moved or retired.",
        {"nip", "name"},
    )


def _template(tab: str, title: str, purpose: str, required: set[str]) -> bytes:
    with _workbook(title) as (book, out):
        sheet = book.add_worksheet(tab)
        _set_widths(book, sheet, COLUMNS, first=0)
        sheet.freeze_panes(1, 2)
        headings = [
            f"{column.title} / {column.title_en}{' *' if column.field in required else ''}"
            for column in COLUMNS
        ]
        _write_headings(book, sheet, 0, headings)
        for at, column in enumerate(COLUMNS):
            _offer(sheet, at, column.field)
        _explain(book, title, purpose, required)
    return out.getvalue()


def _offer(sheet: Worksheet, at: int, field: str) -> None:
    """Give a column its drop-down list, or its rule, where it has one."""
    offered = {
        "position_level": list(POSITION_LEVELS.values()),
        "employment": _EMPLOYMENTS,
        "disability": _ANSWERS,
        "duty_3t": _ANSWERS,
    }.get(field)
    if offered is not None:
        rule: dict[str, object] = {"validate": "list", "source": offered}
        # An echelon is understood as well, so a level outside the list only warns.
        if field == "position_level":
            rule["error_type"] = "warning"
        sheet.data_validation(1, at, _PREPARED_ROWS, at, rule)
    elif field == "nip":
        message = {
            "input_title": "NIP",
            "input_message": "18 angka sebagai teks / 18 digits as text",
        }
        sheet.data_validation(1, at, _PREPARED_ROWS, at, {"validate": "any", **message})


def _explain(book: xlsxwriter.Workbook, title: str, purpose: str, required: set[str]) -> None:
    sheet = book.add_worksheet("Petunjuk")
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 34, wrapped)
    sheet.set_column(1, 3, 44, wrapped)
    sheet.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 14}))
    sheet.write_string(1, 0, purpose)
    _write_headings(
        book, sheet, 3, ["Kolom / Column", "Petunjuk", "Instruction", "Contoh / Example"]
    )
    for at, column in enumerate(COLUMNS, start=4):
        hint, hint_en = _HINTS[column.field]
        mark = " *" if column.field in required else ""
        sheet.write_string(at, 0, f"{column.title} / {column.title_en}{mark}")
        sheet.write_string(at, 1, hint)
        sheet.write_string(at, 2, hint_en)
        sheet.write_string(at, 3, _EXAMPLE[column.field])
    sheet.write_string(5 + len(COLUMNS), 0, "* wajib / required")


@contextmanager
def _workbook(title: str) -> Iterator[tuple[xlsxwriter.Workbook, io.BytesIO]]:
    """Open a workbook that keeps one row in memory and takes every text as text."""
    out = io.BytesIO()
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(out, options) as book:
        # A fixed date, so that the same list is the same bytes.
        book.set_properties({"title": _safe(title)[:200], "created": _EPOCH})
        yield book, out


def _heading(column: Column) -> str:
    same = column.title == column.title_en
    return column.title if same else f"{column.title} / {column.title_en}"


def _set_widths(
    book: xlsxwriter.Workbook, sheet: Worksheet, columns: Sequence[Column], first: int
) -> None:
    as_text = book.add_format({"num_format": _AS_TEXT})
    for at, column in enumerate(columns, start=first):
        sheet.set_column(at, at, column.width, as_text)


def _write_headings(
    book: xlsxwriter.Workbook, sheet: Worksheet, row: int, headings: list[str]
) -> None:
    shown = book.add_format(
        {"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True, "valign": "top"}
    )
    for at, heading in enumerate(headings):
        sheet.write_string(row, at, _safe(heading), shown)


def _safe(text: str) -> str:
    return tidy(text)[:_LONGEST_CELL]
