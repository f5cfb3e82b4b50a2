"""One whole cohort on the embedded parts, from the Excel list to certificates that anybody verifies."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pypdf
import pypdfium2
import pytest
import pytest_asyncio
import zxingcpp

from deploy.audit import audit
from deploy.client import SERVICES, NodeClient
from deploy.demo.run import play, tokens_of
from deploy.demo.stage import Stage
from deploy.demo.totals import Outcome
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.settings import NodeSettings

pytestmark = [
    pytest.mark.real,
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]
SEATS = 32
PATIENCE = 120.0
PHASES = 6
COHORTS = 2
"""The story's own, and the one elsewhere whose dates overlap."""
DPI = 200


@dataclass(frozen=True)
class Played:
    """A cohort that was played to its end, on a node that still runs."""

    stage: Stage
    outcome: Outcome

    @property
    def certificates(self) -> list[dict[str, str]]:
        """Tell the certificates as the demo tells them."""
        found: list[dict[str, str]] = self.outcome.totals["certificates"]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(
    settings: NodeSettings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Played]:
    """Play the demo's cohort once, for all tests of this module."""
    async with EmbeddedNode(settings, say=print) as node:
        reached = {name: node.addresses[name] for name in SERVICES}
        out = tmp_path_factory.mktemp("papers")
        async with NodeClient(reached, patience=PATIENCE) as client:
            stage = Stage(client, tokens_of(settings), out, patience=PATIENCE)
            yield Played(stage, await play(stage, SEATS))


async def test_every_figure_is_a_whole_cohorts(played: Played) -> None:
    """Enrolled, promoted, withdrawn, refused, phases, graduates and certificates add up."""
    totals = played.outcome.totals

    assert played.outcome.shortfalls(SEATS) == []
    assert totals["phases_completed"] == SEATS * PHASES
    assert totals["refused"] == {
        "impossible-nip": 1, "not-eligible-employment": 1, "overlapping-training": 1,
    }  # fmt: skip
    assert totals["evidence"]["refused"] == 0
    assert totals["evidence"]["repeated"] > 0
    assert totals["notices"]["certified"] == SEATS
    assert totals["audit"]["disagreements"] == []


async def test_facts_are_stated_once_each(played: Played) -> None:
    """Each fact of the story was stated exactly as often as it happened; two trained elsewhere or left."""
    facts = {name.split(".")[2]: count for name, count in played.outcome.totals["facts"].items()}

    del facts["learner_recorded"]
    assert facts == {
        "seat_given": SEATS + 2, "waitlisted": 1, "nomination_refused": 2, "seat_freed": 1,
        "enrolled": SEATS + 2, "withdrawn": 1, "phase_completed": SEATS * PHASES,
        "programme_completed": SEATS + 1, "graduation_decided": SEATS, "certified": SEATS,
        "certificate_signed": SEATS, "cohort_planned": COHORTS,
    }  # fmt: skip


async def test_numbers_run_without_a_gap(played: Played) -> None:
    """Certificates are numbered from one on, none skipped and none twice."""
    numbers = [each["number"] for each in played.certificates]

    assert numbers == [f"35/PKA/2024/{serial:05d}" for serial in range(1, SEATS + 1)]


async def test_every_pdf_is_made_for_archives_and_for_everybody(played: Played) -> None:
    """Each PDF opens, and says PDF/A and PDF/UA in its metadata."""
    claims = [_claims(Path(each["pdf"])) for each in played.certificates]

    assert claims == [{"pdfaid:part", "pdfuaid:part"}] * SEATS


async def test_every_qr_code_leads_to_a_page_that_verifies(played: Played) -> None:
    """The code printed on each PDF decodes to an address that shows what was certified."""
    for certificate in played.certificates:
        address = _decoded(Path(certificate["pdf"]))
        stated = await _stated(address)

        assert address == certificate["verify_url"]
        assert (stated["state"], stated["valid"]) == ("live", True)
        assert stated["number"] == certificate["number"]
        assert stated["predicate"]["title"] == certificate["predicate"]


async def test_a_verification_page_shows_whom_it_is_about(played: Played) -> None:
    """A browser gets a page with the number and the learner's name."""
    certificate, line = played.certificates[0], played.outcome.lines[0]

    async with httpx2.AsyncClient() as browser:
        page = await browser.get(certificate["verify_url"], headers={"Accept": "text/html"})

    assert page.status_code == httpx2.codes.OK
    assert certificate["number"] in page.text
    assert line.name in page.text


async def test_a_forged_code_verifies_nothing(played: Played) -> None:
    """An address that nobody was given answers that there is no such certificate."""
    forged = played.certificates[0]["verify_url"][:-2] + "AA"

    async with httpx2.AsyncClient() as browser:
        page = await browser.get(forged)

    assert page.status_code == httpx2.codes.NOT_FOUND


async def test_stating_everything_again_changes_nothing(played: Played) -> None:
    """After each service has stated all its facts again, the figures are what they were."""
    operator = played.stage.operator
    before, _ = await audit(operator, wait=PATIENCE)
    for service in SERVICES:
        await operator.post(service, "/operations/replay")

    after, disagreements = await audit(operator, wait=PATIENCE)

    assert disagreements == []
    assert after == before


def _claims(pdf: Path) -> set[str]:
    """Tell which standards a PDF's XMP metadata claims."""
    metadata = pypdf.PdfReader(pdf).xmp_metadata
    assert metadata is not None
    text = metadata.stream.get_data().decode()
    return {claim for claim in ("pdfaid:part", "pdfuaid:part") if claim in text}


def _decoded(pdf: Path) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        codes = [
            code.text
            for page in document
            for code in zxingcpp.read_barcodes(page.render(scale=DPI / 72).to_pil())
        ]
    finally:
        document.close()
    assert len(codes) == 1
    return str(codes[0])


async def _stated(address: str) -> dict[str, Any]:
    async with httpx2.AsyncClient() as anybody:
        answer = await anybody.get(f"{address}.json")
    stated: dict[str, Any] = answer.raise_for_status().json()
    return stated
