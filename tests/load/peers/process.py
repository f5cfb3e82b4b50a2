"""How a peer runs: told where broker and store are, until it is told to end."""

import argparse
import asyncio
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where a peer reads and writes; `topic` takes what it states, `group` is its consumer group."""

    bootstrap: str
    uri: str
    database: str
    group: str
    topic: str


def place(**more: dict[str, Any]) -> tuple[Place, argparse.Namespace]:
    """Read the command line; `more` are further options by their name."""
    parser = argparse.ArgumentParser()
    for name in Place.__annotations__:
        parser.add_argument(f"--{name}", required=True)
    for name, how in more.items():
        parser.add_argument(f"--{name}", **how)
    asked = parser.parse_args()
    return Place(**{name: getattr(asked, name) for name in Place.__annotations__}), asked


def run_until_told(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run an asynchronous peer until SIGTERM."""

    async def supervised() -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stopping.set)
        working = loop.create_task(main())
        waiting = loop.create_task(stopping.wait())
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if working.done():
            working.result()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(supervised())


class Stopping:
    """Becomes true at SIGTERM, for a peer with a loop of its own."""

    def __init__(self) -> None:
        """Hear the signal."""
        self._told = False
        signal.signal(signal.SIGTERM, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._told = True

    def __bool__(self) -> bool:
        """Tell whether it was heard."""
        return self._told
