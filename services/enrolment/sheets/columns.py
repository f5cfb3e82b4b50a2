"""The columns of a list: their headings in two languages, and what people write in them."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.enrolment.sheets.cells import Cell

_LOST_DIGITS = re.compile(r"[0-9]{15}000")
_SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")
_GROUPED = re.compile(r"[0-9][0-9 .\-]*[0-9]")
_EMAIL = re.compile(r"[^@\s,;:<>()\"]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}")
_ECHELON = re.compile(r"(?:eselon|esl|es)?(i{1,3}|iv|v|[1-5])[a-e]?")
_APOSTROPHES = "'`\"\u2018\u2019"
_ASIDE = re.compile(r"\([^)]*\)?|\[[^\]]*\]?")


Reader = Callable[[Cell], tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its field, its headings, other words for them, and its longest text."""

    field: str
    title: str
    title_en: str
    also: str
    longest: int = 300
    width: int = 18


COLUMNS: Final = (
    Column("nip", "NIP", "Employee number", "nip baru;nip pns;nip pppk;ni pppk;nippppk;nip18;"
           "nip 18 digit;nomor induk pegawai;nomor induk;nomor identitas pegawai", 40, 24),
    Column("name", "Nama", "Name", "nama lengkap;nama pegawai;nama peserta;nama lengkap dan gelar;"
           "nama dan gelar;nama dengan gelar;nama asn;full name", 200, 34),
    Column("position", "Jabatan", "Position", "nama jabatan;jabatan saat ini;jabatan terakhir;"
           "job title", 300, 34),
    Column("position_level", "Jenjang jabatan", "Position level", "eselon;jenis jabatan;jenjang;"
           "level jabatan;tingkat jabatan;eselonering;echelon", 60, 20),
    Column("employment", "Status kepegawaian", "Employment status", "status pegawai;status asn;"
           "jenis pegawai;jenis asn;kedudukan;employment", 60, 20),
    Column("agency", "Instansi", "Agency", "perangkat daerah;opd;skpd;unit kerja;unit organisasi;"
           "instansi perangkat daerah;satuan kerja;organisation;organization;unit", 300, 34),
    Column("email", "Surel", "E-mail", "alamat surel;alamat email;surat elektronik;"
           "email address", 254, 30),
    Column("phone", "Nomor HP", "Phone", "no hp;hp;nomor telepon;no telepon;telepon;no telp;telp;"
           "nomor handphone;no handphone;nomor ponsel;no wa;nomor wa;nomor whatsapp;whatsapp;"
           "mobile;phone number;mobile phone", 50, 18),
    Column("disability", "Disabilitas", "Disability", "penyandang disabilitas;difabel;"
           "status disabilitas;disabled", 60, 14),
    Column("duty_3t", "Daerah 3T", "3T region", "3t;bertugas di daerah 3t;wilayah 3t;"
           "tugas di daerah 3t;penempatan 3t;duty 3t;3t area;3t duty", 60, 14),
)  # fmt: skip
FIELDS: Final = tuple(column.field for column in COLUMNS)
LONGEST: Final = {column.field: column.longest for column in COLUMNS}

# Law 5/2014, article 131, says which level each echelon became.
POSITION_LEVELS: Final = {
    "jpt-utama": "JPT Utama",
    "jpt-madya": "JPT Madya",
    "jpt-pratama": "JPT Pratama",
    "administrator": "Administrator",
    "pengawas": "Pengawas",
    "pelaksana": "Pelaksana",
    "fungsional": "Fungsional",
}
_ECHELONS = {
    "i": "jpt-madya", "ii": "jpt-pratama", "iii": "administrator", "iv": "pengawas",
    "v": "pelaksana", "1": "jpt-madya", "2": "jpt-pratama", "3": "administrator",
    "4": "pengawas", "5": "pelaksana",
}  # fmt: skip
_LEVEL_WORDS = {
    "jpt-utama": "jpt utama;pimpinan tinggi utama",
    "jpt-madya": "jpt madya;pimpinan tinggi madya",
    "jpt-pratama": "jpt pratama;pimpinan tinggi pratama",
    "administrator": "administrator;struktural administrator",
    "pengawas": "pengawas;supervisor;struktural pengawas",
    "pelaksana": "pelaksana;staf;staff;jfu;fungsional umum;non eselon;noneselon",
    "fungsional": "fungsional;functional;jft;jf;fungsional tertentu;ahli pertama;ahli muda;"
    "ahli madya;ahli utama;pemula;terampil;mahir;penyelia",
}
_EMPLOYMENT_WORDS = {
    "PNS": "pns;cpns;pegawai negeri sipil;calon pegawai negeri sipil;asn pns",
    "PPPK": "pppk;p3k;asn pppk;pppk paruh waktu;pppk penuh waktu;"
    "pegawai pemerintah dengan perjanjian kerja",
}
_ANSWER_WORDS = {
    "true": "ya;yes;y;true;1;benar;ada;v;x;✓;✔",
    "false": "tidak;no;n;t;false;0;salah;bukan;tidak ada;-;\u2013;\u2014",
}


def squeezed(text: str) -> str:
    """Reduce a heading or a word to its letters and digits: case and spaces do not matter."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def _lookup(words: dict[str, str]) -> dict[str, str]:
    return {
        squeezed(word) or word: meaning
        for meaning, written in words.items()
        for word in written.split(";")
    }


_HEADINGS = _lookup({c.field: f"{c.title};{c.title_en};{c.also};{c.field}" for c in COLUMNS})
_LEVELS = _lookup({level: f"{level};{words}" for level, words in _LEVEL_WORDS.items()})
_EMPLOYMENTS = _lookup(_EMPLOYMENT_WORDS)
_ANSWERS = _lookup(_ANSWER_WORDS)


def _said(text: str) -> list[str]:
    """List the ways to read what is written: whole, without its asides, and part by part."""
    plain = _ASIDE.sub(" ", text)
    return [squeezed(part) for part in (text, plain, *re.split(r"[/|\n]", plain))]


def field_of(heading: str) -> str | None:
    """Tell the field that a heading names in Indonesian, English or both; None for no field."""
    return next((_HEADINGS[said] for said in _said(heading) if said in _HEADINGS), None)


def level_of(text: str) -> str | None:
    """Tell the position level that a level's name or an echelon means."""
    for said in _said(text):
        bare = said.removeprefix("pejabat").removeprefix("jabatan")
        if bare in _LEVELS:
            return _LEVELS[bare]
        if echelon := _ECHELON.fullmatch(bare):
            return _ECHELONS[echelon[1]]
    return None


def employment_of(text: str) -> str | None:
    """Tell the employment status that is meant: PNS or PPPK."""
    return next((_EMPLOYMENTS[said] for said in _said(text) if said in _EMPLOYMENTS), None)


def answer_of(text: str) -> str | None:
    """Tell `true` or `false` for a yes or a no in either language."""
    return _ANSWERS.get(squeezed(text) or text)


def nip_of(cell: Cell) -> tuple[str, str | None]:
    """Read a NIP cell: its digits without apostrophe and spaces, and the code of what is wrong.

    A number cannot be trusted: of 18 digits a sheet keeps 15 and ends them in 000 (no serial is),
    and leading zeros are gone.
    """
    text = unicodedata.normalize("NFKC", cell.text).lstrip(_APOSTROPHES).strip()
    joined = re.sub(r"[ .\-]", "", text)
    if cell.kind == "formula" or text.startswith("="):
        return text, "nip-is-a-formula"
    if cell.kind == "number" or _SCIENTIFIC.fullmatch(text) or _LOST_DIGITS.fullmatch(joined):
        return text, "nip-is-a-number"
    return (joined if _GROUPED.fullmatch(text) else text), None


def _email_of(cell: Cell) -> tuple[str, str | None]:
    return cell.text, None if _EMAIL.fullmatch(cell.text) else "bad-email"


def _phone_of(cell: Cell) -> tuple[str, str | None]:
    # Every Indonesian mobile number begins with 08, and a number cell drops the 0.
    lost = cell.kind == "number" and cell.text.startswith("8")
    return (f"0{cell.text}" if lost else cell.text.lstrip(_APOSTROPHES)), None


def _one_of(meant: Callable[[str], str | None], code: str) -> Reader:
    def read(cell: Cell) -> tuple[str, str | None]:
        meaning = meant(cell.text)
        return (cell.text, code) if meaning is None else (meaning, None)

    return read


_READERS: Final[dict[str, Reader]] = {
    "nip": nip_of,
    "position_level": _one_of(level_of, "unknown-position-level"),
    "employment": _one_of(employment_of, "unknown-employment"),
    "disability": _one_of(answer_of, "unknown-yes-no"),
    "duty_3t": _one_of(answer_of, "unknown-yes-no"),
    "email": _email_of,
    "phone": _phone_of,
}


def value_of(field: str, cell: Cell) -> tuple[str, str | None]:
    """Read a field's tidy cell: its value and the code of what is wrong with it."""
    text = cell.text
    if len(text) > LONGEST[field]:
        return text[: LONGEST[field]], "cell-too-long"
    if cell.kind == "error":
        return text, "cell-is-an-error"
    reader = _READERS.get(field)
    # A formula may have nothing to show; what it is still matters for a number.
    if reader is None or not (text or cell.kind == "formula"):
        return text, None
    return reader(cell)
