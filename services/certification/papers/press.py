"""Prints certificates as PDF/A-2a and PDF/UA-1, a few at once and each when it is asked for."""

import asyncio
import io
import json
from importlib.resources import files
from typing import Any

from services.certification.domain.terms import Terms
from services.certification.papers.statement import Statement
from services.certification.papers.words import day, reason, score, span

_STANDARDS = ["a-2a", "ua-1"]
_LAST_LATIN = 0x17F
_MARKS = {
    "draft": "DRAF",
    "superseded": "DIGANTI",
    "revoked": "DICABUT",
}


class Press:
    """Prints at most so many certificates at once, in threads of their own."""

    def __init__(self, at_once: int) -> None:
        """Stand ready; what printing needs is loaded with the first certificate."""
        self._turns = asyncio.Semaphore(at_once)
        self._fonts: Any = None

    async def print(self, statement: Statement, terms: Terms, nip: str) -> bytes:
        """Print what a certificate says; the same statement gives the same bytes."""
        words = _words(statement, terms, nip)
        async with self._turns:
            return await asyncio.to_thread(self._print, words)

    def _print(self, words: dict[str, Any]) -> bytes:
        # Imported here because an idle node need not carry a typesetter and its fonts.
        import typst  # noqa: PLC0415

        if self._fonts is None:
            self._fonts = typst.Fonts(include_system_fonts=False)
        layout = files(__package__).joinpath("certificate.typ").read_bytes()
        try:
            return _compile(typst, layout, self._fonts, words)
        except typst.TypstError:
            # PDF/A embeds a glyph for every letter: what no font of ours has is shown as "?".
            return _compile(typst, layout, self._fonts, _latin(words))


def _compile(typst: Any, layout: bytes, fonts: Any, words: dict[str, Any]) -> bytes:  # noqa: ANN401 - imported late
    # The words travel as data and are never read as markup.
    inputs = {"words": json.dumps(words)}
    compiler = typst.Compiler(layout, font_paths=fonts, ignore_system_fonts=True, sys_inputs=inputs)
    printed: bytes = compiler.compile(format="pdf", pdf_standards=_STANDARDS)
    return printed


def _latin(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """Replace every letter beyond Latin Extended-A."""
    match part:
        case str():
            return "".join(letter if ord(letter) <= _LAST_LATIN else "?" for letter in part)
        case dict():
            return {name: _latin(each) for name, each in part.items()}
        case list():
            return [_latin(each) for each in part]
        case _:
            return part


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _qr(url: str) -> str:
    """Draw a QR code as SVG, with the quiet zone that readers need."""
    import segno  # noqa: PLC0415 - as above

    drawn = io.BytesIO()
    # Every reader takes any mask; to try all eight for the prettiest cost more than the rest of a print.
    segno.make(url, error="m", micro=False, mask=4).save(drawn, kind="svg", border=4, xmldecl=False)
    return drawn.getvalue().decode()


def _words(statement: Statement, terms: Terms, nip: str) -> dict[str, Any]:
    """Put all that the layout shows into words."""
    programme, predicate, signatory = statement.programme, statement.predicate, statement.signatory
    decimals, issued = statement.decimals, statement.issued_on
    words: dict[str, Any] = {
        "state": statement.state,
        "mark": _MARKS.get(statement.state, ""),
        "title": statement.title,
        "title_en": statement.title_en,
        "number": statement.number,
        "external_number": statement.external_number or "",
        "name": statement.name or "",
        "nip": nip,
        "programme": programme.title,
        "programme_en": programme.title_en,
        "programme_code": f"{programme.code} v{programme.version}",
        "cohort": statement.cohort_title,
        "agency": statement.host_agency,
        "dates": span(statement.starts_on, statement.ends_on, "id"),
        "dates_en": span(statement.starts_on, statement.ends_on, "en"),
        "jp": statement.jp,
        "predicate": predicate.title if predicate else "",
        "predicate_en": predicate.title_en if predicate else "",
        "score": "" if statement.final_score is None else score(statement.final_score, decimals, "id"),
        "issued": day(issued, "id"),
        "issued_en": day(issued, "en"),
        "issued_parts": [issued.year, issued.month, issued.day],
        "valid_until": day(statement.valid_until, "id") if statement.valid_until else "",
        "valid_until_en": day(statement.valid_until, "en") if statement.valid_until else "",
        "signatory": signatory.name if signatory else "",
        "position": signatory.position if signatory else "",
        "signed": day(statement.signed_on, "id") if statement.signed_on else "",
        "signed_en": day(statement.signed_on, "en") if statement.signed_on else "",
        "cites": statement.cites,
        "supersedes": statement.supersedes or "",
        "superseded_by": statement.superseded_by.number if statement.superseded_by else "",
        "reason": reason(statement.reason, "id") if statement.reason else "",
        "reason_en": reason(statement.reason, "en") if statement.reason else "",
        "phases": [
            {
                "number": each.number,
                "title": _printable(each.title),
                "title_en": _printable(each.title_en),
                "jp": each.jp,
            }
            for each in terms.phases
        ],
        "url": statement.verify_url,
    }  # fmt: skip
    tidy = {
        name: _printable(each) if isinstance(each, str) else each for name, each in words.items()
    }
    return {**tidy, "qr": _qr(statement.verify_url)}
