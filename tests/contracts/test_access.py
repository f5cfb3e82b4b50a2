"""Every route of every service, every role: who sees and changes whose data."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from python_calamine import CalamineWorkbook

from deploy.demo.cast import cast
from deploy.demo.graduation import graduate, sign_and_print
from deploy.demo.nomination import nominate, record_staff
from deploy.demo.replay import replay
from deploy.demo.run import play
from services.progress.api.edge import BATCH, BEATS
from shared.store.kind import Document
from shared.web.identity import ROLES
from tests.support.access import BODIES, ENDLESS, Route, fill, live_session, routes_of
from tests.support.node import MemoryNode, memory_node
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CITY, ELSEWHERE = "35.73", "35.72"
STRANGER = "e" * 32
_BACKGROUND = {"outbox", "version", "accounted", "settled"}
"""What is done in the meantime by itself: facts leave, and numbers are accounted for."""


@dataclass(frozen=True)
class Seeded:
    """A node on which one agency's people went from nomination to certificate."""

    node: MemoryNode
    clients: dict[str, httpx2.AsyncClient]
    names: dict[str, str]
    secrets: frozenset[str]

    async def ask(self, route: Route, headers: dict[str, str]) -> httpx2.Response:
        """Ask for the agency's own data by a route, with a sound body."""
        path = fill(route.path, self.names)
        sent = BODIES.get((route.service, route.method, route.path), dict)()
        return await self.clients[route.service].request(
            route.method, path, headers=headers, **sent
        )

    def kept(self) -> dict[str, dict[str, Document]]:
        """Tell what the stores keep, apart from what background work does to it."""
        return {
            f"{service}/{room}": {
                key: {name: part for name, part in document.items() if name not in _BACKGROUND}
                for key, document in documents.items()
            }
            for service, store in self.node.engine.stores.items()
            for room, documents in store.snapshot().items()
        }


RAW = {("progress", BEATS), ("progress", BATCH)}
"""What is answered before FastAPI is asked, and so is no route of it: the ticket of a live session opens it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seeded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seeded]:
    """Give the node, once a small cohort has been played on it to its end."""
    folder: Path = tmp_path_factory.mktemp("access")
    async with memory_node(folder) as node:
        await play(node.stage(folder), 8)
        for app in node.apps.values():
            await until(partial(app.state.parts.relay.sweep, 0), equals=0)
        names, secrets = _names(node)
        async with clients_of(node) as clients:
            names["session_id"] = await _on_air(clients, node.issuer.bearer("organiser"))
            yield Seeded(node, clients, names, secrets)


async def _on_air(clients: dict[str, httpx2.AsyncClient], organiser: dict[str, str]) -> str:
    """Have the cohort's organiser hold a live session, and tell its id."""
    answer = await clients["progress"].post(
        "/live/sessions", json=live_session(), headers=organiser
    )
    key = str(answer.json()["id"])
    begun = await clients["progress"].post(f"/live/sessions/{key}/start", headers=organiser)
    assert "live" == begun.json()["state"]
    return key


@asynccontextmanager
async def clients_of(node: MemoryNode) -> AsyncIterator[dict[str, httpx2.AsyncClient]]:
    """Give a client for each service."""
    clients = {
        name: httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://corpu.test",
        )
        for name, app in node.apps.items()
    }
    yield clients
    for client in clients.values():
        await client.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seeded]:
    """Give the node, once another city's own organiser has played the cohort there: `35.72` teaches `35.73`."""
    folder: Path = tmp_path_factory.mktemp("hosting")
    async with memory_node(folder) as node:
        stage = node.stage(folder)

        def tokens(
            *roles: str, subject: str, agency: str | None = None, learner_id: str | None = None
        ) -> str:
            agency = ELSEWHERE if "organiser" in roles else agency
            return node.token(*roles, subject=subject, agency=agency, learner_id=learner_id)

        staff = await record_staff(stage, cast(8))
        city = replace(stage, tokens=tokens)
        nominated = await nominate(city, cast(8), 8)
        participants, _ = await replay(city, nominated, staff)
        await graduate(city, nominated, participants)
        await sign_and_print(city, nominated, len(participants))
        for app in node.apps.values():
            await until(partial(app.state.parts.relay.sweep, 0), equals=0)
        names, secrets = _names(node)
        async with clients_of(node) as clients:
            theirs = node.issuer.bearer("organiser", agency=ELSEWHERE)
            names["session_id"] = await _on_air(clients, theirs)
            yield Seeded(node, clients, names, secrets)


def _names(node: MemoryNode) -> tuple[dict[str, str], frozenset[str]]:
    """Tell the ids with which to ask for the agency's data, and what nobody else may read of it."""
    stores = {name: store.snapshot() for name, store in node.engine.stores.items()}
    enrolments = stores["enrolment"]["enrolments"]
    dossier = next(
        each for each in stores["certification"]["dossiers"].values() if each["certificates"]
    )
    one = enrolments[dossier["_id"]]
    notice = next(
        each["_id"]
        for each in stores["notify"]["notices"].values()
        if each["learner_id"] == one["learner_id"]
    )
    names = {
        "enrolment_id": one["_id"],
        "learner_id": one["learner_id"],
        "cohort_id": one["cohort_id"],
        "roster_id": next(iter(stores["enrolment"]["rosters"])),
        "notice_id": notice,
        "parked_id": "unknown",
        "claim_id": "unknown",
        "agreement_id": "pks-041",
        "agency": CITY,
        "verification": dossier["certificates"][-1]["code"],
        "number": dossier["certificates"][-1]["number"],
    }
    people = stores["enrolment"]["learners"]
    numbers = {each["number"] for each in dossier["certificates"]}
    secrets = {
        *people,
        *enrolments,
        *(each["nip"] for each in people.values() if each.get("nip")),
        *(each["name"] for each in people.values() if each.get("name")),
        *stores["notify"]["notices"],
        *numbers,
    }
    return names, frozenset(secrets)


def _text(answer: httpx2.Response) -> str:
    """Read an answer as text, a workbook cell by cell."""
    kind = answer.headers.get("content-type", "")
    if "spreadsheet" in kind:
        book = CalamineWorkbook.from_filelike(BytesIO(answer.content))
        return repr([book.get_sheet_by_name(name).to_python() for name in book.sheet_names])
    return answer.content.decode(errors="replace")


def _leaks(seeded: Seeded, answer: httpx2.Response) -> set[str]:
    """Tell what an answer tells of the agency's people beyond what the question named."""
    text = _text(answer)
    asked = set(seeded.names.values())
    return {each for each in seeded.secrets - asked if each in text} | {
        each for each in seeded.secrets & asked if each in text and answer.status_code < 300
    }


async def _walk(seeded: Seeded) -> list[Route]:
    return [route for name, app in seeded.node.apps.items() for route in routes_of(name, app)]


async def test_every_route_has_a_policy_and_stands_in_its_document(seeded: Seeded) -> None:
    """A route that no policy names fails, and so does a documented one that is neither there nor before the routes."""
    for service, app in seeded.node.apps.items():
        found = {
            (each.method, each.path) for each in routes_of(service, app) if each.path != "/metrics"
        }
        documented = {
            (method.upper(), path)
            for path, operations in app.openapi()["paths"].items()
            for method in operations
        }
        plain = {(method, re.sub(r":path}", "}", path)) for method, path in found}
        before = {("POST", path) for name, path in RAW if name == service}
        assert documented == plain | before


async def test_only_the_public_is_public(seeded: Seeded) -> None:
    """Health, metrics, verification and the node's card need no token; all else is 401 without one."""
    public = {each.path for each in await _walk(seeded) if each.admits is None}

    assert {
        "/livez", "/readyz", "/metrics", "/verify/{code}", "/verify/{code}.json", "/.well-known/corpu.json",
        "/statuses/{node}/{programme}/{year}/{number}", "/live/{session_id}/watch",
        "/live/player/{edition}/{name}",
    } == public  # fmt: skip
    for route in await _walk(seeded):
        answer = await seeded.ask(route, {})
        expected = {200, 404} if route.admits is None else {401}
        assert answer.status_code in expected, str(route)


async def test_every_role_is_admitted_exactly_where_a_policy_says(seeded: Seeded) -> None:
    """With every role on the agency's own data: 403 where it is not admitted, and never a defect."""
    for route in await _walk(seeded):
        if route.admits is None:
            continue
        for role in sorted(set(ROLES) - route.admits):
            bearer = seeded.node.issuer.bearer(
                role, agency=CITY, learner_id=seeded.names["learner_id"]
            )
            answer = await seeded.ask(route, bearer)
            assert 403 == answer.status_code, f"{route} as {role}"


async def test_the_other_agency_sees_and_changes_nothing(seeded: Seeded) -> None:
    """Admitted by role, but for another agency and as another person: no name, no number, no change."""
    await _nothing(seeded, {"agency": ELSEWHERE, "learner_id": STRANGER, "sub": "other-agency"})


async def test_another_nodes_people_see_and_change_nothing(seeded: Seeded) -> None:
    """Whatever roles they have at home: here they are strangers, at most learners of their own."""
    answers = await _nothing(seeded, {"node": "62", "learner_id": STRANGER, "sub": "other-node"})

    assert {403} == {status for route, role, status in answers if role != "learner"}


async def _nothing(seeded: Seeded, claims: dict[str, str]) -> list[tuple[Route, str, int]]:
    before, answers = seeded.kept(), []
    for route in await _walk(seeded):
        for role in sorted(route.admits or ()):
            if (route.service, route.path) in ENDLESS:
                continue
            answer = await seeded.ask(route, seeded.node.issuer.bearer(role, **claims))
            where = f"{route} as {role}: {answer.status_code} {_text(answer)[:300]}"
            assert answer.status_code < 500, where
            assert "application/pdf" not in answer.headers.get("content-type", ""), where
            # A register shows its bare numbers to every agency, so that a gap can be seen.
            bare = {seeded.names["number"]} if route.path.startswith("/registers/") else set()
            assert set() == _leaks(seeded, answer) - bare, where
            answers.append((route, role, answer.status_code))
        if route.method != "GET":
            assert [] == _changed(before, seeded.kept()), str(route)
    assert [] == _changed(before, seeded.kept())
    return answers


def _changed(
    before: dict[str, dict[str, Document]], after: dict[str, dict[str, Document]]
) -> list[str]:
    """Tell which documents that were there are no longer as they were."""
    return [
        f"{room}/{key}"
        for room, documents in before.items()
        for key, document in documents.items()
        if after[room].get(key) != document
    ]


async def test_the_agency_and_the_node_see_what_is_theirs(seeded: Seeded) -> None:
    """The walk would prove nothing if nobody could read: those concerned do."""
    bearer = seeded.node.issuer.bearer
    seen = {
        "/enrolments/{enrolment_id}": bearer("nominator", agency=CITY),
        "/learners/{learner_id}": bearer("organiser"),
        "/learners/me": bearer("learner", learner_id=seeded.names["learner_id"]),
        "/rosters/{roster_id}": bearer("endorser", agency=CITY),
    }
    for path, headers in seen.items():
        answer = await seeded.ask(Route("enrolment", "GET", path, frozenset()), headers)
        assert _leaks(seeded, answer), f"{path}: {answer.text[:300]}"


_OF_THE_COHORT = (
    "enrolment/programmes", "enrolment/cohorts", "enrolment/rosters", "enrolment/enrolments",
    "progress/records", "progress/live_sessions", "certification/dossiers",
)  # fmt: skip
"""What is the host's to change, whoever's people they are."""


async def test_a_city_teaches_its_own_programme(hosted: Seeded) -> None:
    """Its organiser did it all, from the draft to the signature; everything says whose cohort it is."""
    stores = hosted.kept()
    owners = {room: {each["owner"] for each in stores[room].values()} for room in _OF_THE_COHORT}
    dossiers = stores["certification/dossiers"].values()

    assert {room: {ELSEWHERE} for room in _OF_THE_COHORT} == owners
    assert all(each["certificates"][-1]["signature"] for each in dossiers if each["certificates"])


async def test_a_citys_organiser_reads_whom_it_teaches(hosted: Seeded) -> None:
    """Enrolments, lists, records and certificates of another agency's people in its own cohort."""
    bearer = hosted.node.issuer.bearer("organiser", agency=ELSEWHERE, sub="city")
    seen = (
        Route("enrolment", "GET", "/enrolments/{enrolment_id}", frozenset()),
        Route("enrolment", "GET", "/cohorts/{cohort_id}/enrolments", frozenset()),
        Route("enrolment", "GET", "/cohorts/{cohort_id}/roster.xlsx", frozenset()),
        Route("enrolment", "GET", "/rosters/{roster_id}", frozenset()),
        Route("progress", "GET", "/enrolments/{enrolment_id}", frozenset()),
        Route("progress", "GET", "/cohorts/{cohort_id}/progress", frozenset()),
        Route("certification", "GET", "/certificates/{enrolment_id}", frozenset()),
    )
    for route in seen:
        answer = await hosted.ask(route, bearer)
        assert _leaks(hosted, answer), f"{route}: {answer.status_code} {_text(answer)[:300]}"


async def test_a_citys_organiser_does_not_read_other_peoples_lives(hosted: Seeded) -> None:
    """Neither the passport nor the card of somebody whom it once taught, nor an agency's staff."""
    bearer = hosted.node.issuer.bearer("organiser", agency=ELSEWHERE, sub="city")
    for service, path in (
        ("enrolment", "/learners/{learner_id}"),
        ("enrolment", "/agencies/{code:path}/staff"),
        ("progress", "/learners/{learner_id}/passport"),
        ("progress", "/agencies/{code:path}/jp"),
    ):
        answer = await hosted.ask(Route(service, "GET", path, frozenset()), bearer)
        assert set() == _leaks(hosted, answer), (
            f"{path}: {answer.status_code} {_text(answer)[:300]}"
        )


async def test_a_third_citys_organiser_sees_and_changes_nothing(hosted: Seeded) -> None:
    """It neither teaches the cohort nor sent anybody to it."""
    await _nothing(hosted, {"agency": "35.78", "learner_id": STRANGER, "sub": "third-city"})


async def test_whoever_sent_people_changes_nothing_of_the_hosts(hosted: Seeded) -> None:
    """The organiser of the people's own city reads how they fare, and signs, scores and decides nothing."""
    await _changes_nothing_of_the_cohort(hosted)
    card = Route("enrolment", "GET", "/enrolments/{enrolment_id}", frozenset())
    answer = await hosted.ask(card, hosted.node.issuer.bearer("organiser", agency=CITY))

    assert _leaks(hosted, answer)


async def test_whoever_sent_people_changes_nothing_of_the_nodes(seeded: Seeded) -> None:
    """As little where the node itself teaches."""
    await _changes_nothing_of_the_cohort(seeded)


async def _changes_nothing_of_the_cohort(seeded: Seeded) -> None:
    before = seeded.kept()
    bearer = seeded.node.issuer.bearer("organiser", agency=CITY, sub="their-city")
    for route in await _walk(seeded):
        if route.method == "GET" or "organiser" not in (route.admits or ()):
            continue
        answer = await seeded.ask(route, bearer)
        after = seeded.kept()
        changed = [
            each
            for each in _changed(before, after)
            if each.rpartition("/")[0].startswith(_OF_THE_COHORT)
        ]
        where = f"{route}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code < 500, where
        assert [] == changed, where


async def test_no_role_opens_what_a_ticket_does(seeded: Seeded) -> None:
    """Somebody's access token is no ticket, and without any token nothing is counted either."""
    progress = seeded.clients["progress"]
    before = seeded.kept()
    alone = [await progress.post(f"{BEATS}?n=1")]
    for role in ROLES:
        bearer = {"Authorization": f"Bearer {seeded.node.token(role, subject=role)}"}
        alone.append(await progress.post(f"{BEATS}?n=1", headers=bearer))
    item = {"ticket": seeded.node.token("organiser", subject="o"), "n": 1}
    batch = await progress.post(BATCH, json=[item])

    assert {401} == {each.status_code for each in alone}
    assert [401] == [each["status"] for each in batch.json()["items"]]
    assert before == seeded.kept()
