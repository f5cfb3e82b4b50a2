"""The demo's people, its script, and the whole story on a node in memory."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import cycle, islice
from pathlib import Path

import httpx2
import pytest

from deploy.client import NodeClient
from deploy.demo import evidence
from deploy.demo.cast import cast, workbook
from deploy.demo.evidence import Course, Participant, Sent
from deploy.demo.graduation import graduate, sign_and_print
from deploy.demo.names import Post, people
from deploy.demo.nomination import Nominated
from deploy.demo.run import play, tokens_of
from deploy.demo.stage import Stage
from deploy.demo.totals import Outcome
from deploy.embedded.settings import NodeError, NodeSettings
from services.enrolment.domain.nip import read_nip
from services.enrolment.sheets import read_nominations
from shared.web.identity import ROLES
from tests.support.node import memory_node

SEATS = 8
TODAY = date(2024, 3, 1)
PHASES = [
    {
        "number": 1, "place": "workplace",
        "gate": {"all": [{"completed": ["a", "b"]}, {"score": {"activity": "test", "at_least": 80}}]},
    },
    {
        "number": 2, "place": "campus",
        "gate": {
            "all": [
                {"attendance": {"sessions": "class", "at_least_percent": 85}},
                {"approved": {"document": "design", "by": "coach"}},
                {"score": {"activity": "seminar", "at_least": 70, "by": "examiner"}},
            ]
        },
    },
]  # fmt: skip
PERIODS = {
    1: [(date(2024, 3, 4), date(2024, 3, 8))],
    2: [(date(2024, 4, 8), date(2024, 4, 14)), (date(2024, 5, 1), date(2024, 5, 1))],
}
WHO = Participant("e-1", mentor="m", coach="c", examiner="x", joined=date(2024, 3, 4))


def course() -> Course:
    """Make a course of two phases, the second one with a session on each working day."""
    bare = Course(PHASES, PERIODS, {}, "35")
    return Course(PHASES, PERIODS, evidence.name_sessions(bare), "35")


def of_wave(story: list[Sent], wave: int) -> list[Sent]:
    """Tell what of a story arrives in one wave."""
    return [sent for sent in story if sent.wave == wave]


def test_the_same_seed_makes_the_same_people() -> None:
    """People are synthetic and reproducible, and another seed makes others."""
    posts = [Post("Lurah", "Pengawas", "Dinoyo")]

    once, again = (list(islice(people(5, cycle(posts), agency="35.73"), 50)) for _ in range(2))

    assert once == again
    assert once != list(islice(people(6, cycle(posts), agency="35.73"), 50))


@pytest.mark.parametrize("employment", ["PNS", "PPPK"])
def test_every_number_is_valid_and_there_once(employment: str) -> None:
    """Numbers of both kinds pass enrolment's own reading, and no two people share one."""
    posts = cycle([Post("Lurah", "Pengawas", "Dinoyo")])
    found = list(islice(people(3, posts, agency="35.73", employment=employment), 3000))  # type: ignore[arg-type]  # parametrised

    assert len({each.nip for each in found}) == len(found)
    assert not [
        each.nip for each in found if isinstance(read_nip(each.nip, employment, TODAY), str)
    ]


def test_the_list_has_four_more_than_there_are_seats() -> None:
    """Among them are one impossible number, one PPPK and one who trains elsewhere."""
    people = cast(32)

    assert len(people.nominees) == 36
    assert read_nip(people.impossible.nip, "PNS", TODAY) == "impossible-nip"
    assert [each.employment for each in people.nominees].count("PPPK") == 1
    assert people.elsewhere in people.nominees


def test_the_workbook_reads_back_row_by_row() -> None:
    """What the demo writes is what enrolment reads, without an error."""
    nominees = cast(SEATS).nominees

    sheet = read_nominations(workbook(nominees, "USULAN"), "usulan.xlsx")

    assert [row.cells["nip"] for row in sheet.rows] == [each.nip for each in nominees]
    assert {row.errors for row in sheet.rows} == {()}


def test_a_story_meets_every_requirement_within_its_phase() -> None:
    """Each requirement is met by its own sender, dated within its phase, for the one enrolment."""
    story = evidence.story(course(), WHO, seed=1)

    sent = Counter((each.wave, each.sender, each.item["kind"]) for each in story)
    assert sent == {
        (1, "organiser", "completed"): 2,
        (1, "organiser", "score"): 1,
        (2, "organiser", "attendance"): 3,
        (2, "c", "approved"): 1,
        (2, "x", "score"): 1,
    }
    assert {each.item["enrolment_id"] for each in story} == {"e-1"}
    assert all("2024-03-04" <= each.item["at"][:10] <= "2024-03-08" for each in of_wave(story, 1))
    assert min(each.item["score"] for each in story if each.item["kind"] == "score") >= 70


def test_days_are_working_days_and_sessions_tell_theirs() -> None:
    """Weekends and public holidays are left out, and a session's name tells its day."""
    there = course()

    assert there.days(2) == [date(2024, 4, 8), date(2024, 4, 9), date(2024, 4, 12)]
    assert there.sessions["class"] == ["class-04-08", "class-04-09", "class-04-12"]
    assert there.day_of("class-04-09", 2) == date(2024, 4, 9)
    assert there.day_of("closing", 2) == date(2024, 4, 12)
    assert there.at(date(2024, 4, 9), 8) == "2024-04-09T01:00:00+00:00"


def test_a_phase_without_working_days_takes_place_on_its_days() -> None:
    """A phase of a weekend has its own days."""
    weekend = Course(PHASES, {1: [(date(2024, 3, 9), date(2024, 3, 10))]}, {}, "35")

    assert weekend.days(1) == [date(2024, 3, 9), date(2024, 3, 10)]


def test_who_joins_late_is_dated_late() -> None:
    """A promoted learner's evidence of the first phase begins on the day they joined."""
    late = Participant("e-1", "m", "c", "x", joined=date(2024, 3, 7))

    story = evidence.story(course(), late, seed=1)

    assert min(each.item["at"][:10] for each in of_wave(story, 1)) == "2024-03-07"


def test_each_turn_keeps_the_dates_and_moves_the_arrival() -> None:
    """Late and early evidence say the same as before; only when they arrive differs."""
    story = evidence.story(course(), WHO, seed=1)

    late = evidence.late(story, wave=1, until=2)
    early = evidence.early(story, wave=2, already=1)

    assert [each.item for each in late] == [each.item for each in early] == [e.item for e in story]
    assert [len(of_wave(late, wave)) for wave in (1, 2)] == [2, 6]
    assert [len(of_wave(early, wave)) for wave in (1, 2)] == [8, 0]


def test_missed_sessions_are_made_good_later() -> None:
    """A third of the sessions is missed, and later evidence of the same sessions says present."""
    story = evidence.missed(evidence.story(course(), WHO, seed=1), course(), wave=2)

    absent = [each.item for each in story if each.item.get("present") is False]
    again = [each.item for each in of_wave(story, 3)]
    assert [each["session"] for each in absent] == ["class-04-08"] == [e["session"] for e in again]
    assert again[0]["present"] is True
    assert again[0]["at"] > absent[0]["at"]


def test_a_score_is_corrected_by_newer_evidence() -> None:
    """The examiner's slip stays, and a later score for the same activity stands after it."""
    story = evidence.corrected(evidence.story(course(), WHO, seed=1), course())

    scores = [each for each in story if each.item.get("activity") == "seminar"]
    assert [(each.wave, each.item["score"]) for each in scores] == [(2, 70), (3, 96)]
    assert scores[0].item["at"] < scores[1].item["at"]
    assert evidence.last_wave([story]) == 3


def test_a_design_is_sent_back_with_a_reason_and_approved_after() -> None:
    """The coach first sends back with a reason, and approves a wave later."""
    story = evidence.sent_back(evidence.story(course(), WHO, seed=1), course(), reason="lengkapi")

    said = [each for each in story if each.item.get("document") == "design"]
    assert [(each.wave, each.item["kind"]) for each in said] == [(2, "sent-back"), (3, "approved")]
    assert said[0].item["reason"] == "lengkapi"
    assert said[0].item["at"] < said[1].item["at"]


def test_a_cohort_that_falls_short_is_told() -> None:
    """Every figure that a whole cohort would have otherwise is named."""
    totals = {
        "enrolled": 8, "waitlisted_promoted": 1, "withdrawn": 1, "phases_completed": 47, "phases_of": 6,
        "graduated": 8, "certified": 8, "parked": 0, "audit": {"disagreements": [{}]},
    }  # fmt: skip

    short = Outcome(totals, []).shortfalls(8)

    assert short == [
        "phases_completed is 47 and should be 48",
        "the audit found 1 disagreements",
    ]


async def test_the_demo_decides_when_the_newest_results_are_known() -> None:
    """A correction that progress has stated and enrolment has not heard yet is waited for."""
    slow = iter([{"e-1": 1, "e-2": 1}, {"e-1": 2}, {"e-1": 2, "e-2": 1}])
    asked: list[str] = []

    async def answer(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0)
        asked.append(request.url.path)
        match request.url.path:
            case "/cohorts/c/progress":
                found, key = {"e-1": 2, "e-2": 1}, "enrolment_id"
            case "/cohorts/c/enrolments":
                found, key = next(slow), "id"
            case _:
                return httpx2.Response(200, json={})
        items = [{key: name, "result_revision": revision} for name, revision in found.items()]
        return httpx2.Response(200, json={"items": items, "next": None})

    serving = httpx2.MockTransport(answer)
    reached = ("enrolment", "progress")
    async with NodeClient(
        {name: f"http://{name}.corpu.test" for name in reached},
        transports=dict.fromkeys(reached, serving),
    ) as client:
        stage = Stage(client, lambda *_, **__: "token", Path(), patience=30.0)
        nominated = Nominated("c", course(), "r", ())
        await graduate(stage, nominated, [replace(WHO, enrolment_id=f"e-{n}") for n in (1, 2)])

    assert asked.count("/cohorts/c/enrolments") == 3
    assert asked[-1] == "/cohorts/c/graduation"


async def test_the_demo_prints_once_the_holders_name_is_known(tmp_path: Path) -> None:
    """Names come to certification by another way than results; a certificate may be there before its holder's name."""
    held = {"number": "1", "enrolment_id": "e-1"}
    unnamed = {"type": "urn:corpu:problem:card-not-known-yet", "detail": "try again"}
    prints = iter([httpx2.Response(409, json=unnamed), httpx2.Response(200, content=b"%PDF-")])

    def answer(request: httpx2.Request) -> httpx2.Response:
        match request.url.path:
            case "/certificates":
                return httpx2.Response(200, json={"items": [held], "next": None})
            case "/certificates/signatures":
                return httpx2.Response(200, json={"results": []})
            case _:
                return next(prints)

    serving = httpx2.MockTransport(answer)
    name = "certification"
    async with NodeClient({name: "http://c"}, transports={name: serving}) as client:
        stage = Stage(client, lambda *_, **__: "token", tmp_path, patience=30.0)
        (printed,) = await sign_and_print(stage, Nominated("c", course(), "r", ()), 1)

    assert printed.pdf.read_bytes() == b"%PDF-"


@pytest.mark.slow
async def test_the_whole_story_ends_with_a_whole_cohort(tmp_path: Path) -> None:
    """From the list to the certificates, every figure is a whole cohort's and the stores agree."""
    async with memory_node(tmp_path) as node:
        outcome = await play(node.stage(tmp_path), SEATS)

    totals = outcome.totals
    assert outcome.shortfalls(SEATS) == []
    assert totals["refused"] == {
        "impossible-nip": 1, "not-eligible-employment": 1, "overlapping-training": 1,
    }  # fmt: skip
    assert totals["evidence"]["refused"] == 0
    assert totals["evidence"]["repeated"] > 0
    assert totals["missing_on_the_way"]["attendance"] != []
    assert totals["missing_on_the_way"]["approval"] != []
    assert {line.phases for line in outcome.lines} == {"6/6"}
    assert [_begins(each["pdf"]) for each in totals["certificates"]] == [b"%PDF-"] * SEATS
    assert totals["notices"]["certified"] == SEATS


def _begins(file: str) -> bytes:
    return Path(file).read_bytes()[:5]


def test_the_roles_that_the_demo_speaks_in_exist() -> None:
    """Every role that a token is asked for is one of the node's."""
    spoken = {
        "organiser",
        "operator",
        "auditor",
        "nominator",
        "endorser",
        "mentor",
        "coach",
        "examiner",
    }

    assert spoken <= set(ROLES)


def test_a_paper_that_finds_no_room_is_named(tmp_path: Path) -> None:
    """The one line says which file of the demo could not be written, and no half of it stays."""
    papers = tmp_path / "sertifikat"
    papers.mkdir()
    (papers / "1.pdf").symlink_to("/dev/full")
    stage = Stage(NodeClient({}), tokens_of(NodeSettings()), tmp_path)

    with pytest.raises(NodeError) as refused:
        stage.keep("sertifikat/1.pdf", b"%PDF")

    assert f"{papers}/1.pdf cannot be written: No space left on device" == str(refused.value)
    assert [] == [*papers.iterdir()]
