"""Lists as people upload them, sound and unsound, and how they are read or refused."""

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import xlsxwriter

from services.enrolment.sheets import Sheet, SheetRow, read_nominations, read_staff
from shared.kernel.errors import Refusal

NIP = "198503152010012001"
HEADINGS = ["NIP", "Nama", "Jabatan", "Eselon"]
ROW = [NIP, "Siti Aminah, S.Sos.", "Lurah Dinoyo", "IV.a"]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET = "xl/worksheets/sheet1.xml"


def written(fill: Callable[[Any, Any], None]) -> bytes:
    """Write a workbook with one sheet that the caller fills."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        fill(book, book.add_worksheet())
    return out.getvalue()


def listed(*rows: list[Any], headings: list[str] = HEADINGS) -> bytes:
    """Write rows below the usual headings."""

    def fill(_: Any, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        for number, row in enumerate([headings, *rows]):
            sheet.write_row(number, 0, row)

    return written(fill)


def packed(parts: Mapping[str, bytes | str], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Pack parts as an archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def parts_of(content: bytes) -> dict[str, bytes]:
    """Unpack an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def handmade(rows: str, **parts: str) -> bytes:
    """Make the smallest workbook with these rows of XML."""
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    return packed(
        {
            "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="rId1" '
            f'Type="{OFFICE}/officeDocument" Target="/xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship '
            f'Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            SHEET: sheet,
            **parts,
        }
    )


def texts(*values: str) -> str:
    """Write a row of texts as XML, without references, as some programs do."""
    cells = "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in values)
    return f"<row>{cells}</row>"


def only(content: bytes, filename: str = "usulan.xlsx") -> SheetRow:
    """Read a nomination list with one row."""
    (row,) = read_nominations(content, filename).rows
    return row


def answered(content: bytes, filename: str) -> Sheet | Refusal:
    """Read a list, or tell how it is refused; anything else that is raised fails the test."""
    try:
        return read_staff(content, filename)
    except Refusal as refusal:
        return refusal


def refused(content: bytes, filename: str = "usulan.xlsx") -> Refusal:
    """Tell how a nomination list is refused."""
    with pytest.raises(Refusal) as refusal:
        read_nominations(content, filename)
    return refusal.value
