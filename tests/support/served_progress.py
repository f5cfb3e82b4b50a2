"""Progress served on memory twins, with somebody who asks it things."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from services.progress.app import create_app
from services.progress.settings import Settings
from services.progress.store import ProgressWork
from shared.events.fact import Fact
from shared.kernel.clock import SetClock
from shared.web.parts import Parts
from tests.support.federation import Province
from tests.support.progress import publish
from tests.support.serving import AUDIENCE, ISSUER, Issuer, MemoryEngine, clock, serving

_SETTINGS = Settings(CORPU_ISSUER=ISSUER, CORPU_AUDIENCE=AUDIENCE, CORPU_NODE="35")


@dataclass
class ServedProgress:
    """The service with a client that speaks as organiser, unless told otherwise."""

    client: httpx2.AsyncClient
    engine: MemoryEngine
    issuer: Issuer
    clock: SetClock
    home: str = "35"

    async def hear(self, *facts: Fact) -> None:
        """Have others state facts, and wait until all is heard."""
        await publish(self.engine.bus, *facts, node=self.home)
        await self.engine.bus.quiet()

    async def get(self, path: str, *roles: str, **claims: object) -> httpx2.Response:
        """Ask as somebody with these roles and claims."""
        return await self.client.get(path, headers=self._as(roles, claims))

    async def post(self, path: str, body: object, *roles: str, **claims: object) -> httpx2.Response:
        """Send as somebody with these roles and claims."""
        return await self._send("POST", path, body, self._as(roles, claims))

    async def put(self, path: str, body: object, *roles: str, **claims: object) -> httpx2.Response:
        """Replace as somebody with these roles and claims."""
        return await self._send("PUT", path, body, self._as(roles, claims))

    async def send(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Send evidence in bulk as organiser, and wait until what it led to is heard."""
        answer: dict[str, Any] = (await self.post("/evidence", {"items": items})).json()
        await self.engine.bus.quiet()
        return answer

    @property
    def parts(self) -> Parts[ProgressWork]:
        """Tell the service's parts."""
        opened: Parts[ProgressWork] = self.client._transport.app.state.parts  # type: ignore[attr-defined]
        return opened

    async def settle(self) -> None:
        """Wait until everything stated is published and heard."""
        while not self.parts.relay.idle:
            await asyncio.sleep(0)
        await self.engine.bus.quiet()

    async def _send(
        self, method: str, path: str, body: object, who: dict[str, str]
    ) -> httpx2.Response:
        # Escaped by ourselves, for the client's own writer refuses what a careless one sends.
        content = json.dumps(body).encode()
        headers = {**who, "Content-Type": "application/json"}
        return await self.client.request(method, path, content=content, headers=headers)

    def _as(self, roles: tuple[str, ...], claims: dict[str, object]) -> dict[str, str]:
        return self.issuer.bearer(*(roles or ("organiser",)), **{"node": self.home, **claims})


@asynccontextmanager
async def served(
    settings: Settings = _SETTINGS, engine: MemoryEngine | None = None
) -> AsyncIterator[ServedProgress]:
    """Serve progress at node 35."""
    engine, watch = engine or MemoryEngine(), clock()
    issuer = Issuer(watch)
    async with serving(create_app(settings, engine, watch, issuer)) as client:
        yield ServedProgress(client, engine, issuer, watch)


@asynccontextmanager
async def served_at(province: Province) -> AsyncIterator[ServedProgress]:
    """Serve progress at a node that shares with others."""
    settings = province.settings(Settings, CORPU_ISSUER=ISSUER, CORPU_AUDIENCE=AUDIENCE)
    async with served(settings, province.engine) as node:
        node.home = province.node
        yield node
