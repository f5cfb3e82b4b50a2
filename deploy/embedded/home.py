"""A node's home folder: held by one node at a time, with room to write and the node's keys."""

import asyncio
import errno
import fcntl
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from deploy.embedded.settings import (
    LIVE_KEY,
    PRIVATE_KEY,
    PSEUDONYM_KEY,
    PUBLIC_KEYS,
    ROOT,
    NodeError,
)

_ROOM_BYTES = 64_000_000
_KEYS = (PSEUDONYM_KEY, LIVE_KEY, PRIVATE_KEY, PUBLIC_KEYS)


@asynccontextmanager
async def claimed(home: Path, room: int = _ROOM_BYTES) -> AsyncIterator[None]:
    """Hold the home folder, made if need be; NodeError where another node holds it.

    OSError where it cannot be written, or has fewer than `room` bytes left.
    """
    for folder in (home, home / "log", home / "store"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(home):
        if shutil.disk_usage(home).free < room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(home))
        if not all((home / key).exists() for key in _KEYS):
            await _make_keys(home)
        yield


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Let one command at a time read and change the files of a folder, made if need be; a second one waits.

    The folder itself is locked, so that no file is left that would go into a backup.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@contextmanager
def readable(home: Path) -> Iterator[None]:
    """Turn what the system refuses into a NodeError of one line."""
    try:
        yield
    except OSError as refused:
        if refused.errno in {errno.ENOSPC, errno.EDQUOT}:
            line = f"the disk that holds {home} is full: make room, or move CORPU_HOME elsewhere"
        else:
            line = f"{refused.filename or home}: {refused.strerror or refused}"
        raise NodeError(line) from refused


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Lock the folder; the kernel gives it back however the holder ends."""
    with (home / "lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            raise NodeError(
                f"a node already runs in {home} (process {holder}): "
                "stop it, or set CORPU_HOME to another folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


async def _make_keys(home: Path) -> None:
    """Make the keys in a process of its own, whose libraries the supervisor need not carry."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.embedded.tokens", str(home)),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode != 0:
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise NodeError(f"the node's keys cannot be made in {home / 'keys'}: {last}")
