"""A lecture of one node that people of another watch at home: bitmaps are shared, and minutes count once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.progress.domain.attendance import Addition
from services.progress.domain.live import LiveSession, Place, follow, news_of
from services.progress.handlers.sessions import session_id
from services.progress.store import ProgressWork
from shared.bus.parking import PARKED
from shared.events.progress import MinutesWatched, StreamTold
from shared.federation.receiving import ReceivingDelivery
from tests.support.copies import tell_abroad
from tests.support.federation import Province, mirror, provinces
from tests.support.live import (
    BUDI,
    LECTURE,
    SESSION,
    Hall,
    attendance,
    body,
    first,
    hall_at,
    hour,
    learner,
    lecture_plan,
    place_in,
    scheduled,
)
from tests.support.progress import enrolled, planned, recorded, withdrawn
from tests.support.waiting import until

GUEST, STRANGER, OWN = learner("199001012015011001"), learner(BUDI), "b" * 32
_SETTLED = hour(2_000)


@dataclass
class Two:
    """Jatim (35), which holds the lecture, and Kalteng (62), where its guests watch."""

    jatim: Province
    kalteng: Province
    host: Hall
    home: Hall

    async def mirror(self) -> None:
        """Mirror both ways until nobody has anything left to say."""
        for _ in range(3):
            await self.host.node.settle()
            await self.home.node.settle()
            mirror(self.jatim, self.kalteng)
            mirror(self.kalteng, self.jatim)
        await self.host.node.settle()
        await self.home.node.settle()

    async def judge(self) -> None:
        """Wait until each has judged what it holds, and what the other has told it since."""
        await self.home.judged()
        await self.mirror()
        await self.host.judged()

    async def enrol(self, who: str = GUEST) -> None:
        """Have the host enrol somebody of Kalteng."""
        fact = enrolled(who, lecture_plan(), agency="62.71", home="62")
        await self.host.node.hear(fact)
        await tell_abroad(self.jatim, self.kalteng, fact)

    async def end(self) -> None:
        """End the lecture at its host, and wait until both have closed it and said what they have to."""
        self.host.node.clock.instant = self.home.node.clock.instant = hour(60)
        assert 200 == (await self.host.do("stop")).status_code
        await self.mirror()
        self.host.node.clock.instant = self.home.node.clock.instant = hour(67)
        for hall in (self.host, self.home):
            await until(lambda hall=hall: hall.told("settled"), equals=True)  # type: ignore[misc]  # the hall of this turn
        await self.judge()

    async def parked(self) -> list[str]:
        """Tell why the host has parked what it heard."""
        found = await self.jatim.engine.stores["progress"].find(PARKED, {"status": "parked"})
        return sorted(each["reason"] for each in found)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two provinces; two people of Kalteng are known in both, and one is Jatim's own."""
    jatim, kalteng = provinces(tmp_path, "35", "62")
    async with hall_at(jatim) as host, hall_at(kalteng) as home:
        for who in (GUEST, STRANGER):
            await home.node.hear(recorded(who, agency="62.71"))
            await host.node.hear(recorded(who, agency="62.71", home="62"))
        await host.node.hear(recorded(OWN), enrolled(OWN, lecture_plan()))
        yield Two(jatim, kalteng, host, home)


def _told_minutes(hall: Hall) -> list[str]:
    stated = hall.node.engine.bus.messages("progress")
    return [each.id for each in stated if each.type == MinutesWatched.type]


async def _counted(hall: Hall) -> tuple[str, list[int], int]:
    seen = (await hall.see("audience")).json()
    return seen["node"], seen["curve"], seen["viewers"]


async def _minutes(hall: Hall, who: str) -> tuple[int, tuple[str, ...]]:
    work: ProgressWork = hall.node.parts.works.open()
    kept = await work.attendance.of(f"{SESSION}/{who}")
    return kept.live_minutes, kept.sources


async def test_a_guest_who_watches_at_home_is_present_at_the_host(two: Two) -> None:
    """Half of it at home, some of that at the host too: together they meet the threshold, each minute once."""
    await two.enrol()
    await two.host.begin(audience="all")
    await two.mirror()
    joined = await two.home.do("join", {"device": "hp"}, "learner", learner_id=GUEST)
    assert 200 == joined.status_code, joined.text
    await two.home.watch([GUEST], first(20))
    await two.host.watch([GUEST], first(30) & ~first(10))
    await two.host.watch([OWN], first(29))
    await two.end()

    assert (first(30), ("live", "node:62")) == await _minutes(two.host, GUEST)
    # Of a guest the host counts what was watched at home too, as soon as that is told.
    await until(lambda: _counted(two.host), equals=("35", [2] * 29 + [1], 2))
    assert ("62", [1] * 20, 1) == await _counted(two.home)
    assert 1.0 == (await two.host.evidence(GUEST))[-1][0]
    assert [0.0] == [value for value, _ in await two.host.evidence(OWN)]
    assert [] == await two.parked()


async def test_whoever_is_not_enrolled_there_is_not_told_of(two: Two) -> None:
    """A node hears of its own guests only; who is enrolled later is told of then."""
    await two.host.begin(audience="all")
    await two.mirror()
    await two.home.watch([STRANGER], first(60))
    await two.end()
    assert (0, ()) == await _minutes(two.host, STRANGER)

    await two.enrol(STRANGER)
    await two.judge()

    assert (first(60), ("node:62",)) == await _minutes(two.host, STRANGER)
    assert [1.0] == [value for value, _ in await two.host.evidence(STRANGER)][-1:]


async def test_minutes_watched_later_follow(two: Two) -> None:
    """What a site hands in at home after the end is told too, and told again changes nothing."""
    await two.enrol()
    await two.host.begin(audience="all")
    await two.mirror()
    await two.home.watch([GUEST], first(20))
    await two.end()
    assert [0.0] == [value for value, _ in await two.host.evidence(GUEST)]

    await two.home.watch([GUEST], first(60))
    await two.judge()
    told = _told_minutes(two.home)
    await two.home.watch([GUEST], first(60))
    await two.judge()
    assert told == _told_minutes(two.home)
    evidence = await two.host.evidence(GUEST)
    mirror(two.kalteng, two.jatim, from_zero=True)
    await two.host.judged()

    assert [0.0, 1.0] == sorted(value for value, _ in evidence)
    assert evidence == await two.host.evidence(GUEST)


async def test_a_session_that_goes_on_goes_on_everywhere(two: Two) -> None:
    """Homes that have closed it already open it again; nobody misses the pause, and all minutes reach the host."""
    await two.enrol()
    await two.host.begin(audience="all")
    await two.mirror()
    await two.home.watch([GUEST], first(20))
    two.host.node.clock.instant = two.home.node.clock.instant = hour(20)
    stopped = (await two.host.do("stop")).json()["ended_at"]
    await two.mirror()
    two.home.node.clock.instant = hour(27)
    await until(lambda: two.home.told("state"), equals="closed")
    two.host.node.clock.instant = hour(25)
    resumed = await two.host.do("resume", {"ended_at": stopped})
    await two.mirror()

    assert ("live", 55) == (resumed.json()["state"], resumed.json()["planned_minutes"])
    assert ("live", 55) == (await two.home.told("state"), await two.home.told("planned_minutes"))
    assert (
        200
        == (await two.home.do("join", {"device": "hp"}, "learner", learner_id=GUEST)).status_code
    )
    await two.home.watch([GUEST], first(34))
    await two.end()
    assert 1.0 == (await two.host.evidence(GUEST))[-1][0]


async def test_only_the_host_directs_its_session(two: Two) -> None:
    """At home it is followed: begun, extended, ended and resumed by nobody but its host."""
    await two.host.begin(audience="all")
    await two.mirror()
    for what, said in (
        ("start", {}),
        ("stop", {}),
        ("extend", {"ends_at": hour(90).isoformat()}),
        ("resume", {"ended_at": hour(0).isoformat()}),
    ):
        answer = await two.home.do(what, said)
        assert (409, "held-elsewhere") == (
            answer.status_code,
            answer.json()["type"].rpartition(":")[2],
        )

    assert 200 == (await two.host.do("extend", {"ends_at": hour(90).isoformat()})).status_code
    await two.mirror()
    shown = (await two.home.see()).json()

    assert ("live", "35") == (shown["state"], shown["host_node"])
    assert hour(90) == datetime.fromisoformat(shown["ends_at"])


async def test_a_session_for_the_host_alone_again_is_closed_to_others(two: Two) -> None:
    """What is taken back before it begins admits nobody of another node."""
    await two.host.schedule(audience="all")
    await two.mirror()
    await two.host.schedule(
        audience="node", stream={"kind": "hls", "url": "https://live.test/secret.m3u8"}
    )
    await two.mirror()

    assert 200 == (await two.host.do("start")).status_code
    await two.mirror()
    answer = await two.home.do("join", {"device": "hp"}, "learner", learner_id=GUEST)
    kept = str(two.kalteng.engine.stores["progress"].snapshot())

    assert 403 == answer.status_code
    assert "secret" not in kept


async def test_a_node_tells_of_its_own_guests_only(two: Two) -> None:
    """Minutes of the host's own people, of strangers and of sessions that are not for all are parked."""
    await two.enrol()
    await two.host.begin(audience="all")

    def watched(who: str, **changes: Any) -> MinutesWatched:  # noqa: ANN401 - a fact's fields
        usual: dict[str, Any] = {
            "learner_id": who, "at": hour(60), "home_node": "62", "host_node": "35", "live": "ff",
            "session_id": SESSION, "cohort_id": LECTURE, "enrolment_id": place_in(who),
        }  # fmt: skip
        return MinutesWatched(**usual | changes)

    await tell_abroad(
        two.kalteng, two.jatim, watched(OWN), watched(STRANGER), watched(GUEST, session_id="lain"),
        watched(GUEST, enrolment_id=place_in(OWN)), watched(GUEST), service="progress",
    )  # fmt: skip

    assert ["not-their-guest"] * 2 + ["unknown-learner", "unknown-session"] == await two.parked()
    assert (0, ()) == await _minutes(two.host, OWN)
    assert (0xFF, ("node:62",)) == await _minutes(two.host, GUEST)


async def test_minutes_that_come_before_the_enrolment_wait_for_it(two: Two) -> None:
    """A host that was away may hear of what was watched first; nobody has to replay it."""
    await two.host.begin(audience="all")
    fact = MinutesWatched(
        learner_id=GUEST, at=hour(60), home_node="62", host_node="35", live="ff", session_id=SESSION,
        cohort_id=LECTURE, enrolment_id=place_in(GUEST),
    )  # fmt: skip
    await tell_abroad(two.kalteng, two.jatim, fact, service="progress")
    assert ["unknown-learner"] == await two.parked()

    await two.enrol()
    receiving = two.host.node.parts.deliveries[-1]
    assert isinstance(receiving, ReceivingDelivery)
    await receiving.readmit()
    await two.host.node.settle()

    assert [] == await two.parked()
    assert (0xFF, ("node:62",)) == await _minutes(two.host, GUEST)


async def test_a_node_offers_its_own_sessions_only(two: Two) -> None:
    """A session's id proves whose it is; nobody begins or moves another's."""
    await two.host.begin(audience="all")
    session = await two.host.node.parts.works.open().live_sessions.of(SESSION)
    _, news = news_of(LiveSession(SESSION), session, hour(0))
    forged = news[0].model_copy(update={"offer": 99, "state": "ended"})
    claimed = forged.model_copy(update={"node": "62"})
    await tell_abroad(two.kalteng, two.jatim, forged, claimed, service="progress")

    assert ["not-their-session"] * 2 == await two.parked()
    assert "live" == await two.host.told("state")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ends_at": hour(-1)}, "ends-before-it-starts"),
        ({"ends_at": hour(2_000)}, "session-too-long"),
        ({"stream": StreamTold.model_construct(kind="meeting", url="javascript:x")}, "broken-data"),
    ],
)
async def test_an_impossible_session_is_parked(
    two: Two, changes: dict[str, Any], reason: str
) -> None:
    """What a peer could not have scheduled is not held here."""
    session = scheduled(audience="all")
    _, news = news_of(LiveSession(SESSION), session, hour(0))
    place = Place(LECTURE, "lecture", "live")
    about = {"node": "62", "session_id": session_id(place, "62"), **changes}
    told = news[0].model_copy(update=about)
    await tell_abroad(two.kalteng, two.jatim, told, service="progress")

    assert [reason] == await two.parked()


async def test_a_session_for_all_has_whole_addresses(two: Two) -> None:
    """An address of the host's own would lead others to theirs."""
    await two.host.node.hear(planned(lecture_plan()))
    stream = {"kind": "hls", "url": "/siaran/a.m3u8"}
    refused = await two.host.node.post("/live/sessions", body(audience="all", stream=stream))

    assert (422, "urn:corpu:problem:address-not-whole") == (
        refused.status_code, refused.json()["type"],
    )  # fmt: skip
    assert 201 == (await two.host.node.post("/live/sessions", body(stream=stream))).status_code


async def test_whoever_left_the_hosts_cohort_is_not_told_of(two: Two) -> None:
    """A guest who withdrew watches as anybody does, and the host hears nothing of it."""
    await two.enrol()
    gone = withdrawn(GUEST, LECTURE).model_copy(update={"home_node": "62"})
    await two.host.node.hear(gone)
    await tell_abroad(two.jatim, two.kalteng, gone)
    await two.host.begin(audience="all")
    await two.mirror()
    await two.home.watch([GUEST], first(60))
    await two.end()

    assert (0, ()) == await _minutes(two.host, GUEST)


def test_what_is_known_already_is_not_told() -> None:
    """Only what others have to know makes an offer, and an older offer changes nothing."""
    session = scheduled(audience="all")
    offered, news = news_of(LiveSession(SESSION), session, hour(0))
    begun = offered.start(hour(0), hour(1))
    told, more = news_of(offered, begun, hour(1))
    again, nothing = news_of(told, told, hour(2))

    assert (1, 2) == (news[0].offer, more[0].offer)
    assert ([], told) == (list(nothing), again)
    assert [] == list(news_of(LiveSession(SESSION), scheduled(), hour(0))[1])
    followed = follow(follow(LiveSession(SESSION), more[0]), news[0])
    assert ("live", 2) == (followed.state, followed.offer)


def test_a_closed_session_stays_closed_here_whatever_its_host_adds() -> None:
    """Closing is each node's own word; a later end opens it again, for there is more to come."""
    offered, _ = news_of(LiveSession(SESSION), scheduled(audience="all"), hour(0))
    ended = offered.start(hour(0), _SETTLED).stop(hour(60), _SETTLED)
    _, news = news_of(offered, ended, hour(60))
    here = follow(LiveSession(SESSION), news[0])
    here = here.begin_closing(_SETTLED, timedelta(0)).close(1, _SETTLED)
    later = news[0].model_copy(update={"offer": 9, "title": "Kuliah"})

    assert ("closed", "Kuliah") == (follow(here, later).state, follow(here, later).title)
    reopened = follow(here.settle(), later.model_copy(update={"state": "live"}))
    assert ("live", None, False) == (reopened.state, reopened.closed_at, reopened.settled)


def test_what_another_node_tells_is_added_once() -> None:
    """Bits are OR-ed, live and by replay; nothing new is nothing to judge."""
    kept = attendance(first(3)).judged()
    added = Addition(SESSION, "a" * 32, "node:62", first(5), first(2))
    grown = kept.hear(added)

    assert (first(5), first(2), True) == (grown.live_minutes, grown.replay_minutes, grown.due)
    # What another node vouches for was measured there.
    joined = attendance().begin_replay(SESSION, "a" * 32, hour(70))
    assert (True, False) == (
        joined.hear(replace(added, replay=0)).replay_since == hour(70),
        joined.hear(replace(added, replay=first(60))).is_hurried(hour(71)),
    )
    assert grown is grown.begin_replay(SESSION, "a" * 32, hour(70))
    assert grown.judged() == grown.judged().hear(added)


async def test_a_home_that_knows_no_such_cohort_keeps_the_session(two: Two) -> None:
    """A cohort of the same name at home has nothing to do with the host's session."""
    await two.home.node.hear(planned(lecture_plan()))
    await two.host.begin(audience="all")
    await two.mirror()
    work: ProgressWork = two.home.node.parts.works.open()

    assert [] == await work.sessions_of([LECTURE], "62")
    assert [SESSION] == [each.id for each in await work.sessions_of([LECTURE], "35")]
