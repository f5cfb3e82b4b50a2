"""notify on memory twins, and written fakes of what it speaks with."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from fastapi import FastAPI
from starlette.types import Message as AsgiMessage

from services.notify.app import create_app
from services.notify.consumers import SUBSCRIPTIONS
from services.notify.domain.letters import Letter, Outcome
from services.notify.ports import Letters, Postman
from services.notify.settings import Settings
from services.notify.store import KINDS, NotifyWork
from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryBus
from shared.events.fact import Fact
from shared.events.message import Message
from shared.kernel.clock import SetClock
from shared.kernel.errors import Unavailable
from shared.kernel.tasks import end, start
from shared.store.memory import MemoryStore
from shared.store.port import Store
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.support.federation import Province
from tests.support.notify import AYU
from tests.support.serving import AUDIENCE, ISSUER, Issuer, MemoryEngine


def stated(facts: Iterable[Fact], node: str = "35") -> Sequence[Message]:
    """State facts, each as the first of an aggregate of its own."""
    return [
        Message.of(fact, source=f"/corpu/{node}/test", aggregate=f"tests/{n}", seq=1, epoch=1)
        for n, fact in enumerate(facts)
    ]


class Desk:
    """notify's subscriptions on memory twins, without its doors to people."""

    def __init__(self, store: Store | None = None, works: Works[NotifyWork] | None = None) -> None:
        """Put a store and works together; both are made where none is given."""
        self.memory = MemoryStore()
        self.store = store or self.memory
        self.bus = MemoryBus()
        relay = Relay(self.store, KINDS, self.bus.publish)
        self.works = works or Works(NotifyWork, Frame(self.store, "/corpu/35/notify"), relay)
        self.deliveries = [Delivery(each, self.works) for each in SUBSCRIPTIONS]

    async def hear(self, facts: Iterable[Fact], batch: int = 500) -> None:
        """Hear facts in this order, in batches of at most so many."""
        await self.bus.publish(stated(facts))
        await self.bus.settle(self.deliveries, batch)

    def kept(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """Tell all that is kept in memory, without the count of the writes that it took."""
        return {
            name: {
                key: {part: value for part, value in document.items() if part != "version"}
                for key, document in room.items()
            }
            for name, room in self.memory.snapshot().items()
        }


@dataclass
class MemoryLetters:
    """A mail server in memory; `says` are its next answers, after which it takes everything."""

    says: list[Outcome] = field(default_factory=list)
    away: bool = False
    opened_times: int = 0
    tried: list[Letter] = field(default_factory=list)
    taken: list[Letter] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Postman]:
        """Open a line, or be away."""
        self.opened_times += 1
        if self.away:
            raise Unavailable("the mail server cannot be used (test)")
        yield self

    async def send(self, letter: Letter) -> Outcome:
        """Take a letter, or answer as told."""
        self.tried.append(letter)
        outcome = self.says.pop(0) if self.says else Outcome("sent")
        if outcome.kind == "sent":
            self.taken.append(letter)
        return outcome


@dataclass
class Node:
    """notify as an application on memory twins."""

    app: FastAPI
    engine: MemoryEngine
    issuer: Issuer
    clock: SetClock
    home: str = "35"

    async def hear(self, *facts: Fact) -> None:
        """Have facts published and heard."""
        await self.engine.bus.publish(stated(facts, self.home))
        await self.engine.bus.quiet()

    def learner(self, learner: str = AYU, **claims: object) -> dict[str, str]:
        """Sign a learner in."""
        return self.issuer.bearer("learner", **{"sub": learner, "learner_id": learner, **claims})


def node(
    clock: SetClock, letters: Letters | None = None, province: Province | None = None, **settings: object
) -> Node:  # fmt: skip
    """Make notify with an issuer of its own, at a node that shares or at 35."""
    engine, issuer = province.engine if province else MemoryEngine(), Issuer(clock)
    given = {"CORPU_ISSUER": ISSUER, "CORPU_AUDIENCE": AUDIENCE, **settings}
    told = province.settings(Settings, **given) if province else Settings.model_validate(given)
    app = create_app(told, engine, clock, issuer, letters)
    return Node(app, engine, issuer, clock, province.node if province else "35")


@dataclass(frozen=True)
class Told:
    """One server-sent event."""

    event: str
    data: Any
    id: str | None


class Stream:
    """Reads a live stream from an application, event by event, and ends it."""

    def __init__(
        self, app: FastAPI, path: str, headers: Mapping[str, str], query: str = ""
    ) -> None:
        """Ask for a path."""
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "server": ("corpu.test", 80), "client": ("test", 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self._app = app
        self._sent: asyncio.Queue[AsgiMessage] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self._text = ""
        self.status = 0

    async def _receive(self) -> AsgiMessage:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def __aenter__(self) -> Self:
        """Ask, and wait for the answer to begin."""

        async def ask() -> None:
            await self._app(self._scope, self._receive, self._sent.put)

        self._task = start(ask(), "a stream")
        self.status = (await self._sent.get())["status"]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        self._gone.set()
        await end(self._task)

    async def next(self) -> Told | None:
        """Read the next event; None at the end of the stream."""
        while True:
            head, found, self._text = self._text.partition("\r\n\r\n")
            if not found:
                self._text = head
                message = await asyncio.wait_for(self._sent.get(), 90)
                self._text += message.get("body", b"").decode()
                if not message.get("more_body"):
                    return None
            elif not head.startswith(":"):
                fields = dict(line.split(": ", 1) for line in head.split("\r\n"))
                return Told(fields["event"], json.loads(fields["data"]), fields.get("id"))
