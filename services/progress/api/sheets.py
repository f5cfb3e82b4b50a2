"""Tables as .xlsx workbooks; what people typed is written as text, never as formula or link."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Annotated, Any, Literal

import xlsxwriter
from fastapi import Query, Response

from shared.kernel.errors import TooLarge

Cell = str | int | float | date | None
Language = Annotated[Literal["id", "en"], Query(description="The language of the headings")]
MOST_ROWS = 50_000
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX: dict[int | str, dict[str, Any]] = {
    200: {"description": "An .xlsx workbook", "content": {SHEET: {}}}
}
"""The response of a route that answers with a workbook, for its OpenAPI document."""

_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_WIDEST, _LONGEST = 60, 32_767


@dataclass(frozen=True)
class Table:
    """One sheet: its name, its headings and its rows."""

    name: str
    headings: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def refuse_more(rows: int) -> None:
    """Refuse a workbook of more rows than anybody reads; the paged list has them all."""
    if rows > MOST_ROWS:
        raise TooLarge("too-many-rows", f"a workbook takes {MOST_ROWS} rows; ask for pages instead")


async def workbook(table: Table, filename: str) -> Response:
    """Answer with a table as a workbook, written in a thread of its own."""
    content = await asyncio.to_thread(_write, table)
    headers = {"Content-Disposition": f'attachment; filename="{_plain(filename)}.xlsx"'}
    return Response(content, media_type=SHEET, headers=headers)


def _write(table: Table) -> bytes:
    target = BytesIO()
    with xlsxwriter.Workbook(target, _OPTIONS) as book:
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet(table.name)
        sheet.freeze_panes(1, 0)
        widths = [len(heading) for heading in table.headings]
        sheet.write_row(0, 0, table.headings, bold)
        for place, row in enumerate(table.rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(place, column, cell[:_LONGEST])
                elif isinstance(cell, date):
                    sheet.write_datetime(place, column, cell, day)
                elif cell is not None:
                    sheet.write_number(place, column, cell)
                widths[column] = max(widths[column], len(str(cell or "")))
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(width + 2, _WIDEST))
    return target.getvalue()


def _plain(name: str) -> str:
    """Leave what is safe in a header and in a file's name."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in name)[:100]
