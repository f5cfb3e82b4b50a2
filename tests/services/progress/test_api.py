"""The HTTP door: what is taken, shown and refused, and by whom."""

from typing import Any

import pytest

from services.progress.domain.evidence import Evidence
from tests.support.progress import (
    BUDI,
    COHORT,
    MALANG,
    SITI,
    attended,
    enrolled,
    evidence,
    item,
    recorded,
    whole_story,
    withdrawn,
)
from tests.support.served_progress import ServedProgress, served

_SITIS, _BUDIS = enrolled(SITI).enrolment_id, enrolled(BUDI).enrolment_id
_COACH = "c" * 32
_DESIGN = evidence("document", "design", 1, by="coach")
_BACK = evidence("document", "design", 1, 0, by="coach")


def _without(said: dict[str, Any], *names: str, **more: object) -> dict[str, Any]:
    return {name: part for name, part in said.items() if name not in names} | more


async def _one(node: ServedProgress, said: dict[str, Any]) -> tuple[int, str]:
    answer = await node.post(f"/enrolments/{_SITIS}/evidence", said)
    body = answer.json()
    return answer.status_code, body["status"] if answer.is_success else body["type"]


async def test_one_piece_of_evidence_is_accepted_and_then_repeated() -> None:
    """The same piece again says so; the enrolment need not be named twice."""
    async with served() as node:
        await node.hear(enrolled())
        said = item(whole_story()[0], _SITIS)

        assert (200, "accepted") == await _one(node, said)
        assert (200, "repeated") == await _one(node, _without(said, "enrolment_id"))
        assert (422, "urn:corpu:problem:invalid") == await _one(
            node, _without(said, enrolment_id=_BUDIS)
        )


@pytest.mark.parametrize(
    ("piece", "status", "slug"),
    [
        (evidence("completed", "mooc-1", 5000), 422, "from-the-future"),
        (evidence("completed", "nothing", 1), 422, "unknown-activity"),
        (evidence("document", "nothing", 1, by="coach"), 422, "unknown-document"),
        (attended(99, 1), 422, "unknown-session"),
        (evidence("score", "seminar", 1, 70), 422, "wrong-role"),
    ],
)
async def test_one_refused_piece_is_a_problem_with_its_reason(
    piece: Evidence, status: int, slug: str
) -> None:
    """The type of the problem is the reason."""
    async with served() as node:
        await node.hear(enrolled())

        assert (status, f"urn:corpu:problem:{slug}") == await _one(node, item(piece, _SITIS))


async def test_evidence_for_nobody_or_for_who_has_left_is_refused() -> None:
    """The one is not found, the other in conflict."""
    async with served() as node:
        said = item(whole_story()[0], _SITIS)
        nobody = await _one(node, said)
        await node.hear(enrolled(), withdrawn())

        assert (404, "urn:corpu:problem:unknown-enrolment") == nobody
        assert (409, "urn:corpu:problem:withdrawn") == await _one(node, said)


_GOOD = item(evidence("score", "mooc-test", 1, 80), _SITIS)
_BAD: tuple[object, ...] = (
    7,
    "text",
    None,
    {},
    _without(_GOOD, "score"),
    _without(_GOOD, "activity"),
    _without(_GOOD, "enrolment_id"),
    _without(_GOOD, "source"),
    _without(_GOOD, document="design"),
    _without(_GOOD, kind="praised"),
    _without(_GOOD, score=101),
    _without(_GOOD, score=True),
    _without(_GOOD, score="80"),
    _without(_GOOD, at="2024-03-02T03:00:00"),
    _without(_GOOD, at="0001-01-01T00:00:00+14:00"),
    _without(_GOOD, at="9999-12-31T23:59:59-11:00"),
    _without(_GOOD, at=1709348400),
    _without(_GOOD, at="yesterday"),
    _without(_GOOD, activity="Ünknown activity"),
    _without(_GOOD, surprise=1),
    _without(_GOOD, by="learner"),
    _without(_GOOD, source="\ud800"),
    _without(item(attended(1, 1), _SITIS), "session"),
    _without(item(attended(1, 1), _SITIS), present="yes"),
)


async def test_broken_items_in_bulk_keep_no_other_out() -> None:
    """Each item is judged for itself, in the order given."""
    async with served() as node:
        await node.hear(enrolled())
        items: list[Any] = [*_BAD, _GOOD, _GOOD]
        answer = await node.send(items)

        assert (1, 1, len(_BAD)) == (answer["accepted"], answer["repeated"], answer["refused"])
        assert ["invalid"] * len(_BAD) + [None, None] == [
            each["reason"] for each in answer["results"]
        ]
        assert list(range(len(items))) == [each["index"] for each in answer["results"]]


@pytest.mark.parametrize("body", [{}, {"items": 1}, {"items": [], "x": 1}, {"items": [{}] * 5001}])
async def test_a_bulk_that_is_none_is_refused_whole(body: object) -> None:
    """At most 5,000 items, and nothing beside them."""
    async with served() as node:
        assert 422 == (await node.post("/evidence", body)).status_code


async def test_many_records_are_taken_in_slices() -> None:
    """More records than one write holds are all taken, and each result stands at its index."""
    async with served() as node:
        learners = [f"{number:032x}" for number in range(250)]
        late = [item(piece, _SITIS) for piece in whole_story()[1:]] * 50
        await node.hear(*(enrolled(learner) for learner in learners))
        items = [
            item(whole_story()[0], enrolled(learner).enrolment_id) for learner in reversed(learners)
        ]
        answer = await node.send([*items, item(whole_story()[0], "nobody"), *late])

        assert (250, 401) == (answer["accepted"], answer["refused"])
        assert "unknown-enrolment" == answer["results"][250]["reason"]


async def test_companions_give_evidence_for_whom_they_accompany_only() -> None:
    """An assigned coach approves; to any other the record does not exist."""
    async with served() as node:
        await node.hear(enrolled(SITI), enrolled(BUDI))
        people = {"items": [{"enrolment_id": _SITIS, "coach": _COACH}]}
        assigned = await node.put(f"/cohorts/{COHORT}/companions", people)
        said = {"items": [item(_DESIGN, each) for each in (_SITIS, _BUDIS)]}
        answer = (await node.post("/evidence", said, "coach", learner_id=_COACH)).json()
        as_examiner = item(evidence("score", "seminar", 1, 70, by="examiner"), _SITIS)
        path = f"/enrolments/{_SITIS}/evidence"
        refused = await node.post(path, as_examiner, "coach", learner_id=_COACH)

        assert {"assigned": 1} == assigned.json()
        assert ["accepted", "refused"] == [each["status"] for each in answer["results"]]
        assert "unknown-enrolment" == answer["results"][1]["reason"]
        assert (403, "urn:corpu:problem:not-assigned") == (
            refused.status_code,
            refused.json()["type"],
        )
        own = await node.get(f"/enrolments/{_SITIS}", "coach", learner_id=_COACH)
        assert _COACH == own.json()["companions"]["coach"]
        other = await node.get(f"/enrolments/{_BUDIS}", "coach", learner_id=_COACH)
        assert 404 == other.status_code


@pytest.mark.parametrize(
    ("items", "status", "slug"),
    [
        ([{"enrolment_id": "nobody"}], 404, "unknown-enrolment"),
        ([{"enrolment_id": _SITIS}, {"enrolment_id": "nobody"}], 404, "unknown-enrolment"),
        ([{"enrolment_id": _SITIS, "mentor": "m", "examiners": ["m"]}], 409, "examiner-is-companion"),
        ([{"enrolment_id": _SITIS, "mentor": SITI}], 409, "own-companion"),
        ([{"enrolment_id": _SITIS}, {"enrolment_id": _SITIS}], 422, "duplicate-in-list"),
        ([{"enrolment_id": _SITIS, "examiners": ["x"] * 11}], 422, "invalid-request"),
    ],
)  # fmt: skip
async def test_companions_that_may_not_be_are_refused(
    items: list[dict[str, Any]], status: int, slug: str
) -> None:
    """Nothing is assigned if one row cannot be."""
    async with served() as node:
        await node.hear(enrolled())
        answer = await node.put(f"/cohorts/{COHORT}/companions", {"items": items})

        assert (status, f"urn:corpu:problem:{slug}") == (answer.status_code, answer.json()["type"])


async def test_a_record_tells_what_is_missing_in_its_phases() -> None:
    """Completed, current and waiting phases, and what was sent back with the reason."""
    async with served() as node:
        await node.hear(enrolled())
        pieces = [*whole_story()[:4], _BACK, evidence("score", "seminar", 2, 90, by="examiner")]
        await node.send([item(piece, _SITIS) for piece in pieces])
        shown = (await node.get(f"/enrolments/{_SITIS}", "learner", learner_id=SITI)).json()
        await node.hear(withdrawn())
        left = (await node.get(f"/enrolments/{_SITIS}")).json()

        assert ["completed", "current", "waiting"] == [each["status"] for each in shown["phases"]]
        assert [] == shown["phases"][0]["missing"]
        assert ["Hadir di 1 dari 5 sesi virtual-class, paling sedikit 80%"] == shown["phases"][1][
            "missing"
        ]
        assert ["design was sent back by the coach and must be revised"] == shown["phases"][2][
            "missing_en"
        ]
        assert [("design", "perbaiki")] == [
            (each["document"], each["reason"]) for each in shown["phases"][2]["sent_back"]
        ]
        assert {"mooc-test": 82.5, "seminar": 90} == shown["scores"]
        assert (20, 60) == (shown["jp"], shown["total_jp"])
        assert ("withdrawn", "waiting") == (left["status"], left["phases"][1]["status"])


async def test_a_record_heard_of_only_by_its_end_is_not_found() -> None:
    """Until the enrolment is heard of, there is nothing to show."""
    async with served() as node:
        await node.hear(withdrawn())

        assert 404 == (await node.get(f"/enrolments/{_SITIS}")).status_code
        table = (await node.get(f"/cohorts/{COHORT}/progress")).json()
        assert {"items": [], "next": None} == table


async def test_evidence_is_listed_in_order_of_time_with_corrections() -> None:
    """Paged; who entered it is told to organisers and auditors."""
    async with served() as node:
        await node.hear(enrolled())
        pieces = [evidence("score", "mooc-test", at, 60 + at) for at in (3, 1, 2)]
        await node.send([item(piece, _SITIS) for piece in pieces])
        path = f"/enrolments/{_SITIS}/evidence"
        first = (await node.get(f"{path}?limit=2")).json()
        last = (await node.get(f"{path}?limit=2&after={first['next']}", "learner",
                               learner_id=SITI)).json()  # fmt: skip
        wrong = await node.get(f"{path}?after=x")

        assert [61, 62] == [each["value"] for each in first["items"]]
        assert ["somebody"] * 2 == [each["entered_by"] for each in first["items"]]
        assert [(63, None)] == [(each["value"], each["entered_by"]) for each in last["items"]]
        assert last["next"] is None
        assert 422 == wrong.status_code


async def test_a_cohort_is_listed_in_pages_with_names() -> None:
    """Whoever sees a record sees the learner's name."""
    async with served() as node:
        await node.hear(enrolled(SITI), enrolled(BUDI), recorded(SITI))
        first = (await node.get(f"/cohorts/{COHORT}/progress?limit=1")).json()
        last = (await node.get(f"/cohorts/{COHORT}/progress?limit=1&after={first['next']}")).json()
        rows = {row["learner_id"]: row for row in [*first["items"], *last["items"]]}

        assert last["next"] is None
        assert ("Siti Aminah", "") == (rows[SITI]["name"], rows[BUDI]["name"])
        assert (0, 3, 1, 60) == (
            rows[SITI]["phases_completed"],
            rows[SITI]["of"],
            rows[SITI]["current"]["number"],
            rows[SITI]["total_jp"],
        )
        assert 3 == len(rows[SITI]["missing"]) == len(rows[SITI]["missing_en"])


async def test_records_are_seen_in_scope_only() -> None:
    """Another agency, another learner and an unassigned mentor see none."""
    async with served() as node:
        await node.hear(enrolled())
        path = f"/enrolments/{_SITIS}"
        seen = [
            (await node.get(path, "nominator", agency=MALANG)).status_code,
            (await node.get(path, "nominator", agency="35.72")).status_code,
            (await node.get(path, "learner", learner_id=SITI)).status_code,
            (await node.get(path, "learner", learner_id=BUDI)).status_code,
            (await node.get(path, "mentor", learner_id=BUDI)).status_code,
            (await node.get(path, "planner")).status_code,
        ]
        table = await node.get(f"/cohorts/{COHORT}/progress", "nominator", agency="35.72")
        given = await node.post(f"{path}/evidence", _GOOD, "learner", learner_id=SITI)

        assert [200, 404, 200, 404, 404, 403] == seen
        assert [] == table.json()["items"]
        assert 403 == given.status_code


async def test_a_repeated_call_with_the_same_key_is_answered_once() -> None:
    """A client that lost our answer gets the same one again."""
    async with served() as node:
        await node.hear(enrolled())
        headers = {**node.issuer.bearer("organiser"), "Idempotency-Key": "k-1"}
        answers = [
            (await node.client.post("/evidence", json={"items": [_GOOD]}, headers=headers)).json()
            for _ in range(2)
        ]

        assert [1, 1] == [answer["accepted"] for answer in answers]


async def test_the_audit_tells_every_passport_and_record_in_pages() -> None:
    """Rows come in id order, and pages join without a gap."""
    async with served() as node:
        await node.hear(enrolled(SITI), enrolled(BUDI), withdrawn(BUDI, "elsewhere"))
        await node.send([item(piece, _SITIS) for piece in whole_story()])
        rows: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None:
            path = f"/operations/audit?limit=2&after={after}"
            answer = (await node.get(path, "auditor")).json()
            rows += answer["items"]
            after = answer["next"]

        assert sorted(row["id"] for row in rows) == [row["id"] for row in rows]
        assert {f"passport/{SITI}", f"passport/{BUDI}", f"record/{_SITIS}", f"record/{_BUDIS}"} < {
            row["id"] for row in rows
        }
        assert 5 == len(rows)
        siti = next(row for row in rows if row["id"] == f"record/{_SITIS}")
        assert ("completed", 3, 3, 60) == (siti["status"], siti["phases"], siti["of"], siti["jp"])
