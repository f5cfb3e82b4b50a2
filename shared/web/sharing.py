"""What operators ask about other nodes: how peers stand, and copies as a file where no link carries them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.bus.subscription import Record
from shared.federation.keys import Card, Federation
from shared.federation.receiving import Intakes, ReceivingDelivery
from shared.federation.repair import Repair, SourceStatus
from shared.federation.seal import mirrored_topic, seal
from shared.federation.sharing import SHARES
from shared.kernel.errors import Conflict, NotFound
from shared.kernel.regions import is_region
from shared.web.identity import Access, allow, public
from shared.web.paging import After
from shared.web.parts import Parts, parts
from shared.web.problems import PROBLEMS

_MOST_RECORDS = 1_000
_Operator = Annotated[Access, allow("operator", whole=True)]
_Parts = Annotated[Parts[Any], Depends(parts)]


class PeerStatus(BaseModel):
    """How a peer stands with this service."""

    node: str
    name: str
    role: str
    sources: list[SourceStatus]
    accepted: int
    repeated: int


class Copy(BaseModel):
    """One signed copy as it travels: the record's headers and its value."""

    model_config = ConfigDict(extra="forbid")

    headers: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=4_000)]]
    value: Annotated[str, Field(max_length=1_000_000)]


class Copies(BaseModel):
    """Copies for one addressee; `next` asks for more, and is None at the end."""

    copies: list[Copy]
    next: str | None


class Handed(BaseModel):
    """Copies that a peer handed over by another way than its topic."""

    model_config = ConfigDict(extra="forbid")

    node: Annotated[str, Field(pattern=r"^[0-9]{2}(\.[0-9]{2})?$")]
    copies: Annotated[list[Copy], Field(max_length=_MOST_RECORDS)]


class Received(BaseModel):
    """What became of copies that were handed over."""

    accepted: int
    repeated: int
    parked: int


class _Handed(NamedTuple):
    """A copy from a file in a record's clothes; its place in the file is its offset."""

    topic: str
    partition: int
    offset: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None


def sharing() -> APIRouter:
    """Make the routes of sharing; without keys the node has none to answer with, and says so."""
    router = APIRouter(tags=["sharing"], responses=PROBLEMS)

    @router.get("/.well-known/corpu.json", dependencies=[public()])
    async def card(request: Request, opened: _Parts) -> Card:
        """Tell the node's card: its code, its name and its public keys."""
        federation = opened.federation
        if federation is None:
            raise NotFound("no-card", "this node shares with nobody and has no card")
        return federation.keys.card(request.app.state.settings.node_name or federation.node)

    @router.get("/operations/peers")
    async def peers(opened: _Parts, _: _Operator) -> list[PeerStatus]:
        """Tell how every peer stands with this service."""
        sharer = _shares(opened)
        sources = await sharer.repair.status()
        intakes = sharer.receiving.intakes if sharer.receiving else Intakes()
        return [
            PeerStatus(
                node=each.node,
                name=each.name,
                role=each.role,
                sources=[found for found in sources if found.source.split("/")[0] == each.node],
                accepted=intakes.accepted[each.node],
                repeated=intakes.repeated[each.node],
            )
            for each in sharer.federation.peers.cards.values()
        ]

    @router.post("/operations/peers/{node}/acknowledgement", status_code=204)
    async def acknowledge(opened: _Parts, _: _Operator, node: str) -> Response:
        """Take back the alarms about a peer's topics, once somebody has looked."""
        sharer = _shares(opened)
        if node not in sharer.federation.peers.cards:
            raise NotFound("unknown-peer", "no peer of this node has that code")
        await sharer.repair.acknowledge(node)
        return Response(status_code=204)

    @router.get("/operations/shares")
    async def export(
        opened: _Parts, _: _Operator, after: After = "",
        to: Annotated[str, Query(max_length=5, pattern=r"^([0-9]{2}(\.[0-9]{2})?|all)$")] = "all",
    ) -> Copies:  # fmt: skip
        """Tell the copies for an addressee, signed, as its link would have carried them."""
        sharer = _shares(opened)
        page = await opened.store.stated(SHARES, after, 100, {"to": to})
        told = [seal(each, sharer.federation) for story in page.values() for each in story]
        if not page:
            told = [seal(await sharer.repair.heads_message(to), sharer.federation)]
        return Copies(
            copies=[
                Copy(
                    headers={name: value.decode() for name, value in each.to_headers()},
                    value=each.data,
                )
                for each in told
            ],
            next=max(page) if page else None,
        )

    @router.post("/operations/copies")
    async def receive(opened: _Parts, _: _Operator, handed: Handed) -> Received:
        """Take copies that a peer handed over, with the same acceptance as on its topic."""
        sharer = _shares(opened)
        if not is_region(handed.node) or sharer.receiving is None:
            raise NotFound("unknown-peer", f"{handed.node} is no peer of this service")
        records: list[Record] = [
            _Handed(
                mirrored_topic(handed.node, each.headers.get("ce_to", "")), -1, place,
                [(name, value.encode()) for name, value in each.headers.items()],
                each.value.encode(),
            )
            for place, each in enumerate(handed.copies)
        ]  # fmt: skip
        told = await sharer.receiving.receive(records)
        return Received(accepted=told.accepted, repeated=told.repeated, parked=told.parked)

    return router


@dataclass(frozen=True)
class _Sharer:
    """The parts of a service that shares."""

    federation: Federation
    repair: Repair
    receiving: ReceivingDelivery[Any] | None


def _shares(opened: Parts[Any]) -> _Sharer:
    if opened.federation is None or opened.repair is None:
        raise Conflict(
            "not-sharing", "this node has no keys to share with: see `./corpu node init`"
        )
    receiving = [each for each in opened.deliveries if isinstance(each, ReceivingDelivery)]
    return _Sharer(opened.federation, opened.repair, receiving[0] if receiving else None)
