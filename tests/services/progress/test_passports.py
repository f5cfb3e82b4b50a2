"""Passports and recaps over HTTP: whose they are, what counts, and the people who have 0."""

from datetime import date
from io import BytesIO
from typing import Any

import pytest
import python_calamine

from tests.support.progress import (
    BUDI,
    COHORT,
    MALANG,
    SITI,
    certified,
    enrolled,
    item,
    linked,
    recorded,
    whole_story,
)
from tests.support.served_progress import ServedProgress, served

_OLD, _OLDEST = "d" * 32, "e" * 32


def _rows(content: bytes) -> list[list[Any]]:
    book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(content))
    return book.get_sheet_by_index(0).to_python()


async def test_linked_numbers_are_one_person() -> None:
    """Passports under former numbers are read as one, from either, and a programme counts once."""
    async with served() as node:
        await node.hear(
            *(recorded(each) for each in (SITI, _OLD, _OLDEST)),
            certified(SITI, "a"),
            certified(_OLD, "b", node="62", issued_on=date(2023, 5, 1), jp=50),
            certified(_OLDEST, "c", code="MOOC", issued_on=date(2022, 5, 1), jp=5),
            linked(SITI, _OLD),
            linked(_OLDEST, _OLD),
        )
        mine = (await node.get("/learners/me/passport", "learner", learner_id=SITI)).json()
        from_old = (await node.get(f"/learners/{_OLD}/passport")).json()

        assert {_OLD, _OLDEST} == set(mine["linked"])
        assert 55 == mine["jp"] == from_old["jp"]
        assert [("MOOC", 2022, 5), ("PKA", 2023, 50), ("PKA", None, 0)] == [
            (each["programme"]["code"], each["year"], each["counted_jp"])
            for each in mine["entries"]
        ]
        assert ["35", "62", "35"] == [each["source"]["node"] for each in mine["entries"]]
        assert [2022, 2023, 2024] == [each["year"] for each in mine["years"]]


async def test_a_passport_is_seen_by_the_learner_the_agency_and_the_node() -> None:
    """A person who has moved is seen by the new agency, no longer by the former one."""
    async with served() as node:
        await node.hear(enrolled(), recorded(agency="35.72", version=2))
        path = f"/learners/{SITI}/passport"
        seen = [
            (await node.get(path, "learner", learner_id=SITI)).status_code,
            (await node.get(path, "learner", learner_id=BUDI)).status_code,
            (await node.get(path, "nominator", agency="35.72")).status_code,
            (await node.get(path, "nominator", agency=MALANG)).status_code,
            (await node.get(path, "auditor")).status_code,
            (await node.get(path, "mentor", learner_id=SITI)).status_code,
        ]

        assert [200, 404, 200, 404, 200, 403] == seen


async def test_a_learner_without_card_or_training_has_an_empty_passport() -> None:
    """Nothing learned yet is a record too; a token that names no learner has none."""
    async with served() as node:
        own = (await node.get("/learners/me/passport", "learner", learner_id=SITI)).json()
        nobody = await node.get("/learners/me/passport", "learner")
        other = await node.get(f"/learners/{BUDI}/passport", "learner", learner_id=SITI)

        assert ([], 0, [{"year": 2024, "jp": 0, "target": 20, "reached": False}]) == (
            own["entries"],
            own["jp"],
            own["years"],
        )
        assert [404, 404] == [nobody.status_code, other.status_code]


async def _staff(node: ServedProgress) -> None:
    await node.hear(
        recorded(SITI, name="=HYPERLINK(1)"),
        recorded(BUDI, name="Budi"),
        recorded("f" * 32, name="Pensiun", active=False),
        recorded("9" * 32, name="Tetangga", agency="35.72"),
        certified(SITI),
        certified(BUDI, "x", issued_on=date(2023, 5, 1), jp=6),
    )


async def test_the_recap_tells_everybody_the_zeros_too() -> None:
    """Active people of the agency, in pages, with what counts in the year."""
    async with served() as node:
        await _staff(node)
        first = (await node.get(f"/agencies/{MALANG}/jp?year=2024&limit=1")).json()
        path = f"/agencies/{MALANG}/jp?year=2024&limit=1&after={first['next']}"
        last = (await node.get(path)).json()
        summary = (await node.get(f"/agencies/{MALANG}/jp/summary?year=2024")).json()
        present = (await node.get(f"/agencies/{MALANG}/jp/summary")).json()

        assert [("=HYPERLINK(1)", 60), ("Budi", 0)] == [
            (each["name"], each["jp"]) for each in [*first["items"], *last["items"]]
        ]
        assert last["next"] is None
        wanted = {"people": 2, "with_none": 1, "reached": 1, "jp": 60}
        assert {"agency": MALANG, "year": 2024, **wanted} == summary == present


async def test_the_recap_is_for_the_agency_itself() -> None:
    """Another agency's nominator sees nobody."""
    async with served() as node:
        await _staff(node)
        own = await node.get(f"/agencies/{MALANG}/jp?year=2024", "nominator", agency=MALANG)
        other = await node.get(f"/agencies/{MALANG}/jp?year=2024", "nominator", agency="35.72")
        wrong = await node.get("/agencies/malang/jp?year=2024")

        assert (2, 0) == (len(own.json()["items"]), len(other.json()["items"]))
        assert 422 == wrong.status_code


@pytest.mark.parametrize(("language", "reached"), [("id", ["ya", "belum"]), ("en", ["yes", "no"])])
async def test_the_recap_is_exported_with_names_as_text(language: str, reached: list[str]) -> None:
    """A name that looks like a formula stays a name, and a number keeps its digits."""
    async with served() as node:
        await _staff(node)
        answer = await node.get(f"/agencies/{MALANG}/jp.xlsx?year=2024&language={language}")
        rows = _rows(answer.content)

        assert ["=HYPERLINK(1)", "Budi"] == [row[2] for row in rows[1:]]
        assert [60, 0] == [row[4] for row in rows[1:]]
        assert "198001012006041001" == rows[1][1]
        assert reached == [row[6] for row in rows[1:]]
        assert 'filename="jp-35-73-2024.xlsx"' in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("language", "status", "phase"),
    [("id", "selesai", "Tahap 1"), ("en", "completed", "Phase 1")],
)
async def test_a_cohort_is_exported_with_the_days_of_its_phases(
    language: str, status: str, phase: str
) -> None:
    """One row for each learner, in order of names."""
    async with served() as node:
        await node.hear(enrolled(SITI), enrolled(BUDI), recorded(SITI), recorded(BUDI, name="Budi"))
        await node.send([item(piece, enrolled(SITI).enrolment_id) for piece in whole_story()])
        answer = await node.get(f"/cohorts/{COHORT}/progress.xlsx?language={language}")
        rows = _rows(answer.content)

        assert ["Budi", "Siti Aminah"] == [row[1] for row in rows[1:]]
        assert status == rows[2][3]
        assert phase == rows[1][7]
        assert date(2024, 3, 4) == rows[2][10]
        assert 13 == len(rows[0])


async def test_an_empty_cohort_is_exported_as_headings() -> None:
    """Nothing to tell is no error."""
    async with served() as node:
        answer = await node.get("/cohorts/none/progress.xlsx")

        assert 1 == len(_rows(answer.content))
