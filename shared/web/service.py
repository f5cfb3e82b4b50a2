"""How a service is put together: one application, its parts kept open for as long as it lives."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.kernel import faults
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.errors import KeyLacking, Unavailable
from shared.kernel.tasks import running
from shared.web.erasing import erasing
from shared.web.identity import FileKeys, Keys, UrlKeys, Verifier
from shared.web.limits import BodyLimit
from shared.web.operations import AuditRows, health, operations
from shared.web.parts import Blueprint, Engine, W, federation_of, open_parts
from shared.web.problems import Problem, add_problems
from shared.web.settings import ServiceSettings
from shared.web.sharing import sharing
from shared.web.strictness import only_known
from shared.web.telemetry import observe, set_up_logs, set_up_traces

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 0.5
_YOUNG_OBJECTS = 50_000
"""Objects made before the garbage collector looks among the young ones: some batches of records."""


class Application(FastAPI):
    """A service's application; a door may stand before all that FastAPI does with a request."""

    door: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the door answer, where there is one."""
        await (self.door or self.behind_door)(scope, receive, send)

    async def behind_door(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an application without a door does."""
        await super().__call__(scope, receive, send)


def create_service(
    blueprint: Blueprint[W],
    routers: Sequence[APIRouter],
    audit_rows: AuditRows,
    *,
    settings: ServiceSettings,
    engine: Engine,
    clock: Clock | None = None,
    keys: Keys | None = None,
) -> Application:
    """Make a service's application; it answers at once and serves as soon as its parts are open."""
    watch = clock or SystemClock()
    trusted = keys or keys_at(settings.jwks, watch)
    reads: dict[str, Callable[[], object]] = {
        **blueprint.needs,
        "CORPU_NODE_KEYS": partial(federation_of, settings),
    }
    # An identity provider may be away, and whatever needs no token goes on.
    if isinstance(trusted, FileKeys):
        reads["CORPU_JWKS"] = trusted.read
    check_keys = partial(_check_keys, reads)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async def keep_open() -> None:
            told = ""
            while True:
                try:
                    async with open_parts(blueprint, settings, engine, watch) as parts:
                        app.state.parts, told = parts, ""
                        await asyncio.Event().wait()
                except Unavailable as away:
                    if told != str(away):
                        _log.warning("waiting: %s", away)
                    told = str(away)
                    await asyncio.sleep(_RETRY_SECONDS)
                except Exception:  # noqa: BLE001
                    # A defect must be seen and must not leave a process that never serves again.
                    _log.exception("the service could not open its parts")
                    await asyncio.sleep(_RETRY_SECONDS)
                finally:
                    app.state.parts = None

        try:
            check_keys()
        except KeyLacking as lack:
            _log.warning("not ready: %s", lack)
        async with running(keep_open()):
            yield

    app = Application(
        title=f"CorpU {blueprint.name}",
        version="1",
        lifespan=lifespan,
        dependencies=[Depends(only_known)],
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        # Spans and metrics are ours (`observe`); FastAPI's own would come before every door, a heartbeat's too.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.parts = None
    app.state.settings = settings
    app.state.clock = watch
    app.state.check_keys = check_keys
    app.state.verifier = Verifier(
        trusted,
        watch,
        settings.issuer,
        settings.audience,
        settings.token_algorithm,
    )
    add_problems(app)
    for router in (health(), operations(audit_rows), erasing(), sharing(), *routers):
        app.include_router(router)
    app.add_middleware(BodyLimit, limit=settings.max_body)
    observe(app)
    _document_problems(app)
    return app


def keys_at(place: str, clock: Clock) -> Keys:
    """Tell where keys come from: an https address, or a file."""
    if place.startswith(("https://", "http://")):
        return UrlKeys(place, clock)
    return FileKeys(Path(place or "jwks.json"))


def _check_keys(reads: Mapping[str, Callable[[], object]]) -> None:
    """Read every key that a setting names; KeyLacking tells those that cannot be read."""
    lacking = []
    for setting, read in reads.items():
        try:
            read()
        except OSError as refused:
            lacking.append(f"{setting}: {refused.filename} cannot be read ({refused.strerror})")
        except (ValueError, Unavailable) as broken:
            lacking.append(f"{setting}: {broken}")
    if lacking:
        raise KeyLacking("; ".join(lacking))


def _document_problems(app: FastAPI) -> None:
    """Put the problem document's schema into OpenAPI, where the routes' responses refer to it."""
    describe = app.openapi

    def described() -> dict[str, object]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", Problem.model_json_schema())
        for name, schema in schemas.items():
            # What FastAPI makes of a form's parts; it takes others, and we do not.
            if name.startswith("Body_"):
                schema["additionalProperties"] = False
        return document

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def serve(app: FastAPI, settings: ServiceSettings, name: str) -> None:
    """Serve an application until it is told to end."""
    set_up_logs(name)
    set_up_traces(name, settings.node, ratio=settings.trace_ratio, endpoint=settings.otlp_endpoint)
    faults.arm(settings.fault)
    # What is loaded by now stays; and a batch makes thousands of objects that all go at its end (ADR-0017).
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
    uvicorn.run(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False,
        timeout_graceful_shutdown=5, server_header=False,
    )  # fmt: skip
