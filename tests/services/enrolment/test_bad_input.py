"""What enrolment's doors are sent and cannot take: each is one problem, and nothing is kept."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.enrolment.test_api import (
    HEADINGS,
    NOMINATOR,
    begin,
    nominate,
    slug,
    workbook,
)
from tests.support.enrolment import (
    DATES,
    MALANG,
    SESSIONS,
    Served,
    cohort_body,
    nip,
    row,
    seat,
    served,
)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Served]:
    """Serve enrolment."""
    async with served(tmp_path) as serving:
        yield serving


@pytest.mark.parametrize(
    ("written", "kept", "reasons"),
    [
        ("  Budi\tSantoso\n", "Budi Santoso", []),
        ("Budi\x00 \u202eosotnaS", "Budi osotnaS", []),
        ("   ", "", ["missing-name"]),
        ("\u200b\u2060", "", ["missing-name"]),
    ],
)
async def test_a_name_sent_as_json_is_as_tidy_as_one_from_a_sheet(
    node: Served, written: str, kept: str, reasons: list[str]
) -> None:
    """What nobody sees is taken out of it, and where nothing is left there is no name."""
    await begin(node)

    sent = await node.ask(
        "POST", "/cohorts/dua-i/rosters", "nominator", claims=NOMINATOR,
        json={"agency": MALANG, "rows": [{**row(1), "name": written}]},
    )  # fmt: skip

    shown = sent.json()["rows"][0]
    assert (201, kept, reasons) == (sent.status_code, shown["name"], shown["reasons"])


async def test_a_cohort_too_large_to_be_told_does_not_open(node: Served) -> None:
    """Every learner's fact carries programme and dates, and the broker bounds a fact."""
    await begin(node)
    dates = [{**DATES[0], "periods": [{**DATES[0]["periods"][0], "what": "x" * 300_000}]}, DATES[1]]
    await node.ask("PUT", "/cohorts/dua-ii", json=cohort_body(calendar=dates))

    opened = await node.ask("POST", "/cohorts/dua-ii/opening")
    moved = await node.ask(
        "PUT", "/cohorts/dua-i/calendar", json={"calendar": dates, "sessions": SESSIONS}
    )

    assert [(422, "plan-too-large")] * 2 == [slug(opened), slug(moved)]


DEEP = b"[" * 100_000 + b"]" * 100_000
BAD_JSON = {
    "cut off": (b'{"agency": "35.73", "rows": [', 400),
    "nothing": (b"", 400),
    "no text": (b"\xff\xfe\x00", 400),
    "nested without end": (b'{"rows": ' + DEEP + b"}", 400),
    "a number without end": (b'{"agency": ' + b"9" * 5_000 + b"}", 400),
    "half a character": (rb'{"agency": "\ud800", "rows": []}', 400),
    "no number": (b'{"agency": NaN, "rows": []}', 422),
    "a list": (b"[]", 422),
    "other types": (b'{"agency": 35.73, "rows": {"nip": 1}}', 422),
    "an unknown field": (b'{"agency": "35.73", "rows": [], "role": "organiser"}', 422),
}


@pytest.mark.parametrize("name", BAD_JSON)
async def test_a_body_that_is_no_list_is_refused(node: Served, name: str) -> None:
    """Whatever is sent as JSON, the answer is a problem that repeats nothing of it."""
    await begin(node)
    content, status = BAD_JSON[name]

    answer = await node.ask(
        "POST", "/cohorts/dua-i/rosters", "nominator", claims=NOMINATOR,
        content=content, headers={"Content-Type": "application/json"},
    )  # fmt: skip

    assert status == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    assert len(answer.content) < 2_000


PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
AGENCY = PART % (b"agency", b"", b"35.73")
FILE = PART % (b"file", b'; filename="../../etc/a.xlsx"', b"x")
BAD_FORMS = {
    "nothing": (b"", 422),
    "no file": (AGENCY + b"--b--\r\n", 422),
    "a file that is a field": (AGENCY + PART % (b"file", b"", b"x") + b"--b--\r\n", 422),
    "no agency": (FILE + b"--b--\r\n", 422),
    "an agency of nowhere": (PART % (b"agency", b"", b"00.00") + FILE + b"--b--\r\n", 422),
    "two agencies": (AGENCY + AGENCY + FILE + b"--b--\r\n", 422),
    "an unknown part": (AGENCY + FILE + PART % (b"unit", b"", b"x") + b"--b--\r\n", 422),
    "two files": (AGENCY + FILE + FILE + b"--b--\r\n", 400),
    "too many fields": (AGENCY * 20 + b"--b--\r\n", 400),
    "a part without a name": (b"--b\r\nX: y\r\n\r\nz\r\n--b--\r\n", 400),
    "no form": (b"\0" * 100, 400),
}


@pytest.mark.parametrize("name", BAD_FORMS)
async def test_a_form_that_is_none_is_refused(node: Served, name: str) -> None:
    """Parts that are missing, doubled or broken are a problem, with and without a key."""
    await begin(node)
    content, status = BAD_FORMS[name]

    for key in ({}, {"Idempotency-Key": "k"}):
        answer = await node.ask(
            "POST", "/cohorts/dua-i/rosters", "nominator", claims=NOMINATOR,
            content=content, headers={"Content-Type": "multipart/form-data; boundary=b", **key},
        )  # fmt: skip

        assert status == answer.status_code
        assert "application/problem+json" == answer.headers["content-type"]


def _bomb() -> bytes:
    """Pack a worksheet a thousandfold."""
    out = io.BytesIO(workbook(HEADINGS))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", b" " * 20_000_000)
    return out.getvalue()


@pytest.mark.parametrize("door", ["/cohorts/dua-i/rosters", "/agencies/35.73/staff"])
@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (_bomb(), (413, "too-large-unpacked")),
        (workbook(("Nomor", "Keterangan"), ("1", "x")), (422, "missing-columns")),
        (b"PK\x03\x04 and no more", (422, "not-a-workbook")),
        (b"\x00\x01", (422, "not-a-workbook")),
        (b"x" * 12_100_000, (413, "body-too-large")),
    ],
)
async def test_a_file_that_is_no_list_is_refused_at_every_door(
    node: Served, door: str, content: bytes, refusal: tuple[int, str]
) -> None:
    """A bomb, a workbook without the columns, rubbish and too much of it: one problem each."""
    await begin(node)

    answer = await node.ask(
        "POST", door, "nominator", claims=NOMINATOR,
        data={"agency": MALANG} if door.endswith("rosters") else {},
        files={"file": ("daftar.xlsx", content)},
    )  # fmt: skip

    assert refusal == slug(answer)


async def test_a_list_of_200_mb_is_refused_while_it_is_sent(node: Served) -> None:
    """Without a declared length, it is cut off as soon as it is too much."""
    await begin(node)
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield AGENCY + FILE.removesuffix(b"x\r\n")
        for sent in range(1, 201):  # noqa: B007 - counts what was asked for
            yield b"x" * 1_000_000

    answer = await node.ask(
        "POST", "/cohorts/dua-i/rosters", "nominator", claims=NOMINATOR,
        content=body(), headers={"Content-Type": "multipart/form-data; boundary=b"},
    )  # fmt: skip

    assert (413, "body-too-large") == slug(answer)
    assert sent < 20


async def test_a_csv_as_excel_saves_it_here_is_a_list(node: Served) -> None:
    """Semicolons, Windows-1252 and an exponent where a number was."""
    await begin(node)
    lines = ";".join(HEADINGS), f"{nip(1)};Andr\u00e9;Lurah;IV.a", "1,98503E+17;Dua;Lurah;IV.a"
    content = "\r\n".join(lines).encode("windows-1252")

    sent = await node.ask(
        "POST", "/cohorts/dua-i/rosters", "nominator", claims=NOMINATOR,
        data={"agency": MALANG}, files={"file": ("daftar.csv", content)},
    )  # fmt: skip

    assert [("Andr\u00e9", "draft", []), ("Dua", "refused", ["nip-is-a-number"])] == [
        (each["name"], each["status"], each["reasons"]) for each in sent.json()["rows"]
    ]


async def test_an_open_cohort_of_too_many_is_not_exported_as_a_workbook(node: Served) -> None:
    """The paged list has them all."""
    await begin(node)
    await nominate(node, row(1))
    store = node.engine.stores["enrolment"]
    kept = store.snapshot()
    one = kept["enrolments"][seat(1)]
    many = {f"e{number}": {**one, "_id": f"e{number}"} for number in range(10_001)}
    store.restore({**kept, "enrolments": many})

    answer = await node.ask("GET", "/cohorts/dua-i/roster.xlsx")

    assert (413, "too-many-rows") == slug(answer)
