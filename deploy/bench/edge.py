"""The edge: heartbeats by HTTP from many connections, ours in turn with FastAPI and `send_and_wait`.

A process of its own sends the beats and waits for every answer; afterwards the topic is read, and holds exactly as many
beats as were acknowledged. Ours is then given little room and many more connections: what it cannot take it
answers with 429, and again exactly what it acknowledged is stored.
"""

import asyncio
import json
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.bench import peers
from deploy.bench.contest import by_name
from deploy.bench.figures import aim, circumstances, ratio
from deploy.bench.ground import Ground, ground
from deploy.bench.log import Tail, make_topics
from deploy.bench.meter import cpu_seconds
from deploy.embedded.settings import LOOPBACK, ROOT, NodeError, NodeSettings
from services.progress.api.tickets import SignedTickets
from services.progress.domain.beats import LEARNER_BYTES, is_barrier, unpack
from services.progress.domain.ticket import Ticket
from shared.kernel.clock import SystemClock
from shared.kernel.ids import derived

OURS, FASTAPI = "corpu", "FastAPI + send_and_wait"
_TOPICS = {OURS: "attendance", FASTAPI: "bench-edge"}
_PARTITIONS = 6
_LEARNERS, _NUMBERS = 5_000, 3
_JOINED_AGO, _ORIGIN_AGO, _HOUR = 60, 600, 3_600
_WARM_UP = 5_000
_SHARE = 0.7
_FEW_WAITING, _CROWD = 200, 2_000
_MICRO = 1e6
_READY_SECONDS = 120.0
_PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "aiokafka", "joserfc")


@dataclass
class _Gate:
    """Everybody who stands at the edge, and how far each one's topic was read."""

    here: Ground
    python: str
    key: Path
    secret: bytes
    tokens: Path
    connections: int
    say: Callable[[str], None]
    tails: dict[str, Tail] = field(default_factory=dict)

    async def round(self, name: str, count: int) -> dict[str, Any]:
        """Measure one contestant: its cost at full load, its latency at a part of it."""
        async with self._serving(name, {}) as pid:
            await self._news(name)
            # Fresh ones, for a beat is taken for some minutes only; each is verified once before it counts.
            _write_tickets(self.tokens, self.secret)
            taken = (await self._beat(_WARM_UP, 0)).get("204", 0)
            before, broker = cpu_seconds(pid), self.here.cpu().get("broker", 0.0)
            full = await self._send(count, 0)
            spent, brokers = cpu_seconds(pid) - before, self.here.cpu().get("broker", 0.0) - broker
            rate = count / full["seconds"]
            part = await self._send(max(_WARM_UP, count // 4), _SHARE * rate)
            taken += full["statuses"].get("204", 0) + part["statuses"].get("204", 0)
        stored = await self._news(name)
        wrong = [f"{taken} were acknowledged and {stored} are stored"] if taken != stored else []
        if full["statuses"].keys() != {"204"}:
            wrong.append(f"answers were {full['statuses']}")
        figures = {
            "requests_per_cpu_second": count / spent,
            "own_us": spent / count * _MICRO,
            "broker_us": brokers / count * _MICRO,
            "events_per_second": rate,
            "p99_ms_at_70_percent": part["p99_ms"],
            "p99_ms_at_full_load": full["p99_ms"],
        }
        told = f"{name}: {figures['requests_per_cpu_second']:.0f} requests a CPU second"
        self.say("; ".join([told, *wrong]))
        return {"name": name, "figures": figures, "wrong": wrong}

    async def overload(self, count: int) -> dict[str, Any]:
        """Give ours little room and a crowd, and tell what became of each beat."""
        async with self._serving(OURS, {"CORPU_BEATS_WAITING": str(_FEW_WAITING)}):
            await self._news(OURS)
            _write_tickets(self.tokens, self.secret)
            sent = await self._send(count, 0, _CROWD)
        stored, statuses = await self._news(OURS), sent["statuses"]
        return {
            "connections": _CROWD,
            "most_waiting": _FEW_WAITING,
            "sent": count,
            "statuses": statuses,
            "acknowledged": statuses.get("204", 0),
            "stored": stored,
            "right": stored == statuses.get("204", 0)
            and statuses.get("429", 0) > 0
            and statuses.keys() == {"204", "429"},
        }

    async def _beat(self, count: int, rate: float) -> dict[str, int]:
        statuses: dict[str, int] = (await self._send(count, rate))["statuses"]
        return statuses

    async def _send(self, count: int, rate: float, connections: int = 0) -> dict[str, Any]:
        """Send so many beats and wait for every answer."""
        argv = (
            *(sys.executable, "-m", "tests.load.beats", "--port", str(self.port)),
            *("--connections", str(connections or self.connections), "--count", str(count)),
            *("--numbers", str(_NUMBERS), "--rate", str(rate), "--tokens", str(self.tokens)),
        )
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=ROOT, env=_environment(self.here.settings.environment),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await process.communicate()
        if process.returncode != 0:
            raise NodeError(f"the beats' sender ended with {process.returncode}")
        told: dict[str, Any] = json.loads(said)
        return told

    async def _news(self, name: str) -> int:
        """Count the beats that came to a contestant's topic since the last look."""
        topic = _TOPICS[name]
        tail = self.tails.setdefault(topic, Tail(self.here.bootstrap, topic, _PARTITIONS))
        values = [record.value for record in await tail.news()]
        blocks = (block for value in values if not is_barrier(value) for block in unpack(value))
        return sum(len(learners) // LEARNER_BYTES for _, _, learners in blocks)

    @property
    def port(self) -> int:
        """Tell the port that whoever is measured listens on."""
        return self.here.settings.ports["progress"]

    @asynccontextmanager
    async def _serving(self, name: str, more: Mapping[str, str]) -> AsyncIterator[int]:
        """Run a contestant's server, and give its process."""
        argv, environment = self._command(name)
        log = self.here.home / "log" / f"{name.split(maxsplit=1)[0].lower()}.log"
        with log.open("ab") as written:
            process = await asyncio.create_subprocess_exec(
                *argv, cwd=ROOT, env={**environment, **more}, stdout=written, stderr=written,
                start_new_session=True,
            )  # fmt: skip
        try:
            await self._ready(process, log)
            yield process.pid
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()

    async def _ready(self, process: asyncio.subprocess.Process, log: Path) -> None:
        """Wait until a beat is acknowledged."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while process.returncode is None:
                    if await self._open():
                        _write_tickets(self.tokens, self.secret, 1)
                        if (await self._beat(1, 0)).get("204"):
                            return
                    await asyncio.sleep(0.2)
        except TimeoutError:
            pass
        raise NodeError(f"a server does not take beats: see {log}")

    async def _open(self) -> bool:
        """Tell whether somebody listens."""
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, self.port)
        except OSError:
            return False
        writer.close()
        return True

    def _command(self, name: str) -> tuple[Sequence[str], dict[str, str]]:
        if name == FASTAPI:
            argv = (
                *(self.python, "-m", "tests.load.peers.edge_fastapi", "--port", str(self.port)),
                *("--bootstrap", self.here.bootstrap, "--topic", _TOPICS[FASTAPI]),
                *("--key", str(self.key)),
            )
            return argv, _environment(self.here.settings.environment)
        environment = self.here.settings.of("progress") | {
            "MONGO_URI": self.here.uri,
            "MONGO_DATABASE": "bench_corpu",
            "KAFKA_BOOTSTRAP": self.here.bootstrap,
            "KAFKA_PARTITIONS": str(_PARTITIONS),
            "CORPU_LIVE_KEY_FILE": str(self.key),
        }
        return (sys.executable, "-m", "services.progress"), environment


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {**given, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}


def run(
    count: int, connections: int, rounds: int, settings: NodeSettings, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run the benchmark: so many beats a round from so many connections; and report."""
    with tempfile.TemporaryDirectory(prefix="corpu-bench-") as folder:
        return asyncio.run(_run(Path(folder), count, connections, rounds, settings, say))


async def _run(
    home: Path, count: int, connections: int, rounds: int, settings: NodeSettings,
    say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    python = await asyncio.to_thread(peers.python, say)
    async with ground(settings, home, say) as here:
        await make_topics(here.bootstrap, _TOPICS.values(), _PARTITIONS)
        secret = secrets.token_bytes(32)
        gate = _Gate(here, python, home / "live.hex", secret, home / "tokens", connections, say)
        gate.key.write_text(secret.hex(), encoding="ascii")
        found = []
        for number in range(rounds):
            names = (OURS, FASTAPI) if number % 2 == 0 else (FASTAPI, OURS)
            found += [await gate.round(name, count) for name in names]
        overload = await gate.overload(count)
        told = circumstances(here.parts, peers.releases(), _PACKAGES)
    contestants = by_name(found)
    rates = {name: contestants[name]["requests_per_cpu_second"] for name in (OURS, FASTAPI)}
    return {
        "bench": "edge",
        "count": count,
        "connections": connections,
        "rounds": rounds,
        "contestants": contestants,
        "overload": overload,
        "told": [_tell(overload)],
        "aims": [
            aim("ours over FastAPI, requests by CPU second", ratio(rates[OURS], rates[FASTAPI]), at_least=4.0)
        ],
        "verified": overload["right"] and all(each["verified"] for each in contestants.values()),
        "circumstances": told,
    }  # fmt: skip


def _write_tickets(file: Path, secret: bytes, count: int = _LEARNERS) -> None:
    """Write tickets of learners who joined some minutes ago, so that their first beats are all just in time."""
    now = int(SystemClock().now().timestamp())
    tickets = SignedTickets(secret)
    lines = [
        tickets.sign(
            Ticket(
                "bench-lecture", derived("bench-viewer", number).replace("-", ""), "laptop",
                now - _JOINED_AGO, now - _ORIGIN_AGO, now + _HOUR, now + _HOUR,
            )
        )
        for number in range(count)
    ]  # fmt: skip
    file.write_text("\n".join(lines), encoding="ascii")


def _tell(overload: Mapping[str, Any]) -> str:
    statuses = ", ".join(f"{count:,} by {status}" for status, count in overload["statuses"].items())
    return (
        f"Overload: {overload['sent']:,} beats from {overload['connections']:,} connections, room for "
        f"{overload['most_waiting']}: answered {statuses}; {overload['acknowledged']:,} acknowledged, "
        f"{overload['stored']:,} stored."
    )
