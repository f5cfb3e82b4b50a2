"""The container's probe tells a service that is well from one that is not, or not there."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deploy.embedded.settings import ROOT
from deploy.probe import is_well


@asynccontextmanager
async def answering(status: bytes) -> AsyncIterator[str]:
    """Answer every request with one status, or with nothing that is HTTP."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(status)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/readyz"


@pytest.mark.parametrize(
    ("said", "well"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", False),
        (b"what?\r\n", False),
        (b"", False),
    ],
)
async def test_only_a_good_answer_is_well(said: bytes, *, well: bool) -> None:
    """Anything but 200 is not well."""
    async with answering(said) as address:
        assert well is await asyncio.to_thread(is_well, address)


async def test_a_service_that_does_not_answer_is_not_well() -> None:
    """Neither a closed port nor a silence is waited for longer than was said."""
    async with answering(b"") as address:
        pass

    assert not await asyncio.to_thread(is_well, address, within=0.5)


async def test_its_exit_status_tells() -> None:
    """Run as a container runs it, it exits 0 for well and 1 for not."""
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as address:
        well = await _status(address)
    gone = await _status(address)

    assert (0, 1) == (well, gone)


async def _status(address: str) -> int | None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.probe", address), cwd=ROOT
    )
    return await process.wait()
