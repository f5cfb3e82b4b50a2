"""A lecture of national size, simulated: the real fold on a virtual clock, for a sample of shards and minutes.

A shard is what one partition of the topic carries. Beats are generated for its viewers (late, repeated, dropped, from
two devices), packed as the edge packs them, taken by the real fold, and drained at the real interval of virtual
seconds. Only the fold's own work is timed, never the generator's. What is drained is merged into the real store for
a sample of it, and all of it is put together and compared with what was sent.
"""

import asyncio
import gc
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from deploy.bench import audience
from deploy.bench.figures import circumstances
from deploy.bench.ground import Ground, ground
from deploy.bench.kept import figure
from deploy.bench.layout import BEAT_SECONDS, Measured, Plan, needed
from deploy.embedded.settings import NodeSettings
from deploy.running import resident
from services.progress.consumers.attendance import AttendanceFold
from services.progress.domain.beats import pack, room_of
from services.progress.domain.minutes import bitmap_of
from services.progress.store import ATTENDANCE, KINDS
from shared.store.mongo import open_mongo
from shared.store.port import Merge

_SESSION = "national-lecture"
_SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
_TWO_DEVICES, _DROPPED, _LATE, _REPEATED = 0.1, 0.02, 0.03, 0.03
_LATEST_SLOTS = 6
_WRITTEN = 20_000
"""Merges of a size that go to a real store."""
_MICRO = 1e6


class _Packed(NamedTuple):
    """A record as the fold reads it."""

    value: bytes
    topic: str = "attendance"
    partition: int = 0
    offset: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class _Tally:
    """What one size's sample did and what that cost."""

    beats: int = 0
    records: int = 0
    value_bytes: int = 0
    merges: int = 0
    changed_most: int = 0
    take_seconds: float = 0.0
    drain_seconds: float = 0.0
    sample: list[Merge] = field(default_factory=list)
    wrong: int = 0


def simulate(
    plan: Plan, shards: int, sampled: int, settings: NodeSettings, say: Callable[[str], None]
) -> dict[str, Any]:
    """Simulate `shards` partitions of a lecture for `sampled` of its minutes, smaller ones beside it, and report."""
    with tempfile.TemporaryDirectory(prefix="corpu-bench-") as folder:
        return asyncio.run(_simulate(Path(folder), plan, shards, sampled, settings, say))


async def _simulate(
    home: Path, plan: Plan, shards: int, sampled: int, settings: NodeSettings, say: Callable[[str], None]
) -> dict[str, Any]:  # fmt: skip
    # What the fold's sample leaves out was measured on real brokers, by `bench live edge` and `bench live fold`.
    edge = figure("edge", "corpu", "requests_per_cpu_second")
    read = figure("fold", "bare aiokafka", "own_us")
    sizes = sorted({*(size for size in _SIZES if size < plan.viewers), plan.viewers})
    # First of all, while nothing was freed that could be taken again unseen.
    held = _memory_a_viewer()
    rows: list[dict[str, Any]] = []
    async with ground(settings, home, say) as here:
        for size in sizes:
            scaled = replace(plan, viewers=size, devices=1 + _TWO_DEVICES)
            tally = _sample(scaled, shards, sampled)
            write, store = await _write(here, tally.sample, f"lecture_{size}")
            measured = _measured(tally, read or 0.0, write, store, held)
            whole = needed(scaled, measured, edge)
            say(f"{size} viewers: {measured.fold_us_a_beat:.2f} µs a beat, {tally.wrong} wrong")
            rows.append(_row(size, tally, measured, whole))
        told = circumstances(here.parts, {}, ())
    first, last = (rows[place]["arithmetic"]["fold_us_per_beat"] for place in (0, -1))
    return {
        "simulation": "lecture",
        "learners": plan.viewers,
        "minutes": plan.minutes,
        "layout": {
            name: getattr(plan, name)
            for name in ("partitions", "replication", "pods", "linger_seconds", "flush_seconds")
        },
        "sample": {"shards": shards, "minutes": min(sampled, plan.minutes)},
        "kept": {"edge_requests_per_cpu_second": edge, "read_us_a_record": read},
        "sizes": rows,
        "cost_growth": {
            "from": rows[0]["viewers"],
            "to": rows[-1]["viewers"],
            "fold_cpu_a_beat": round(last / first, 3) if first else None,
        },
        "verified": all(not row["differences"] for row in rows),
        "circumstances": told,
    }


def _row(size: int, tally: _Tally, measured: Measured, whole: Mapping[str, Any]) -> dict[str, Any]:
    counts = {"beats": tally.beats, "records": tally.records, "merges": tally.merges}
    packing = round(tally.beats / max(1, tally.records), 2)
    return {
        "viewers": size,
        "measured": {**_rounded(measured), **counts, "beats_a_record": packing},
        "arithmetic": whole,
        "differences": tally.wrong,
    }


def _sample(plan: Plan, shards: int, sampled: int) -> _Tally:
    """Fold the sampled minutes of the sampled shards."""
    tally = _Tally()
    minutes = _chosen(plan.minutes, sampled)
    for shard in range(min(shards, plan.partitions)):
        crowd = audience.viewers(max(1, plan.viewers // plan.partitions), plan.minutes, seed=shard)
        _Shard(plan, crowd, minutes, tally, random.Random(shard)).run()  # noqa: S311 - a network, and no secret
    return tally


def _chosen(minutes: int, sampled: int) -> list[int]:
    """Choose minutes from the beginning to the end, in runs of two."""
    if sampled >= minutes:
        return list(range(minutes))
    runs = max(1, sampled // 2)
    starts = [round(run * (minutes - 2) / max(1, runs - 1)) for run in range(runs)]
    return sorted({minute for start in starts for minute in (start, start + 1) if minute < minutes})


@dataclass
class _Shard:
    """One partition's beats, from the viewers' players to what is merged."""

    plan: Plan
    crowd: Sequence[audience.Viewer]
    minutes: Sequence[int]
    tally: _Tally
    chance: random.Random

    def run(self) -> None:
        """Play the minutes, flush by flush, and compare what came of it with what was sent."""
        fold = AttendanceFold()
        sent: dict[str, int] = {}
        kept: dict[str, int] = {}
        every = max(1, round(self.plan.flush_seconds / BEAT_SECONDS))
        for number, coming in enumerate(self._slots(), 1):
            for learner, minute in coming:
                key = learner.hex()
                sent[key] = sent.get(key, 0) | 1 << minute
            records = list(self._packed(coming))
            self._take(fold, records)
            if number % every == 0:
                self._merge_into(kept, fold)
        self._merge_into(kept, fold)
        both = sent.keys() | kept.keys()
        self.tally.wrong += sum(1 for each in both if sent.get(each) != kept.get(each))

    def _merge_into(self, kept: dict[str, int], fold: AttendanceFold) -> None:
        for merge in self._drain(fold):
            who = str(merge.fields["learner_id"])
            words = {path.rpartition(".")[2]: word for path, word in merge.bits.items()}
            kept[who] = kept.get(who, 0) | bitmap_of(words)

    def _slots(self) -> Iterator[list[tuple[bytes, int]]]:
        """Tell the beats that arrive between two flushes, in half a minute at most: each viewer has a turn."""
        slots = max(1, round(BEAT_SECONDS / self.plan.flush_seconds))
        phases = [self.chance.randrange(slots) for _ in self.crowd]
        late: dict[int, list[tuple[bytes, int]]] = {}
        now = 0
        for minute in self.minutes:
            for half in range(audience.BEATS_A_MINUTE):
                beat = minute * audience.BEATS_A_MINUTE + half
                shares: list[list[tuple[bytes, int]]] = [[] for _ in range(slots)]
                for viewer, phase in zip(self.crowd, phases, strict=True):
                    if viewer.first <= beat < viewer.end:
                        self._send(viewer.learner, minute, now, phase, shares, late)
                for share in shares:
                    share.extend(late.pop(now, []))
                    yield share
                    now += 1
        for slot in sorted(late):
            yield late[slot]

    def _send(
        self, learner: bytes, minute: int, now: int, phase: int, shares: list[list[tuple[bytes, int]]],
        late: dict[int, list[tuple[bytes, int]]],
    ) -> None:  # fmt: skip
        chance = self.chance.random
        for _ in range(2 if learner[0] < 256 * _TWO_DEVICES else 1):
            fate = chance()
            if fate < _DROPPED:
                continue
            if fate < _DROPPED + _LATE:
                after = now + phase + self.chance.randint(1, _LATEST_SLOTS)
                late.setdefault(after, []).append((learner, minute))
                continue
            shares[phase].append((learner, minute))
            if fate < _DROPPED + _LATE + _REPEATED:
                shares[phase].append((learner, minute))

    def _packed(self, coming: Sequence[tuple[bytes, int]]) -> Iterator[_Packed]:
        """Pack beats as many to a record as the layout's pods and linger bring together."""
        room, each = room_of(_SESSION), max(1, round(self.plan.beats_a_record))
        for start in range(0, len(coming), each):
            blocks: dict[tuple[bytes, int], bytearray] = {}
            for learner, minute in coming[start : start + each]:
                blocks.setdefault((room, minute), bytearray()).extend(learner)
            value = pack(blocks)
            self.tally.value_bytes += len(value)
            yield _Packed(value)
        self.tally.beats += len(coming)

    def _take(self, fold: AttendanceFold, records: Sequence[_Packed]) -> None:
        self.tally.records += len(records)
        gc.disable()
        began = time.process_time()
        unfit = fold.take(records)
        self.tally.take_seconds += time.process_time() - began
        gc.enable()
        self.tally.wrong += len(unfit)

    def _drain(self, fold: AttendanceFold) -> Iterator[Merge]:
        """Drain, timed by the chunk, and keep some merges for the store."""
        self.tally.changed_most = max(self.tally.changed_most, fold.size)
        drained = fold.drain()
        while True:
            began = time.process_time()
            part = next(drained, None)
            self.tally.drain_seconds += time.process_time() - began
            if part is None:
                return
            kind, merges = part
            if kind is ATTENDANCE:
                self.tally.merges += len(merges)
                if len(self.tally.sample) < _WRITTEN:
                    self.tally.sample += merges
                yield from merges


async def _write(here: Ground, merges: Sequence[Merge], database: str) -> tuple[float, float]:
    """Merge a sample into a real store, and tell CPU microseconds by the merge, ours and the store's."""
    async with open_mongo(here.uri, database, KINDS) as store:
        await store.merge(ATTENDANCE, merges[:100])
        before, began = here.cpu().get("store", 0.0), time.process_time()
        for start in range(0, len(merges), 1_000):
            await store.merge(ATTENDANCE, merges[start : start + 1_000])
        ours, theirs = time.process_time() - began, here.cpu().get("store", 0.0) - before
    count = max(1, len(merges))
    return ours / count * _MICRO, theirs / count * _MICRO


def _measured(tally: _Tally, read: float, write: float, store: float, held: float) -> Measured:
    beats, merges = max(1, tally.beats), max(1, tally.merges)
    return Measured(
        read_us_a_record=read,
        fold_us_a_beat=tally.take_seconds / beats * _MICRO,
        drain_us_a_merge=tally.drain_seconds / merges * _MICRO,
        write_us_a_merge=write,
        store_us_a_merge=store,
        merges_a_beat=merges / beats,
        bytes_a_beat=tally.value_bytes / beats,
        memory_bytes_a_viewer=held,
    )


def _memory_a_viewer(viewers: int = 100_000) -> float:
    """Measure what the fold holds of a viewer who changed: resident bytes of this process before and after."""
    pid = os.getpid()
    room = room_of(_SESSION)
    records = [
        _Packed(pack({(room, 100): b"".join(n.to_bytes(16) for n in range(at, at + 100))}))
        for at in range(0, viewers, 100)
    ]
    gc.collect()
    before = resident([pid])[pid]
    fold = AttendanceFold()
    fold.take(records)
    held = resident([pid])[pid] - before
    return float(max(0, held) / fold.size)


def _rounded(measured: Measured) -> Mapping[str, float]:
    return {name: round(value, 3) for name, value in vars(measured).items()}
