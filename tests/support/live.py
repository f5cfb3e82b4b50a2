"""Builders for the tests of live sessions: a lecture of an hour, and who attends which minutes of it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from services.progress.domain.attendance import Addition, Attendance
from services.progress.domain.live import Draft, LiveSession, Place, Stream
from services.progress.domain.minutes import span, words_of
from services.progress.domain.record import Record
from services.progress.handlers.sessions import session_id
from services.progress.settings import Settings
from services.progress.store.live import KeptMinutes
from shared.events.plan import Plan
from shared.kernel.ids import enrolment_id, learner_id
from tests.support.federation import Province
from tests.support.progress import plan, planned
from tests.support.served_progress import ServedProgress, served
from tests.support.serving import AUDIENCE, ISSUER
from tests.support.waiting import until

LECTURE = "kuliah-mei"
START = datetime(2024, 7, 20, 2, 0, tzinfo=UTC)
PLACE = Place(LECTURE, "lecture", "live")
SESSION = session_id(PLACE, "35")
KEY = bytes(range(32))
ANI, BUDI = "199001012015011001", "199202022016022002"


def hour(minute: float) -> datetime:
    """Tell the instant so many minutes after the lecture's planned start."""
    return START + timedelta(minutes=minute)


def learner(nip: str) -> str:
    """Tell a number's learner id."""
    return learner_id(nip, KEY)


def place_in(who: str) -> str:
    """Tell somebody's enrolment in the lecture's cohort."""
    return enrolment_id(who, LECTURE, "35")


def lecture_plan(**live: float) -> Plan:
    """Make a plan of one phase that asks for the lecture; with rules for live sessions where there are any."""
    gate = [{"attendance": {"sessions": "lecture", "at_least_percent": 100}}]
    made = plan([gate], sessions={"lecture": ["live"]}, code="KULIAH", cohort=LECTURE)
    rules = made.rules.model_dump() | ({"live": live} if live else {})
    return Plan.model_validate(made.model_dump() | {"rules": rules})


def draft(**changes: Any) -> Draft:  # noqa: ANN401 - a draft's fields
    """Say what an organiser says of the lecture: an hour, half of it makes present."""
    usual: dict[str, Any] = {
        "title": "Kuliah Umum", "kind": "lecture", "audience": "cohort", "starts_at": hour(0),
        "ends_at": hour(60), "stream": Stream("hls", "https://live.test/a.m3u8"), "threshold": 50.0,
        "grace": 300,
    }  # fmt: skip
    return Draft(**(usual | changes))


def scheduled(of: Plan | None = None, **changes: Any) -> LiveSession:  # noqa: ANN401 - a draft's fields
    """Schedule the lecture."""
    return LiveSession(SESSION).schedule(draft(**changes), PLACE, of or lecture_plan())


def closed(of: Plan | None = None, **changes: Any) -> LiveSession:  # noqa: ANN401 - a draft's fields
    """Hold the lecture as planned, and close it."""
    later = hour(2_000)
    begun = scheduled(of, **changes).start(hour(0), later).stop(hour(60), later)
    return begun.begin_closing(later, timedelta(0)).close(1, later)


def attendance(live: int = 0, replay: int = 0, who: str = "a" * 32) -> Attendance:
    """Make what is kept of somebody's minutes."""
    return Attendance(
        f"{SESSION}/{who}", SESSION, who, words_of(live), words_of(replay), ("live",), due=True
    )


def first(count: int) -> int:
    """Tell the bitmap of the first minutes."""
    return span(0, count)


def body(**changes: object) -> dict[str, Any]:
    """Make what an organiser sends to schedule the lecture."""
    usual: dict[str, Any] = {
        "title": "Kuliah Umum", "cohort_id": LECTURE, "group": "lecture", "session": "live",
        "starts_at": hour(0).isoformat(), "ends_at": hour(60).isoformat(),
        "stream": {"kind": "hls", "url": "https://live.test/a.m3u8"}, "threshold_percent": 50,
    }  # fmt: skip
    return usual | changes


@dataclass
class Hall:
    """A served node whose clock stands at the lecture's start, and what happens in it."""

    node: ServedProgress

    async def schedule(self, of: Plan | None = None, **changes: object) -> dict[str, Any]:
        """Tell the cohort's plan, and schedule the lecture."""
        await self.node.hear(planned(of or lecture_plan()))
        answer = await self.node.post("/live/sessions", body(**changes))
        assert 201 == answer.status_code, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def begin(self, of: Plan | None = None, **changes: object) -> None:
        """Schedule the lecture and begin it."""
        await self.schedule(of, **changes)
        assert 200 == (await self.do("start")).status_code

    async def do(
        self, what: str, said: object = None, *roles: str, **claims: object
    ) -> httpx2.Response:
        """Ask something of the session."""
        return await self.node.post(
            f"/live/sessions/{SESSION}/{what}", said if said is not None else {}, *roles, **claims
        )

    async def see(self, what: str = "", *roles: str, **claims: object) -> httpx2.Response:
        """Look at the session."""
        path = f"/live/sessions/{SESSION}"
        return await self.node.get(f"{path}/{what}" if what else path, *roles, **claims)

    async def watch(self, who: Iterable[str], minutes: int, *, replay: bool = False) -> None:
        """Have the fold add minutes of these learners, as it does with their beats."""
        kind = "replay" if replay else "live"
        added = [Addition(SESSION, each, kind, **{kind: minutes}) for each in who]
        await KeptMinutes(self.node.parts.store).add(added)

    async def end(self, minute: float = 60) -> None:
        """End the lecture, and wait until attendance has become evidence."""
        self.node.clock.instant = hour(minute)
        assert 200 == (await self.do("stop")).status_code
        self.node.clock.instant = hour(minute + 7)
        await until(partial(self.told, "settled"), equals=True)
        await self.node.settle()

    async def told(self, what: str) -> Any:  # noqa: ANN401 - any member
        """Tell one member of the session."""
        return (await self.see()).json()[what]

    async def judged(self) -> None:
        """Wait until nothing is due and all is heard."""

        async def due() -> int:
            kept = self.node.engine.stores["progress"].snapshot()
            waiting = [each for each in kept.get("attendance", {}).values() if each.get("due")]
            handed = [each for each in kept.get("handed_in", {}).values() if not each["added"]]
            return len(waiting) + len(handed)

        await until(due, equals=0)
        await self.node.settle()

    async def evidence(self, who: str) -> list[tuple[float, str]]:
        """Tell what evidence somebody's record has, in its order: value and source."""
        found = (await self.node.get(f"/enrolments/{place_in(who)}/evidence")).json()["items"]
        return [(each["value"], each["source"]) for each in found]

    async def record(self, who: str) -> Record:
        """Load somebody's record."""
        return await self.node.parts.works.open().records.of(place_in(who))


def _settings(folder: Path) -> dict[str, object]:
    """Make what a node that looks after its sessions all the time is told."""
    for name in ("live.hex", "pseudonym.hex"):
        (folder / name).write_text(KEY.hex(), encoding="ascii")
    return {
        "CORPU_ISSUER": ISSUER, "CORPU_AUDIENCE": AUDIENCE, "CORPU_LIVE_SECONDS": 0.005,
        "CORPU_FLUSH_SECONDS": 0.05,
        "CORPU_LIVE_KEY_FILE": folder / "live.hex",
        "CORPU_PSEUDONYM_KEY_FILE": folder / "pseudonym.hex",
    }  # fmt: skip


@asynccontextmanager
async def hall(folder: Path) -> AsyncIterator[Hall]:
    """Serve a node that looks after its sessions all the time."""
    async with served(Settings.model_validate(_settings(folder))) as node:
        node.clock.instant = START
        yield Hall(node)


@asynccontextmanager
async def hall_at(province: Province) -> AsyncIterator[Hall]:
    """Serve such a node that shares with others."""
    settings = province.settings(Settings, **_settings(province.folder))
    async with served(settings, province.engine) as node:
        node.home = province.node
        node.clock.instant = START
        yield Hall(node)
