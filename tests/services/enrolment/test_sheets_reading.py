"""Lists are read row by row, from text and from the workbooks of any program."""

from typing import Any

import pytest

from services.enrolment.sheets import read_nominations
from services.enrolment.sheets.reading import MOST_ROWS
from shared.kernel.errors import Invalid, TooLarge
from tests.support.sheets import (
    HEADINGS,
    MAIN,
    NIP,
    OFFICE,
    ROW,
    handmade,
    listed,
    only,
    refused,
    texts,
    written,
)


def test_ten_thousand_rows_with_every_third_broken_are_read() -> None:
    """Each broken row is told by its number, and the others are read."""
    lines = [
        f"{'' if number % 3 == 0 else f'19850315201001{1 + number % 2}{number % 999 + 1:03d}'}"
        f";Siti {number};Lurah;IVa"
        for number in range(1, MOST_ROWS + 1)
    ]
    content = "\n".join(["NIP;Nama;Jabatan;Eselon", *lines]).encode()

    rows = read_nominations(content, "usulan.csv").rows

    assert len(rows) == MOST_ROWS
    assert [number + 1 for number in range(3, MOST_ROWS + 1, 3)] == [
        row.row for row in rows if row.errors == ("missing-nip",)
    ]
    assert sum(bool(row.errors) for row in rows) == MOST_ROWS // 3


def test_ten_thousand_rows_of_a_workbook_are_read() -> None:
    """A workbook of the greatest length is read, the broken rows told by number."""
    rows = [[NIP if number % 3 else int(NIP), *ROW[1:]] for number in range(1, MOST_ROWS + 1)]

    read = read_nominations(listed(*rows), "usulan.xlsx").rows

    assert len(read) == MOST_ROWS
    assert [number + 1 for number in range(3, MOST_ROWS + 1, 3)] == [
        row.row for row in read if row.errors == ("nip-is-a-number",)
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_is_read_in_any_usual_form(encoding: str, separator: str, end: str) -> None:
    """Encoding, separator and line ends are told from the file itself."""
    lines = [HEADINGS, [NIP, '"Ren\u00e9 \u2013 d\u2019Arc, S.H.; ""M.H."""', "Lurah", "IVa"]]
    content = end.join(separator.join(line) for line in lines).encode(encoding)

    row = only(content, "usulan.csv")

    assert ('Ren\u00e9 \u2013 d\u2019Arc, S.H.; "M.H."', ()) == (row.cells["name"], row.errors)


def test_a_quoted_line_break_is_part_of_its_cell() -> None:
    """A row counts once, as Excel shows it, however many lines it has."""
    content = f'sep=;\nNIP;Nama;Jabatan;Eselon\n{NIP};"Siti\nAminah";Lurah;IVa\n\n{NIP};B;C;IVa'

    rows = read_nominations(content.encode(), "usulan.csv").rows

    assert [(3, "Siti Aminah"), (5, "B")] == [(row.row, row.cells["name"]) for row in rows]


def test_a_short_or_long_line_is_read_as_far_as_it_goes() -> None:
    """A line with fewer or more cells than the heading is a row like any other."""
    content = f"NIP;Nama;Jabatan;Eselon\n{NIP}\n{NIP};A;B;IVa;x;y;z\n".encode()

    rows = read_nominations(content, "usulan.csv").rows

    assert [("missing-name",), ()] == [row.errors for row in rows]


@pytest.mark.parametrize(
    "content", [b"NIP,\x81\x8d\x9d", b"NIP\0Nama", b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n\0\0"]
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    """Bytes of no known encoding are no list."""
    refusal = refused(content, "usulan.csv")

    assert isinstance(refusal, Invalid)
    assert refusal.slug == "unreadable-text"


def test_a_huge_csv_cell_is_refused() -> None:
    """A cell without an end is refused before it fills the memory."""
    content = b'NIP;Nama;Jabatan;Eselon\n1;"' + b"x" * 200_000

    assert refused(content, "usulan.csv").slug == "unreadable-text"


@pytest.mark.parametrize("content", [b"", b" \r\n", b"NIP;Nama;Jabatan;Eselon\n;;;\n"])
def test_an_empty_list_is_refused(content: bytes) -> None:
    """A file without a filled-in row is no list."""
    assert refused(content, "usulan.csv").slug == "empty-file"


def test_more_rows_than_a_list_has_are_refused() -> None:
    """One row more than ten thousand is too many."""
    content = "NIP;Nama;Jabatan;Eselon\n" + f"{NIP};A;B;IVa\n" * (MOST_ROWS + 1)
    refusal = refused(content.encode(), "usulan.csv")

    assert isinstance(refusal, TooLarge)
    assert refusal.slug == "too-many-rows"


def test_a_file_beyond_the_limit_is_refused() -> None:
    """A file of more bytes than a body may have is not looked into."""
    assert refused(b"x" * (12 * 1024 * 1024 + 1), "usulan.csv").slug == "too-large-file"


def test_a_workbook_named_otherwise_is_still_one() -> None:
    """The content tells what a file is, before its name does."""
    assert only(listed(ROW), "usulan.csv").errors == ()


def test_a_cell_far_out_costs_nothing() -> None:
    """A cell in the last corner of the sheet neither counts as a row nor takes memory."""

    def fill(_: Any, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, ROW)
        sheet.write(1_048_575, 16_383, "x")

    assert only(written(fill)).row == 2


def test_a_tab_without_cells_is_passed_over() -> None:
    """A chart that has a tab of its own is no list."""

    def fill(book: Any, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, ROW)
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "=Sheet1!$A$1:$A$2"})
        book.add_chartsheet().set_chart(chart)

    assert only(written(fill)).row == 2


def test_hidden_sheets_are_passed_over() -> None:
    """The first visible sheet with the headings is the list."""

    def fill(book: Any, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, ["1", "hidden", "x", "IVa"])
        sheet.hide()
        book.add_worksheet("notes").write(0, 0, "nothing here")
        data = book.add_worksheet("list")
        data.activate()
        data.set_first_sheet()
        data.write_row(0, 0, HEADINGS)
        data.write_row(1, 0, ROW)

    assert only(written(fill)).cells["nip"] == NIP


def test_other_programs_write_other_xml() -> None:
    """Prefixes, phonetic hints, rich text and escapes are read as Excel shows them."""
    strings = (
        f'<x:sst xmlns:x="{MAIN}"><x:si><x:r><x:t>Si</x:t></x:r><x:r><x:t>ti</x:t></x:r>'
        "<x:rPh><x:t>hint</x:t></x:rPh></x:si><x:si><x:t>a_x0041_b_x000D_</x:t></x:si></x:sst>"
    )
    relations = (
        f'<Relationships><Relationship Id="rId1" Type="{OFFICE}/worksheet" '
        f'Target="/xl/worksheets/sheet1.xml"/><Relationship Id="rId2" '
        f'Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    )
    row = (
        f'<row><c t="str"><v>{NIP}</v></c><c t="s"><v>0</v></c><c t="s"><v>1</v></c>'
        '<c t="s"><v>99</v></c></row>'
    )
    content = handmade(
        texts(*HEADINGS) + row,
        **{"xl/_rels/workbook.xml.rels": relations, "xl/sharedStrings.xml": strings},
    )

    cells = only(content).cells

    assert (NIP, "Siti", "aAb", "") == tuple(
        cells[field] for field in ("nip", "name", "position", "position_level")
    )
