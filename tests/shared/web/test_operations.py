"""What probes, operators and auditors ask of every service."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shared.bus.parking import PARKED
from shared.kernel.errors import Unavailable
from shared.store.port import Change
from tests.support.box_service import BoxEngine, LosableBus, Served, make_app, served
from tests.support.boxes import BOXES
from tests.support.deliveries import failing, told
from tests.support.serving import Issuer, clock, serving
from tests.support.waiting import until


async def _park(service: Served) -> str:
    """Let the service hear what it cannot handle, and tell the parked message's id."""
    await service.engine.bus.publish([told(failing("refused"))])
    await until(lambda: service.engine.store.inner.count(PARKED, {}), equals=1)
    (document,) = await service.engine.store.inner.find(PARKED, {})
    key: str = document["_id"]
    return key


async def test_a_live_service_says_so_without_a_token(service: Served) -> None:
    """Whatever its parts do."""
    service.engine.store.fail_at(1)

    answer = await service.client.get("/livez")

    assert (200, {"status": "alive"}) == (answer.status_code, answer.json())


@pytest.mark.parametrize("part", ["store", "bus"])
async def test_a_service_is_ready_only_while_store_and_broker_answer(
    service: Served, part: str
) -> None:
    """Either one away makes it not ready, and back makes it ready again."""

    async def away(name: str) -> None:
        if name == "ping":
            raise Unavailable("away")

    first = await service.client.get("/readyz")
    if part == "store":
        service.engine.store.before = away
    else:
        service.engine.bus.away = True
    second = await service.client.get("/readyz")
    service.engine.store.before = None
    service.engine.bus.away = False
    third = await service.client.get("/readyz")

    assert [200, 503, 200] == [each.status_code for each in (first, second, third)]


@pytest.mark.parametrize("failing_part", ["away", "defect"])
async def test_a_service_waits_for_its_parts_at_the_start(failing_part: str) -> None:
    """It lives and answers 503 until they are there, even if the first attempts met a defect."""
    engine, watch = BoxEngine(), clock()
    setattr(engine, failing_part, True)
    app = make_app(engine, watch, Issuer(watch))

    async def open_later() -> None:
        setattr(engine, failing_part, False)

    async with app.router.lifespan_context(app):
        await until(lambda: app.state.parts is None)
        await open_later()
        await until(lambda: app.state.parts is not None)

    async with serving(app) as client:
        assert 200 == (await client.get("/readyz")).status_code


@pytest.mark.parametrize(
    "held", [None, "", "{", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "EC"}]}']
)
async def test_a_service_is_ready_only_while_its_keys_can_be_read(
    tmp_path: Path, held: str | None
) -> None:
    """It names the setting and the file, heeds a file that comes later, and one that goes."""
    watch, path = clock(), tmp_path / "jwks.json"
    if held is not None:
        path.write_text(held, encoding="utf-8")
    issuer = Issuer(watch)
    app = make_app(BoxEngine(), watch, None, CORPU_JWKS=str(path))

    async with serving(app) as client:
        lacking = await client.get("/readyz")
        refused = await client.get("/boxes", headers=issuer.bearer("organiser"))
        path.write_text(json.dumps((await issuer.current()).as_dict()), encoding="utf-8")
        ready = await client.get("/readyz")
        taken = await client.get("/boxes", headers=issuer.bearer("organiser"))
        path.unlink()
        gone = await client.get("/readyz")

    assert [503, 503, 200, 200, 503] == [
        each.status_code for each in (lacking, refused, ready, taken, gone)
    ]
    assert "urn:corpu:problem:key-lacking" == lacking.json()["type"]
    assert lacking.json()["detail"].startswith(f"CORPU_JWKS: {path} ")
    assert f"CORPU_JWKS: {path} cannot be read (No such file or directory)" == gone.json()["detail"]


async def test_an_identity_provider_that_is_away_keeps_no_service_from_being_ready() -> None:
    """What needs no token goes on, such as verifying certificates."""
    app = make_app(BoxEngine(), clock(), None, CORPU_JWKS="http://127.0.0.1:9/jwks.json")

    async with serving(app) as client:
        assert 200 == (await client.get("/readyz")).status_code


async def test_a_service_says_at_its_start_which_keys_it_lacks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In one line for all, and it waits for those that it shares with."""
    app = make_app(
        BoxEngine(), clock(), None,
        CORPU_JWKS=str(tmp_path / "a.json"), CORPU_NODE_KEYS=tmp_path / "b.json",
    )  # fmt: skip
    transport = httpx2.ASGITransport(app=app)

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://corpu.test") as client,
    ):
        told = (await client.get("/readyz")).json()["detail"]

    assert told.startswith(
        f"CORPU_NODE_KEYS: the node's keys in {tmp_path}/b.json cannot be read; "
    )
    assert told.endswith(
        f"CORPU_JWKS: {tmp_path}/a.json cannot be read (No such file or directory)"
    )
    assert [f"not ready: {told}"] == [
        each.getMessage() for each in caplog.records if "not ready" in each.getMessage()
    ]


async def test_an_operator_learns_how_a_service_is(service: Served) -> None:
    """Whether its parts answer, what waits, and what is parked."""
    await _park(service)

    status = (await service.ask("GET", "/operations/status", "operator")).json()

    assert ("boxes", "35", True, True, 1, 1) == (
        status["service"], status["node"], status["store"], status["broker"], status["parked"], status["epoch"],
    )  # fmt: skip
    assert {"boxes.fail"} == status["lag"].keys()


async def test_a_service_lets_go_by_itself_of_what_was_done_with(service: Served) -> None:
    """What was replayed long ago is gone soon after the start; what is parked is told and counted as before."""
    engine, key = service.engine, await _park(service)
    (waiting,) = await engine.store.inner.find(PARKED, {})
    fields = {name: each for name, each in waiting.items() if name not in {"_id", "version"}}
    done = {**fields, "status": "replayed", "done_at": "2024-04-20T00:00:00Z"}
    kept = {**done, "done_at": "2024-04-22T00:00:00Z"}
    await engine.store.write([Change(PARKED, *each) for each in (("a", 0, done), ("b", 0, kept))])
    again = make_app(engine, service.clock, service.issuer)

    async with serving(again) as client:
        await until(lambda: engine.store.inner.count(PARKED, {"status": "replayed"}), equals=1)
        operator = service.issuer.bearer("operator")
        status = (await client.get("/operations/status", headers=operator)).json()
        listed = (await client.get("/operations/parked", headers=operator)).json()

    assert 1 == status["parked"]
    assert [key] == [each["id"] for each in listed["items"]]


async def test_an_operator_learns_that_the_store_is_away(service: Served) -> None:
    """What cannot be counted then is null."""

    async def away(name: str) -> None:
        raise Unavailable(f"{name}: away")

    service.engine.store.before = away

    status = (await service.ask("GET", "/operations/status", "operator")).json()

    assert (False, True, None, None) == (
        status["store"], status["broker"], status["unpublished"], status["parked"],
    )  # fmt: skip


async def test_an_auditor_reads_rows_in_pages(service: Served) -> None:
    """Operators do too, and nobody else."""
    for label in "abc":
        await service.ask("POST", "/boxes", json={"label": label})

    first = (await service.ask("GET", "/operations/audit", "auditor", params={"limit": 2})).json()
    after = {"after": first["next"]}
    second = (await service.ask("GET", "/operations/audit", "operator", params=after)).json()
    refused = await service.ask("GET", "/operations/audit")

    assert (2, 1, None) == (len(first["items"]), len(second["items"]), second["next"])
    assert 403 == refused.status_code


async def test_an_operator_has_every_fact_stated_again(service: Served) -> None:
    """The same ids, and the answer tells how many."""
    for label in "ab":
        await service.ask("POST", "/boxes", json={"label": label})
    await until(lambda: service.engine.store.unpublished(BOXES, 10), equals={})
    before = [each.id for each in service.engine.bus.messages("enrolment")]

    answer = await service.ask("POST", "/operations/replay", "operator")

    after = [each.id for each in service.engine.bus.messages("enrolment")]
    assert {"stated": 2} == answer.json()
    assert (4, set(before)) == (len(after), set(after))


async def test_an_operator_lists_and_shows_what_is_parked(service: Served) -> None:
    """A list tells the reason, one shown whole the headers and the value."""
    key = await _park(service)

    listed = (await service.ask("GET", "/operations/parked", "operator")).json()["items"]
    shown = (await service.ask("GET", f"/operations/parked/{key}", "operator")).json()

    assert [("boxes.fail", "enrolment", "not-here", "parked", None)] == [
        (each["subscription"], each["topic"], each["reason"], each["status"], each["value"])
        for each in listed
    ]
    assert ("id.corpu.waitlisted.v1", True) == (
        shown["headers"]["ce_type"],
        "refused" in shown["value"],
    )


async def test_an_operator_replays_what_is_parked(service: Served) -> None:
    """What still cannot be handled is a conflict and stays; an unknown one is not found."""
    key = await _park(service)

    vain = await service.ask("POST", f"/operations/parked/{key}/replay", "operator")
    unknown = await service.ask("POST", "/operations/parked/unknown/replay", "operator")

    assert (409, "urn:corpu:problem:still-unprocessable") == (vain.status_code, vain.json()["type"])
    assert 404 == unknown.status_code
    assert 1 == len((await service.ask("GET", "/operations/parked", "operator")).json()["items"])


async def test_a_subscription_that_is_gone_cannot_replay(service: Served) -> None:
    """Its parked messages say so."""
    key = await _park(service)
    (document,) = await service.engine.store.inner.find(PARKED, {})
    works = service.app.state.parts.works

    async def rename(work: object) -> None:
        parking = work.aggregates(PARKED)  # type: ignore[attr-defined]  # any unit of work
        parked = await parking.get(key)
        parking.keep(type(parked)(**{**vars(parked), "subscription": "boxes.gone"}))

    await works.run(rename)
    answer = await service.ask("POST", f"/operations/parked/{document['_id']}/replay", "operator")

    assert (404, "urn:corpu:problem:unknown-subscription") == (
        answer.status_code,
        answer.json()["type"],
    )


async def test_an_operator_drops_what_is_parked(service: Served) -> None:
    """It leaves the list of the parked, stays in that of the dropped, and cannot be told from outside."""
    key = await _park(service)

    dropped = await service.ask("DELETE", f"/operations/parked/{key}", "operator")
    unknown = await service.ask("DELETE", "/operations/parked/unknown", "operator")

    assert (204, 404) == (dropped.status_code, unknown.status_code)
    for status, count in (("parked", 0), ("dropped", 1)):
        found = await service.ask(
            "GET", "/operations/parked", "operator", params={"status": status}
        )
        assert count == len(found.json()["items"])


async def test_facts_left_by_a_crash_leave_at_the_next_start() -> None:
    """A memory-only broker is told everything again, if the settings say so."""
    async with served(CORPU_RESTATE_ON_START=True) as first:
        await first.ask("POST", "/boxes", json={"label": "a"})
        await until(lambda: first.engine.store.unpublished(BOXES, 10), equals={})
        engine = first.engine
    engine.bus = LosableBus()

    watch = clock()
    async with serving(make_app(engine, watch, Issuer(watch), CORPU_RESTATE_ON_START=True)):
        await until(lambda: len(engine.bus.messages("enrolment")), equals=1)


class _Forgetful(LosableBus):
    """A bus that does not tell what it remembers before it is told to."""

    def __init__(self) -> None:
        """Tell nothing yet."""
        super().__init__()
        self.tells = asyncio.Event()

    async def remembers(self, mark: str) -> bool:
        """Tell in its own time."""
        await self.tells.wait()
        return await super().remembers(mark)


async def test_until_all_is_stated_again_something_waits() -> None:
    """Nothing lags that was never told to a new broker, so nobody may take that for quiet."""
    engine, watch = BoxEngine(), clock()
    engine.bus = bus = _Forgetful()
    issuer = Issuer(watch)
    app = make_app(engine, watch, issuer, CORPU_RESTATE_ON_START=True)
    async with serving(app) as client:

        async def waiting() -> int:
            who = issuer.bearer("operator")
            status = (await client.get("/operations/status", headers=who)).json()
            return int(status["unpublished"])

        before = await waiting()
        bus.tells.set()
        await until(waiting, equals=0)

    assert 1 == before


async def test_what_holds_nothing_any_more_cannot_be_replayed(service: Served) -> None:
    """Whoever asks is told so, and the mark that keeps it from being parked again stays."""
    key = await _park(service)

    async def empty(work: Any) -> None:  # noqa: ANN401 - any unit of work
        parking = work.aggregates(PARKED)
        parking.keep((await parking.get(key)).now("dropped").empty())

    await service.app.state.parts.works.run(empty)
    before = await service.engine.store.inner.find(PARKED, {})
    answer = await service.ask("POST", f"/operations/parked/{key}/replay", "operator")

    assert (409, "urn:corpu:problem:parked-emptied") == (answer.status_code, answer.json()["type"])
    assert before == await service.engine.store.inner.find(PARKED, {})
