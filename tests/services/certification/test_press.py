"""Printed certificates: archival, accessible, verifiable, and saying just what was certified."""

import io
from datetime import timedelta
from typing import Any

import httpx2
import pypdf
import pypdfium2
import pytest
import zxingcpp

from tests.support.certification import (
    AUTOMATIC,
    Served,
    completed,
    decided,
    enrolled,
    plan,
    recorded,
    rules,
)

NAMES = [
    "Siti Aminah, S.E.",
    '#eval("1 + 1") *bold* _it_ $x^2$ <label> @ref `raw` \\ // /* [',
    '"}] }} {{ \' " \\u0000',
    "Łukasz Ōkubo-Đặng",
    "Nama\nBaris\tDua",
    "张伟 😀 محمد",
    "W" * 200,
]


async def printed(
    served: Served, client: httpx2.AsyncClient, query: str = "", key: str = "e1"
) -> pypdf.PdfReader:
    """Print a certificate."""
    answer = await client.get(f"/certificates/{key}/pdf{query}", headers=served.organiser())

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return pypdf.PdfReader(io.BytesIO(answer.content))


def text_of(document: pypdf.PdfReader) -> str:
    """Read all that a certificate says, with single spaces."""
    return " ".join(" ".join(page.extract_text() for page in document.pages).split())


def decoded(document: pypdf.PdfReader) -> str:
    """Read the QR code from the picture of the first page."""
    held = io.BytesIO()
    pypdf.PdfWriter(clone_from=document).write(held)
    picture = pypdfium2.PdfDocument(held.getvalue())[0].render(scale=3).to_pil()
    (code,) = zxingcpp.read_barcodes(picture)
    text: str = code.text
    return text


@pytest.fixture
async def graduate(served: Served, client: httpx2.AsyncClient) -> Served:
    """Give certification with one graduate."""
    del client
    await served.hear(enrolled(), completed(), decided(), recorded())
    return served


async def sign(served: Served, client: httpx2.AsyncClient) -> None:
    """Sign the graduate's certificate."""
    body = {"signed_on": "2024-07-12", "signed_by": "Dr. Ratna Dewi"}
    answer = await client.post("/certificates/e1/signature", json=body, headers=served.organiser())

    assert answer.status_code == 200


async def test_a_certificate_is_pdf_a_and_pdf_ua(
    graduate: Served, client: httpx2.AsyncClient
) -> None:
    """Archives and screen readers are told so in its metadata; it is tagged, titled and has a language."""
    document = await printed(graduate, client)
    metadata = document.xmp_metadata
    root: Any = document.trailer["/Root"]

    assert metadata is not None
    assert (metadata.pdfaid_part, metadata.pdfaid_conformance) == ("2", "A")
    assert "pdfuaid:part>1<" in metadata.stream.get_data().decode()
    assert metadata.dc_title == {"x-default": "Surat Tanda Tamat Pelatihan 35/PKA/2024/00001"}
    assert str(root["/Lang"]) == "id-ID"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


async def test_the_picture_has_words_for_who_cannot_see_it(
    graduate: Served, client: httpx2.AsyncClient
) -> None:
    """The QR code's alternative text tells the address that it holds."""
    document = await printed(graduate, client)
    root: Any = document.trailer["/Root"]
    told = [str(each.get_object().get("/Alt", "")) for each in _tags(root["/StructTreeRoot"])]

    assert any("/verify/" in text for text in told)


def _tags(part: Any) -> list[Any]:  # noqa: ANN401 - pypdf's objects
    children = part.get_object().get("/K", []) if hasattr(part.get_object(), "get") else []
    found = [part] if hasattr(part.get_object(), "get") else []
    for child in children if isinstance(children, list) else [children]:
        found += _tags(child) if hasattr(child, "get_object") and not isinstance(child, int) else []
    return found


async def test_the_qr_code_leads_to_the_verification_page(
    graduate: Served, client: httpx2.AsyncClient
) -> None:
    """What a telephone reads is the address that the certificate's fact told."""
    shown = (await client.get("/certificates/e1", headers=graduate.organiser())).json()

    assert shown["verify_url"] == decoded(await printed(graduate, client))


async def test_a_signed_certificate_says_what_was_certified(
    graduate: Served, client: httpx2.AsyncClient
) -> None:
    """In Indonesian, with English beside it, and with the rules that it was issued under."""
    await sign(graduate, client)
    text = text_of(await printed(graduate, client))

    for words in (
        "SURAT TANDA TAMAT PELATIHAN", "35/PKA/2024/00001", "Siti Aminah, S.E.", "NIP 198501012010012001",
        "Pelatihan Kepemimpinan Administrator", "Leadership training for administrators",
        "9 Maret 2024 s.d. 11 Juli 2024", "9 March 2024 to 11 July 2024", "60 JP", "Memuaskan", "Very good",
        "87,00", "11 Juli 2024", "Dr. Ratna Dewi", "Kepala BPSDM", "ditandatangani 12 Juli 2024",
        "Klasikal I / Classroom I 20", "Klasikal II / Classroom II 40", "KepKaLAN 2/K.1/PDP.07/2023", "PKA v1",
    ):  # fmt: skip
        assert words in text
    assert "DRAF" not in text


async def test_a_certificate_not_yet_signed_says_draf(
    graduate: Served, client: httpx2.AsyncClient
) -> None:
    """Across the page and in words."""
    text = text_of(await printed(graduate, client))

    assert text.count("DRAF") >= 2
    assert "belum ditandatangani" in text


async def test_old_revisions_say_that_they_no_longer_hold(
    graduate: Served, client: httpx2.AsyncClient
) -> None:
    """A superseded one names its successor, a revoked one the reason."""
    await graduate.hear(completed(revision=2, scores={"seminar": 95.0, "attitude": 95.0}))
    body = {"reason": "forged evidence"}
    await client.post("/certificates/e1/revocation", json=body, headers=graduate.organiser())
    superseded = text_of(await printed(graduate, client, "?revision=1"))
    revoked = text_of(await printed(graduate, client))
    unknown = await client.get("/certificates/e1/pdf?revision=3", headers=graduate.organiser())

    assert "DIGANTI" in superseded
    assert "diganti dengan 35/PKA/2024/00002 (koreksi hasil pelatihan)" in superseded
    assert "DICABUT" in revoked
    assert "dicabut (forged evidence)" in revoked
    assert "Menggantikan 35/PKA/2024/00001" in revoked
    assert unknown.status_code == 404


async def test_a_certificate_without_scores_is_printed_too(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """A lecture's has neither predicate nor signature, and may expire."""
    lecture = {**AUTOMATIC, "valid_years": 3}
    await served.hear(enrolled(plan=plan(lecture)), completed(), recorded())
    text = text_of(await printed(served, client))

    assert "Predikat" not in text
    assert "DRAF" not in text
    assert "Berlaku sampai 10 Juli 2027" in text


async def test_the_external_number_is_printed(served: Served, client: httpx2.AsyncClient) -> None:
    """It comes with the signature."""
    registered = plan(rules(document={"external_registration": True}))
    await served.hear(enrolled(plan=registered), completed(), decided(), recorded())
    body = {
        "signed_on": "2024-07-12",
        "signed_by": "Dr. Ratna Dewi",
        "external_number": "LAN-00042",
    }
    await client.post("/certificates/e1/signature", json=body, headers=served.organiser())

    assert "LAN-00042" in text_of(await printed(served, client))


@pytest.mark.parametrize("name", NAMES)
async def test_no_name_can_be_markup(served: Served, client: httpx2.AsyncClient, name: str) -> None:
    """A name is printed as it is written; what no font has is shown as a question mark."""
    await served.hear(enrolled(), completed(), decided(), recorded(name=name))
    document = await printed(served, client)

    assert 2 <= len(document.pages) <= 3
    if name.isascii() and name.isprintable() and " " in name and len(name) < 30:
        assert name in text_of(document)
    assert "/verify/" in decoded(document)


async def test_a_certificate_keeps_the_name_it_was_given(
    graduate: Served, client: httpx2.AsyncClient
) -> None:
    """A name that changes later is on the certificate that is issued for it."""
    later = graduate.clock.now() - timedelta(hours=1)
    await graduate.hear(recorded(version=2, name="Siti Aminah, S.E., M.M.", at=later))
    before = text_of(await printed(graduate, client))
    body = {"reason": "name corrected"}
    await client.post("/certificates/e1/reissue", json=body, headers=graduate.organiser())
    after = text_of(await printed(graduate, client))

    assert "M.M." not in before
    assert "M.M." in after


async def test_a_certificate_is_not_printed_before_the_name_is_known(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """The card comes by another way and may come later."""
    await served.hear(enrolled(), completed(), decided())
    answer = await client.get("/certificates/e1/pdf", headers=served.organiser())

    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:corpu:problem:card-not-known-yet",
    )


async def test_the_same_certificate_prints_the_same_bytes(
    graduate: Served, client: httpx2.AsyncClient
) -> None:
    """No clock goes into it."""
    path = "/certificates/e1/pdf"
    first, second = [await client.get(path, headers=graduate.organiser()) for _ in "ab"]

    assert first.content == second.content
    assert first.headers["content-disposition"] == 'inline; filename="35-PKA-2024-00001.pdf"'
