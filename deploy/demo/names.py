"""Synthetic civil servants: plausible names and valid numbers, the same for the same seed."""

import random
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Literal

Employment = Literal["PNS", "PPPK"]

_MEN = (
    "Agus", "Ahmad", "Andi", "Arif", "Bambang", "Bayu", "Budi", "Dedi", "Denny", "Dimas", "Eko",
    "Fajar", "Gunawan", "Hadi", "Hendra", "Heri", "Imam", "Indra", "Iwan", "Joko", "Lukman",
    "Mohammad", "Nanang", "Nur", "Rahmat", "Rizal", "Rudi", "Slamet", "Sigit", "Suryo", "Taufik",
    "Teguh", "Wahyu", "Yudi", "Yusuf",
)  # fmt: skip
_WOMEN = (
    "Aisyah", "Anita", "Ayu", "Citra", "Dewi", "Diah", "Dwi", "Eka", "Endang", "Erna", "Fitri",
    "Hesti", "Ika", "Indah", "Kartika", "Lestari", "Lilis", "Maya", "Mega", "Nina", "Nurul",
    "Puji", "Putri", "Ratna", "Retno", "Rina", "Rini", "Siti", "Sri", "Tri", "Tutik", "Umi",
    "Wiwik", "Wulan", "Yuni",
)  # fmt: skip
_MEN_LATER = (
    "Basuki", "Budiman", "Cahyono", "Darmawan", "Firmansyah", "Hakim", "Halim", "Hartono",
    "Hermawan", "Hidayat", "Irawan", "Iskandar", "Kurniawan", "Mahendra", "Mulyadi", "Nugroho",
    "Permana", "Pramono", "Prasetyo", "Purnomo", "Rahardjo", "Santoso", "Saputra", "Setiawan",
    "Siswanto", "Subagyo", "Sudarsono", "Sulistyo", "Supriyadi", "Susanto", "Sutrisno", "Utomo",
    "Wibowo", "Widodo", "Wijaya", "Winarno", "Yulianto",
)  # fmt: skip
_WOMEN_LATER = (
    "Amalia", "Anggraini", "Astuti", "Damayanti", "Fatimah", "Handayani", "Hapsari", "Hidayati",
    "Kurniasih", "Kusumawati", "Mulyani", "Ningrum", "Nurhayati", "Oktaviani", "Permatasari",
    "Pratiwi", "Purnamasari", "Puspitasari", "Rahayu", "Rahmawati", "Safitri", "Setyowati",
    "Sulastri", "Suryani", "Susanti", "Utami", "Wahyuni", "Widyastuti", "Wijayanti", "Wulandari",
    "Yuliana", "Yuniarti",
)  # fmt: skip
_MAN, _WOMAN = 1, 2
_SERIALS = 999
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Civilian:
    """One synthetic civil servant; their `.example` e-mail address reaches nobody."""

    nip: str
    name: str
    employment: Employment
    position: str
    position_level: str
    agency: str
    email: str
    phone: str
    disability: bool = False
    duty_3t: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """A post, its level and the unit it belongs to."""

    title: str
    level: str
    unit: str


def people(
    seed: int, posts: Iterator[Post], *, agency: str, employment: Employment = "PNS"
) -> Iterator[Civilian]:
    """Make people without end, no number and no e-mail address twice, each in the next post."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret: the same seed must make the same people
    write = _pns if employment == "PNS" else _pppk
    taken: set[str] = set()
    for serial in count():
        sex = dice.choice((_MAN, _WOMAN))
        first, later = (_MEN, _MEN_LATER) if sex == _MAN else (_WOMEN, _WOMEN_LATER)
        parts = [dice.choice(first), *dice.sample(later, dice.choice((1, 1, 2)))]
        nip = write(dice, sex, serial % _SERIALS + 1)
        while nip in taken:
            nip = write(dice, sex, serial % _SERIALS + 1)
        taken.add(nip)
        post = next(posts)
        yield Civilian(
            nip=nip,
            name=" ".join(parts),
            employment=employment,
            position=f"{post.title} {post.unit}",
            position_level=post.level,
            agency=agency,
            email=f"{parts[0]}.{parts[-1]}.{seed}{serial:04d}@asn.example".lower(),
            phone=f"+62811{seed % 100:02d}{serial:06d}",
            disability=dice.random() < 0.03,  # noqa: PLR2004 - a few in a hundred
        )


def impossible(nip: str) -> str:
    """Turn a number into one of 18 digits that nobody can have: born on 30 February."""
    return f"{nip[:4]}0230{nip[8:]}"


def _born(dice: random.Random) -> date:
    year, month = dice.randint(1970, 1985), dice.randint(1, 12)
    return date(year, month, dice.randint(1, monthrange(year, month)[1]))


def _pns(dice: random.Random, sex: int, serial: int) -> str:
    """Write a PNS number: birth date, month of appointment, sex, serial."""
    born = _born(dice)
    appointed = born + dice.randint(22, 30) * _YEAR
    return f"{born:%Y%m%d}{appointed:%Y%m}{sex}{serial:03d}"


def _pppk(dice: random.Random, sex: int, serial: int) -> str:
    """Write a PPPK number: birth date, year, a contract code that is no month, sex, serial."""
    return f"{_born(dice):%Y%m%d}{dice.randint(2021, 2023)}{dice.randint(21, 24)}{sex}{serial:03d}"
