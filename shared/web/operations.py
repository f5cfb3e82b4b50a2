"""What operators ask of every service: health, status, audit rows, parked messages, stating again."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from shared.bus.parking import PARKED, Parked
from shared.bus.port import Hearer
from shared.kernel import faults
from shared.kernel.errors import Conflict, NotFound, Unavailable
from shared.store.works import Works
from shared.web.identity import Access, allow, public
from shared.web.paging import After, Limit, Page, page
from shared.web.parts import Parts, parts
from shared.web.problems import PROBLEMS, Problem
from shared.web.strictness import lenient

AuditRow = dict[str, Any]
AuditRows = Callable[[Works[Any], str, int], Awaitable[list[AuditRow]]]
"""Tells the next rows of a service's audit in `id` order, after an id and at most so many."""

_Parts = Annotated[Parts[Any], Depends(parts)]
_Operator = Annotated[Access, allow("operator", whole=True)]
_Auditor = Annotated[Access, allow("operator", "auditor", whole=True)]


class ParkedMessage(BaseModel):
    """A parked message as an operator sees it; its contents only when shown singly."""

    id: str
    subscription: str
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    status: Literal["parked", "replayed", "dropped"]
    headers: dict[str, str] | None = None
    value: str | None = None


class Status(BaseModel):
    """How a service is: whether its parts answer, and what waits."""

    service: str
    node: str
    store: bool
    broker: bool
    broker_durable: bool
    lag: dict[str, int]
    unpublished: int | None
    parked: int | None
    epoch: int
    durable: dict[str, int]


class Told(BaseModel):
    """How many facts were stated again."""

    stated: int


def health() -> APIRouter:
    """Make the routes that probes ask, without a token."""
    router = APIRouter(tags=["health"], dependencies=[public(), lenient()])

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        """Answer while the process does."""
        return {"status": "alive"}

    @router.get("/readyz", responses={503: {"model": Problem}})
    async def readyz(request: Request) -> dict[str, str]:
        """Answer only while store and broker do, and the keys can be read that the settings name."""
        request.app.state.check_keys()
        opened = parts(request)
        await opened.store.ping()
        await opened.bus.ping()
        return {"status": "ready"}

    return router


def operations(audit_rows: AuditRows) -> APIRouter:
    """Make the routes that operators and auditors ask."""
    router = APIRouter(prefix="/operations", tags=["operations"], responses=PROBLEMS)

    @router.get("/status")
    async def status(request: Request, opened: _Parts, _: _Operator) -> Status:
        """Tell how the service is."""
        settings = request.app.state.settings
        there = await _answers(opened.store.ping)
        return Status(
            service=opened.service,
            node=settings.node,
            store=there,
            broker=await _answers(opened.bus.ping),
            broker_durable=not settings.restate_on_start,
            lag=opened.bus.lag(),
            unpublished=await _unpublished(opened) if there else None,
            parked=await opened.store.count(PARKED, {"status": "parked"}) if there else None,
            epoch=opened.store.epoch,
            durable=dict(faults.passages),
        )

    @router.get("/audit")
    async def audit(
        opened: _Parts, _: _Auditor, after: After = "", limit: Limit = 500
    ) -> Page[AuditRow]:
        """Tell what this service holds, in the fewest words that an audit can compare."""
        rows = await audit_rows(opened.works, after, limit + 1)
        return page(rows, limit, lambda row: row, lambda row: str(row["id"]))

    @router.post("/replay")
    async def replay(opened: _Parts, _: _Operator) -> Told:
        """State every kept fact again, with the same ids."""
        return Told(stated=await opened.relay.restate())

    @router.get("/parked")
    async def list_parked(
        opened: _Parts, _: _Operator, after: After = "", limit: Limit = 100,
        status: Annotated[Literal["parked", "replayed", "dropped"], Query()] = "parked",
    ) -> Page[ParkedMessage]:  # fmt: skip
        """List parked messages."""
        where = {"status": status, "_id": {"$gt": after}}
        found = await opened.works.open().aggregates(PARKED).find(where, limit=limit + 1)
        return page(found, limit, _shown, lambda each: each.id)

    @router.get("/parked/{parked_id}")
    async def show_parked(opened: _Parts, _: _Operator, parked_id: str) -> ParkedMessage:
        """Show one parked message whole."""
        parked = await opened.works.open().aggregates(PARKED).get(parked_id)
        headers = {name: value.decode(errors="replace") for name, value in parked.headers}
        value = None if parked.value is None else parked.value.decode(errors="replace")
        return _shown(parked).model_copy(update={"headers": headers, "value": value})

    @router.post("/parked/{parked_id}/replay")
    async def replay_parked(opened: _Parts, _: _Operator, parked_id: str) -> ParkedMessage:
        """Handle a parked message again."""
        parked = _whole(await opened.works.open().aggregates(PARKED).get(parked_id))
        if why := await _delivery(opened, parked).redeliver(parked):
            raise Conflict("still-unprocessable", str(why))
        return _shown(parked.now("replayed"))

    @router.delete("/parked/{parked_id}", status_code=204)
    async def drop_parked(opened: _Parts, _: _Operator, parked_id: str) -> Response:
        """Drop a parked message for good; that it came is kept, its contents for `CORPU_PARKED_DAYS`."""

        async def drop(work: Any) -> None:  # noqa: ANN401 - any service's unit of work
            parking = work.aggregates(PARKED)
            parking.keep((await parking.get(parked_id)).now("dropped"))

        await opened.works.run(drop)
        return Response(status_code=204)

    return router


async def _answers(ping: Callable[[], Awaitable[None]]) -> bool:
    try:
        await ping()
    except Unavailable:
        return False
    return True


async def _unpublished(opened: Parts[Any]) -> int:
    """Count the aggregates whose facts wait to leave, up to a thousand of each kind.

    One more waits while all facts are still to be stated again: nobody may read `quiet` from that.
    """
    waiting = [len(await opened.store.unpublished(kind, 1000)) for kind in opened.kinds]
    return sum(waiting) + opened.relay.owing


def _delivery(opened: Parts[Any], parked: Parked) -> Hearer:
    for delivery in opened.deliveries:
        if delivery.subscription.name == parked.subscription:
            return delivery
    raise NotFound(
        "unknown-subscription", f"no subscription is named {parked.subscription!r} any more"
    )


def _whole(parked: Parked) -> Parked:
    """Tell a parked message that still holds what came; Conflict for any other."""
    # A delivery passes over a record without type and value, as over a tombstone: it would count as handled.
    if parked.holds_nothing:
        raise Conflict("parked-emptied", "what this message held is not kept any more")
    return parked


def _shown(parked: Parked) -> ParkedMessage:
    return ParkedMessage(
        id=parked.id,
        subscription=parked.subscription,
        topic=parked.topic,
        partition=parked.partition,
        offset=parked.offset,
        reason=parked.reason,
        detail=parked.detail,
        status=parked.status,
    )
