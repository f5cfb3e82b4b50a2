"""A small service over boxes, to test what every service's door has."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx2
from fastapi import APIRouter, Depends, FastAPI, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from shared.bus.memory import MemoryBus
from shared.bus.port import Bus
from shared.events.enrolment import Waitlisted
from shared.kernel.clock import SetClock
from shared.kernel.errors import Conflict, Unavailable
from shared.kernel.ids import derived
from shared.store.kind import Kind
from shared.store.port import Store
from shared.store.works import Works
from shared.web.idempotency import IdempotentRoute
from shared.web.identity import Access, Keys, allow, public
from shared.web.operations import AuditRow
from shared.web.paging import After, Limit, Page, page
from shared.web.parts import Blueprint, works
from shared.web.problems import PROBLEMS
from shared.web.service import create_service
from shared.web.settings import ServiceSettings
from tests.support.boxes import KINDS, Box, BoxWork, freed
from tests.support.deliveries import FailingStore, fail_in_a_way, subscription
from tests.support.serving import AUDIENCE, ISSUER, Issuer, clock, serving

_Works = Annotated[Works[BoxWork], Depends(works)]
_Organiser = Annotated[Access, allow("organiser", "nominator")]


class NewBox(BaseModel):
    """What a box is made from."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, Field(min_length=1, max_length=40)]
    count: int = 0
    agency: str = ""


class Made(BaseModel):
    """A box that was made, and for the how-manieth time."""

    id: str
    count: int


@dataclass
class Counts:
    """How often the service did something."""

    made: int = 0


class LosableBus(MemoryBus):
    """A memory bus that may be away."""

    away = False

    async def ping(self) -> None:
        """Answer, unless it is away."""
        if self.away:
            raise Unavailable("the broker is away")


@dataclass
class BoxEngine:
    """A store that fails when told to and a memory bus; either may be away."""

    store: FailingStore = field(default_factory=FailingStore)
    bus: LosableBus = field(default_factory=LosableBus)
    away: bool = False
    defect: bool = False

    @asynccontextmanager
    async def open_store(
        self, settings: ServiceSettings, service: str, kinds: Sequence[Kind[Any]]
    ) -> AsyncIterator[Store]:
        """Open the store."""
        del settings, service, kinds
        if self.defect:
            raise ZeroDivisionError
        if self.away:
            raise Unavailable("the store is away")
        yield self.store

    @asynccontextmanager
    async def open_bus(self, settings: ServiceSettings, service: str) -> AsyncIterator[Bus]:
        """Open the bus."""
        del settings, service
        yield self.bus


def _router(counts: Counts) -> APIRouter:
    router = APIRouter(route_class=IdempotentRoute, responses=PROBLEMS)

    @router.post("/boxes", status_code=201)
    async def make(opened: _Works, who: _Organiser, body: NewBox, shelf: str = "") -> Made:
        """Make a box, and tell it."""
        del shelf
        counts.made += 1
        key = derived("box", body.label)

        async def keep(work: BoxWork) -> Made:
            await work.boxes.of(key)
            box = Box(id=key, label=body.label, count=body.count, agency=body.agency)
            work.boxes.keep(box, [freed(body.count)])
            return Made(id=key, count=counts.made)

        return await opened.run(keep, who.scope)

    @router.post("/boxes/refused")
    async def refuse(_: _Organiser) -> Made:
        """Refuse always."""
        counts.made += 1
        raise Conflict("no-room", "there is no room", {"shelves": 0})

    @router.post("/boxes/lid", status_code=204)
    async def close(_: _Organiser) -> None:
        """Answer without a body."""
        counts.made += 1

    @router.post("/boxes/stream")
    async def stream(_: _Organiser) -> StreamingResponse:
        """Answer in pieces."""
        counts.made += 1
        return StreamingResponse(iter([b"a", b"b"]), media_type="text/plain")

    @router.post("/boxes/photo")
    async def take_photo(_: _Organiser, file: UploadFile) -> int:
        """Tell the size of an uploaded file."""
        counts.made += 1
        return len(await file.read())

    @router.get("/boxes")
    async def boxes(
        opened: _Works, who: _Organiser, after: After = "", limit: Limit = 2
    ) -> Page[str]:
        """List boxes."""
        found = await opened.open(who.scope).boxes.find({"_id": {"$gt": after}}, limit=limit + 1)
        return page(found, limit, lambda box: box.label, lambda box: box.id)

    @router.get("/boxes/{key}")
    async def box(opened: _Works, who: _Organiser, key: str) -> str:
        """Show one box."""
        return (await opened.open(who.scope).boxes.get(key)).label

    @router.get("/defect", dependencies=[public()])
    async def fail(request: Request) -> str:
        """Fail."""
        raise ZeroDivisionError(request.url.path)

    return router


async def _audit_rows(opened: Works[Any], after: str, limit: int) -> list[AuditRow]:
    found = await opened.open().boxes.find({"_id": {"$gt": after}}, limit=limit)
    return [{"id": box.id, "count": box.count} for box in found]


@dataclass
class Served:
    """The service, whoever calls it, and what it stands on."""

    app: FastAPI
    client: httpx2.AsyncClient
    engine: BoxEngine
    issuer: Issuer
    clock: SetClock
    counts: Counts

    async def ask(self, method: str, path: str, *roles: str, **sent: Any) -> httpx2.Response:  # noqa: ANN401 - the client's own
        """Ask as a person with these roles, an organiser unless named; `token` replaces the token."""
        token = sent.pop("token", None)
        bearer = self.issuer.bearer(*(roles or ("organiser",)), **sent.pop("claims", {}))
        headers = {"Authorization": f"Bearer {token}"} if token else bearer
        return await self.client.request(
            method, path, headers=headers | sent.pop("headers", {}), **sent
        )


def make_app(
    engine: BoxEngine,
    watch: SetClock,
    keys: Keys | None,
    counts: Counts | None = None,
    **given: object,
) -> FastAPI:
    """Make the application; settings are given by their environment names."""
    settings = ServiceSettings.model_validate(
        {"CORPU_ISSUER": ISSUER, "CORPU_AUDIENCE": AUDIENCE, **given}
    )
    blueprint = Blueprint(
        "boxes", KINDS, BoxWork, [subscription("boxes.fail", {Waitlisted: fail_in_a_way})]
    )
    routers = [_router(counts or Counts())]
    return create_service(
        blueprint, routers, _audit_rows, settings=settings, engine=engine, clock=watch, keys=keys
    )


@asynccontextmanager
async def served(**given: object) -> AsyncIterator[Served]:
    """Serve boxes in memory."""
    engine, watch, counts = BoxEngine(), clock(), Counts()
    issuer = Issuer(watch)
    app = make_app(engine, watch, issuer, counts, **given)
    async with serving(app) as client:
        yield Served(app, client, engine, issuer, watch, counts)
