"""Sends heartbeats over many connections in a process of its own, and waits for every answer.

`--rate 0` sends the next beat of a connection with the answer to its last; otherwise beats leave by the clock, whether
answers come or not, and latency counts from when a beat was due. It prints one JSON line.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvloop

_HEAD_END = b"\r\n\r\n"


@dataclass
class _Run:
    """What all connections share: the beats to be sent, and what came of them."""

    tokens: list[bytes]
    numbers: int
    count: int
    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def next(self) -> bytes | None:
        """Tell the next request; None once all were sent."""
        if self.sent >= self.count:
            return None
        token = self.tokens[self.sent % len(self.tokens)]
        number = self.sent // len(self.tokens) % self.numbers
        self.sent += 1
        return (
            b"POST /live/beats?n=%d HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n"
            % (number, token)
        )

    def answered(self, status: int, seconds: float) -> None:
        """Count an answer."""
        self.statuses[status] += 1
        self.latencies.append(seconds)
        if self.statuses.total() == self.count:
            self.done.set()


class _Connection(asyncio.Protocol):
    """One connection, with one request under way at most; those that are due meanwhile wait in line."""

    def __init__(self, run: _Run, *, closed_loop: bool) -> None:
        self._run = run
        self._closed_loop = closed_loop
        self._transport: asyncio.Transport | None = None
        self._waiting: list[tuple[float, bytes]] = []
        self._due = 0.0
        self._busy = False
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._busy:
            self._busy = False
            self._run.answered(0, time.perf_counter() - self._due)

    def begin(self) -> None:
        """Send the next beat of all, if any is left."""
        request = self._run.next()
        if request is not None:
            self.send(time.perf_counter(), request)

    def send(self, due: float, request: bytes) -> None:
        """Send a request, at once or when those before it were answered."""
        if self._busy:
            self._waiting.append((due, request))
            return
        assert self._transport is not None
        self._busy, self._due = True, due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        held = self._held + data
        head, found, rest = held.partition(_HEAD_END)
        if not found:
            self._held = held
            return
        length = 0
        lower = head.lower()
        if (at := lower.find(b"content-length:")) >= 0:
            length = int(lower[at + 15 :].partition(b"\r\n")[0])
        if len(rest) < length:
            self._held = held
            return
        self._held, self._busy = b"", False
        self._run.answered(int(head[9:12]), time.perf_counter() - self._due)
        if self._closed_loop:
            self.begin()
        elif self._waiting:
            self.send(*self._waiting.pop(0))


async def _send(run: _Run, port: int, connections: int, rate: float) -> float:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(connections):
        _, connection = await loop.create_connection(
            lambda: _Connection(run, closed_loop=not rate), "127.0.0.1", port
        )
        made.append(connection)
    began = time.perf_counter()
    if rate:
        while (request := run.next()) is not None:
            due = began + run.sent / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            made[run.sent % connections].send(due, request)
    else:
        for connection in made:
            connection.begin()
    await run.done.wait()
    return time.perf_counter() - began


def main() -> None:
    """Send so many beats with the tokens of a file, one a line, and tell what came of them."""
    parser = argparse.ArgumentParser()
    for name in ("port", "connections", "count", "numbers"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--tokens", type=Path, required=True)
    asked = parser.parse_args()
    run = _Run(asked.tokens.read_bytes().split(), asked.numbers, asked.count)
    seconds = uvloop.run(_send(run, asked.port, asked.connections, asked.rate))
    ordered = sorted(run.latencies)
    told = {
        "seconds": seconds,
        "statuses": {str(status): count for status, count in sorted(run.statuses.items())},
        "median_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
