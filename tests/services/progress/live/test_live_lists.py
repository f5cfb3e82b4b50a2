"""What people hand in and claim: judged row by row, added once, and evidence in the end."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.progress.domain.live import HandedIn
from services.progress.handlers.claims import hand_in
from tests.support.live import ANI, BUDI, SESSION, Hall, first, hall, hour, learner, lecture_plan
from tests.support.progress import MALANG, enrolled, erased, recorded

_ANI, _BUDI, _CITRA = learner(ANI), learner(BUDI), learner("198501012010012003")
_CITRAS = "198501012010012003"


@pytest.fixture
async def lecture(tmp_path: Path) -> AsyncIterator[Hall]:
    """Give a node whose lecture has begun, with the cohort's two enrolled learners."""
    async with hall(tmp_path) as served:
        await served.node.hear(enrolled(_ANI, lecture_plan()), enrolled(_BUDI, lecture_plan()))
        await served.node.hear(recorded(_ANI), recorded(_BUDI, agency="35.72"))
        await served.begin()
        yield served


def _type(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:corpu:problem:")


async def _send(lecture: Hall, *files: tuple[str, str], **claims: object) -> httpx2.Response:
    return await lecture.node.client.post(
        f"/live/sessions/{SESSION}/reports",
        files={name: ("report.csv", text.encode(), "text/csv") for name, text in files},
        headers=lecture.node.issuer.bearer("organiser", **claims),
    )


_REPORT = (
    "Name (Original Name),User Email,Join Time,Leave Time\n"
    f'"{ANI} Ani, S.Kom",,07/20/2024 09:00:00 AM,07/20/2024 09:20:00 AM\n'
    f'"{ANI} Ani, S.Kom",,07/20/2024 09:30:00 AM,07/20/2024 09:50:00 AM\n'
    "Budi,budi@malang.test,07/20/2024 09:00:00 AM,07/20/2024 09:10:00 AM\n"
    f"{_CITRAS},,07/20/2024 09:00:00 AM,07/20/2024 09:10:00 AM\n"
    "iPhone,,07/20/2024 09:00:00 AM,07/20/2024 09:10:00 AM\n"
)
_REGISTRATIONS = f"Email,NIP\nbudi@malang.test,{BUDI}\n"


async def test_a_meetings_report_is_evidence_like_any_other(lecture: Hall) -> None:
    """Each row has its verdict; the same file again is all repeated."""
    files = ("file", _REPORT), ("registrations", _REGISTRATIONS)
    sent = (await _send(lecture, *files)).json()
    again = (await _send(lecture, *files)).json()
    await lecture.end()

    assert [
        (2, "accepted", None), (3, "accepted", None), (4, "accepted", None),
        (5, "refused", "not-enrolled"), (6, "refused", "no-nip"),
    ] == [(each["row"], each["status"], each["reason"]) for each in sent["rows"]]  # fmt: skip
    assert (3, 0, 2) == (sent["accepted"], sent["repeated"], sent["refused"])
    assert (0, 3, 2) == (again["accepted"], again["repeated"], again["refused"])
    assert [1.0] == [value for value, _ in await lecture.evidence(_ANI)]
    assert [0.0] == [value for value, _ in await lecture.evidence(_BUDI)]
    kept = lecture.node.engine.stores["progress"].snapshot()
    assert ["import"] == kept["attendance"][f"{SESSION}/{_ANI}"]["sources"]
    assert ANI not in repr({name: each for name, each in kept.items() if name != "cards"})


async def test_a_report_after_the_closing_is_judged_again(lecture: Hall) -> None:
    """It is new evidence, of the session's own day."""
    await lecture.end()
    await _send(lecture, ("file", _REPORT))
    await lecture.judged()

    assert [0.0, 1.0] == [value for value, _ in await lecture.evidence(_ANI)]
    assert hour(60) == (await lecture.record(_ANI)).completed[0]


async def test_a_file_that_is_no_report_changes_nothing(lecture: Hall) -> None:
    """Nor one from who does not run the session, nor one before it began."""
    assert (422, "missing-columns") == _type(await _send(lecture, ("file", "a,b\n1,2\n")))
    assert (403, "out-of-scope") == _type(await _send(lecture, ("file", _REPORT), agency=MALANG))
    assert {} == lecture.node.engine.stores["progress"].snapshot().get("handed_in", {})


async def test_what_was_kept_before_a_crash_is_added_after_it(lecture: Hall) -> None:
    """A list is kept whole first, and whoever finds it not added adds it."""
    about = HandedIn("", SESSION, "import", "", "organiser", hour(1))
    works = lecture.node.parts.works
    await works.run(lambda work: hand_in(about, {_ANI: first(40)}, work))
    await lecture.end()
    await lecture.judged()

    assert [1.0] == [value for value, _ in (await lecture.evidence(_ANI))[-1:]]


def _visit(nip: str, begins: float, ends: float) -> dict[str, str]:
    return {"nip": nip, "in": hour(begins).isoformat(), "out": hour(ends).isoformat()}


async def _visits(lecture: Hall, *items: object, **said: Any) -> httpx2.Response:  # noqa: ANN401 - any JSON
    agency = said.pop("agency", None)
    told = {"site": "aula-malang", "items": list(items), **said}
    return await lecture.do("site", told, "organiser", **({"agency": agency} if agency else {}))


async def test_a_site_tells_later_who_watched_together(lecture: Hall) -> None:
    """In batches, each row with its verdict, sent again after the closing without a change."""
    lecture.node.clock.instant = hour(40)
    rows = (
        await _visits(
            lecture,
            _visit(ANI, 0, 35),
            _visit("17", 0, 35),
            _visit(ANI, 35, 0),
            _visit(_CITRAS, 0, 35),
            _visit(ANI, 30, 50),
            _visit(ANI, -60, -1),
            {"nip": ANI},
        )
    ).json()
    await lecture.end()
    lecture.node.clock.instant = hour(24 * 60)
    again = (await _visits(lecture, _visit(ANI, 0, 35), _visit(BUDI, 0, 35))).json()
    await lecture.judged()

    assert [
        ("accepted", None), ("refused", "malformed-nip"), ("refused", "out-before-in"),
        ("refused", "not-enrolled"), ("refused", "from-the-future"), ("refused", "outside-session"),
        ("refused", "invalid"),
    ] == [(each["status"], each["reason"]) for each in rows["rows"]]  # fmt: skip
    assert ["repeated", "accepted"] == [each["status"] for each in again["rows"]]
    assert [1.0] == [value for value, _ in await lecture.evidence(_ANI)]
    assert [0.0, 1.0] == [value for value, _ in await lecture.evidence(_BUDI)]


async def test_a_devices_clock_is_put_right(lecture: Hall) -> None:
    """What it says of now tells by how much its other times are off."""
    lecture.node.clock.instant = hour(50)
    sent = await _visits(lecture, _visit(ANI, 60, 100), sent_at=hour(110).isoformat())

    assert [("accepted", 40)] == [(each["status"], each["minutes"]) for each in sent.json()["rows"]]
    kept = lecture.node.engine.stores["progress"].snapshot()["attendance"]
    assert {"0": first(40)} == kept[f"{SESSION}/{_ANI}"]["live"]


async def test_an_agency_tells_of_its_own_people_only(lecture: Hall) -> None:
    """Although it does not run the session."""
    lecture.node.clock.instant = hour(50)
    sent = await _visits(lecture, _visit(ANI, 0, 40), _visit(BUDI, 0, 40), agency=MALANG)

    assert [("accepted", None), ("refused", "not-your-people")] == [
        (each["status"], each["reason"]) for each in sent.json()["rows"]
    ]
    kept = lecture.node.engine.stores["progress"].snapshot()["handed_in"].values()
    assert [(MALANG, "site:aula-malang", True)] == [
        (each["owner"], each["source"], each["added"]) for each in kept
    ]


async def test_a_lecture_for_the_node_takes_whom_it_knows(tmp_path: Path) -> None:
    """Enrolled or not; strangers are refused as such."""
    async with hall(tmp_path) as lecture:
        await lecture.node.hear(recorded(_ANI))
        await lecture.schedule(audience="node")
        early = await _visits(lecture, _visit(ANI, 0, 40))
        await lecture.do("start")
        lecture.node.clock.instant = hour(50)
        sent = (await _visits(lecture, _visit(ANI, 0, 40), _visit(BUDI, 0, 40))).json()

        assert (409, "not-live") == _type(early)
        assert ["accepted", "refused"] == [each["status"] for each in sent["rows"]]
        assert "unknown-learner" == sent["rows"][1]["reason"]


async def test_without_the_key_of_pseudonyms_nobody_can_be_named(
    lecture: Hall, tmp_path: Path
) -> None:
    """It is waited for, and nothing is kept."""
    (tmp_path / "pseudonym.hex").unlink()
    sent = await _visits(lecture, _visit(ANI, 0, 1))
    ready = await lecture.node.client.get("/readyz")

    assert 503 == sent.status_code == ready.status_code
    assert ready.json()["detail"].startswith(f"CORPU_PSEUDONYM_KEY_FILE: {tmp_path}/pseudonym.hex")
    assert {} == lecture.node.engine.stores["progress"].snapshot().get("handed_in", {})


async def _claim(lecture: Hall, who: str = _ANI, **said: object) -> httpx2.Response:
    told = {"from_minute": 20, "to_minute": 39, "reason": "padam listrik", **said}
    return await lecture.do("claims", told, "learner", learner_id=who)


async def test_a_claim_that_is_accepted_is_new_evidence(lecture: Hall) -> None:
    """The learner gives a reason, an organiser decides, and every step is kept."""
    await lecture.watch([_ANI], first(20))
    early = await _claim(lecture)
    await lecture.end()
    made, again = await _claim(lecture), await _claim(lecture)
    path = f"/live/claims/{made.json()['id']}/decision"
    decided = await lecture.node.post(path, {"decision": "accepted", "to_minute": 29})
    other = await lecture.node.post(path, {"decision": "refused"})
    await lecture.judged()
    kept = lecture.node.engine.stores["progress"].snapshot()

    assert (409, "not-over") == _type(early)
    assert (201, made.json()) == (again.status_code, again.json())
    assert ("accepted", 10) == (decided.json()["state"], decided.json()["accepted_minutes"])
    assert ["claimed", "accepted"] == [each["what"] for each in decided.json()["steps"]]
    assert (409, "already-decided") == _type(other)
    assert [0.0, 1.0] == [value for value, _ in await lecture.evidence(_ANI)]
    assert {"live", "appeal"} == {*kept["attendance"][f"{SESSION}/{_ANI}"]["sources"]}


async def test_a_refused_claim_changes_nothing(lecture: Hall) -> None:
    """But it is kept, with the reason."""
    await lecture.end()
    made = (await _claim(lecture)).json()
    said = {"decision": "refused", "reason": "tidak ada bukti"}
    decided = (await lecture.node.post(f"/live/claims/{made['id']}/decision", said)).json()
    await lecture.judged()

    assert ("refused", 0, "tidak ada bukti") == (
        decided["state"], decided["accepted_minutes"], decided["steps"][1]["reason"],
    )  # fmt: skip
    assert [0.0] == [value for value, _ in await lecture.evidence(_ANI)]


async def test_claims_are_seen_by_who_made_and_who_decides_them(lecture: Hall) -> None:
    """A learner sees their own, and no organiser of elsewhere decides."""
    await lecture.end()
    made = (await _claim(lecture)).json()
    path = f"/live/sessions/{SESSION}/claims"
    seen = [
        (await lecture.node.get(path, *roles, **claims)).json()["items"]
        for roles, claims in (
            (("organiser",), {}),
            (("learner",), {"learner_id": _ANI}),
            (("learner",), {"learner_id": _BUDI}),
            (("organiser",), {"agency": MALANG}),
        )
    ]
    open_ones = (await lecture.node.get(f"{path}?state=open")).json()["items"]
    said = {"decision": "accepted"}
    theirs = await lecture.node.post(f"/live/claims/{made['id']}/decision", said, agency=MALANG)

    assert [[made], [made], [], []] == seen
    assert [made] == open_ones
    assert (404, "unknown-claims") == _type(theirs)


@pytest.mark.parametrize(
    ("said", "slug"),
    [
        ({"from_minute": 60, "to_minute": 70}, "outside-session"),
        ({"from_minute": 30, "to_minute": 20}, "invalid-request"),
        ({"reason": ""}, "invalid-request"),
    ],
)
async def test_a_claim_of_no_minutes_is_refused(
    lecture: Hall, said: dict[str, Any], slug: str
) -> None:
    """And so is one without a reason."""
    await lecture.end()

    assert (422, slug) == _type(await _claim(lecture, **said))


async def test_an_erased_learners_reasons_are_forgotten(lecture: Hall) -> None:
    """The claim and its decision stay."""
    await lecture.end()
    await _claim(lecture)
    await lecture.node.hear(erased(_ANI, 200))
    kept = lecture.node.engine.stores["progress"].snapshot()["claims"].values()

    assert [("open", "")] == [(each["state"], each["steps"][0]["reason"]) for each in kept]
