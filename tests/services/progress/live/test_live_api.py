"""Live sessions through the doors: scheduled, joined, closed, and evidence in the end."""

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.progress.api.live import audience
from services.progress.domain.ticket import BEAT_SECONDS
from services.progress.store import CURVES
from shared.events.enrolment import Rescheduled
from shared.events.plan import Plan
from shared.events.progress import LectureAttended, ProgrammeCompleted
from shared.kernel.ids import fresh
from shared.store.port import Merge
from tests.support.live import (
    ANI,
    BUDI,
    LECTURE,
    SESSION,
    Hall,
    body,
    first,
    hall,
    hour,
    learner,
    lecture_plan,
    place_in,
)
from tests.support.progress import (
    MALANG,
    day,
    enrolled,
    linked,
    planned,
    recorded,
    rescheduled,
    withdrawn,
)
from tests.support.waiting import until

_ANI, _BUDI, _CITRA = learner(ANI), learner(BUDI), "c" * 32
_RULES = lecture_plan(threshold_percent=50, replay_days=7)


@pytest.fixture
async def lecture(tmp_path: Path) -> AsyncIterator[Hall]:
    """Give a node at the hour of the lecture, with the cohort's two enrolled learners."""
    async with hall(tmp_path) as served:
        await served.node.hear(enrolled(_ANI, lecture_plan()), enrolled(_BUDI, lecture_plan()))
        yield served


def _said(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("type", "").removeprefix("urn:corpu:problem:")


async def _join(lecture: Hall, who: str = _ANI, **said: object) -> httpx2.Response:
    return await lecture.do("join", {"device": "phone", **said}, "learner", learner_id=who)


async def test_a_session_is_scheduled_once_and_shown(lecture: Hall) -> None:
    """The same again is the same; its stream is not for everybody."""
    first_, again = await lecture.schedule(), await lecture.schedule()
    seen = (await lecture.see("", "learner", learner_id=_ANI)).json()

    assert first_ == again
    assert ("scheduled", SESSION, 60, 30) == (
        first_["state"], first_["id"], first_["planned_minutes"], first_["threshold_minutes"],
    )  # fmt: skip
    assert "hls" == first_["stream"]["kind"]
    assert {**first_, "stream": None} == seen


@pytest.mark.parametrize(
    ("changes", "status", "slug"),
    [
        ({"cohort_id": "nowhere"}, 404, "unknown-cohort"),
        ({"group": "other"}, 422, "unknown-session"),
        ({"ends_at": hour(-1).isoformat()}, 422, "ends-before-it-starts"),
        ({"stream": {"kind": "hls", "url": "javascript:alert(1)"}}, 422, "invalid-request"),
        ({"surprise": 1}, 422, "invalid-request"),
    ],
)
async def test_what_cannot_be_scheduled_is_a_clear_problem(
    lecture: Hall, changes: dict[str, Any], status: int, slug: str
) -> None:
    """And nothing is kept."""
    await lecture.node.hear(planned(lecture_plan()))

    assert (status, slug) == _said(await lecture.node.post("/live/sessions", body(**changes)))
    assert [] == (await lecture.node.get("/live/sessions")).json()["items"]


async def test_another_agencys_organiser_runs_no_session_of_the_nodes(lecture: Hall) -> None:
    """Sessions are seen by everybody admitted, and run by the cohort's owner."""
    await lecture.schedule()
    who = {"agency": MALANG}
    forbidden = [
        await lecture.node.post("/live/sessions", body(title="Theirs"), **who),
        await lecture.do("start", **who),
        await lecture.do("extend", {"ends_at": hour(90).isoformat()}, **who),
    ]

    assert [(403, "out-of-scope")] * 3 == [_said(each) for each in forbidden]
    assert 200 == (await lecture.see("", **who)).status_code


async def test_sessions_are_listed_by_state_and_cohort(lecture: Hall) -> None:
    """In pages."""
    await lecture.begin()
    live = (await lecture.node.get("/live/sessions?state=live&limit=1")).json()
    ended = (await lecture.node.get("/live/sessions?state=ended")).json()
    other = (await lecture.node.get("/live/sessions?cohort=other")).json()

    assert [SESSION] == [each["id"] for each in live["items"]]
    assert [] == ended["items"] == other["items"]


async def test_joining_gives_a_ticket_for_ten_minutes(lecture: Hall) -> None:
    """With all that a player needs, and joining again renews it."""
    await lecture.begin()
    joined = (await _join(lecture)).json()
    ticket = lecture.node.client._transport.app.state.tickets().read(  # type: ignore[attr-defined]  # the application's own
        joined["ticket"].encode(), hour(1).timestamp()
    )
    lecture.node.clock.instant = hour(9)
    again = (await _join(lecture)).json()

    assert (SESSION, _ANI, "phone") == (ticket.session_id, ticket.learner_id, ticket.device)
    assert ("2024-07-20T02:10:00Z", "2024-07-20T02:19:00Z") == (
        joined["expires_at"], again["expires_at"],
    )  # fmt: skip
    assert (BEAT_SECONDS, 30, 50.0, 0, "/live/beats") == (
        joined["beat_seconds"], joined["threshold_minutes"], joined["threshold_percent"],
        joined["minutes_counted"], joined["beats"],
    )  # fmt: skip


async def test_who_may_not_join_is_told_why(lecture: Hall) -> None:
    """Not begun (and when it will), over, not enrolled, left, unknown."""
    await lecture.schedule()
    early = await _join(lecture)
    await lecture.node.hear(withdrawn(_BUDI, LECTURE), recorded(_CITRA))
    await lecture.do("start")
    answers = [await _join(lecture, who) for who in (_CITRA, _BUDI)]
    nobody = await lecture.do("join", {"device": "phone"}, "learner", learner_id=None)
    unknown = await lecture.node.post(
        f"/live/sessions/{fresh()}/join", {"device": "phone"}, "learner", learner_id=_ANI
    )
    lecture.node.clock.instant = hour(60)
    await lecture.do("stop")

    assert (409, "not-live") == _said(early)
    assert hour(0).isoformat() == early.json()["starts_at"]
    assert [(403, "not-enrolled"), (403, "withdrawn")] == [_said(each) for each in answers]
    assert (404, "unknown-learner") == _said(nobody)
    assert (404, "unknown-live-sessions") == _said(unknown)
    assert (409, "session-over") == _said(await _join(lecture))
    assert (409, "no-replay") == _said(await _join(lecture, replay=True))


async def test_who_has_a_new_number_attends_under_the_one_they_enrolled_with(lecture: Hall) -> None:
    """Their minutes go to the enrolment that there is."""
    await lecture.begin()
    await lecture.node.hear(linked(_CITRA, _ANI))
    joined = (await _join(lecture, _CITRA)).json()
    app: Any = lecture.node.client._transport.app  # type: ignore[attr-defined]  # the application's own
    ticket = app.state.tickets().read(joined["ticket"].encode(), hour(1).timestamp())

    assert _ANI == ticket.learner_id


async def test_a_learner_sees_what_counts_so_far(lecture: Hall) -> None:
    """Minutes, how many are needed, and whether they suffice."""
    await lecture.begin()
    await lecture.watch([_ANI], first(29))
    before = (await lecture.see("mine", "learner", learner_id=_ANI)).json()
    await lecture.watch([_ANI], first(30))
    after = (await lecture.see("mine", "learner", learner_id=_ANI)).json()

    assert {
        "minutes_counted": 29, "threshold_minutes": 30, "met": False, "planned_minutes": 60,
        "state": "live", "replay_minutes": 0,
    } == before  # fmt: skip
    assert (30, True) == (after["minutes_counted"], after["met"])


async def test_attendance_becomes_evidence_and_completes_the_programme(lecture: Hall) -> None:
    """Present or absent by the threshold, once for each enrolment, however often it is looked at."""
    await lecture.begin()
    await lecture.watch([_ANI], first(30))
    await lecture.watch([_BUDI], first(29))
    await lecture.end()
    stated = [each.fact() for each in lecture.node.engine.bus.messages("progress")]
    completed = [each for each in stated if isinstance(each, ProgrammeCompleted)]
    seen = (await lecture.see("audience")).json()

    assert [(1.0, f"live:{SESSION}")] == await lecture.evidence(_ANI)
    assert [(0.0, f"live:{SESSION}")] == await lecture.evidence(_BUDI)
    assert [(_ANI, hour(60))] == [(each.learner_id, each.at) for each in completed]
    assert (True, 2, 1, [2] * 29 + [1]) == (
        seen["exact"], seen["viewers"], seen["present"], seen["curve"],
    )  # fmt: skip


async def test_a_cohort_of_many_is_judged_in_pages(lecture: Hall) -> None:
    """Everybody has one piece of evidence in the end."""
    many = [f"{number:032x}" for number in range(120)]
    await lecture.node.hear(*(enrolled(each, lecture_plan()) for each in many))
    await lecture.begin()
    await lecture.watch(many[:80], first(60))
    await lecture.end()

    values = [[one.value for one in (await lecture.record(each)).evidence] for each in many]
    assert [[1.0]] * 80 + [[0.0]] * 40 == values
    await until(partial(_present, lecture), equals=80)


async def test_a_session_that_nobody_stops_closes_by_itself(lecture: Hall) -> None:
    """At its planned end, after its grace."""
    await lecture.begin()
    await lecture.watch([_ANI], first(60))
    lecture.node.clock.instant = hour(66)
    await until(partial(lecture.told, "settled"), equals=True)

    assert [1.0] == [value for value, _ in await lecture.evidence(_ANI)]
    assert "2024-07-20T03:00:00Z" == await lecture.told("ended_at")


async def test_a_session_stopped_by_mistake_is_resumed_until_it_closes(lecture: Hall) -> None:
    """People join it again, the pause counts for nobody, and nothing is judged in between."""
    await lecture.begin()
    await lecture.watch([_ANI], first(20))
    lecture.node.clock.instant = hour(10)
    stopped = (await lecture.do("stop")).json()["ended_at"]
    lecture.node.clock.instant = hour(15.5)
    other = await lecture.do("resume", {"ended_at": hour(9).isoformat()})
    resumed = (await lecture.do("resume", {"ended_at": stopped})).json()
    again = (await lecture.do("resume", {"ended_at": stopped})).json()
    joined = await _join(lecture)
    lecture.node.clock.instant = hour(30)
    await lecture.see()
    await lecture.watch([_ANI], first(33))
    await lecture.end()
    closed = await lecture.do("resume", {"ended_at": hour(60).isoformat()})

    assert (409, "stopped-again") == _said(other)
    assert ("live", None, 55) == (
        resumed["state"], resumed["ended_at"], resumed["planned_minutes"],
    )  # fmt: skip
    assert resumed == again
    assert 200 == joined.status_code
    assert (409, "session-over") == _said(closed)
    assert [(1.0, f"live:{SESSION}")] == await lecture.evidence(_ANI)
    assert [(0.0, f"live:{SESSION}")] == await lecture.evidence(_BUDI)


async def test_what_comes_late_is_new_evidence(lecture: Hall) -> None:
    """Who was absent becomes present, for attendance only grows; the earlier word stays."""
    await lecture.begin()
    await lecture.watch([_ANI], first(20))
    await lecture.end()
    await lecture.watch([_ANI], first(30))
    await lecture.judged()

    assert [0.0, 1.0] == [value for value, _ in await lecture.evidence(_ANI)]
    assert "completed" == (await lecture.record(_ANI)).status
    await until(partial(_present, lecture), equals=1)


async def _present(lecture: Hall) -> int:
    return int((await lecture.see("audience")).json()["present"])


async def test_a_replay_counts_where_the_rules_allow_it(tmp_path: Path) -> None:
    """Its evidence says that it was one, and is of the day on which it was watched."""
    async with hall(tmp_path) as lecture:
        await lecture.node.hear(enrolled(_ANI, _RULES))
        await lecture.begin(
            _RULES, threshold_percent=None, replay={"url": "https://live.test/r.m3u8"}
        )
        await lecture.watch([_ANI], first(20))
        await lecture.end()
        lecture.node.clock.instant = hour(24 * 60)
        joined = (await _join(lecture, replay=True, position=60)).json()
        await lecture.watch([_ANI], first(60), replay=True)
        lecture.node.clock.instant = hour(25 * 60)
        await lecture.judged()
        mine = (await lecture.see("mine", "learner", learner_id=_ANI)).json()
        lecture.node.clock.instant = hour(60 + 7 * 24 * 60)

        assert (True, "https://live.test/r.m3u8") == (joined["replay"], joined["stream"]["url"])
        assert [
            (0.0, f"live:{SESSION}"),
            (1.0, f"live:{SESSION}:replay"),
        ] == await lecture.evidence(_ANI)
        assert (20, 40, True) == (mine["minutes_counted"], mine["replay_minutes"], mine["met"])
        assert hour(25 * 60) == (await lecture.record(_ANI)).completed[0]
        assert (409, "no-replay") == _said(await _join(lecture, replay=True))


async def test_a_replay_counts_no_sooner_than_it_can_have_been_played(tmp_path: Path) -> None:
    """By the time since it was first joined, however many processes took its beats, and joined however often."""
    async with hall(tmp_path) as lecture:
        await lecture.node.hear(enrolled(_ANI, _RULES), enrolled(_BUDI, _RULES))
        await lecture.begin(_RULES, threshold_percent=None)
        await lecture.watch([_ANI], first(20))
        await lecture.end()
        lecture.node.clock.instant = hour(600)
        for who in (_ANI, _BUDI):
            assert 200 == (await _join(lecture, who, replay=True)).status_code
        await lecture.watch([_ANI, _BUDI], first(40), replay=True)
        lecture.node.clock.instant = hour(634)
        assert 200 == (await _join(lecture, replay=True)).status_code
        await lecture.watch([_BUDI], first(3), replay=True)
        await until(lambda: lecture.told("settled"), equals=True)
        early = [await lecture.evidence(each) for each in (_ANI, _BUDI)]
        lecture.node.clock.instant = hour(635)
        await lecture.judged()

        assert [[(0.0, f"live:{SESSION}")]] * 2 == early
        for who in (_ANI, _BUDI):
            assert (1.0, f"live:{SESSION}:replay") == (await lecture.evidence(who))[-1]


async def test_who_attends_without_being_enrolled_is_told_of_and_counts_once_enrolled(
    lecture: Hall,
) -> None:
    """Enrolment hears of them; when their record opens, what they attended is evidence."""
    unknown = "d" * 32
    await lecture.node.hear(recorded(_CITRA))
    await lecture.begin(audience="node")
    assert 200 == (await _join(lecture, _CITRA)).status_code
    assert (403, "not-enrolled") == _said(await _join(lecture, unknown))
    await lecture.watch([_CITRA, unknown], first(60))
    await lecture.end()
    await lecture.judged()
    told = [
        each.fact()
        for each in lecture.node.engine.bus.messages("progress")
        if each.type == LectureAttended.type
    ]
    await lecture.node.hear(enrolled(_CITRA, lecture_plan()))
    await lecture.judged()

    assert [(_CITRA, place_in(_CITRA), LECTURE)] == [
        (each.learner_id, each.enrolment_id, each.cohort_id)
        for each in told
        if isinstance(each, LectureAttended)
    ]
    assert [(1.0, f"live:{SESSION}")] == await lecture.evidence(_CITRA)
    assert "completed" == (await lecture.record(_CITRA)).status


async def test_a_session_that_left_the_calendar_gives_no_evidence(lecture: Hall) -> None:
    """What the organiser took out of the plan counts for nothing, and holds nothing up."""
    await lecture.begin()
    await lecture.watch([_ANI], first(60))
    await lecture.node.hear(_moved(_ANI, 2, "other"))
    await lecture.end()

    assert 1 == len(await lecture.evidence(_BUDI))


async def test_whose_attendance_could_not_be_noted_is_told(lecture: Hall) -> None:
    """With the reason, to the session's own organiser; once it is noted after all, no more."""
    without = lecture_plan().model_dump() | {"sessions": {"lecture": ["other"]}}
    await lecture.node.hear(enrolled(_CITRA, Plan.model_validate(without)))
    await lecture.begin()
    await lecture.watch([_CITRA], first(40))
    await lecture.end()
    told = (await lecture.see("unnoted")).json()["items"]
    counted = (await lecture.see("audience")).json()["unnoted"]
    theirs = (await lecture.see("unnoted", agency=MALANG)).json()["items"]
    await lecture.node.hear(_moved(_CITRA, 2, "live"))
    await lecture.watch([_CITRA], first(1))
    await lecture.judged()

    assert [
        {"learner_id": _CITRA, "enrolment_id": place_in(_CITRA), "reason": "unknown-session"}
    ] == told
    assert (1, []) == (counted, theirs)
    assert 403 == (await lecture.see("unnoted", "planner")).status_code
    assert [(1.0, f"live:{SESSION}")] == await lecture.evidence(_CITRA)
    assert [] == (await lecture.see("unnoted")).json()["items"]
    await until(partial(_unnoted, lecture), equals=0)


async def _unnoted(lecture: Hall) -> int:
    return int((await lecture.see("audience")).json()["unnoted"])


def _moved(who: str, version: int, session: str) -> Rescheduled:
    moved = rescheduled(version, who, at=day(0), sessions={"lecture": [session]})
    return moved.model_copy(update={"enrolment_id": place_in(who), "cohort_id": LECTURE})


async def test_the_head_count_is_what_the_fold_has_seen(lecture: Hall) -> None:
    """Summed over partitions; the most of the last two minutes, for the present one has only begun."""
    await lecture.begin()
    store = lecture.node.parts.store
    for partition, viewers in ((0, {"0": 5, "1": 7}), (1, {"1": 3, "2": 1})):
        most = {f"viewers.{minute}": count for minute, count in viewers.items()}
        about = {"session_id": SESSION, "partition": partition}
        await store.merge(CURVES, [Merge(f"{SESSION}/{partition}", about, most=most)])
    lecture.node.clock.instant = hour(2.1)
    shown = (await lecture.see("audience", "planner")).json()

    assert (False, 10, [5, 10, 1], None) == (
        shown["exact"], shown["watching"], shown["curve"], shown["viewers"],
    )  # fmt: skip
    assert 403 == (await lecture.see("audience", "learner", learner_id=_ANI)).status_code


async def test_the_audience_is_followed_as_it_changes(lecture: Hall) -> None:
    """An event at once, none while nothing changes, and the exact figures at the end."""
    await lecture.begin()
    events = audience._told(
        lecture.node.parts.works, SESSION, lecture.node.clock, audience.Pace(look=0.01)
    )
    begun = json.loads(str((await anext(events)).data))
    await lecture.watch([_ANI], first(60))
    await lecture.end()
    rest = [json.loads(str(each.data)) async for each in events]
    answer = await lecture.see("audience/stream")

    assert ("live", False) == (begun["state"], begun["exact"])
    assert (True, 1) == (rest[-1]["exact"], rest[-1]["viewers"])
    assert "event: audience" in answer.text
    unknown = await lecture.node.get(f"/live/sessions/{fresh()}/audience/stream")
    assert 404 == unknown.status_code


async def test_the_audit_tells_who_was_present(lecture: Hall) -> None:
    """Beside what evidence says, so that the two can be compared."""
    await lecture.begin()
    await lecture.watch([_ANI], first(60))
    await lecture.watch([_BUDI], first(1))
    await lecture.end()
    rows: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = (
            await lecture.node.get(f"/operations/audit?limit=1&after={after}", "auditor")
        ).json()
        rows, after = rows + page["items"], page["next"]

    told = {
        row["learner_id"]: row["present"] for row in rows if row["id"].startswith("attendance/")
    }
    said = {row["learner_id"]: row["attended"] for row in rows if row["id"].startswith("record/")}
    assert {_ANI: True, _BUDI: False} == told
    assert {_ANI: {SESSION: True}, _BUDI: {SESSION: False}} == said
    assert sorted(row["id"] for row in rows) == [row["id"] for row in rows]


async def test_the_audit_tells_of_a_replay_that_is_not_judged_yet(tmp_path: Path) -> None:
    """It may wait for long; meanwhile what was judged before still stands on minutes, and more is no evidence yet."""
    async with hall(tmp_path) as lecture:
        await lecture.node.hear(enrolled(_ANI, _RULES), enrolled(_BUDI, _RULES))
        await lecture.begin(_RULES, threshold_percent=None)
        await lecture.watch([_ANI], first(60))
        await lecture.end()
        for who in (_ANI, _BUDI):
            assert 200 == (await _join(lecture, who, replay=True)).status_code
        await lecture.watch([_ANI, _BUDI], first(40), replay=True)
        rows = (await lecture.node.get("/operations/audit", "auditor")).json()["items"]

    told = {
        row["learner_id"]: (row["present"], row["due"])
        for row in rows
        if row["id"].startswith("attendance/")
    }
    assert {_ANI: (True, True), _BUDI: (True, True)} == told
