"""Who takes part in the demo: nominees, companions and colleagues, and the lists that name them."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import xlsxwriter

from deploy.demo.names import Civilian, Post, impossible, people

CITY, PROVINCE = "35.73", "35"
EXTRA = 4
"""Nominees beyond the seats: an impossible number, a PPPK, one trained elsewhere, one to wait."""

_SUBDISTRICTS = ("Blimbing", "Kedungkandang", "Klojen", "Lowokwaru", "Sukun")
_VILLAGES = (
    "Arjosari", "Bunulrejo", "Cemorokandang", "Dinoyo", "Gadang", "Jatimulyo", "Kasin", "Kauman",
    "Ketawanggede", "Lesanpuro", "Madyopuro", "Merjosari", "Oro-oro Dowo", "Pandanwangi",
    "Polowijen", "Purwantoro", "Rampal Celaket", "Sawojajar", "Sukoharjo", "Tlogomas",
    "Tunggulwulung",
)  # fmt: skip
_OFFICES = (
    "Dinas Kesehatan", "Dinas Pendidikan dan Kebudayaan", "Dinas Perhubungan",
    "Dinas Lingkungan Hidup", "Dinas Sosial", "Bappeda", "BKPSDM", "Inspektorat",
    "Sekretariat Daerah", "Dinas Komunikasi dan Informatika",
)  # fmt: skip
_HEADINGS = (
    "NIP", "Nama", "Jabatan", "Jenjang Jabatan", "Status Kepegawaian", "Surel", "Nomor HP",
    "Disabilitas", "Daerah 3T",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody by what they do; `nominees` in the order of the list, the last without a seat."""

    nominees: Sequence[Civilian]
    impossible: Civilian
    contracted: Civilian
    elsewhere: Civilian
    mentors: Sequence[Civilian]
    colleagues: Sequence[Civilian]
    coaches: Sequence[Civilian]
    examiners: Sequence[Civilian]

    @property
    def city_staff(self) -> list[Civilian]:
        """List whom the city's personnel agency knows: all but the number that cannot be."""
        known = [each for each in self.nominees if each is not self.impossible]
        return [*known, *self.mentors, *self.colleagues]


def cast(seats: int) -> Cast:
    """Gather the people for a cohort of so many seats, the same for the same number."""
    good = list(islice(people(7, _nominated(), agency=CITY), seats + EXTRA - 1))
    contract = next(people(11, _contracts(), agency=CITY, employment="PPPK"))
    wrong = replace(good[1], nip=impossible(good[1].nip))
    # The three who will be refused stand among the others, as in a real list.
    nominees = [good[0], wrong, *good[2 : seats // 2], contract, *good[seats // 2 :]]
    return Cast(
        nominees=nominees,
        impossible=wrong,
        contracted=contract,
        elsewhere=good[3],
        mentors=list(islice(people(13, _superiors(), agency=CITY), _share(seats, 8))),
        colleagues=list(islice(people(17, _colleagues(), agency=CITY), 12)),
        coaches=list(
            islice(
                people(19, _trainers("Widyaiswara Ahli Madya"), agency=PROVINCE), _share(seats, 16)
            )
        ),
        examiners=list(
            islice(
                people(23, _trainers("Widyaiswara Ahli Utama"), agency=PROVINCE), _share(seats, 16)
            )
        ),
    )


def workbook(people: Sequence[Civilian], title: str) -> bytes:
    """Write a list as an officer would: a title, headings, a row each, numbers as text."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("Usulan")
        bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        sheet.write_string(0, 0, title, bold)
        sheet.write_row(2, 0, _HEADINGS, bold)
        sheet.set_column(0, len(_HEADINGS) - 1, 24, text)
        for row, each in enumerate(people, start=3):
            for column, cell in enumerate(_cells(each)):
                sheet.write_string(row, column, cell, text)
    return buffer.getvalue()


def _cells(each: Civilian) -> tuple[str, ...]:
    return (
        each.nip,
        each.name,
        each.position,
        each.position_level,
        each.employment,
        each.email,
        each.phone,
        "Ya" if each.disability else "Tidak",
        "Ya" if each.duty_3t else "Tidak",
    )


def _share(seats: int, learners: int) -> int:
    """Tell how many companions it takes, at least two, when each has so many learners."""
    return max(2, -(-seats // learners))


def _nominated() -> Iterator[Post]:
    """Name posts that PKA is for, in about the shares that the press report tells."""
    offices, villages, subdistricts = cycle(_OFFICES), cycle(_VILLAGES), cycle(_SUBDISTRICTS)
    while True:
        yield Post("Lurah", "Pengawas", next(villages))
        yield Post("Kepala Bidang", "Administrator", next(offices))
        yield Post("Kepala Seksi", "Pengawas", f"Kecamatan {next(subdistricts)}")
        yield Post("Kepala Subbagian", "Pengawas", next(offices))
        yield Post("Camat", "Administrator", next(subdistricts))
        yield Post("Sekretaris", "Administrator", f"Kecamatan {next(subdistricts)}")


def _contracts() -> Iterator[Post]:
    yield from cycle([Post("Plt. Kepala Seksi", "Pengawas", "Dinas Sosial")])


def _superiors() -> Iterator[Post]:
    yield from (Post("Kepala", "JPT Pratama", office) for office in cycle(_OFFICES))


def _colleagues() -> Iterator[Post]:
    yield from (Post("Pengolah Data", "Pelaksana", office) for office in cycle(_OFFICES))


def _trainers(title: str) -> Iterator[Post]:
    yield from cycle([Post(title, "Fungsional", "BPSDM Provinsi Jawa Timur")])
