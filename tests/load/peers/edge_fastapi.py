"""The edge as FastAPI and aiokafka's documentation have it: one `send_and_wait` for each heartbeat.

By https://fastapi.tiangolo.com/tutorial/security/oauth2-jwt/ (a dependency that reads the bearer token) and
https://aiokafka.readthedocs.io/en/stable/producer.html (`send_and_wait`, `linger_ms` so that what comes together is
sent together). Served by uvicorn with uvloop and httptools, without an access log; verified tokens are remembered, as
ours are. Its bounds of a beat are those of ours.
"""

import argparse
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from services.progress.domain.beats import pack, room_of

_LINGER_MS = 10
_REQUEST_MS = 10_000


def make_app(bootstrap: str, topic: str, secret: bytes) -> FastAPI:
    """Make the application."""
    key = OctKey.import_key(secret)
    bearer = HTTPBearer()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=_LINGER_MS,
            request_timeout_ms=_REQUEST_MS,
        )  # fmt: skip
        async with app.state.producer:
            yield

    @lru_cache(100_000)
    def read(token: str) -> dict[str, Any]:
        return dict(jwt.decode(token, key, algorithms=["HS256"]).claims)

    async def ticket(
        found: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
    ) -> dict[str, Any]:
        try:
            claims = read(found.credentials)
        except (JoseError, ValueError) as broken:
            raise HTTPException(401) from broken
        if claims["aud"] != "live" or claims["exp"] < time.time():
            raise HTTPException(401)
        return claims

    app = FastAPI(lifespan=lifespan)

    @app.post("/live/beats", status_code=204)
    async def beat(
        request: Request, claims: Annotated[dict[str, Any], Depends(ticket)], n: int
    ) -> None:
        at, now = claims["iat"] + 30 * n, time.time()
        if not (now - 300 <= at <= now + 5 and claims["origin"] <= at < claims["until"]):
            raise HTTPException(422)
        learner = bytes.fromhex(claims["sub"])
        minute = (at - claims["origin"]) // 60
        value = pack({(room_of(claims["session"]), minute): learner})
        await request.app.state.producer.send_and_wait(topic, value, key=learner)

    return app


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "topic"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", type=Path, required=True)
    asked = parser.parse_args()
    secret = bytes.fromhex(asked.key.read_text(encoding="ascii").strip())
    app = make_app(asked.bootstrap, asked.topic, secret)
    uvicorn.run(app, host="127.0.0.1", port=asked.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
