"""Parts that are away: at the start, for half a minute in the middle, and ports that are taken."""

import asyncio
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.client import SERVICES, Declined, NodeClient, until
from deploy.demo.nomination import publish
from deploy.demo.run import play, tokens_of
from deploy.demo.stage import Stage
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.settings import LOOPBACK, NodeError, NodeSettings
from tests.support.real import Placed, RealParts

pytestmark = [pytest.mark.real, pytest.mark.journey, pytest.mark.slow]
SEATS = 8
AWAY_SECONDS = 30.0
PATIENCE = 240.0


@pytest.fixture
def placed(real_parts: RealParts, tmp_path: Path) -> Iterator[Placed]:
    """Place a node of its own for each test."""
    with real_parts.node(tmp_path / "home") as node:
        yield node


@pytest.fixture
def settings(placed: Placed) -> NodeSettings:
    """Give the settings of that node."""
    return placed.settings


def stage_of(client: NodeClient, settings: NodeSettings, out: Path) -> Stage:
    """Make the demo's stage on a node."""
    return Stage(client, tokens_of(settings), out, patience=PATIENCE)


def services_of(node: EmbeddedNode) -> NodeClient:
    """Make a client that waits as long as it takes."""
    return NodeClient({name: node.addresses[name] for name in SERVICES}, patience=PATIENCE)


async def test_a_second_node_says_what_the_first_one_holds(
    placed: Placed, settings: NodeSettings, tmp_path: Path
) -> None:
    """A second node on the same ports or in the same home does not start, and says what is taken."""
    same_ports = replace(settings, home=tmp_path / "other")
    same_home = settings.elsewhere(settings.home)
    async with EmbeddedNode(settings, say=print) as node:
        with pytest.raises(NodeError, match=r"port [0-9]+ .* is in use.*CORPU_[A-Z]+_PORT"):
            async with EmbeddedNode(same_ports, say=print):
                pass
        with pytest.raises(NodeError, match=f"a node already runs in .*{os.getpid()}"):
            async with EmbeddedNode(same_home, say=print):
                pass

        assert set(node.pids) == {"store", "broker", *SERVICES} - set(placed.standing)


async def test_services_wait_for_a_store_and_a_broker_that_are_away_at_the_start(
    real_parts: RealParts, settings: NodeSettings, tmp_path: Path
) -> None:
    """Services live without their parts, are not ready, refuse with 503, and serve once these are there."""
    ports = settings.ports
    (settings.home / "log").mkdir(parents=True)
    (settings.home / "store").mkdir()
    parts = real_parts.late(settings)
    elsewhere = {
        "MONGO_URI": f"mongodb://{LOOPBACK}:{ports['store']}/?directConnection=true",
        "KAFKA_BOOTSTRAP": f"{LOOPBACK}:{ports['broker']}",
        "KAFKA_IDEMPOTENT": str(real_parts.idempotent).lower(),
    }
    node = EmbeddedNode(replace(settings, environment=elsewhere), say=print)
    refused: list[str] = []

    async def come_late() -> None:
        addresses = {name: f"http://{LOOPBACK}:{ports[name]}" for name in SERVICES}
        async with NodeClient(addresses, patience=PATIENCE) as hasty:
            for name in SERVICES:
                await until(f"{name} lives", _lives(hasty, name), within=PATIENCE)
        async with NodeClient(addresses, patience=0) as client:
            for name in SERVICES:
                refused.extend([await _refusal(client, name, path) for path in _PATHS])
        for part in parts:
            await part.spawn()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(come_late())
            async with node, services_of(node) as client:
                published = await publish(stage_of(client, settings, tmp_path), "PKA")
    finally:
        for part in parts:
            await part.stop()

    assert refused == ["503 unavailable"] * len(SERVICES) * len(_PATHS)
    assert published["status"] == "published"


_PATHS = ("/readyz", "/operations/parked")


def _lives(client: NodeClient, service: str) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def lives() -> bool:
        return bool(await client.nobody().get(service, "/livez"))

    return lives


async def _refusal(client: NodeClient, service: str, path: str) -> str:
    try:
        await client.nobody().get(service, path)
    except Declined as declined:
        return f"{declined.status} {declined.slug}"
    return "not refused"


@dataclass
class Waves:
    """Watches the story's evidence, and tells when a wave has arrived."""

    _arrived: dict[int, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def begin(self, what: str, total: int) -> Callable[[int], None]:
        """Follow one piece of work."""
        del total
        done = 0

        def step(steps: int) -> None:
            nonlocal done
            done += steps
            if what.startswith("evidence"):
                self._arrived[done].set()

        return step

    async def arrived(self, wave: int) -> None:
        """Wait until a wave of evidence has arrived."""
        await self._arrived[wave].wait()


@contextmanager
def hanging(node: EmbeddedNode, placed: Placed, part: str) -> Iterator[None]:
    """Let a part answer nothing for as long as the block lasts."""
    if part in placed.standing:
        with placed.standing[part].hanging():
            yield
        return
    pid = node.pids[part]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def kill(node: EmbeddedNode, placed: Placed, part: str) -> None:
    """End a part as a crash would, and wait until all answer again."""
    if part in placed.standing:
        await asyncio.to_thread(placed.standing[part].stop)
        await asyncio.to_thread(placed.standing[part].start)
    else:
        await node.kill(part)
    await node.ready()


async def unready_services(client: NodeClient) -> list[str]:
    """Wait for half a minute; tell which services said meanwhile that they are not ready."""
    began = time.monotonic()
    unready: set[str] = set()

    async def is_over() -> bool:
        for name in SERVICES:
            if (await _refusal(client, name, "/readyz")).startswith("503"):
                unready.add(name)
        return time.monotonic() - began > AWAY_SECONDS

    await until("the outage is over", is_over, within=PATIENCE, every=1.0)
    return sorted(unready)


async def test_parts_that_go_away_in_the_middle_lose_nothing(
    placed: Placed, settings: NodeSettings, tmp_path: Path
) -> None:
    """Store and broker freeze for half a minute each and then die, and the cohort ends whole."""
    waves, said = Waves(), list[str]()
    async with (
        EmbeddedNode(settings, say=said.append) as node,
        services_of(node) as client,
        NodeClient({name: node.addresses[name] for name in SERVICES}, patience=0) as hasty,
        asyncio.TaskGroup() as group,
    ):

        async def strike() -> dict[str, list[str]]:
            unready: dict[str, list[str]] = {}
            for wave, part in ((1, "store"), (2, "broker")):
                await waves.arrived(wave)
                with hanging(node, placed, part):
                    unready[part] = await unready_services(hasty)
            for wave, part in ((4, "broker"), (5, "store")):
                await waves.arrived(wave)
                await kill(node, placed, part)
            return unready

        struck = group.create_task(strike())
        stage = replace(stage_of(client, settings, tmp_path), watch=waves)
        outcome = await play(stage, SEATS)

    everybody = sorted(SERVICES)
    assert struck.result() == {"store": everybody, "broker": everybody}
    own = {"store", "broker"} - set(placed.standing)
    assert {line.split(" (")[0] for line in said} == {f"the {part} died" for part in own}
    # Services count facts from their own start; what they keep tells the whole story all the same.
    assert outcome.shortfalls(SEATS) == []


def test_the_addresses_of_parts_are_on_this_machine(settings: NodeSettings) -> None:
    """An embedded node listens to this machine only, unless it is told otherwise."""
    environment = settings.of("progress")

    assert urlsplit(environment["MONGO_URI"]).hostname == LOOPBACK
    assert environment["KAFKA_BOOTSTRAP"].startswith(LOOPBACK)
