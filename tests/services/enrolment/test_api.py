"""Enrolment's doors: who may pass, what is asked, what is answered."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from shared.kernel.ids import enrolment_id, learner_id
from tests.support.enrolment import (
    COURSE,
    DATES,
    KEY,
    LATER,
    LECTURE,
    MALANG,
    SESSIONS,
    Served,
    changed,
    cohort_body,
    lecture_body,
    nip,
    person,
    row,
    seat,
    served,
)

NOMINATOR = {"agency": MALANG}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Served]:
    """Serve enrolment."""
    async with served(tmp_path) as serving:
        yield serving


async def begin(node: Served, **changes: object) -> None:
    """Publish the course and open a cohort of it."""
    await node.ask("PUT", "/programmes/DUA/1", json=COURSE)
    await node.ask("POST", "/programmes/DUA/1/publication")
    await node.ask("PUT", "/cohorts/dua-i", json=cohort_body(**changes))
    opened = await node.ask("POST", "/cohorts/dua-i/opening")
    assert (200, "open") == (opened.status_code, opened.json()["status"])


async def nominate(node: Served, *rows: dict[str, Any]) -> dict[str, Any]:
    """Send a list and have it endorsed."""
    sent = await node.ask(
        "POST", "/cohorts/dua-i/rosters", "nominator", claims=NOMINATOR,
        json={"agency": MALANG, "rows": list(rows)},
    )  # fmt: skip
    assert 201 == sent.status_code
    judged = await node.ask(
        "POST", f"/rosters/{sent.json()['id']}/endorsement", "endorser", claims=NOMINATOR,
        json={"letter_number": "800/1", "letter_date": "2024-02-01", "rows": None},
    )  # fmt: skip
    assert 200 == judged.status_code
    await node.settled()
    answer: dict[str, Any] = judged.json()
    return answer


def slug(answer: Any) -> tuple[int, str]:  # noqa: ANN401 - an HTTP answer
    """Tell a problem's status and the last part of its type."""
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def workbook(*rows: tuple[object, ...]) -> bytes:
    """Write a workbook."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, each in enumerate(rows):
        sheet.write_row(number, 0, [str(cell) for cell in each])
    book.close()
    return out.getvalue()


HEADINGS = ("NIP", "Nama", "Jabatan", "Eselon")


async def test_a_nomination_goes_from_a_list_to_a_withdrawal_and_a_promotion(node: Served) -> None:
    """The whole way over HTTP."""
    await begin(node)

    judged = await nominate(node, row(1), row(2), row(3))

    assert ["accepted", "accepted", "waitlisted"] == [each["status"] for each in judged["rows"]]
    assert seat(1) == judged["rows"][0]["enrolment_id"]
    assert person(1) == judged["rows"][0]["learner_id"]
    left = await node.ask(
        "POST", f"/enrolments/{seat(1)}/withdrawal", "nominator", claims=NOMINATOR,
        json={"reason": "sakit", "on": "2024-07-20"},
    )  # fmt: skip
    assert (200, "withdrawn") == (left.status_code, left.json()["status"])
    await node.settled()
    listed = await node.ask("GET", "/cohorts/dua-i/enrolments?status=enrolled")
    assert {seat(2), seat(3)} == {each["id"] for each in listed.json()["items"]}
    audit = await node.ask("GET", "/operations/audit", "auditor")
    assert {"withdrawn": 1, "enrolled": 2} == {
        status: sum(each["status"] == status for each in audit.json()["items"])
        for status in ("withdrawn", "enrolled")
    }


async def test_the_shipped_cohort_opens_as_it_is(node: Served) -> None:
    """Catalogue bodies are what PUT takes."""
    body = (await node.ask("GET", "/catalogue/PKA")).json()
    put = await node.ask("PUT", "/programmes/PKA/1", json=body)
    published = await node.ask("POST", "/programmes/PKA/1/publication")
    cohort = (await node.ask("GET", "/examples/cohort")).json()
    written = await node.ask("PUT", f"/cohorts/{cohort['id']}", json=cohort)
    opened = await node.ask("POST", f"/cohorts/{cohort['id']}/opening")

    assert [200, 200, 200, 200] == [e.status_code for e in (put, published, written, opened)]
    assert 908 == published.json()["jp"]
    assert 32 == opened.json()["seats"]
    for entry in (await node.ask("GET", "/catalogue")).json():
        path = f"/programmes/{entry['code']}/{entry['version']}"
        shipped = (await node.ask("GET", f"/catalogue/{entry['code']}")).json()
        assert 200 == (await node.ask("PUT", path, json=shipped)).status_code
        assert 200 == (await node.ask("POST", f"{path}/publication")).status_code


async def test_a_workbook_is_a_list(node: Served) -> None:
    """Rows keep the numbers that Excel shows, and bad cells are told by code."""
    await begin(node)
    content = workbook(HEADINGS, (nip(1), "Satu", "Lurah", "IV.a"), ("123", "Dua", "Lurah", "IV.a"))

    sent = await node.ask(
        "POST", "/cohorts/dua-i/rosters", "nominator", claims=NOMINATOR,
        data={"agency": MALANG}, files={"file": ("daftar.xlsx", content)},
    )  # fmt: skip

    assert 201 == sent.status_code
    assert [(2, "draft", []), (3, "refused", ["malformed-nip"])] == [
        (each["row"], each["status"], each["reasons"]) for each in sent.json()["rows"]
    ]
    again = await node.ask(
        "POST", "/cohorts/dua-i/rosters", "nominator", claims=NOMINATOR,
        data={"agency": MALANG}, files={"file": ("daftar.xlsx", content)},
    )  # fmt: skip
    assert sent.json() == again.json()
    shown = await node.ask("GET", f"/rosters/{sent.json()['id']}", "nominator", claims=NOMINATOR)
    assert sent.json() == shown.json()
    page = await node.ask("GET", "/cohorts/dua-i/rosters", "nominator", claims=NOMINATOR)
    assert [2] == [each["count"] for each in page.json()["items"]]
    other = await node.ask(
        "GET", f"/rosters/{sent.json()['id']}", "nominator", claims={"agency": "35.72"}
    )
    assert (404, "unknown-rosters") == slug(other)


async def test_a_list_in_no_known_form_is_refused(node: Served) -> None:
    """Each defect has its problem type."""
    await begin(node)
    path = "/cohorts/dua-i/rosters"
    good = workbook(HEADINGS, (nip(1), "Satu", "Lurah", "IV.a"))

    async def send(**sent: Any) -> tuple[int, str]:  # noqa: ANN401 - what a client sends
        return slug(await node.ask("POST", path, "nominator", claims=NOMINATOR, **sent))

    assert (415, "unsupported-media-type") == await send(
        content=b"x", headers={"content-type": "text/plain"}
    )
    assert (400, "malformed-json") == await send(
        content=b"{", headers={"content-type": "application/json"}
    )
    assert (422, "invalid-request") == await send(json={"agency": MALANG, "rows": [], "extra": 1})
    assert (422, "invalid-request") == await send(json={"agency": "Malang", "rows": [row(1)]})
    assert (422, "bad-agency") == await send(
        data={"agency": "Malang"}, files={"file": ("a.xlsx", good)}
    )
    assert (422, "file-missing") == await send(
        files={"agency": (None, MALANG), "file": (None, "no file")}
    )
    assert (422, "not-a-workbook") == await send(
        data={"agency": MALANG}, files={"file": ("a.xlsx", b"nothing")}
    )
    assert (403, "out-of-scope") == await send(json={"agency": "35.72", "rows": [row(1)]})


async def test_bodies_must_name_what_the_path_names(node: Served) -> None:
    """A body under another path is refused."""
    other = await node.ask("PUT", "/programmes/DUA/1", json=changed(COURSE, code="TIGA"))
    wrong = await node.ask("PUT", "/cohorts/dua-i", json=cohort_body(id="dua-ii"))

    assert (422, "path-and-body-differ") == slug(other)
    assert (422, "path-and-body-differ") == slug(wrong)


async def test_programmes_and_cohorts_are_listed_and_shown(node: Served) -> None:
    """Anybody of the node may read them."""
    await begin(node)

    programmes = await node.ask("GET", "/programmes", "learner")
    programme = await node.ask("GET", "/programmes/DUA/1", "learner")
    cohorts = await node.ask("GET", "/cohorts?limit=1", "learner")
    cohort = await node.ask("GET", "/cohorts/dua-i", "learner")

    assert [programme.json()] == programmes.json()["items"]
    assert [cohort.json()] == cohorts.json()["items"]
    assert 50 == programme.json()["jp"]
    assert (404, "unknown-cohorts") == slug(await node.ask("GET", "/cohorts/none"))


async def test_new_dates_reach_the_enrolled(node: Served) -> None:
    """A new calendar raises its version, and enrolments know it."""
    await begin(node)
    await nominate(node, row(1))

    put = await node.ask(
        "PUT", "/cohorts/dua-i/calendar", json={"calendar": LATER, "sessions": SESSIONS}
    )

    assert 2 == put.json()["calendar_version"]
    shown = await node.ask(
        "GET", f"/enrolments/{seat(1)}", "learner", claims={"learner_id": person(1)}
    )
    assert 2 == shown.json()["calendar_version"]


async def test_a_closed_line_takes_nobody(node: Served) -> None:
    """Whoever waited is sent home."""
    await begin(node, seats=1)
    await nominate(node, row(1), row(2))

    closed = await node.ask("POST", "/cohorts/dua-i/line/closing")
    judged = await nominate(node, row(3))

    assert (0, True) == (closed.json()["waiting"], closed.json()["line_closed"])
    assert ["no-seat"] == judged["rows"][0]["reasons"]


async def test_a_learner_enrols_in_a_lecture(node: Served) -> None:
    """The card must be known; a repeat is the same."""
    await begin(node)
    await nominate(node, row(1))
    await node.ask("PUT", "/programmes/KULIAH/1", json=LECTURE)
    await node.ask("POST", "/programmes/KULIAH/1/publication")
    await node.ask("PUT", "/cohorts/kuliah", json=lecture_body())
    await node.ask("POST", "/cohorts/kuliah/opening")
    path = "/cohorts/kuliah/self-enrolment"

    async def ask(learner: str | None) -> Any:  # noqa: ANN401 - an HTTP answer
        return await node.ask("POST", path, "learner", claims={"learner_id": learner})

    first, again = await ask(person(1)), await ask(person(1))

    assert (200, "enrolled") == (first.status_code, first.json()["status"])
    assert first.json() == again.json()
    assert (404, "unknown-learner") == slug(await ask(person(9)))
    assert (403, "no-learner") == slug(await ask(None))


async def test_a_sitting_decides_over_http(node: Served) -> None:
    """A decision that cannot stand refuses the whole sitting."""
    await begin(node)
    await nominate(node, row(1), row(2))
    body = {
        "decided_on": "2024-07-12",
        "minutes": "BA/1",
        "signatory": {"name": "Kepala", "position": "Kepala BPSDM"},
        "decisions": [{"enrolment_id": seat(1), "outcome": "left"}],
    }

    taken = await node.ask("POST", "/cohorts/dua-i/graduation", json=body)
    body["decisions"] = [
        {"enrolment_id": seat(1), "outcome": "graduated"},
        {"enrolment_id": seat(2), "outcome": "not_graduated"},
    ]
    refused = await node.ask("POST", "/cohorts/dua-i/graduation", json=body)

    assert {"decided": 1, "by_outcome": {"left": 1}} == taken.json()
    assert (422, "decisions-refused") == slug(refused)
    assert [{"enrolment_id": seat(1), "reason": "not-completed"}] == refused.json()["decisions"]


async def test_a_roster_is_exported_and_templates_are_given(node: Served) -> None:
    """Workbooks open, and an agency finds only its own people."""
    await begin(node)
    await nominate(node, row(1), row(2))

    own = await node.ask("GET", "/cohorts/dua-i/roster.xlsx", "nominator", claims=NOMINATOR)
    other = await node.ask(
        "GET", "/cohorts/dua-i/roster.xlsx", "nominator", claims={"agency": "35.72"}
    )

    def text(content: bytes) -> str:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return str(book.get_sheet_by_index(0).to_python())

    assert nip(1) in text(own.content)
    assert nip(1) not in text(other.content)
    for name in ("nominations", "staff"):
        template = await node.ask("GET", f"/templates/{name}.xlsx", "nominator", claims=NOMINATOR)
        assert "NIP" in text(template.content)


async def test_a_whole_staff_is_imported_or_nothing_of_it(node: Served) -> None:
    """Joins, changes and departures are counted; a wrong row refuses the file."""
    path = f"/agencies/{MALANG}/staff"

    async def send(content: bytes) -> Any:  # noqa: ANN401 - an HTTP answer
        return await node.ask(
            "POST", path, "nominator", claims=NOMINATOR, files={"file": ("s.xlsx", content)}
        )

    first = await send(workbook(HEADINGS, (nip(1), "A", "x", "IV.a"), (nip(2), "B", "x", "IV.a")))
    wrong = await send(workbook(HEADINGS, (nip(3), "C", "x", "IV.a"), ("12", "D", "x", "IV.a")))
    second = await send(workbook(HEADINGS, (nip(1), "A", "y", "IV.a"), (nip(3), "C", "x", "IV.a")))

    counts = {"agency": MALANG, "rows": 2, "moved": 0, "unchanged": 0}
    assert {**counts, "joined": 2, "changed": 0, "left": 0} == first.json()
    assert (422, "rows-refused") == slug(wrong)
    assert [{"row": 3, "reasons": ["malformed-nip"]}] == wrong.json()["rows"]
    assert {**counts, "joined": 1, "changed": 1, "left": 1} == second.json()
    staff = await node.ask("GET", path, "nominator", claims=NOMINATOR)
    assert {"A", "C"} == {each["name"] for each in staff.json()["items"]}
    foreign = await node.ask(
        "POST", "/agencies/35.72/staff", "nominator", claims=NOMINATOR,
        files={"file": ("s.xlsx", workbook(HEADINGS, (nip(1), "A", "x", "IV.a")))},
    )  # fmt: skip
    assert (403, "out-of-scope") == slug(foreign)
    plain = await node.ask("POST", path, "nominator", claims=NOMINATOR, content=b"x")
    assert (415, "unsupported-media-type") == slug(plain)


async def test_a_person_is_not_taken_from_another_agency_by_listing_them(node: Served) -> None:
    """An officer is refused until that one has let them go; an organiser of the node moves people."""
    claims = {"malang": NOMINATOR, "blitar": {"agency": "35.72"}}

    async def send(agency: str, *serials: int, role: str = "nominator") -> Any:  # noqa: ANN401 - an HTTP answer
        book = workbook(HEADINGS, *((nip(each), f"P{each}", "x", "IV.a") for each in serials))
        by, code = (
            ({}, agency) if role == "organiser" else (claims[agency], claims[agency]["agency"])
        )
        return await node.ask(
            "POST", f"/agencies/{code}/staff", role, claims=by, files={"file": ("s.xlsx", book)}
        )

    await send("malang", 1, 2)
    refused = await send("blitar", 3, 1)
    others = await node.ask("GET", "/agencies/35.72/staff", "nominator", claims=claims["blitar"])
    await send("malang", 2)
    joined, again = await send("blitar", 3, 1), await send("blitar", 3, 1)
    moved = await send("35.73/dinkes", 3, role="organiser")
    kept = await send("blitar", 1, 3)

    assert (422, "rows-refused") == slug(refused) == slug(kept)
    assert [{"row": 3, "reasons": ["of-another-agency"]}] == refused.json()["rows"]
    assert [] == others.json()["items"]
    assert [(2, 0), (0, 2)] == [
        (each.json()["joined"], each.json()["unchanged"]) for each in (joined, again)
    ]
    assert (1, 0) == (moved.json()["moved"], moved.json()["joined"])


async def test_learners_are_shown_to_themselves_and_their_agency(node: Served) -> None:
    """Others find nothing."""
    await begin(node)
    await nominate(node, row(1))

    me = await node.ask("GET", "/learners/me", "learner", claims={"learner_id": person(1)})
    theirs = await node.ask("GET", f"/learners/{person(1)}", "nominator", claims=NOMINATOR)
    other = await node.ask("GET", f"/learners/{person(1)}", "learner", claims={"learner_id": "x"})

    assert nip(1) == me.json()["nip"]
    assert me.json() == theirs.json()
    assert (404, "unknown-learners") == slug(other)


async def test_a_new_number_keeps_the_person(node: Served) -> None:
    """Both ids are linked, and the old number rests."""
    await begin(node)
    await nominate(node, row(1))
    path = f"/learners/{person(1)}/number"
    new = "199009132023211001"

    impossible = await node.ask("POST", path, json={"nip": "12", "since": "2024-06-01"})
    unnamed = await node.ask("GET", "/learners/nobody")
    assert (404, "unknown-learners") == slug(unnamed)
    moved = await node.ask("POST", path, json={"nip": new, "since": "2024-06-01"})
    again = await node.ask("POST", path, json={"nip": new, "since": "2024-06-01"})
    old = await node.ask("GET", f"/learners/{person(1)}")

    assert (422, "malformed-nip") == slug(impossible)
    assert (new, [nip(1)], [person(1)]) == (
        moved.json()["nip"], moved.json()["former_nips"], moved.json()["linked"],
    )  # fmt: skip
    assert moved.json() == again.json()
    assert (False, learner_id(new, KEY)) == (old.json()["active"], old.json()["replaced_by"])


async def test_a_missing_pseudonym_key_is_waited_for(node: Served, tmp_path: Path) -> None:
    """Nobody is identified by another key than the federation's."""
    (tmp_path / "pseudonym.hex").unlink()
    await begin(node)

    sent = await node.ask(
        "POST", "/cohorts/dua-i/rosters", json={"agency": MALANG, "rows": [row(1)]}
    )

    assert (503, "unavailable") == slug(sent)
    assert (503, "key-lacking") == slug(await node.client.get("/readyz"))


async def test_a_row_that_was_not_endorsed_takes_no_seat(node: Served) -> None:
    """The letter names the rows; another letter comes too late."""
    await begin(node)
    sent = await node.ask(
        "POST", "/cohorts/dua-i/rosters", json={"agency": MALANG, "rows": [row(1), row(2)]}
    )
    path = f"/rosters/{sent.json()['id']}/endorsement"
    letter = {"letter_number": "800/1", "letter_date": "2024-02-01", "rows": [2, 2]}

    judged = await node.ask("POST", path, "endorser", claims=NOMINATOR, json=letter)
    again = await node.ask("POST", path, "endorser", claims=NOMINATOR, json=letter)
    late = await node.ask(
        "POST", path, "endorser", claims=NOMINATOR, json={**letter, "letter_number": "800/2"}
    )

    assert [["not-endorsed"], []] == [each["reasons"] for each in judged.json()["rows"]]
    assert judged.json() == again.json()
    assert (409, "already-endorsed") == slug(late)
    assert seat(2) == enrolment_id(person(2), "dua-i", "35")
    assert DATES != LATER
