"""The command line on a node that runs: asked, mended and stopped as an operator would."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.cli.node import HEARTBEATS
from deploy.embedded.settings import SERVICES
from deploy.running import processes
from tests.support.real import Placed, RealParts

pytestmark = [pytest.mark.real, pytest.mark.journey, pytest.mark.slow]
MOST_MEGABYTES = {"embedded": 600, "apache": 850, "docker": 500}
PATIENCE = 120.0


@dataclass(frozen=True)
class Running:
    """A node that `corpu up` runs, and what it said when it was ready."""

    environment: Mapping[str, str]
    process: subprocess.Popen[str]
    said: dict[str, Any]

    def corpu(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command beside it."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "deploy.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def told(self, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
        """Run a command with `--json` and read what it tells."""
        answer = self.corpu(*arguments, "--json")
        assert answer.stdout.count("\n") == 1, answer.stderr
        return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def running(placed: Placed) -> Iterator[Running]:
    """Run `corpu up` until the module's tests are over, and end it as Ctrl-C does."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "deploy.cli", "up", "--json"],
        env=placed.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Running(placed.environment, process, json.loads(process.stdout.readline()))
    finally:
        children = [each.pid for each in processes(process.pid)]
        process.send_signal(signal.SIGINT)
        status = process.wait(timeout=PATIENCE)
        process.stdout.close()

    assert status == 128 + signal.SIGINT
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def test_a_node_that_is_ready_says_where_and_how_large(
    running: Running, placed: Placed, real_parts: RealParts
) -> None:
    """`up --json` prints one object: addresses, processes with their memory, and the seconds it took."""
    said = running.said
    parts = {"store", "broker", *SERVICES} - set(placed.standing)

    assert set(said["addresses"]) == parts
    assert set(said["processes"]) == {"supervisor", *parts}
    assert 0 < said["rss_mb"] <= MOST_MEGABYTES[real_parts.name]
    assert said["seconds"] > 0


def test_status_tells_how_the_node_is(running: Running, real_parts: RealParts) -> None:
    """Every service is ready, with nothing waiting or parked, and a memory-only broker is told of."""
    told = running.told("status")

    assert told["ready"] is True
    assert told["broker_durable"] is not real_parts.forgets
    assert told.get("note") == (HEARTBEATS if real_parts.forgets else None)
    assert {name: each["parked"] for name, each in told["services"].items()} == dict.fromkeys(
        SERVICES, 0
    )
    assert (HEARTBEATS in running.corpu("status").stdout) is real_parts.forgets


def test_a_token_opens_what_its_roles_open(running: Running) -> None:
    """A token is one line on standard output, for one person with the roles that were asked for."""
    answer = running.corpu("token", "--role", "learner", "--nip", "197306191995062001")

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.count(".") == 2


def test_the_audit_of_a_new_node_finds_nothing(running: Running) -> None:
    """Stores that agree are told as such, for people and for programs."""
    assert running.told("audit")["disagreements"] == []
    assert "the four stores agree" in running.corpu("audit").stdout


def test_services_state_their_facts_again(running: Running) -> None:
    """Replay tells how many facts each service stated, or the one that was asked."""
    assert set(running.told("replay")["stated"]) == set(SERVICES)
    assert set(running.told("replay", "--service", "notify")["stated"]) == {"notify"}
    assert running.corpu("replay", "--service", "portal").returncode == 1


async def test_parked_messages_are_listed_shown_replayed_and_dropped(running: Running) -> None:
    """A message of an unknown type is parked; it cannot be handled again, and can be dropped."""
    async with _producer(running) as producer:
        headers = [("ce_type", b"id.corpu.certified.v1")]
        await producer.send_and_wait("certification", b"no JSON", headers=headers)

    parked = _parked(running)
    key = parked[0]["id"]
    shown = json.loads(running.corpu("parked", "show", key).stdout)
    again = running.corpu("parked", "replay", key)
    dropped = [running.corpu("parked", "drop", each["id"]).returncode for each in parked]

    assert {each["reason"] for each in parked} == {"broken-header"}
    assert (shown["value"], shown["headers"]) == ("no JSON", {"ce_type": "id.corpu.certified.v1"})
    assert (again.returncode, "still-unprocessable" in again.stderr) == (1, True)
    assert set(dropped) == {0}
    assert running.told("parked", "list") == {"parked": []}


def test_a_second_node_is_refused_in_one_line(running: Running, tmp_path: Path) -> None:
    """`up` beside a running node says in one line which port is taken, and the first goes on."""
    other = {**running.environment, "CORPU_HOME": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "deploy.cli", "up", "--json"],
        env=other,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (1, "", 1)
    assert "is in use" in answer.stderr
    assert running.process.poll() is None


@asynccontextmanager
async def _producer(running: Running) -> AsyncIterator[AIOKafkaProducer]:
    given = running.environment.get("KAFKA_BOOTSTRAP")
    producer = AIOKafkaProducer(bootstrap_servers=given or running.said["addresses"]["broker"])
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


def _parked(running: Running) -> list[dict[str, Any]]:
    """Wait until as many subscriptions as hear certificates have parked the message."""
    ends = time.monotonic() + PATIENCE
    found: list[dict[str, Any]] = []
    while len({each["service"] for each in found}) < len({"enrolment", "progress", "notify"}):
        assert time.monotonic() < ends, f"only {found} is parked"
        found = running.told("parked", "list")["parked"]
    return found
