"""The embedded broker and store: they answer, keep what they acknowledged, and fail in one line."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient, UpdateOne, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from deploy.embedded.parts import Part, broker, http_answers, http_lacks, store
from deploy.embedded.settings import LOOPBACK, ROOT, NodeError, NodeSettings

Collection = AsyncCollection[dict[str, object]]
_ENOUGH = 300
_PATIENCE = 60.0


@asynccontextmanager
async def _run(part: Part) -> AsyncIterator[Part]:
    await part.spawn()
    try:
        await part.ready()
        yield part
    finally:
        await part.stop()


@asynccontextmanager
async def _collection(port: int) -> AsyncIterator[Collection]:
    uri = f"mongodb://{LOOPBACK}:{port}/?directConnection=true&retryWrites=false"
    async with AsyncMongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=2000) as client:
        journalled = WriteConcern(w="majority", j=True)
        yield client.get_database("kept", write_concern=journalled)["rows"]


async def _write_until_it_dies(rows: Collection, writer: int, size: int, kept: set[str]) -> None:
    """Keep guarded upserts as the services' stores do, and note every acknowledged one."""
    try:
        for turn in count():
            ids = [f"{writer}-{turn}-{row}" for row in range(size)]
            await rows.bulk_write(
                [
                    UpdateOne(
                        {"_id": each, "version": 0},
                        {"$set": {"version": 1}, "$push": {"outbox": {"id": each}}},
                        upsert=True,
                    )
                    for each in ids
                ],
                ordered=False,
            )
            kept.update(ids)
    except PyMongoError:
        return


async def test_the_broker_is_ready_once_it_answers(home: Path, settings: NodeSettings) -> None:
    """A started broker answers a Kafka request; a stopped one does not."""
    async with _run(broker(home, settings.ports["broker"])) as part:
        assert await part.is_ready()

    assert not await part.is_ready()
    assert "exit 0" == part.end


async def test_an_acknowledged_write_outlives_a_kill(home: Path, settings: NodeSettings) -> None:
    """Whatever the store acknowledged before SIGKILL is there afterwards, in the index too."""
    port = settings.ports["store"]
    kept: set[str] = set()
    async with _run(store(home, port)) as part, _collection(port) as rows:
        is_pending = {"outbox.id": {"$exists": True}}
        await rows.create_index("outbox.id", partialFilterExpression=is_pending)
        async with asyncio.TaskGroup() as writers:
            for writer, size in enumerate([1, 1, 20, 20]):
                writers.create_task(_write_until_it_dies(rows, writer, size, kept))
            async with asyncio.timeout(_PATIENCE):
                while len(kept) < _ENOUGH:
                    await asyncio.sleep(0.01)
            part.kill()

    async with _run(store(home, port)), _collection(port) as rows:
        found = {row["_id"] async for row in rows.find({})}
        pending = {row["_id"] async for row in rows.find(is_pending)}

    assert set() == kept - found
    assert set() == kept - pending


@pytest.mark.parametrize(
    ("name", "setting"), [("broker", "CORPU_BROKER_PORT"), ("store", "CORPU_STORE_PORT")]
)
async def test_a_port_in_use_is_one_clear_line(
    name: str, setting: str, home: Path, settings: NodeSettings
) -> None:
    """A taken port names itself and the setting that changes it."""
    port = settings.ports[name]
    part = {"broker": broker, "store": store}[name](home, port)

    with socket.create_server((LOOPBACK, port)), pytest.raises(NodeError) as refused:
        await part.spawn()

    assert (
        f"port {port} of 127.0.0.1 is in use, and the {name} needs it: "
        f"stop what holds it, or set {setting} to another port"
    ) == str(refused.value)


async def test_a_missing_program_is_one_clear_line(home: Path, settings: NodeSettings) -> None:
    """A program that is not there names itself."""
    part = _part(home, settings, "/no/such/program")

    with pytest.raises(NodeError) as refused:
        await part.spawn()

    assert ("the notify cannot be started: /no/such/program: No such file or directory") == str(
        refused.value
    )


async def test_a_part_that_ends_too_soon_quotes_its_last_words(
    home: Path, settings: NodeSettings
) -> None:
    """A part that ends before it answers says what it said last, and where the rest is."""
    part = _part(home, settings, sys.executable, "-c", "import sys; sys.exit('no such setting')")
    await part.spawn()

    with pytest.raises(NodeError) as ended:
        await part.ready()

    assert (
        "the notify ended before it was ready (exit 1): no such setting "
        f"(more in {home}/log/notify.log)"
    ) == str(ended.value)


async def test_a_part_that_finds_no_room_says_so(home: Path, settings: NodeSettings) -> None:
    """A full disk is told as such, whatever else the part printed."""
    program = "import errno, os; print('x'); raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))"
    part = _part(home, settings, sys.executable, "-c", program)
    await part.spawn()

    with pytest.raises(NodeError) as ended:
        await part.ready()

    assert f"the notify ended because the disk that holds {home}/log is full" == str(ended.value)


async def test_a_part_that_never_answers_is_given_up(home: Path, settings: NodeSettings) -> None:
    """A living process that does not answer in time is one clear line."""
    part = _part(home, settings, sys.executable, "-c", "import signal; signal.pause()")
    await part.spawn()
    try:
        with pytest.raises(
            NodeError, match=r"^the notify is not ready after 0 s: see /.*notify\.log$"
        ):
            await part.ready(within=0.2)
    finally:
        part.kill()
        await part.ended()


async def test_a_part_that_lacks_a_key_is_given_up_with_what_it_says(
    home: Path, settings: NodeSettings
) -> None:
    """A service that waits for a file says which, and its log need not be read."""
    part = _part(home, settings, sys.executable, "-m", "tests.deploy.tiny_service")
    heard = set[str]()
    part.environment = {
        "CORPU_HOST": LOOPBACK, "CORPU_PORT": str(part.port), "CORPU_JWKS": str(home / "none.json"),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    part.lacks, part.hears = http_lacks, heard.add
    await part.spawn()
    try:
        with pytest.raises(NodeError, match=r"^the notify is not ready after 5 s: CORPU_JWKS: "):
            await part.ready(within=5)
    finally:
        part.kill()
        await part.ended()

    assert {f"CORPU_JWKS: {home}/none.json is no file"} == heard


async def test_a_part_that_will_not_end_is_ended(home: Path, settings: NodeSettings) -> None:
    """A process that ignores SIGTERM is killed once its grace period is over."""
    deaf = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);"
        "signal.pause()"
    )
    part = _part(home, settings, sys.executable, "-c", deaf)
    part.grace = 0.1
    await part.spawn()
    async with asyncio.timeout(_PATIENCE):
        while "deaf" not in part.log.read_text(encoding="utf-8"):
            await asyncio.sleep(0.01)

    await part.stop()

    assert "SIGKILL" == part.end


async def test_a_large_log_makes_room(home: Path, settings: NodeSettings) -> None:
    """A log above ten megabytes is set aside when its part starts."""
    part = _part(home, settings, sys.executable, "-c", "print('a new page')")
    part.log.write_bytes(b"x" * 10_000_001)
    await part.spawn()
    await part.ended()

    assert "a new page\n" == part.log.read_text(encoding="utf-8")
    assert (home / "log/notify.old.log").stat().st_size == 10_000_001


def _part(home: Path, settings: NodeSettings, *argv: str) -> Part:
    return Part("notify", argv, settings.ports["notify"], http_answers, home / "log/notify.log")
