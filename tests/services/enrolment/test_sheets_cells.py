"""A cell is read as it is shown, and one that is bad is told by its code."""

from typing import Any

import pytest

from services.enrolment.sheets import read_nominations
from tests.support.sheets import HEADINGS, NIP, ROW, handmade, listed, only, texts, written


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
