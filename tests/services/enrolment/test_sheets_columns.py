"""A list is read by its headings, and what its columns say is known in many forms."""

import pytest

from services.enrolment.sheets import FIELDS, POSITION_LEVELS, SheetRow, read_nominations
from services.enrolment.sheets.columns import answer_of, employment_of, field_of, level_of
from shared.kernel.errors import Invalid
from tests.support.sheets import HEADINGS, NIP, ROW, listed, only, refused


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


def test_the_first_filled_in_column_of_a_field_counts() -> None:
    """Two columns for one field fill each other's gaps."""
    content = listed(
        [*ROW, "", "Dinas Kesehatan"], headings=[*HEADINGS, "Instansi", "Perangkat daerah"]
    )

    assert only(content).cells["agency"] == "Dinas Kesehatan"


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
