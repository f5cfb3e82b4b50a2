"""Closing and judging, step by step: whatever fails at whichever call, the end is the same."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from services.progress.consumers import SUBSCRIPTIONS
from services.progress.consumers.attendance import AttendanceFold
from services.progress.domain.attendance import Addition, attendance_id
from services.progress.domain.evidence import MOST_EVIDENCE, Evidence
from services.progress.domain.live import HandedIn, Step
from services.progress.handlers.claims import claim_minutes, decide_claim, hand_in
from services.progress.handlers.judging import (
    add_claimed,
    add_handed_in,
    judge_cohort,
    judge_due,
)
from services.progress.handlers.passports import keep_newest_card
from services.progress.handlers.plans import keep_newest_plan
from services.progress.handlers.records import close_record_of_withdrawn, open_record_of_enrolment
from services.progress.handlers.sessions import begin_replay, move_session, schedule_session
from services.progress.jobs import Tending
from services.progress.store import ProgressWork
from services.progress.store.live import (
    KeptMinutes,
    sessions_with_due,
    turnout_of,
    unnoted_of,
)
from shared.bus.delivery import Delivery
from shared.bus.folding import Folding, Rhythm
from shared.bus.memory import MemoryBus
from shared.events.fact import ATTENDANCE
from shared.events.progress import LectureAttended
from shared.kernel.clock import SetClock
from shared.kernel.errors import Unavailable
from shared.store.kind import Document
from shared.store.memory import MemoryStore
from shared.store.works import Works
from tests.support.deliveries import FailingStore
from tests.support.live import PLACE, SESSION, draft, first, hour, lecture_plan, place_in
from tests.support.progress import enrolled, planned, publish, recorded, states, withdrawn, works_on

_ALL = [f"{number:032x}" for number in range(110)]
_ENROLLED, _GUEST, _LEFT = _ALL[:104], _ALL[104], _ALL[5]
_SETTLE = timedelta(minutes=6)


class Stage:
    """Progress without its doors: a store that may fail, a bus, and a clock at the session's end."""

    def __init__(self, kept: dict[str, dict[str, Document]] | None = None) -> None:
        """Stand ready, with what a snapshot holds."""
        self.memory = MemoryStore()
        self.memory.restore(kept or {})
        self.store = FailingStore(self.memory)
        self.bus = MemoryBus()
        self.works: Works[ProgressWork] = works_on(self.store, self.bus)  # type: ignore[arg-type]  # a store all the same
        self.clock = SetClock(hour(70))
        self.tending = Tending(self.works, self.bus, self.clock, _SETTLE)
        self.fold = Folding(AttendanceFold(), self.works, Rhythm(0, 1_000_000))

    async def begin(self) -> "Stage":
        """Hold the lecture: of 104 enrolled sixty attended, one has left, and a guest came."""
        for each in _ENROLLED:
            await self.works.run(partial(open_record_of_enrolment, enrolled(each, lecture_plan())))
        await self.works.run(partial(keep_newest_plan, planned(lecture_plan())))
        await self.works.run(partial(keep_newest_card, recorded(_GUEST)))
        await self.works.run(partial(schedule_session, PLACE, draft(audience="node"), hour(0)))
        await self.change(lambda one: one.start(hour(0), hour(0)))
        await self.watch(*_ENROLLED[:60], _GUEST)
        gone = withdrawn(_LEFT, PLACE.cohort_id)
        await self.works.run(partial(close_record_of_withdrawn, gone))
        about = HandedIn("", SESSION, "import", "", "organiser", hour(1))
        await self.works.run(partial(hand_in, about, {_ENROLLED[60]: first(60)}))
        return self

    async def change(self, change: Any) -> None:  # noqa: ANN401 - a decision about a session
        """Change the session."""
        await self.works.run(partial(move_session, SESSION, change, hour(0)))

    async def watch(self, *who: str) -> None:
        """Add the whole hour to who watched it."""
        added = [Addition(SESSION, each, "live", live=first(60)) for each in who]
        await KeptMinutes(self.store).add(added)

    async def tend(self, rounds: int = 12) -> "Stage":
        """Look after the session again and again, the fold passing whatever marks came."""
        place = 0
        for _ in range(rounds):
            try:
                await self.tending.tend()
            except (Unavailable, ExceptionGroup):
                self.store.before = None
            log = self.bus.topics.get(ATTENDANCE, [])
            marks, place = log[place:], len(log)
            try:
                await self.fold.deliver(marks)
            except Unavailable:
                self.store.before = None
                await self.fold.deliver(marks)
            self.clock.advance(timedelta(seconds=5))
        return self

    async def evidence(self, who: str) -> list[float]:
        """Tell the values of somebody's evidence."""
        record = await self.works.open().records.of(place_in(who))
        return [each.value for each in record.evidence]

    def due(self) -> list[str]:
        """Tell whose attendance has not become evidence yet."""
        kept = self.memory.snapshot()["attendance"]
        return sorted(key for key, each in kept.items() if each["due"])

    async def viewers(self) -> int:
        """Tell how many came, as was last counted."""
        turnout = (await self.works.open().live_sessions.get(SESSION)).turnout
        assert turnout is not None
        return turnout.viewers

    def stands(self) -> dict[str, Any]:
        """Tell what is kept, and which facts were stated, apart from how often and when."""
        kept: dict[str, Any] = {name: room for name, room in states(self.memory).items() if room}
        kept.pop("closings", None)
        for each in kept["live_sessions"].values():
            each["closed_at"] = None
        stated = sorted(
            message.data
            for room in self.memory.snapshot().values()
            for document in room.values()
            for message in document.get("stated", ())
        )
        return {**kept, "stated": stated}


async def test_a_whole_cohort_is_judged_once() -> None:
    """Present, absent, handed in, and the guest told of; who has left has no evidence."""
    stage = await (await Stage().begin()).tend()
    await stage.works.relay.sweep(grace=0)
    session = await stage.works.open().live_sessions.get(SESSION)
    told = [each.fact() for each in stage.bus.messages("progress")]

    assert ("closed", True) == (session.state, session.settled)
    assert [[1.0]] * 5 + [[]] + [[1.0]] * 55 + [[0.0]] * 43 == [
        await stage.evidence(each) for each in _ENROLLED
    ]
    assert [_GUEST] == [each.learner_id for each in told if isinstance(each, LectureAttended)]
    assert session.turnout is not None
    assert (62, 62, 60) == (
        session.turnout.viewers, session.turnout.present, len(session.turnout.curve),
    )  # fmt: skip


async def test_a_store_that_is_away_at_any_call_changes_nothing_about_the_end() -> None:
    """Each step is taken again by whoever finds it half done."""
    kept = (await Stage().begin()).memory.snapshot()
    calm = await Stage(kept).tend()
    calls = calm.store.calls

    for call in range(1, calls + 1, 9):
        stage = Stage(kept)
        stage.store.fail_at(call)
        await stage.tend(16)
        await stage.works.relay.sweep(grace=0)
        assert calm.stands() == stage.stands(), f"away at call {call} of {calls}"


async def test_two_who_look_after_it_at_once_do_it_once() -> None:
    """Instances of the service need no leader."""
    kept = (await Stage().begin()).memory.snapshot()
    calm = await Stage(kept).tend()
    stage = Stage(kept)
    await stage.tend(3)
    other = Tending(stage.works, stage.bus, stage.clock, _SETTLE)
    for _ in range(3):
        await other.tend()
        await stage.tend(4)

    assert calm.stands() == stage.stands()


async def test_whoever_closes_a_session_that_is_resumed_just_then_does_not() -> None:
    """Its next end is closed by barriers of its own, and everybody is judged once."""
    stage = await Stage().begin()
    await stage.change(lambda one: one.stop(hour(50), hour(50)))
    # What is handed in is added first.
    stage.clock.instant = hour(51)
    await stage.tend(1)
    stage.clock.instant = hour(56)

    async def come_between(name: str) -> None:
        if name == "write":
            stage.store.before = None
            await stage.change(lambda one: one.resume(hour(50), hour(55)))

    stage.store.before = come_between
    await stage.tend(3)
    session = await stage.works.open().live_sessions.get(SESSION)
    assert stage.store.before is None
    assert ("live", 0, 55) == (session.state, session.closing, session.planned_minutes)

    stage.clock.instant = hour(71)
    await stage.tend()
    session = await stage.works.open().live_sessions.get(SESSION)
    assert ("closed", True, 55) == (session.state, session.settled, session.planned_minutes)
    assert [[1.0], [0.0]] == [await stage.evidence(_ENROLLED[each]) for each in (0, 70)]


async def test_what_is_added_while_it_is_judged_is_judged_as_well() -> None:
    """Whoever clears the mark has seen all that was added, or meets a conflict and looks again."""
    stage = await (await Stage().begin()).tend()
    late = _ENROLLED[70]
    merged = 0

    async def add_meanwhile(name: str) -> None:
        nonlocal merged
        if name == "write" and not merged:
            merged = 1
            added = Addition(SESSION, late, "site:aula", live=first(60))
            await KeptMinutes(stage.memory).add([added])

    await KeptMinutes(stage.store).add([Addition(SESSION, late, "site:aula", live=first(10))])
    stage.store.before = add_meanwhile
    await stage.tend(3)

    assert [0.0, 1.0] == await stage.evidence(late)
    attendance = await stage.works.open().attendance.of(attendance_id(SESSION, late))
    assert (False, 60) == (attendance.due, attendance.live_minutes.bit_count())


async def test_whoever_enrols_while_it_is_judged_has_their_evidence() -> None:
    """Their attendance is marked again once the record is kept, whoever came first."""
    opened = next(each for each in SUBSCRIPTIONS if each.name == "progress.open-records")
    for rounds in range(7):
        stage = await (await Stage().begin()).tend(rounds)
        heard = MemoryBus()
        await publish(heard, enrolled(_GUEST, lecture_plan()))
        for _ in range(2):
            await Delivery(opened, stage.works).deliver(heard.topics["enrolment"])
        await stage.tend()

        assert [1.0] == await stage.evidence(_GUEST), f"enrolled after {rounds} rounds"
        assert [] == [key async for key in sessions_with_due(stage.works.open())]


async def test_a_record_that_is_full_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """Its learner is listed with the reason, those who have left are not, and the log names nobody."""
    stage = await Stage().begin()
    full = _ENROLLED[3]

    async def fill(work: ProgressWork) -> None:
        for each in (full, _LEFT):
            record = await work.records.get(place_in(each))
            pieces = [
                Evidence("completed", "mooc", hour(0), 1.0, "organiser", f"lms:{number}")
                for number in range(MOST_EVIDENCE)
            ]
            work.records.keep(replace(record, evidence=tuple(pieces)))

    await stage.works.run(fill)
    await stage.tend()
    told = await unnoted_of(stage.works.open(), SESSION, "", 10)
    session = await stage.works.open().live_sessions.get(SESSION)
    lines = [each.getMessage() for each in caplog.records if SESSION in each.getMessage()]

    assert [(full, "too-much-evidence")] == [(each.learner_id, each.reason) for each in told]
    assert (True, 1) == (session.settled, session.turnout and session.turnout.unnoted)
    assert [f"session {SESSION}: 1 records take no attendance: too-much-evidence"] == lines


async def test_what_is_first_watched_while_its_learner_is_enrolled_is_counted() -> None:
    """Whoever judges it in between knows of no enrolment; the enrolment marks it then, for nobody else would."""
    opened = next(each for each in SUBSCRIPTIONS if each.name == "progress.open-records")
    stage = await (await Stage().begin()).tend()
    late = _ALL[105]
    other = Tending(stage.works, stage.bus, stage.clock, _SETTLE)
    heard = MemoryBus()
    await publish(heard, enrolled(late, lecture_plan()))

    async def come_between(name: str) -> None:
        if name == "write":
            stage.store.before = None
            await stage.watch(late)
            await other.tend()

    stage.store.before = come_between
    await Delivery(opened, stage.works).deliver(heard.topics["enrolment"])
    await stage.tend(2)

    assert stage.store.before is None
    assert [1.0] == await stage.evidence(late)


async def test_whoever_is_enrolled_later_and_watched_nothing_has_no_evidence() -> None:
    """Nor is anything more kept of them when their enrolment is told again."""
    opened = next(each for each in SUBSCRIPTIONS if each.name == "progress.open-records")
    stage = await (await Stage().begin()).tend()
    late = _ALL[105]
    heard = MemoryBus()
    await publish(heard, *(enrolled(each, lecture_plan()) for each in (late, _ENROLLED[70])))
    await Delivery(opened, stage.works).deliver(heard.topics["enrolment"])
    await stage.tend(2)
    kept = stage.memory.snapshot()["attendance"]

    assert [] == await stage.evidence(late)
    assert attendance_id(SESSION, _ENROLLED[70]) not in kept
    session = await stage.works.open().live_sessions.get(SESSION)
    assert session.turnout is not None
    assert 62 == session.turnout.viewers


async def test_a_replay_in_a_hurry_waits_until_it_can_have_been_played() -> None:
    """Of the cohort and of later additions, whoever took the beats; what was watched live waits for nothing."""
    stage = await Stage().begin()
    await stage.change(lambda one: replace(one, replay_days=7))
    hasty, later = _ENROLLED[80], _ENROLLED[81]
    session = await stage.works.open().live_sessions.get(SESSION)

    async def hurry(who: str) -> None:
        await stage.works.run(partial(begin_replay, session, who, stage.clock.now()))
        added = Addition(SESSION, who, "replay", replay=first(60))
        await KeptMinutes(stage.store).add([added])

    await hurry(hasty)
    await stage.tend()
    await hurry(later)
    await stage.tend(2)
    before = [await stage.evidence(each) for each in (hasty, later)]
    settled = (await stage.works.open().live_sessions.get(SESSION)).settled
    waiting = stage.due()
    # Joined again, it is measured from the first time all the same.
    stage.clock.advance(timedelta(minutes=54))
    await stage.works.run(partial(begin_replay, session, hasty, stage.clock.now()))
    stage.clock.advance(timedelta(minutes=1))
    await stage.tend(2)

    assert ([[0.0], [0.0]], True) == (before, settled)
    assert [attendance_id(SESSION, each) for each in (hasty, later)] == waiting
    assert [[0.0, 1.0]] * 2 == [await stage.evidence(each) for each in (hasty, later)]
    assert [] == stage.due()


async def test_a_count_that_takes_long_rests_before_the_next() -> None:
    """Of millions each attendance is read, while replays come in for days; nobody's evidence waits for it."""
    stage = await (await Stage().begin()).tend()
    before = await stage.viewers()

    async def drag(_: str) -> None:
        stage.clock.advance(timedelta(seconds=1))

    stage.store.before = drag
    await stage.watch(_ENROLLED[70])
    await stage.tending.tend()
    first_of_them = await stage.viewers()
    await stage.watch(_ENROLLED[71])
    await stage.tending.tend()
    meanwhile, evidence = await stage.viewers(), await stage.evidence(_ENROLLED[71])
    stage.clock.advance(timedelta(hours=1))
    await stage.tending.tend()

    assert (before + 1, before + 1) == (first_of_them, meanwhile)
    assert [0.0, 1.0] == evidence
    assert before + 2 == await stage.viewers()


@pytest.mark.parametrize("audience", ["cohort", "node"])
async def test_whoever_did_not_attend_enough_is_not_told_of(audience: str) -> None:
    """Nor who is unknown here, nor anybody at a session for the enrolled."""
    stage = await Stage().begin()
    if audience == "cohort":
        await stage.change(lambda one: replace(one, audience="cohort"))
    else:
        await KeptMinutes(stage.store).add([Addition(SESSION, "e" * 32, "live", live=first(60))])
        stage.memory._rooms["attendance"].pop(attendance_id(SESSION, _GUEST))
        await KeptMinutes(stage.store).add([Addition(SESSION, _GUEST, "live", live=first(3))])
    await stage.tend()

    await stage.works.relay.sweep(grace=0)
    told = [each.type for each in stage.bus.messages("progress")]
    assert LectureAttended.type not in told
    assert [] == stage.due()


async def test_nothing_is_judged_before_its_time() -> None:
    """Neither of a session that runs, nor what is not due, nor what is added already."""
    stage = await Stage().begin()
    now: datetime = stage.clock.now()
    early = await stage.works.run(partial(judge_cohort, SESSION, now))
    await stage.tend()
    session = await stage.works.open().live_sessions.get(SESSION)
    before = stage.stands()
    keys = [attendance_id(SESSION, each) for each in (_ENROLLED[0], _GUEST)]
    again = await stage.works.run(partial(judge_cohort, SESSION, now))
    await stage.works.run(partial(judge_due, session, keys, now))
    minutes = KeptMinutes(stage.store)
    (handed,) = stage.memory.snapshot()["handed_in"]
    await stage.works.run(partial(add_handed_in, handed, minutes))
    about = HandedIn("", SESSION, "import", "", "organiser", hour(1))
    same = await stage.works.run(partial(hand_in, about, {_ENROLLED[60]: first(60)}))

    assert (0, 0) == (early.looked_at, again.looked_at)
    assert handed == same.id
    assert before == stage.stands()


async def test_an_accepted_claim_is_added_by_whoever_finds_it() -> None:
    """The crash came between the decision and the minutes."""
    stage = await (await Stage().begin()).tend()
    session = await stage.works.open().live_sessions.get(SESSION)
    who, now = _ENROLLED[70], stage.clock.now()
    claimed = Step("claimed", now, "learner", "padam")
    claim = await stage.works.run(partial(claim_minutes, session, who, (0, 59), claimed))
    minutes = KeptMinutes(stage.store)
    await stage.works.run(partial(add_claimed, claim.id, minutes))
    accepted = Step("accepted", now, "organiser")
    await stage.works.run(partial(decide_claim, claim.id, lambda one: one.decide(accepted)))
    await stage.tend(3)
    await stage.works.run(partial(add_claimed, claim.id, minutes))

    assert [0.0, 1.0] == await stage.evidence(who)
    turnout = await turnout_of(stage.works.open(), session)
    assert (await stage.works.open().live_sessions.get(SESSION)).turnout == turnout


async def test_what_can_never_be_added_keeps_no_session_open() -> None:
    """A list that cannot be read is told of each time, and all else goes on."""
    stage = await Stage().begin()
    broken = {"_id": "x", "version": 1, "session_id": SESSION, "minutes": 5, "added": False}
    stage.memory._rooms["handed_in"]["x"] = broken
    await stage.tend()

    assert (await stage.works.open().live_sessions.get(SESSION)).settled
    with pytest.raises(ExceptionGroup):
        await stage.tending.tend()


async def test_sessions_that_run_on_keep_none_from_being_closed() -> None:
    """However many there are."""
    stage = await Stage().begin()
    rooms = stage.memory._rooms["live_sessions"]
    running = {**rooms[SESSION], "ends_at": hour(600).isoformat()}
    for number in range(101):
        rooms[f"{number:03}"] = {**running, "_id": f"{number:03}"}
    assert min(rooms) < max(rooms) == SESSION
    await stage.tend()

    assert (await stage.works.open().live_sessions.get(SESSION)).settled


async def test_an_older_count_is_not_kept_over_a_newer_one() -> None:
    """Whoever counted while somebody else judged and counted more counts again."""
    stage = await (await Stage().begin()).tend()
    other = Tending(stage.works, stage.bus, stage.clock, _SETTLE)

    async def come_between(name: str) -> None:
        kept = stage.memory.snapshot()["attendance"].values()
        if name == "write" and not any(each.get("due") for each in kept):
            stage.store.before = None
            await stage.watch(_ENROLLED[71])
            await other.tend()

    await stage.watch(_ENROLLED[70])
    stage.store.before = come_between
    await stage.tending.tend()

    turnout = (await stage.works.open().live_sessions.get(SESSION)).turnout
    assert stage.store.before is None
    assert turnout is not None
    assert (64, 64) == (turnout.viewers, turnout.present)
