"""Services on memory twins, served in the test's own process, and tokens for whoever calls them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from deploy.embedded.settings import free_port
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus
from shared.kernel.clock import SetClock
from shared.kernel.ids import fresh
from shared.kernel.tasks import running
from shared.store.kind import Kind
from shared.store.memory import MemoryStore
from shared.store.port import Store
from shared.web.settings import ServiceSettings
from tests.support.waiting import until

ISSUER = "https://id.corpu.test"
AUDIENCE = "corpu"
NOW = datetime(2024, 7, 20, 3, 0, tzinfo=UTC)


class MemoryEngine:
    """One memory bus for all services, and one memory store for each."""

    def __init__(self) -> None:
        """Start with nothing said and nothing kept."""
        self.bus = MemoryBus()
        self.stores: dict[str, MemoryStore] = {}

    @asynccontextmanager
    async def open_store(
        self, settings: ServiceSettings, service: str, kinds: Sequence[Kind[Any]]
    ) -> AsyncIterator[Store]:
        """Open a service's store."""
        del settings, kinds
        yield self.stores.setdefault(service, MemoryStore())

    @asynccontextmanager
    async def open_bus(self, settings: ServiceSettings, service: str) -> AsyncIterator[Bus]:
        """Open the bus that all services share."""
        del settings, service
        yield self.bus


class Issuer:
    """An identity provider whose keys exist only in the test; it is a `Keys` as well."""

    def __init__(self, clock: SetClock) -> None:
        """Make a key."""
        self._clock = clock
        self.key = ECKey.generate_key("P-256", {"kid": "test", "use": "sig", "alg": "ES256"})

    async def current(self, *, fresh: bool = False) -> KeySet:
        """Tell the public keys."""
        del fresh
        return KeySet([ECKey.import_key(self.key.as_dict(private=False))])

    def token(self, *roles: str, **claims: object) -> str:
        """Sign a token; claims given replace the usual ones, None leaves one out."""
        now = self._clock.now()
        usual: dict[str, object] = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "jti": fresh(), "node": "35",
            "iat": int(now.timestamp()), "nbf": int(now.timestamp()),
            "exp": int((now + timedelta(days=3650)).timestamp()), "roles": list(roles),
        }  # fmt: skip
        payload = {name: part for name, part in {**usual, **claims}.items() if part is not None}
        return jwt.encode({"alg": "ES256", "kid": "test", "typ": "at+jwt"}, payload, self.key)

    def bearer(self, *roles: str, **claims: object) -> dict[str, str]:
        """Make the header that carries such a token."""
        return {"Authorization": f"Bearer {self.token(*roles, **claims)}"}


def clock() -> SetClock:
    """Make a clock that stands at NOW, nine days after the shipped cohort's last day."""
    return SetClock(NOW)


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """Run an application with its lifespan and give a client for it once its parts are open."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app):
        while app.state.parts is None:
            await asyncio.sleep(0)
        async with httpx2.AsyncClient(transport=transport, base_url="http://corpu.test") as client:
            yield client


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """Let an application whose parts are open listen on a port, and tell its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_level="critical"))
    ended = asyncio.Event()

    async def serve() -> None:
        await server.serve()
        ended.set()

    async with running(serve()):
        await until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await ended.wait()
