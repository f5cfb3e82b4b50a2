"""Whether attendance is exact: a lecture folded by real processes that are killed meanwhile, minute for minute.

Beats are repeated, late and out of order; most of them lie on the topic as the edge packs them, some come over HTTP
through the real edge. Fold processes are killed by SIGKILL, ended and begun while they work. When the fold says that
everything before the end is kept, every viewer has the minutes that were watched, and no others.
"""

import asyncio
import json
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from deploy.bench import audience
from deploy.bench.figures import circumstances
from deploy.bench.ground import Ground, ground
from deploy.bench.log import Entry, fill, make_topics
from deploy.bench.verdict import differences
from deploy.client import until
from deploy.embedded.parts import Part, http_answers
from deploy.embedded.settings import ROOT, NodeError, NodeSettings
from deploy.embedded.tokens import make_keys
from services.progress.api.tickets import SignedTickets
from services.progress.domain.attendance import attendance_id
from services.progress.domain.minutes import bitmap_of
from services.progress.domain.ticket import BEAT_SECONDS, Ticket
from services.progress.jobs import close_with_barrier
from services.progress.settings import Settings
from services.progress.store import SILENT, ProgressWork, is_closed
from shared.bus.kafka import Cluster, open_kafka
from shared.events.fact import ATTENDANCE
from shared.kernel.clock import SystemClock
from shared.kernel.ids import derived
from shared.store.mongo import open_mongo
from shared.store.work import Frame

_LECTURE, _CLASS = "exact-lecture", "exact-class"
_PARTITIONS = 12
_FOLDS = 3
"""Fold processes; the first of them is the edge as well, and is not killed."""
_A_RECORD = 500
_SHUFFLED = 400
"""Records within which the order is lost."""
_STRIKE_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_PATIENCE = 3_600.0
_READY_SECONDS = 300.0
_SESSION_MS = "6000"
_JOINED_AGO, _ORIGIN_AGO, _HOUR = 200, 600, 3_600
_NUMBERS = 4
_CONNECTIONS = 256
_PACKAGES = ("aiokafka", "pymongo", "uvicorn", "joserfc")

Minutes = dict[str, int]


@dataclass
class _Run:
    """One run under way: its processes, and what was seen of them."""

    here: Ground
    key: bytes
    say: Callable[[str], None]
    folds: list[Part] = field(default_factory=list)
    killed: int = 0
    ended: int = 0
    at_rest_mb: float = 0.0
    most_mb: float = 0.0

    @property
    def environment(self) -> dict[str, str]:
        """Tell what a fold process is told, apart from its port."""
        return self.here.settings.of("progress") | {
            "MONGO_URI": self.here.uri,
            "MONGO_DATABASE": "bench_exact",
            "KAFKA_BOOTSTRAP": self.here.bootstrap,
            "KAFKA_PARTITIONS": str(_PARTITIONS),
            "KAFKA_SESSION_MS": _SESSION_MS,
            "CORPU_LIVE_KEY_FILE": str(self.here.home / "live.hex"),
        }

    async def begin(self, stack: AsyncExitStack) -> None:
        """Start the fold processes."""
        for number in range(_FOLDS):
            port = self.here.settings.elsewhere(self.here.home).ports["progress"]
            told = self.environment | {"CORPU_PORT": str(port)}
            log = self.here.home / "log" / f"fold-{number}.log"
            argv = (sys.executable, "-m", "services.progress")
            part = Part(f"fold {number}", argv, port, http_answers, log, ROOT, told)
            await part.spawn()
            stack.push_async_callback(part.stop)
            self.folds.append(part)
        for part in self.folds:
            await part.ready(within=_READY_SECONDS)
        self.at_rest_mb = max(map(_resident_mb, self.folds))

    async def strike(self, times: int, lasts: Callable[[], bool]) -> None:
        """Kill one process after another while there is work; every third ends in order instead."""
        chance = random.Random(7)  # noqa: S311 - a disturbance, and no secret
        while lasts() or self.killed + self.ended < times:
            await asyncio.sleep(_STRIKE_SECONDS * chance.uniform(0.6, 1.4))
            part = self.folds[1 + (self.killed + self.ended) % (_FOLDS - 1)]
            if (self.killed + self.ended) % 3 == 2:  # noqa: PLR2004 - every third
                await part.stop()
                self.ended += 1
            else:
                part.kill()
                await part.ended()
                self.killed += 1
            self.say(f"{part.name} ended by {part.end}, and is begun again")
            await part.spawn()
            await part.ready(within=_READY_SECONDS)

    async def watch(self) -> None:
        """Note the most memory that any process ever had."""
        while True:
            self.most_mb = max([self.most_mb, *map(_resident_mb, self.folds)])
            await asyncio.sleep(_LOOK_SECONDS)

    async def over_http(self, count: int) -> dict[str, Any]:
        """Send some beats through the real edge, each by its viewer's own ticket."""
        now = int(SystemClock().now().timestamp())
        ticket = Ticket(
            _CLASS, "", "bench", now - _JOINED_AGO, now - _ORIGIN_AGO, now + _HOUR, now + _HOUR
        )
        viewers = [_viewer(number) for number in range(count // _NUMBERS)]
        tickets = SignedTickets(self.key)
        tokens = self.here.home / "tokens"
        lines = [tickets.sign(ticket._replace(learner_id=each)) for each in viewers]
        tokens.write_text("\n".join(lines), encoding="ascii")
        argv = (
            *(sys.executable, "-m", "tests.load.beats", "--port", str(self.folds[0].port)),
            *("--connections", str(_CONNECTIONS), "--count", str(len(viewers) * _NUMBERS)),
            *("--numbers", str(_NUMBERS), "--tokens", str(tokens)),
        )
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        if process.returncode != 0:
            raise NodeError(f"the beats' sender ended with {process.returncode}")
        minutes = 0
        for number in range(_NUMBERS):
            minutes |= 1 << (ticket.joined_at + BEAT_SECONDS * number - ticket.origin) // 60
        truth = {attendance_id(_CLASS, each): minutes for each in viewers}
        return {"statuses": json.loads(said)["statuses"], "truth": truth}

    async def close(self) -> None:
        """Follow everything with barriers, and wait until the fold has come to all of them."""
        cluster = Cluster(
            self.here.bootstrap,
            idempotent=self.here.settings.of("progress")["KAFKA_IDEMPOTENT"] == "true",
            partitions=_PARTITIONS,
        )
        async with (
            open_mongo(self.here.uri, "bench_exact", SILENT) as store,
            open_kafka(cluster, "bench-exact") as bus,
        ):
            for session in (_LECTURE, _CLASS):
                await close_with_barrier(store, bus, session, 1)
            frame = Frame(store, "/corpu/35/progress")

            async def closed() -> bool:
                work = ProgressWork(frame)
                return all([await is_closed(work, each, 1) for each in (_LECTURE, _CLASS)])

            await until("the fold has come to the end", closed, within=_PATIENCE)


def _viewer(number: int) -> str:
    return derived("exact-viewer", number).replace("-", "")


def _resident_mb(part: Part) -> float:
    """Tell the most memory that a process had since it was begun; 0 where it is gone."""
    with suppress(OSError):
        pid = part.process.pid if part.process else 0
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _disordered(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Lose the order of records within some hundreds."""
    chance = random.Random(3)  # noqa: S311 - a network, and no secret
    held: list[Entry] = []
    for entry in entries:
        held.append(entry)
        if len(held) == _SHUFFLED:
            chance.shuffle(held)
            yield from held
            held.clear()
    chance.shuffle(held)
    yield from held


def run(
    viewers: int, minutes: int, through_edge: int, strikes: int, settings: NodeSettings,
    say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Run it: so many viewers and minutes, so many beats over HTTP, so many processes ended; and report."""
    with tempfile.TemporaryDirectory(prefix="corpu-bench-") as folder:
        try:
            return asyncio.run(
                _run(Path(folder), viewers, minutes, through_edge, strikes, settings, say)
            )
        except ExceptionGroup as several:
            # What went wrong first has ended all the rest.
            raise several.exceptions[0] from several


async def _run(
    home: Path, viewers: int, minutes: int, through_edge: int, strikes: int, settings: NodeSettings,
    say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    crowd = audience.viewers(viewers, minutes)
    truth = {attendance_id(_LECTURE, each.learner.hex()): each.minutes for each in crowd}
    key = secrets.token_bytes(32)
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(ground(settings, home, say))
        make_keys(home)
        (home / "live.hex").write_text(key.hex(), encoding="ascii")
        await make_topics(here.bootstrap, [ATTENDANCE], _PARTITIONS)
        under_way = _Run(here, key, say)
        await under_way.begin(stack)
        beats = 0

        def counted() -> Iterator[list[tuple[bytes, int]]]:
            nonlocal beats
            for coming in audience.beats(crowd, minutes):
                beats += len(coming)
                yield coming

        packed = audience.packed(_LECTURE, counted(), _PARTITIONS, _A_RECORD)
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(under_way.watch())
            edge = tasks.create_task(under_way.over_http(through_edge))
            filling = tasks.create_task(
                fill(here.bootstrap, ATTENDANCE, _disordered(packed), _PARTITIONS)
            )
            await under_way.strike(strikes, lambda: not filling.done())
            records, sent = await filling, await edge
            say(f"{beats} beats in {records} records, and {through_edge} over HTTP")
            await under_way.close()
            watching.cancel()
        seconds = time.monotonic() - began
        kept = await _kept(here.uri)
    wrong = differences(truth | sent["truth"], kept)
    acknowledged = sent["statuses"].get("204", 0)
    return {
        "bench": "exact",
        "viewers": len(truth),
        "minutes": minutes,
        "beats": beats,
        "records": records,
        "repeated_percent": audience.REPEATED * 100,
        "late_percent": audience.LATE * 100,
        "over_http": {"viewers": len(sent["truth"]), "statuses": sent["statuses"]},
        "processes": _FOLDS,
        "killed": under_way.killed,
        "ended_and_begun": under_way.ended,
        "seconds": round(seconds, 1),
        "differences": sum(_wrong(truth | sent["truth"], kept)),
        "wrong": wrong,
        "memory_mb": {"at_rest": round(under_way.at_rest_mb), "most": round(under_way.most_mb)},
        "flushed_at": Settings.model_fields["flush_learners"].default,
        "verified": not wrong and acknowledged == len(sent["truth"]) * _NUMBERS,
        "circumstances": circumstances(
            here.parts, {name: version(name) for name in _PACKAGES}, _PACKAGES
        ),
    }


def _wrong(expected: Mapping[str, int], found: Mapping[str, int]) -> Iterator[bool]:
    return (expected.get(key) != found.get(key) for key in expected.keys() | found.keys())


async def _kept(uri: str) -> Minutes:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    async with client:
        room = client["bench_exact"]["attendance"]
        return {
            each["_id"]: bitmap_of(each.get("live", {}))
            async for each in room.find({}, {"live": 1})
        }
