"""The number of a civil servant (NIP): what it tells, and when it cannot be one."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from shared.events.enrolment import Employment

Fault = Literal["malformed-nip", "impossible-nip"]
MALFORMED: Final = "malformed-nip"
IMPOSSIBLE: Final = "impossible-nip"

_DIGITS = 18
_MONTHS = 12
_YOUNGEST, _OLDEST = 16, 66
_OLDEST_IN_OFFICE = 71


@dataclass(frozen=True, slots=True)
class Nip:
    """An 18-digit number taken apart; `month` is None for a PPPK, whose number holds none."""

    digits: str
    born: date
    year: int
    month: int | None
    female: bool
    employment: Employment


def tidy(text: str) -> str:
    """Take out the spaces that people write between a number's parts."""
    return "".join(text.split())


def read_nip(text: str, employment: str, today: date) -> Nip | Fault:
    """Take a number apart, or tell why it cannot belong to anybody in office on the day `today`.

    Digits 1-8 are the birth date, 9-12 the year of appointment, 13-14 its month for a PNS and a
    contract code for a PPPK, 15 the sex, 16-18 a serial. `employment` is "" where nobody tells it.
    """
    digits = tidy(text)
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
        return MALFORMED
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return IMPOSSIBLE
    year, code, sex = int(digits[8:12]), int(digits[12:14]), digits[14]
    is_month = 1 <= code <= _MONTHS
    status: Employment = "PPPK" if employment == "PPPK" or not (employment or is_month) else "PNS"
    month = code if status == "PNS" else None
    plausible = (
        sex in "12"
        and digits[15:] != "000"
        and _YOUNGEST <= year - born.year <= _OLDEST
        and today.year - born.year <= _OLDEST_IN_OFFICE
        and (year, month or 1) <= (today.year, today.month)
        and (month is None or is_month)
    )
    if not plausible:
        return IMPOSSIBLE
    return Nip(digits, born, year, month, sex == "2", status)
