"""Dates, states and reasons in Indonesian and English."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

Language = Literal["id", "en"]
LANGUAGES: tuple[Language, ...] = ("id", "en")

_MONTHS: Mapping[Language, str] = {
    "id": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
    "en": "January February March April May June July August September October November December",
}
_REASONS: Mapping[str, Mapping[Language, str]] = {
    "withdrawn": {"id": "peserta mengundurkan diri", "en": "the learner withdrew"},
    "decision-deferred": {"id": "kelulusan ditunda", "en": "graduation was deferred"},
    "decision-not-graduated": {"id": "dinyatakan tidak lulus", "en": "decided as not graduated"},
    "decision-left": {
        "id": "peserta tidak menyelesaikan pelatihan",
        "en": "the learner left the training",
    },
    "score-below-pass-mark": {
        "id": "nilai akhir di bawah batas lulus setelah koreksi",
        "en": "the corrected final score is below the pass mark",
    },
    "score-missing": {"id": "nilai belum lengkap", "en": "a score is missing"},
    "result-corrected": {"id": "koreksi hasil pelatihan", "en": "the result was corrected"},
    "decision-corrected": {"id": "koreksi keputusan kelulusan", "en": "the decision was corrected"},
    "calendar-corrected": {
        "id": "koreksi tanggal pelatihan",
        "en": "the training dates were corrected",
    },
}


def day(value: date, language: Language) -> str:
    """Write a date as `11 Juli 2024` or `11 July 2024`."""
    return f"{value.day} {_MONTHS[language].split()[value.month - 1]} {value.year}"


def span(starts: date | None, ends: date, language: Language) -> str:
    """Write the days from one date to another, or one date where they are the same."""
    until = day(ends, language)
    if starts is None or starts == ends:
        return until
    return f"{day(starts, language)} {'s.d.' if language == 'id' else 'to'} {until}"


def score(value: float, decimals: int, language: Language) -> str:
    """Write a score with its decimals: `87,00` or `87.00`."""
    written = f"{value:.{decimals}f}"
    return written.replace(".", ",") if language == "id" else written


def reason(code: str, language: Language) -> str:
    """Put a reason's stable code into words; what a person wrote stays as it is."""
    known = _REASONS.get(code)
    return known[language] if known else code
