"""A lecture for everybody at a node, over all four services: from beats to a certificate and training hours."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from services.progress.domain.beats import pack, room_of
from services.progress.domain.live import Place
from services.progress.domain.minutes import MOST_MINUTES
from services.progress.handlers.sessions import session_id
from shared.events.fact import ATTENDANCE
from shared.kernel.ids import learner_id
from tests.support.enrolment import LECTURE, lecture_body, nip
from tests.support.node import PSEUDONYM_KEY, MemoryNode, memory_node
from tests.support.waiting import until

_COHORT = "kuliah-mei"
_SESSION = session_id(Place(_COHORT, "stream", "live"), "35")
_WATCHES, _LEAVES = (learner_id(nip(serial), bytes.fromhex(PSEUDONYM_KEY)) for serial in (1, 2))


async def _ask(
    node: MemoryNode,
    service: str,
    method: str,
    path: str,
    who: dict[str, str],
    **sent: Any,  # noqa: ANN401 - httpx2's own
) -> Any:  # noqa: ANN401 - any JSON
    transport = httpx2.ASGITransport(app=node.apps[service])
    async with httpx2.AsyncClient(transport=transport, base_url="http://corpu.test") as client:
        answer = await client.request(method, path, headers=who, **sent)
        assert answer.is_success, answer.text
        return answer.json()


async def test_who_watches_enough_is_enrolled_completes_and_is_certified(tmp_path: Path) -> None:
    """Without a form and without a nomination; who leaves early gets nothing."""
    async with memory_node(tmp_path) as node:
        bearer = node.issuer.bearer
        organiser, learner = bearer("organiser"), bearer("learner", learner_id=_WATCHES)
        staff = "\r\n".join(["NIP;Nama", *(f"{nip(serial)};Peserta {serial}" for serial in (1, 2))])
        ask = partial(_ask, node)
        rules = {**LECTURE["rules"], "live": {"threshold_percent": 75, "minutes_per_jp": 40}}
        course = {**LECTURE, "rules": rules}
        await ask("enrolment", "PUT", "/programmes/KULIAH/1", organiser, json=course)
        await ask("enrolment", "POST", "/programmes/KULIAH/1/publication", organiser)
        await ask("enrolment", "PUT", f"/cohorts/{_COHORT}", organiser, json=lecture_body())
        await ask("enrolment", "POST", f"/cohorts/{_COHORT}/opening", organiser)
        await ask(
            "enrolment", "POST", "/agencies/35.73/staff", organiser,
            files={"file": ("staf.csv", staff.encode(), "text/csv")},
        )  # fmt: skip
        cards = node.engine.stores["progress"]
        await until(lambda: len(cards.snapshot().get("cards", {})), equals=2)
        await until(lambda: len(cards.snapshot().get("plans", {})), equals=1)

        starts = node.clock.now()
        body = {
            "title": "Kuliah Umum", "cohort_id": _COHORT, "group": "stream", "session": "live",
            "audience": "node", "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(hours=2)).isoformat(),
            "stream": {"kind": "youtube", "url": "https://youtu.be/abc"},
        }  # fmt: skip
        await ask("progress", "POST", "/live/sessions", organiser, json=body)
        path = f"/live/sessions/{_SESSION}"
        await ask("progress", "POST", f"{path}/start", organiser)
        joined = await ask("progress", "POST", f"{path}/join", learner, json={"device": "hp"})
        await _beats(node, {_WATCHES: 95, _LEAVES: 30})
        node.clock.advance(timedelta(hours=2))
        await ask("progress", "POST", f"{path}/stop", organiser)
        node.clock.advance(timedelta(minutes=7))

        async def jp(who: str) -> int:
            seen = bearer("learner", learner_id=who)
            shown = await ask("progress", "GET", "/learners/me/passport", seen)
            return int(shown["jp"])

        await until(partial(jp, _WATCHES), equals=3)
        dossiers = node.engine.stores["certification"].snapshot()["dossiers"].values()
        mine = await ask("progress", "GET", f"{path}/mine", learner)

        assert 90 == joined["threshold_minutes"]
        assert (95, True) == (mine["minutes_counted"], mine["met"])
        assert [_WATCHES] == [each["learner_id"] for each in dossiers]
        assert 0 == await jp(_LEAVES)


async def _beats(node: MemoryNode, watched: dict[str, int]) -> None:
    """Let beats come to the topic of attendance as an edge writes them, some of them twice."""
    room = room_of(_SESSION)
    for minute in range(MOST_MINUTES):
        there = [bytes.fromhex(who) for who, minutes in watched.items() if minute < minutes]
        if not there:
            return
        record = pack({(room, minute): b"".join(there)})
        for partition in (minute % 3, (minute + 1) % 3):
            node.engine.bus.put(ATTENDANCE, (), record, partition)
