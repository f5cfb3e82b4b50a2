"""Rosters and templates are sound workbooks that read back, and nothing in them can run."""

import io
from collections.abc import Callable

import pytest
from python_calamine import CalamineWorkbook

from services.enrolment.sheets import (
    FIELDS,
    SheetRow,
    nominations_template,
    read_nominations,
    read_staff,
    staff_template,
    write_roster,
)
from services.enrolment.sheets.reading import MOST_ROWS
from shared.kernel.errors import Invalid
from tests.support.sheets import NIP, SHEET, packed, parts_of, refused


def test_a_roster_of_the_greatest_length_reads_back() -> None:
    """Ten thousand alike rows are not taken for a bomb."""
    row = {"nip": NIP, "name": "Siti", "position": "Lurah", "agency": "Kecamatan Klojen"}

    assert len(read_staff(write_roster("a", [row] * MOST_ROWS), "a.xlsx").rows) == MOST_ROWS


def test_a_roster_is_read_back_by_another_reader() -> None:
    """A roster has a title, bilingual headings and numbered rows of text, in the known order."""
    content = write_roster(
        "PKA Angkatan II",
        [{"status": "enrolled", "name": "=HYPERLINK(1)", "nip": NIP, "kelas": "A"}],
    )

    rows = CalamineWorkbook.from_object(io.BytesIO(content)).get_sheet_by_index(0).to_python()

    assert rows == [
        ["PKA Angkatan II", "", "", "", ""],
        ["", "", "", "", ""],
        ["No", "NIP / Employee number", "Nama / Name", "Keadaan / Status", "kelas"],
        [1.0, NIP, "=HYPERLINK(1)", "enrolled", "A"],
    ]


@pytest.mark.parametrize("poison", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "http://x.id", "{=1}"])
def test_nothing_that_is_written_can_run(poison: str) -> None:
    """A value that looks like a formula or a link is written as text."""
    content = write_roster(poison, [{"nip": NIP, "name": poison, "position": "x"}])
    sheet = parts_of(content)[SHEET]

    assert b"<f>" not in sheet
    assert b"<hyperlink" not in sheet
    assert read_staff(content, "a.xlsx").rows[0].cells["name"] == poison.strip()


def test_an_empty_roster_is_a_sound_workbook() -> None:
    """A cohort without people gives a roster with headings only."""
    content = write_roster("Kosong", [])

    with pytest.raises(Invalid) as refusal:
        read_staff(content, "a.xlsx")
    assert refusal.value.slug == "empty-file"


def test_the_same_roster_is_the_same_bytes() -> None:
    """Writing twice gives one file, so that a download can be compared."""
    rows = [{"nip": NIP, "name": "Siti"}]

    assert write_roster("a", rows) == write_roster("a", rows)


@pytest.mark.parametrize("template", [nominations_template, staff_template])
def test_a_filled_in_template_reads_back(template: Callable[[], bytes]) -> None:
    """A template is empty until it is filled in, and then every cell is understood."""
    filled = dict(
        zip(
            FIELDS,
            [
                *(NIP, "Siti", "Lurah", "Pengawas", "PNS", "Kec. Klojen"),
                *("s@x.go.id", "0812345", "Ya", "Tidak"),
            ],
            strict=True,
        )
    )
    parts = parts_of(template())
    cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in filled.values())
    sheet = parts[SHEET].replace(
        b"</row></sheetData>", f'</row><row r="2">{cells}</row></sheetData>'.encode()
    )

    rows = read_nominations(packed({**parts, SHEET: sheet}), "a.xlsx").rows

    assert refused(template()).slug == "empty-file"
    assert rows == (
        SheetRow(
            2,
            {**filled, "position_level": "pengawas", "disability": "true", "duty_3t": "false"},
            (),
        ),
    )


def test_a_template_guides_who_fills_it_in() -> None:
    """A template offers levels, employment and answers, keeps numbers as text, and explains."""
    parts = parts_of(nominations_template())
    book = CalamineWorkbook.from_object(io.BytesIO(nominations_template()))
    sheet = parts[SHEET].decode()

    assert book.sheet_names == ["Usulan", "Petunjuk"]
    assert sheet.count('type="list"') == 4
    assert "Administrator,Pengawas" in sheet
    assert '"PNS,PPPK"' in sheet
    assert b'numFmtId="49"' in parts["xl/styles.xml"]
    assert len(book.get_sheet_by_name("Petunjuk").to_python()) > len(FIELDS)
