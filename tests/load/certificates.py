"""Certificates as certification prints them, many in one process; and what a printed one says, read back.

`corpu bench certificates` runs it, each time as a process whose CPU time is its own.
"""

import argparse
import asyncio
import json
import sys
import time
from datetime import date
from pathlib import Path

from pypdf import PdfReader

from deploy.bench.facts import pupils
from services.certification.domain.terms import Terms, read_terms, terms_of
from services.certification.papers.press import Press, _words
from services.certification.papers.statement import Person, Predicate, Statement

_NIP = "197901022006041003"


def sample() -> tuple[Statement, Terms]:
    """Make one certificate's statement and terms."""
    terms = read_terms(terms_of(pupils(1)[0].plan))
    band = terms.rules.bands[0]
    statement = Statement(
        state="live", valid=True, expired=False, number="35/BENCH/2024/00001", revision=1, kind="certificate",
        title=terms.rules.document.title, title_en=terms.rules.document.title_en, name="Siti Rahmawati",
        programme=terms.programme, cohort_title=terms.cohort_title, host_agency=terms.host_agency,
        jp=60, starts_on=date(2024, 1, 15), ends_on=date(2024, 7, 13), issued_on=date(2024, 7, 13),
        valid_until=None, predicate=Predicate(code=band.code, title=band.title, title_en=band.title_en),
        final_score=82.5, decimals=2, signatory=Person(name="Budi Santoso", position="Kepala BPSDM"),
        signed_on=None, external_number=None, cites=terms.rules.cites, supersedes=None, superseded_by=None,
        reason=None, ended_on=None, verify_url="http://127.0.0.1:8103/verify/0123456789abcdef0123456789abcdef",
    )  # fmt: skip
    return statement, terms


async def print_many(count: int, out: Path) -> dict[str, object]:
    """Print so many, keep the last, and tell the CPU seconds that they cost but the first."""
    press, (statement, terms) = Press(1), sample()
    await press.print(statement, terms, _NIP)
    number, printed, began = "", b"", time.process_time()
    for serial in range(count):
        number = f"{statement.number}-{serial}"
        numbered = statement.model_copy(update={"number": number})
        printed = await press.print(numbered, terms, _NIP)
    out.write_bytes(printed)  # noqa: ASYNC240 - nobody else waits for this loop
    return {"cpu_seconds": time.process_time() - began, "number": number}


def read_back(path: Path) -> dict[str, object]:
    """Tell what a printed certificate says, and on how many pages."""
    pages = PdfReader(path).pages
    return {
        "pages": len(pages),
        "text": "".join("\n".join(each.extract_text() for each in pages).split()),
        "bytes": path.stat().st_size,
    }


def main() -> None:
    """Print, give the words to be printed by others, or read back."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["print", "words", "read"])
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("certificate.pdf"))
    asked = parser.parse_args()
    if asked.what == "words":
        told: dict[str, object] = {**_words(*sample(), _NIP), "qr": ""}
    elif asked.what == "read":
        told = read_back(asked.out)
    else:
        told = asyncio.run(print_many(asked.count, asked.out))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
