"""Lists are read row by row, and a file that would do harm is refused."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from services.enrolment.sheets import (
    FIELDS,
    POSITION_LEVELS,
    Sheet,
    SheetRow,
    nominations_template,
    read_nominations,
    read_staff,
    staff_template,
    write_roster,
)
from services.enrolment.sheets.columns import answer_of, employment_of, field_of, level_of
from services.enrolment.sheets.reading import MOST_ROWS
from shared.kernel.errors import Invalid, Refusal, TooLarge

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


def test_a_list_is_read_by_its_headings() -> None:
    """Each cell stands under its field, and fields without a column are empty."""
    row = only(listed(ROW))

    assert row == SheetRow(
        2,
        {
            **dict.fromkeys(FIELDS, ""),
            "nip": NIP,
            "name": "Siti Aminah, S.Sos.",
            "position": "Lurah Dinoyo",
            "position_level": "pengawas",
        },
        (),
    )


def test_the_heading_may_stand_below_a_title() -> None:
    """Rows above the heading, the row that numbers the columns and empty rows are passed over."""
    sheet = read_nominations(
        listed(
            [],
            ["BKPSDM Kota Malang"],
            ["No", *HEADINGS],
            ["(1)", "(2)", "(3)", "(4)", "(5)"],
            [1, *ROW],
            ["", "", "\u00a0", "\u200b", ""],
            [2, *ROW],
            headings=["DAFTAR USULAN PESERTA"],
        ),
        "usulan.xlsx",
    )

    assert [6, 8] == [row.row for row in sheet.rows]
    assert not any(row.errors for row in sheet.rows)


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("NIP", "nip"),
        ("nip *", "nip"),
        ("N I P", "nip"),
        ("NIP / Employee number", "nip"),
        ("NIP/NIPPPK", "nip"),
        ("Nama", "name"),
        ("NAMA LENGKAP", "name"),
        ("Nama\nLengkap (dengan gelar)", "name"),
        ("Name", "name"),
        ("Jabatan", "position"),
        ("Position", "position"),
        ("Eselon", "position_level"),
        ("Eselon/Jenjang jabatan", "position_level"),
        ("Position level", "position_level"),
        ("position_level", "position_level"),
        ("Status  Kepegawaian", "employment"),
        ("Instansi/Perangkat daerah", "agency"),
        ("Surel/E-mail", "email"),
        ("e-mail", "email"),
        ("Nomor HP", "phone"),
        ("No. HP / WA", "phone"),
        ("Disabilitas (Ya/Tidak)", "disability"),
        ("Daerah 3T", "duty_3t"),
        ("Tempat lahir", None),
        ("NIP Mentor", None),
        ("No", None),
        ("", None),
    ],
)
def test_headings_are_known_in_both_languages(heading: str, field: str | None) -> None:
    """A heading is known in Indonesian and English, whatever its case, spaces and asides."""
    assert field == field_of(heading)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Administrator", "administrator"),
        ("Jabatan Pengawas", "pengawas"),
        ("III.a", "administrator"),
        ("Eselon III/b", "administrator"),
        ("IVb", "pengawas"),
        ("4a", "pengawas"),
        ("II.b", "jpt-pratama"),
        ("JPT Pratama", "jpt-pratama"),
        ("Pimpinan Tinggi Madya", "jpt-madya"),
        ("Pelaksana", "pelaksana"),
        ("Ahli Muda", "fungsional"),
        ("Fungsional (Ahli Muda)", "fungsional"),
        ("Raja", None),
        ("VI", None),
    ],
)
def test_levels_and_echelons_mean_the_same(text: str, level: str | None) -> None:
    """A position level is known by its name and by its echelon."""
    assert level == level_of(text)


@pytest.mark.parametrize("level", POSITION_LEVELS)
def test_every_level_is_known_by_its_label_and_its_code(level: str) -> None:
    """What the template offers, and what the API takes, is understood."""
    assert level == level_of(POSITION_LEVELS[level])
    assert level == level_of(level)


def test_employment_and_answers_are_known() -> None:
    """PNS and PPPK, yes and no, are known in the forms that people use."""
    assert ["PNS", "PNS", "PPPK", "PPPK", None] == [
        employment_of(text) for text in ("pns", "Pegawai Negeri Sipil", "P3K", "PPPK", "honorer")
    ]
    assert ["true", "true", "true", "false", "false", None] == [
        answer_of(text) for text in ("Ya", "✓", "1", "TIDAK", "-", "mungkin")
    ]


@pytest.mark.parametrize(
    "nip",
    [
        f"'{NIP}",
        f"\u2019{NIP}",
        "19850315 201001 2 001",
        "19850315\u00a0201001\u00a02\u00a0001",
        "19850315\u202f201001\u20072 001",
        "19850315.201001.2.001",
        f" {NIP}\u200b\ufeff ",
        "\uff11\uff19\uff18\uff15\uff10\uff13\uff11\uff15 201001 2 001",
    ],
)
@pytest.mark.parametrize("as_csv", [False, True])
def test_spaces_and_apostrophes_in_a_number_are_removed(nip: str, as_csv: bool) -> None:  # noqa: FBT001 - a parameter
    """A NIP reads as its digits, however it was grouped or forced to be text."""
    content = f"NIP,Nama,Jabatan,Eselon\n{nip},Siti,Lurah,IVa\n".encode() if as_csv else None
    row = only(content or listed([nip, *ROW[1:]]), "usulan.csv" if as_csv else "usulan.xlsx")

    assert (NIP, ()) == (row.cells["nip"], row.errors)


def test_a_number_in_a_nip_cell_is_an_error() -> None:
    """A NIP typed as a number has lost its last digits, or its leading zeros."""
    sheet = read_nominations(listed([int(NIP), *ROW[1:]], [12345, *ROW[1:]]), "usulan.xlsx")

    assert [("nip-is-a-number",)] * 2 == [row.errors for row in sheet.rows]
    assert sheet.rows[1].cells["nip"] == "12345"


@pytest.mark.parametrize("nip", ["1.98503E+17", "1,98503E+17", "198503152010012000", "2E+17"])
def test_a_number_that_went_through_a_csv_is_an_error(nip: str) -> None:
    """A NIP that a spreadsheet saved as a number shows its exponent, or ends in 000."""
    row = only(f'NIP;Nama;Jabatan;Eselon\n"{nip}";Siti;Lurah;IVa\n'.encode(), "usulan.csv")

    assert row.errors == ("nip-is-a-number",)


def test_a_formula_in_a_nip_cell_is_an_error() -> None:
    """A NIP that is computed is refused, whatever it shows and however the formula spreads."""

    def fill(_: Any, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        sheet.write_row(0, 0, HEADINGS)
        for number in range(1, 6):
            sheet.write_row(number, 1, ROW[1:])
        sheet.write_formula(1, 0, '="198503152010012001"', None, NIP)
        sheet.write_formula(2, 0, '=""', None, "")
        sheet.write_array_formula(3, 0, 4, 0, "{=Z1:Z2}", None, NIP)
        sheet.write_string(4, 0, NIP)
        sheet.write_string(5, 0, "=1+1")
        sheet.write_formula(6, 0, '=""', None, "")

    rows = read_nominations(written(fill), "usulan.xlsx").rows

    assert [("nip-is-a-formula",)] * 5 == [
        tuple(error for error in row.errors if error != "missing-nip") for row in rows
    ]


def test_a_shared_formula_is_a_formula_in_every_row() -> None:
    """A formula that is filled down marks each of its cells."""
    row = '<row r="{0}"><c r="A{0}" t="str"><f t="shared" si="0"/><v>' + NIP + "</v></c></row>"
    content = handmade(texts(*HEADINGS) + row.format(7) + row.format(9))

    rows = read_nominations(content, "usulan.xlsx").rows

    assert [7, 9] == [row.row for row in rows]
    assert all(row.errors == ("nip-is-a-formula", "missing-name") for row in rows)


def test_a_formula_in_a_csv_is_an_error() -> None:
    """A NIP that begins as a formula does is refused."""
    row = only(f'NIP,Nama,Jabatan,Eselon\n"=""{NIP}""",Siti,Lurah,IVa\n'.encode(), "usulan.csv")

    assert row.errors == ("nip-is-a-formula",)


def test_a_formula_elsewhere_gives_what_it_shows() -> None:
    """A name that is computed is the name that was shown when the list was saved."""

    def fill(_: Any, sheet: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, ROW)
        sheet.write_formula(1, 1, '=UPPER("siti")', None, "SITI")

    row = only(written(fill))

    assert ("SITI", ()) == (row.cells["name"], row.errors)


def test_a_mobile_number_gets_its_zero_back() -> None:
    """A telephone number typed as a number begins with 0 again."""
    row = only(listed([*ROW, 81234567890], headings=[*HEADINGS, "No HP"]))

    assert row.cells["phone"] == "081234567890"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"nip": ""}, ("missing-nip",)),
        ({"name": " "}, ("missing-name",)),
        ({"position_level": "Raja"}, ("unknown-position-level",)),
        ({"employment": "honorer"}, ("unknown-employment",)),
        ({"disability": "mungkin"}, ("unknown-yes-no",)),
        ({"duty_3t": "mungkin", "disability": "?"}, ("unknown-yes-no",)),
        ({"email": "siti@"}, ("bad-email",)),
        ({"email": "a@b.id, c@d.id"}, ("bad-email",)),
        ({"name": "a" * 201}, ("cell-too-long",)),
        ({"nip": "", "name": "", "email": "x"}, ("bad-email", "missing-nip", "missing-name")),
        ({"email": "siti@malangkota.go.id", "employment": "PNS", "disability": "Tidak"}, ()),
    ],
)
def test_a_bad_cell_is_told_by_its_code(change: dict[str, str], errors: tuple[str, ...]) -> None:
    """A row is kept with codes that say what is wrong with it."""
    cells = {"nip": NIP, "name": "Siti", "position": "Lurah", "position_level": "IVa", **change}

    assert errors == only(listed(list(cells.values()), headings=list(cells))).errors


def test_a_long_cell_is_cut() -> None:
    """What is too long is told and cut, and never kept whole."""
    row = only(listed([NIP, "a" * 32_000, "b" * 301, "IVa"]))

    assert row.errors == ("cell-too-long",)
    assert (200, 300) == (len(row.cells["name"]), len(row.cells["position"]))


def test_an_error_value_is_told() -> None:
    """A cell that shows an error is no value."""
    content = handmade(
        texts(*HEADINGS) + '<row><c t="e"><v>#N/A</v></c><c t="b"><v>1</v></c></row>'
    )
    row = only(content)

    assert row.errors == ("cell-is-an-error",)
    assert ("#N/A", "true") == (row.cells["nip"], row.cells["name"])


def test_what_nobody_sees_is_removed() -> None:
    """Control and direction signs and line breaks do not get into names."""
    row = only(listed([NIP, "Siti\u202e\n Aminah\u0007 e\u0301", "Lurah", "IVa"]))

    assert row.cells["name"] == "Siti Aminah \u00e9"


def test_the_first_filled_in_column_of_a_field_counts() -> None:
    """Two columns for one field fill each other's gaps."""
    content = listed(
        [*ROW, "", "Dinas Kesehatan"], headings=[*HEADINGS, "Instansi", "Perangkat daerah"]
    )

    assert only(content).cells["agency"] == "Dinas Kesehatan"


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


def test_missing_columns_are_named() -> None:
    """A list without a column that is needed says which."""
    refusal = refused(listed(["x", "y"], headings=["Nama", "Jabatan"]))

    assert isinstance(refusal, Invalid)
    assert ("missing-columns", {"missing": ["nip", "position_level"]}) == (
        refusal.slug,
        refusal.extra,
    )


def test_a_workbook_without_any_heading_misses_them_all() -> None:
    """Where no heading is known, all that are needed are missing."""
    refusal = refused(listed(["x", "y"], headings=["foo", "bar"]))

    assert refusal.extra == {"missing": ["nip", "name", "position", "position_level"]}


def test_two_columns_of_numbers_are_refused() -> None:
    """Nobody guesses which of two NIP columns is meant."""
    assert refused(listed([NIP, *ROW], headings=["NIP Baru", *HEADINGS])).slug == (
        "ambiguous-columns"
    )


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


@pytest.mark.parametrize(
    "content",
    [
        b"NIP;Nama\n1;2\n",
        b"PK\x03\x04 and then nothing",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        packed({"a.txt": "a"}),
        packed({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}),
        listed(ROW)[:-200],
        listed(ROW)[: len(listed(ROW)) // 2],
    ],
    ids=["text", "magic", "xls", "zip", "ods", "cut", "half"],
)
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    """Another kind of file, or half a workbook, is no workbook."""
    refusal = refused(content)

    assert isinstance(refusal, Invalid)
    assert refusal.slug == "not-a-workbook"


def test_a_workbook_named_otherwise_is_still_one() -> None:
    """The content tells what a file is, before its name does."""
    assert only(listed(ROW), "usulan.csv").errors == ()


def test_a_workbook_with_a_password_is_refused() -> None:
    """An encrypted workbook says so, in either of its two forms."""
    wrapped = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    content = bytearray(listed(ROW))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1

    assert refused(wrapped).slug == "encrypted-workbook"
    assert refused(bytes(content)).slug == "encrypted-workbook"


def test_a_zip_bomb_is_refused_by_what_it_declares() -> None:
    """A part packed a thousandfold is refused before it is unpacked."""
    parts = parts_of(listed(ROW))

    refusal = refused(packed({**parts, SHEET: b" " * 50_000_000}))

    assert isinstance(refusal, TooLarge)
    assert refusal.slug == "too-large-unpacked"


def test_many_parts_that_are_large_together_are_refused() -> None:
    """Parts that pass one by one are counted together."""
    noise = bytes(range(256)) * 4096
    parts = {f"xl/media/{number}.bin": noise for number in range(70)}

    assert refused(packed({**parts_of(listed(ROW)), **parts})).slug == "too-large-unpacked"


def test_more_parts_than_a_workbook_has_are_refused() -> None:
    """An archive of thousands of names is refused before its directory is read."""
    assert refused(packed({f"{number}": b"" for number in range(2000)})).slug == (
        "too-large-unpacked"
    )


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    """A part that unpacks to more than it declares is cut off there, and is damaged."""
    content = bytearray(packed({**parts_of(listed(ROW)), SHEET: b"<a>" + b" " * 50_000_000}))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        info = archive.getinfo(SHEET)
    declared = struct.pack("<L", info.file_size)
    changed = bytes(content).replace(declared, struct.pack("<L", 1000))

    assert refused(changed).slug == "not-a-workbook"


def test_a_nested_archive_is_never_opened() -> None:
    """An archive within the workbook is as good as any other part that nobody reads."""
    bomb = packed({"inner": b"\0" * 10_000_000})

    assert only(packed({**parts_of(listed(ROW)), "xl/embeddings/a.zip": bomb})).errors == ()


def test_entities_are_refused() -> None:
    """A document type, which could declare entities, has no place in a workbook."""
    laughs = (
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        f'<worksheet xmlns="{MAIN}"><sheetData>{texts("&b;")}</sheetData></worksheet>'
    )

    assert refused(handmade("", **{SHEET: laughs})).slug == "not-a-workbook"


@pytest.mark.parametrize(
    "sheet",
    [
        "",
        "<worksheet>",
        "<a/><b/>",
        '<?xml version="1.0" encoding="klingon"?><a/>',
        '<?xml version="1.0" encoding="utf-7"?><a/>',
        '<worksheet><sheetData><row r="9999999"/></sheetData></worksheet>',
        "\x00",
    ],
)
def test_broken_xml_is_refused(sheet: str) -> None:
    """A part that is no sound XML makes the workbook unreadable."""
    assert refused(handmade("", **{SHEET: sheet})).slug == "not-a-workbook"


def test_a_workbook_that_lacks_its_sheet_is_refused() -> None:
    """A part that is named and not there makes the workbook unreadable."""
    parts = parts_of(listed(ROW))
    del parts[SHEET]

    assert refused(packed(parts)).slug == "not-a-workbook"


def test_two_parts_of_one_name_are_refused() -> None:
    """Nobody guesses which of two parts another reader would take."""
    parts = parts_of(listed(ROW))

    assert refused(packed({**parts, SHEET.upper(): parts[SHEET]})).slug == "not-a-workbook"


def test_a_flood_of_elements_is_refused() -> None:
    """A part of millions of empty elements is given up."""
    parts = {**parts_of(handmade("")), "_rels/.rels": f"<a>{'<c/>' * 1_500_001}</a>".encode()}
    content = packed(parts, zipfile.ZIP_STORED)

    assert refused(content).slug == "too-large-unpacked"


def test_a_part_that_is_named_many_times_is_counted_each_time() -> None:
    """Unpacking one part again and again uses up the budget of all."""
    noise = "".join(f"<!-- {number * 7919:x} -->" for number in range(1_000_000))
    relations = "".join(
        f'<Relationship Id="s{number}" Type="{OFFICE}/sharedStrings" Target="strings.xml"/>'
        for number in range(10)
    )
    content = handmade(
        "",
        **{
            "xl/_rels/workbook.xml.rels": f'<a><Relationship Id="rId1" Type="{OFFICE}/worksheet" '
            f'Target="worksheets/sheet1.xml"/>{relations}</a>',
            "xl/strings.xml": f"<sst>{noise}</sst>",
        },
    )

    assert refused(content).slug == "too-large-unpacked"


def test_a_thicket_of_array_formulas_is_refused() -> None:
    """Formulas that each fill a great part of the sheet are given up."""
    formula = '<c><f t="array" ref="A1:Z9999">1</f></c>'

    assert refused(handmade(f"<row>{formula * 60}</row>")).slug == "too-large-unpacked"


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_odd_packing_is_refused(how: int) -> None:
    """A workbook is packed as workbooks are."""
    assert refused(packed(parts_of(listed(ROW)), how)).slug == "not-a-workbook"


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


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.xlsx", "a.csv", "", "a.XLS\0", "x/../y.txt"]))
@example(b"PK\x05\x06" + b"\0" * 18, "a.xlsx")
@example(b'NIP,Nama,Jabatan,Eselon\n"', "a.csv")
def test_arbitrary_bytes_are_read_or_refused(content: bytes, filename: str) -> None:
    """Whatever is uploaded, the answer is a list or a refusal."""
    for start in (b"", b"PK\x03\x04", b"NIP,Nama,Jabatan,Eselon\n"):
        assert isinstance(answered(start + content, filename), Sheet | Refusal)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_workbook_is_read_or_refused(data: st.DataObject) -> None:
    """Bytes that change within a workbook lead to a list or a refusal."""
    content = bytearray(_SOUND)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    assert isinstance(answered(bytes(content), "a.xlsx"), Sheet | Refusal)


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=200),
    st.sampled_from([SHEET, "xl/workbook.xml", "_rels/.rels"]),
)
def test_a_part_of_arbitrary_text_is_read_or_refused(text: str, part: str) -> None:
    """A part that holds anything leads to a list or a refusal."""
    xml = f"<worksheet><sheetData><row><c>{text}</c></row></sheetData></worksheet>"
    for content in (text, xml):
        assert isinstance(answered(handmade("", **{part: content}), "a.xlsx"), Sheet | Refusal)


_SOUND = listed(ROW, ROW)


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
