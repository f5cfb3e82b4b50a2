"""One contestant drains filled topics: its own CPU time by the record, and broker's and store's beside it.

Nothing inside of a contestant is measured, so that a service is measured as it runs. The broker is asked many times
a second how far the contestant's group has committed, and the kernel how much CPU its process has used by then: from
the first commit that is seen to the last, so that neither start nor end counts, nor what was drained before.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.bench.ground import Ground
from deploy.bench.log import group
from deploy.bench.meter import cpu_seconds
from deploy.embedded.settings import ROOT, NodeError

_LOOK_SECONDS = 0.02
_PATIENCE = 60.0
_PATIENCE_A_RECORD = 0.03
_GRACE = 15.0
_MICRO = 1e6


@dataclass(frozen=True)
class Contestant:
    """Who drains: the command of its process, and the consumer group whose commits tell how far it is."""

    name: str
    argv: Sequence[str]
    group: str
    database: str
    topic: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Drained:
    """One drain's cost: CPU seconds by process between two looks, and the records committed between them."""

    records: int
    seconds: float
    cpu: Mapping[str, float]

    def figures(self, weight: float = 1.0) -> dict[str, float]:
        """Tell CPU microseconds by event and events by second, where a record holds `weight` events."""
        events = max(1.0, self.records * weight)
        return {
            **{f"{name}_us": spent / events * _MICRO for name, spent in self.cpu.items()},
            "events_per_second": events / max(self.seconds, 1e-6),
        }


@dataclass(frozen=True)
class _Look:
    at: float
    committed: int
    cpu: Mapping[str, float]


async def drain(
    contestant: Contestant, ground: Ground, topics: Sequence[str], partitions: int, records: int
) -> Drained:
    """Run a contestant until all is committed; NodeError where its process ends before, or takes too long."""
    patience = _PATIENCE + _PATIENCE_A_RECORD * records
    async with group(ground.bootstrap, contestant.group, topics, partitions) as place:
        await place.rewind()
        async with _running(contestant, ground.home) as process:

            async def look() -> _Look:
                used = {"own": cpu_seconds(process.pid), **ground.cpu()}
                return _Look(time.monotonic(), await place.committed(), used)

            try:
                async with asyncio.timeout(patience):
                    first = await _when(1, look, process)
                    last = await _when(records, look, process)
            except (NodeError, OSError, TimeoutError) as failed:
                why = str(failed) or f"it has not drained {records} records in {patience:.0f} s"
                log = _log(contestant, ground.home)
                raise NodeError(f"{contestant.name}: {why} ({_last_line(log)})") from failed
    spent = {name: used - first.cpu[name] for name, used in last.cpu.items()}
    if last.committed == first.committed:
        raise NodeError(f"{contestant.name} committed everything at once: give it more records")
    return Drained(last.committed - first.committed, last.at - first.at, spent)


async def _when(
    committed: int, look: Callable[[], Awaitable[_Look]], process: asyncio.subprocess.Process
) -> _Look:
    """Look again and again until so much is committed; NodeError where the process ends before."""
    while True:
        # Asked first: the CPU clock of a process that is gone cannot be read.
        if process.returncode is not None:
            raise NodeError(f"it ended with status {process.returncode} before its work was done")
        found = await look()
        if found.committed >= committed:
            return found
        await asyncio.sleep(_LOOK_SECONDS)


def _log(contestant: Contestant, home: Path) -> Path:
    return home / "log" / f"{contestant.name.replace(' ', '-')}.log"


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


@asynccontextmanager
async def _running(contestant: Contestant, home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a contestant's process for as long as the block lasts."""
    with _log(contestant, home).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *contestant.argv, cwd=ROOT, env=dict(contestant.environment), stdout=log, stderr=log,
            stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_GRACE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
