"""A real store and a real broker for the tests: processes on free ports, ended by their ids."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Protocol, TypeVar

from deploy.embedded.parts import Part, Probe, broker, store
from deploy.embedded.settings import LOOPBACK, free_port

T = TypeVar("T")
_PATIENCE = 120.0
_POLL = 0.05


class Standing(Protocol):
    """One real part, which can be ended, begun again and made to hang."""

    port: int

    def start(self) -> None:
        """Start it and wait until it answers; RuntimeError if it never does."""

    def stop(self) -> None:
        """End it as a crash would, and wait until it is gone."""

    def hanging(self) -> AbstractContextManager[None]:
        """Let it keep its connections and answer nothing for as long as the block lasts."""


class Process:
    """A part that is a process of ours."""

    def __init__(self, part: Part) -> None:
        """Stand for a part, which is not started yet."""
        self.port = part.port
        self.folder = part.folder
        self._part = part
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; RuntimeError if it never does."""
        _apart(self._prepare())
        with self._part.log.open("ab") as log:
            self._child = subprocess.Popen(
                self._part.argv, stdout=log, stderr=log, cwd=self._part.folder, env={}
            )
        pause = Event()
        for _ in range(int(_PATIENCE / _POLL)):
            if answering(self._part.answers, self.port):
                return
            if self._child.poll() is not None:
                break
            pause.wait(_POLL)
        self.stop()
        said = self._part.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"{self._part.name} does not answer: {said}")

    async def _prepare(self) -> None:
        if self._part.prepare is not None:
            await self._part.prepare()

    def stop(self) -> None:
        """End it and wait until it is gone."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it keep its connections and answer nothing for as long as the block lasts."""
        if self._child is None:
            raise RuntimeError("what does not run cannot hang")
        self._child.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._child.send_signal(signal.SIGCONT)


@contextmanager
def mongo_process() -> Iterator[Process]:
    """Run the embedded store in a folder of its own."""
    with TemporaryDirectory(prefix="corpu-store-") as folder:
        yield from standing(Process(store(_home(folder), free_port())))


@contextmanager
def kafka_process() -> Iterator[Process]:
    """Run the embedded broker."""
    with TemporaryDirectory(prefix="corpu-broker-") as folder:
        yield from standing(Process(broker(_home(folder), free_port())))


def mongo_uri(process: Standing) -> str:
    """Tell the address of a store."""
    return f"mongodb://{LOOPBACK}:{process.port}/?directConnection=true"


def kafka_bootstrap(process: Standing) -> str:
    """Tell the address of a broker."""
    return f"{LOOPBACK}:{process.port}"


def given(name: str) -> str | None:
    """Tell what the environment names in place of a part of ours."""
    return os.environ.get(name) or None  # noqa: TID251 - tests have no settings


def answering(probe: Probe, port: int) -> bool:
    """Tell whether what listens on a port of this machine answers as the probe expects."""

    async def ask() -> bool:
        try:
            async with asyncio.timeout(2):
                return await probe(LOOPBACK, port)
        except (OSError, EOFError, TimeoutError):
            return False

    return _apart(ask())


def standing(part: Process) -> Iterator[Process]:
    """Run a part for as long as the caller's block lasts."""
    part.start()
    try:
        yield part
    finally:
        part.stop()


def _home(folder: str) -> Path:
    home = Path(folder)
    for each in ("log", "store"):
        (home / each).mkdir()
    return home


def _apart(coroutine: Coroutine[None, None, T]) -> T:
    """Await something where a loop may be running already."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
