"""Measure motor against PyMongo's own asyncio client on the embedded store (ADR-0002).

    TMPDIR=/dev/shm .venv/bin/python docs/decisions/measure_drivers.py [ROUNDS]

Both drivers take turns, each run in a process and with a collection of its own; the state is
verified after every run. The store lies in TMPDIR, so that in memory no disk is measured. Prints a
Markdown table: median (lowest to highest) of operations a second and of the client's own CPU, and
how the two drivers compare.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from motor.motor_asyncio import AsyncIOMotorClient  # noqa: E402, TID251 - the path comes first; it is what is measured
from pymongo import AsyncMongoClient, UpdateOne, WriteConcern  # noqa: E402

from deploy.embedded.parts import store  # noqa: E402
from deploy.embedded.settings import LOOPBACK, NodeSettings  # noqa: E402

DRIVERS: dict[str, Any] = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}
BATCH = 100
KEYS = ("rate", "cpu")
# workload: how many tasks at once, how many operations in all
WORKLOADS = {
    "guarded upserts, 100 a bulk": (1, 2000),
    "guarded upserts, 1 task": (1, 300),
    "guarded upserts, 32 tasks": (32, 960),
    "reads by id, 1 task": (1, 800),
    "reads by id, 32 tasks": (32, 3200),
}


def _upsert(key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    fact = {"id": f"{key}-1", "seq": 1, "data": {"text": "x" * 300}}
    return {"_id": key, "version": 0}, {
        "$set": {"version": 1},
        "$push": {"outbox": fact, "stated": fact},
    }


async def _in_tasks(tasks: int, total: int, job: Callable[[int], Awaitable[object]]) -> None:
    numbers = iter(range(total))

    async def work() -> None:
        for number in numbers:
            await job(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(work())


async def run(driver: str, workload: str, port: int, name: str) -> dict[str, float]:
    """Run one workload with one driver; tell operations a second and CPU microseconds for each."""
    tasks, total = WORKLOADS[workload]
    client = DRIVERS[driver](f"mongodb://{LOOPBACK}:{port}/?directConnection=true")
    journalled = WriteConcern(w="majority", j=True)
    rows = client.get_database("drivers", write_concern=journalled)[name]
    await rows.insert_one({"_id": "warm"})

    async def bulk(number: int) -> None:
        batch = [UpdateOne(*_upsert(f"{number}-{row}"), upsert=True) for row in range(BATCH)]
        await rows.bulk_write(batch, ordered=False)

    async def single(number: int) -> None:
        await rows.update_one(*_upsert(str(number)), upsert=True)

    async def read(_: int) -> None:
        await rows.find_one({"_id": "warm"})

    job, calls = {"g": (single, total), "r": (read, total)}[workload[0]]
    if "bulk" in workload:
        job, calls = bulk, total // BATCH
    wall, cpu = time.perf_counter(), time.process_time()
    await _in_tasks(tasks, calls, job)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    written = 0 if job is read else total
    if await rows.count_documents({}) != written + 1:
        sys.exit(f"{driver}: {workload}: the store does not hold what was written")
    closed = client.close()
    if closed is not None:
        await closed
    return {"rate": total / wall, "cpu": cpu / total * 1e6}


async def _measure(rounds: int) -> None:
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "log").mkdir()
        part = store(home, NodeSettings.read({}).elsewhere(home).ports["store"])
        await part.spawn()
        await part.ready()
        try:
            for turn in range(rounds):
                order = list(DRIVERS) if turn % 2 else list(reversed(DRIVERS))
                for number, workload in enumerate(WORKLOADS):
                    for driver in order:
                        name = f"{driver}-{turn}-{number}"
                        child = await asyncio.create_subprocess_exec(
                            *(sys.executable, __file__, driver, workload, str(part.port), name),
                            stdout=asyncio.subprocess.PIPE,
                        )
                        said, _ = await child.communicate()
                        found.setdefault((workload, driver), []).append(json.loads(said))
        finally:
            await part.stop()
    _print(found)


def _print(found: dict[tuple[str, str], list[dict[str, float]]]) -> None:
    def spread(workload: str, driver: str, key: str) -> tuple[float, str]:
        values = [each[key] for each in found[workload, driver]]
        median = statistics.median(values)
        return median, f"{median:,.0f} ({min(values):,.0f} to {max(values):,.0f})"

    print("| work | client | operations a second | client CPU, µs an operation |")
    print("| --- | --- | --- | --- |")
    for workload in WORKLOADS:
        for driver in DRIVERS:
            rate, cpu = (spread(workload, driver, key)[1] for key in KEYS)
            print(f"| {workload} | {driver} | {rate} | {cpu} |")
    print()
    for workload in WORKLOADS:
        motor, own = ({key: spread(workload, driver, key)[0] for key in KEYS} for driver in DRIVERS)
        rate, cpu = (motor[key] / own[key] for key in KEYS)
        print(f"{workload}: motor reaches {rate:.2f} of the rate with {cpu:.2f} of the CPU")


if __name__ == "__main__":
    if len(sys.argv) > 2:  # noqa: PLR2004 - its own call for one run
        print(json.dumps(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))))
    else:
        asyncio.run(_measure(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
