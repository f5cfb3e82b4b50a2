"""The supervisor: a node starts whole, mends what dies, and ends in order."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.home import claimed, readable
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.settings import LOOPBACK, ROOT, SERVICES, NodeError, NodeSettings
from tests.deploy.tiny_node import TINY

_STANDING = {"KAFKA_BOOTSTRAP": True, "MONGO_URI": True}
_PATIENCE = 60.0
"""Longer than the grace that services, broker and store are given one after another."""


async def _environment(port: int) -> dict[str, str]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    _, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    environment: dict[str, str] = json.loads(body)
    return environment


async def _is_open(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.close()
        return True
    return False


async def _nothing_listens(ports: Mapping[str, int]) -> None:
    async with asyncio.timeout(_PATIENCE):
        for port in ports.values():
            while await _is_open(port):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def _supervisor(home: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Any]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.deploy.tiny_node", str(home)),
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(await process.stdout.readline())
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_node_starts_whole_and_ends_in_order(settings: NodeSettings) -> None:
    """Every part answers inside the block; services end while broker and store still stand."""
    async with EmbeddedNode(settings, say=pytest.fail, commands=TINY) as node:
        assert {*SERVICES, "broker", "store"} == node.pids.keys()
        assert f"http://127.0.0.1:{settings.ports['notify']}" == node.addresses["notify"]
        taken = [name for name, port in settings.ports.items() if await _is_open(port)]
        assert {*SERVICES, "broker", "store"} == set(taken)

    await _nothing_listens(settings.ports)
    notes = [settings.home / f"corpu_{name}.standing.json" for name in SERVICES]

    assert [_STANDING] * 4 == [json.loads(note.read_bytes()) for note in notes]


async def test_keys_are_made_once_for_their_owner_only(settings: NodeSettings) -> None:
    """The node's secrets are readable by nobody else, and a second start keeps them."""
    folder = settings.home / "keys"
    async with claimed(settings.home):
        made = {key.name: key.read_bytes() for key in folder.iterdir()}
    async with claimed(settings.home):
        kept = {key.name: key.read_bytes() for key in folder.iterdir()}

    assert {"pseudonym.hex", "live.hex", "issuer.private.json", "jwks.json"} == made.keys()
    assert made == kept
    assert {0o600} == {stat.S_IMODE(key.stat().st_mode) for key in folder.iterdir()}
    assert {32} == {
        len(bytes.fromhex(made[f"{key}.hex"].decode())) for key in ("pseudonym", "live")
    }
    assert b'"d"' not in made["jwks.json"]


async def test_a_service_is_told_of_the_embedded_parts(settings: NodeSettings) -> None:
    """A service learns its own port and database, and that the broker forgets."""
    ports = settings.ports
    async with EmbeddedNode(settings, say=pytest.fail, commands=TINY):
        told = await _environment(ports["progress"])

    expected = {
        "CORPU_NODE": "35",
        "CORPU_PORT": str(ports["progress"]),
        "CORPU_HOME": str(settings.home),
        "CORPU_JWKS": str(settings.home / "keys/jwks.json"),
        "CORPU_PSEUDONYM_KEY_FILE": str(settings.home / "keys/pseudonym.hex"),
        "CORPU_LIVE_KEY_FILE": str(settings.home / "keys/live.hex"),
        "CORPU_ISSUER": "urn:corpu:35",
        "MONGO_URI": f"mongodb://127.0.0.1:{ports['store']}/?directConnection=true",
        "MONGO_DATABASE": "corpu_progress",
        "KAFKA_BOOTSTRAP": f"127.0.0.1:{ports['broker']}",
        "KAFKA_IDEMPOTENT": "false",
        "CORPU_RESTATE_ON_START": "true",
    }

    assert expected == {key: told.get(key) for key in expected}


@pytest.mark.parametrize("name", ["progress", "store"])
async def test_a_part_that_dies_is_started_again(name: str, settings: NodeSettings) -> None:
    """A killed part answers again, with a new process, while the others keep theirs."""
    said: list[str] = []
    async with EmbeddedNode(settings, say=said.append, commands=TINY) as node:
        before = node.pids

        await node.kill(name)
        await node.ready()
        after = node.pids

    assert [f"the {name} died (SIGKILL) and is started again"] == said
    assert {name} == {part for part in before if before[part] != after[part]}


async def test_a_broker_that_dies_takes_its_services_with_it(settings: NodeSettings) -> None:
    """Services end before a broker without memory starts, so that all of them state again."""
    said: list[str] = []
    async with EmbeddedNode(settings, say=said.append, commands=TINY) as node:
        before = node.pids

        await node.kill("broker")
        await node.ready()
        after = node.pids

        notes = [settings.home / f"corpu_{name}.standing.json" for name in SERVICES]
        standing = [json.loads(note.read_bytes()) for note in notes]

    assert ["the broker died (SIGKILL) and is started again"] == said
    assert {*SERVICES, "broker"} == {part for part in before if before[part] != after[part]}
    assert [{"KAFKA_BOOTSTRAP": False, "MONGO_URI": True}] * 4 == standing


async def test_a_restart_arms_one_process_only(settings: NodeSettings) -> None:
    """A fault is told to the process that a restart makes, and to none after it."""
    said: list[str] = []
    async with EmbeddedNode(settings, say=said.append, commands=TINY) as node:
        node.parts["notify"].faults.append("store.write:before:1")
        await node.restart("notify")
        armed = await _environment(settings.ports["notify"])
        await node.kill("notify")
        await node.ready("notify")
        disarmed = await _environment(settings.ports["notify"])

    assert "store.write:before:1" == armed["CORPU_FAULT"]
    assert "CORPU_FAULT" not in disarmed
    assert ["the notify died (SIGKILL) and is started again"] == said


async def test_a_service_that_keeps_failing_is_tried_until_it_starts(
    settings: NodeSettings,
) -> None:
    """A service that ends before it answers is told of each time, and started again later."""
    said: list[str] = []
    stone = settings.home / "stone"
    program = (
        "import os, runpy, sys; os.path.exists(sys.argv[1]) and sys.exit('a stone in the way');"
        "runpy.run_module('tests.deploy.tiny_service', run_name='__main__')"
    )
    commands = {**TINY, "progress": (sys.executable, "-c", program, str(stone))}
    async with EmbeddedNode(settings, say=said.append, commands=commands) as node:
        stone.touch()
        await node.kill("progress")
        async with asyncio.timeout(_PATIENCE):
            while sum("a stone in the way" in line for line in said) < 2:
                await asyncio.sleep(0.05)
        stone.unlink()
        await node.ready("progress")

    assert "the progress died (SIGKILL) and is started again" == said[0]
    assert said[1].startswith("the progress ended before it was ready (exit 1): a stone in the way")


async def test_keys_that_cannot_be_made_are_one_clear_line(home: Path) -> None:
    """A node without its secrets does not start."""
    (home / "keys").touch()

    with pytest.raises(NodeError, match=rf"^the node's keys cannot be made in {home}/keys: "):
        async with claimed(home):
            pytest.fail("the home folder was claimed")


async def test_parts_from_elsewhere_are_not_started(settings: NodeSettings) -> None:
    """A store and a broker that were named are used, and their own defaults hold."""
    given = {"MONGO_URI": "mongodb://db.example:27017", "KAFKA_BOOTSTRAP": "kafka.example:9092"}
    settings = replace(settings, environment=given)
    async with EmbeddedNode(settings, say=pytest.fail, commands=TINY) as node:
        parts = set(node.parts)
        told = await _environment(settings.ports["enrolment"])

    expected = given | {"KAFKA_IDEMPOTENT": "true", "CORPU_RESTATE_ON_START": "false"}

    assert set(SERVICES) == parts
    assert expected == {key: told[key] for key in expected}


async def test_a_part_that_one_service_still_needs_is_started(settings: NodeSettings) -> None:
    """A service with its own store leaves the embedded one to the others."""
    given = {"NOTIFY_MONGO_URI": "mongodb://db.example:27017"}
    settings = replace(settings, environment=given)
    async with EmbeddedNode(settings, say=pytest.fail, commands=TINY) as node:
        assert "store" in node.parts

    assert "mongodb://db.example:27017" == settings.of("notify")["MONGO_URI"]
    assert settings.of("progress")["MONGO_URI"].startswith("mongodb://127.0.0.1:")


async def test_a_second_node_in_the_same_home_is_one_clear_line(settings: NodeSettings) -> None:
    """A home folder serves one node at a time, and names the process that has it."""
    async with claimed(settings.home):
        with pytest.raises(NodeError) as refused:
            await EmbeddedNode(settings, say=pytest.fail, commands=TINY).__aenter__()

    assert (
        f"a node already runs in {settings.home} (process {os.getpid()}): "
        "stop it, or set CORPU_HOME to another folder"
    ) == str(refused.value)


async def test_a_second_node_on_the_same_ports_is_one_clear_line(
    settings: NodeSettings, tmp_path: Path
) -> None:
    """A node whose ports are taken starts nothing and disturbs nobody."""
    async with EmbeddedNode(settings, say=pytest.fail, commands=TINY) as node:
        second = replace(settings, home=tmp_path / "second")
        with pytest.raises(
            NodeError, match=r"^port \d+ of 127\.0\.0\.1 is in use, .* set CORPU_\w+_PORT"
        ):
            await EmbeddedNode(second, say=pytest.fail, commands=TINY).__aenter__()
        await node.ready(within=_PATIENCE)


async def test_two_parts_on_one_port_are_one_clear_line(settings: NodeSettings) -> None:
    """Two settings that name the same port are told before anything starts."""
    ports = {**settings.ports, "progress": settings.ports["enrolment"]}
    twice = replace(settings, ports=ports)

    with pytest.raises(NodeError, match=r"^CORPU_ENROLMENT_PORT and CORPU_PROGRESS_PORT are both"):
        await EmbeddedNode(twice, say=pytest.fail, commands=TINY).__aenter__()

    await _nothing_listens(settings.ports)


async def test_a_service_that_cannot_start_ends_the_node(settings: NodeSettings) -> None:
    """The first start says why a service failed and leaves nothing running."""
    broken = {**TINY, "progress": (sys.executable, "-c", "raise SystemExit('no such rule')")}

    with pytest.raises(NodeError, match=r"^the progress ended .* \(exit 1\): no such rule"):
        await EmbeddedNode(settings, say=pytest.fail, commands=broken).__aenter__()

    await _nothing_listens(settings.ports)


async def test_a_key_that_services_lack_is_said_once_and_waited_for(
    settings: NodeSettings, tmp_path: Path
) -> None:
    """With the setting and the file, however many services say so; the node is ready once it is there."""
    keys, said = tmp_path / "jwks.json", list[str]()

    def hear(line: str) -> None:
        said.append(line)
        keys.touch()

    given = replace(settings, environment={"CORPU_JWKS": str(keys)})
    async with EmbeddedNode(given, say=hear, commands=TINY) as node:
        await node.ready(within=_PATIENCE)

    assert [f"waiting: CORPU_JWKS: {keys} is no file"] == said


async def test_a_disk_without_room_is_one_clear_line(home: Path) -> None:
    """A home folder with too little room is refused before anything is written."""
    with pytest.raises(NodeError) as refused, readable(home):
        async with claimed(home, room=2**62):
            pytest.fail("the home folder was claimed")

    assert (f"the disk that holds {home} is full: make room, or move CORPU_HOME elsewhere") == str(
        refused.value
    )


async def test_a_home_that_is_a_file_is_one_clear_line(
    settings: NodeSettings, tmp_path: Path
) -> None:
    """What the system refuses is told with the path."""
    place = tmp_path / "file"
    place.touch()

    with pytest.raises(NodeError) as refused:
        await EmbeddedNode(replace(settings, home=place), say=pytest.fail).__aenter__()

    assert f"{place}: File exists" == str(refused.value)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_everything_cleanly(number: signal.Signals, home: Path) -> None:
    """SIGINT and SIGTERM end the parts in order, and then the supervisor."""
    async with _supervisor(home) as (process, told):
        process.send_signal(number)
        async with asyncio.timeout(_PATIENCE):
            said, _ = await process.communicate()

    await _nothing_listens(told["ports"])

    assert number.name == said.decode().strip()
    assert 0 == process.returncode
    assert _STANDING == json.loads((home / "corpu_progress.standing.json").read_bytes())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_no_part_outlives_a_killed_supervisor(home: Path) -> None:
    """SIGKILL of the supervisor ends every part, and its home can be used again."""
    async with _supervisor(home) as (process, told):
        process.kill()
        await process.wait()

        await _nothing_listens(told["ports"])

    async with claimed(home):
        assert (home / "lock").read_text(encoding="ascii") == f"{os.getpid()}\n"
