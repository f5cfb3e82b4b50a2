"""The node that runs on this machine: where it is found, and its processes with their memory."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.home import readable
from deploy.embedded.settings import SERVICES, NodeError, NodeSettings

_NOTE = "node.json"
_MARKS = {
    "secantus": "store",
    "tansu": "broker",
    "kafka.Kafka": "broker",
    **{f"services.{name}": name for name in SERVICES},
}


@dataclass(frozen=True)
class Running:
    """A running node: its supervisor's process, its home folder and where its parts are reached.

    The process is 0 where somebody else, such as a container engine, runs the node.
    """

    home: Path
    pid: int
    addresses: Mapping[str, str]


@dataclass(frozen=True)
class Process:
    """One process of a node and its resident memory in bytes."""

    name: str
    pid: int
    rss: int


def note(home: Path, addresses: Mapping[str, str]) -> None:
    """Note where this process's node is reached, for the commands that ask it; NodeError where there is no room."""
    draft = home / f"{_NOTE}.draft"
    told = json.dumps({"pid": os.getpid(), "addresses": dict(addresses)})
    with readable(home):
        draft.write_text(told, encoding="utf-8")
        draft.replace(home / _NOTE)


def find(home: Path) -> Running | None:
    """Find the node that runs in a home folder; None where none does."""
    try:
        noted = json.loads((home / _NOTE).read_text(encoding="utf-8"))
        running = Running(home, int(noted["pid"]), dict(noted["addresses"]))
        if running.pid == _holder(home / "lock"):
            return running
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return None


def _holder(file: Path) -> int | None:
    """Tell which process holds a node's lock; None where nobody does.

    Only the lock itself tells: after a crash, the number written in it may be any other process's.
    """
    with file.open(encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read())
    return None


def found(settings: NodeSettings) -> Running:
    """Find the node of these settings, or the newest that a demo left running; else NodeError.

    One that CORPU_ADDRESSES names is taken at its word.
    """
    if settings.addresses:
        return Running(settings.home, 0, settings.addresses)
    kept = sorted((settings.home / "demo").glob("*/node"), reverse=True)
    for home in (settings.home, *kept):
        if running := find(home):
            return running
    raise NodeError(f"no node runs in {settings.home}: start one with `./corpu up`")


def processes(supervisor: int) -> list[Process]:
    """List a node's processes, the supervisor first; none where somebody else runs it."""
    if supervisor == 0:
        return []
    children = [
        Process(name, pid, rss)
        for pid, parent, rss, words in _all()
        if parent == supervisor and (name := _name(words))
    ]
    own = [Process("supervisor", pid, rss) for pid, _, rss, _ in _all() if pid == supervisor]
    order = ("store", "broker", *SERVICES)
    return [*own, *sorted(children, key=lambda each: order.index(each.name))]


def resident(pids: Collection[int]) -> dict[int, int]:
    """Tell the resident memory in bytes of those of these processes that live."""
    return {pid: rss for pid, _, rss, _ in _all() if pid in pids}


def _name(words: str) -> str:
    return next((name for mark, name in _MARKS.items() if mark in words), "")


def _all() -> Iterator[tuple[int, int, int, str]]:
    """Yield every process: its id, its parent's, its resident bytes and its command line."""
    if sys.platform == "linux":
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                after_name = (
                    (folder / "stat")
                    .read_text(encoding="utf-8", errors="replace")
                    .rpartition(")")[2]
                    .split()
                )
                words = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except OSError:
                continue
            yield (
                int(folder.name),
                int(after_name[1]),
                int(after_name[21]) * os.sysconf("SC_PAGE_SIZE"),
                words,
            )
        return
    listed = subprocess.run(
        ["/bin/ps", "-axo", "pid=,ppid=,rss=,args="], capture_output=True, check=True, text=True
    )
    for line in listed.stdout.splitlines():
        pid, parent, rss, words = line.split(None, 3)
        yield int(pid), int(parent), int(rss) * 1024, words
