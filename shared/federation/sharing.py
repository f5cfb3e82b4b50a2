"""What a service tells other nodes: each of its own facts, copied for whomever it concerns."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Self

from shared.bus.delivery import Delivery, Heard
from shared.bus.subscription import Subscription, W
from shared.events.fact import Fact
from shared.events.message import Message
from shared.federation.heads import bucket_of
from shared.federation.keys import Federation
from shared.store.kind import Index, Kind
from shared.store.work import UnitOfWork
from shared.store.works import Works

Enrich = Callable[[Fact, str, Any], Awaitable[Fact]]
"""Adds to a copy what travels to this addressee only, such as personal data encrypted for it."""


@dataclass(frozen=True)
class Share:
    """One aggregate's story as one addressee is told it; `copied` are the places, `epoch.seq`, of what was."""

    id: str
    to: str = ""
    bucket: int = -1
    copied: tuple[str, ...] = ()

    def copy(self, place: str, to: str) -> Self:
        """Note that what stands at a place was copied."""
        bucket = bucket_of(aggregate_of(self.id))
        return replace(self, to=to, bucket=bucket, copied=tuple(sorted((*self.copied, place))))


def aggregate_of(share_id: str) -> str:
    """Tell how a share is named as the aggregate of its copies."""
    return f"{SHARES.name}/{share_id}"


SHARES = Kind("shares", Share, indexes=(Index(("to", "bucket")),), scope=None)


@dataclass(frozen=True)
class Outgoing(Generic[W]):
    """Which of a service's facts may concern other nodes, and what their copies carry besides."""

    facts: Sequence[type[Fact]]
    enrich: Enrich | None = None


class SharingDelivery(Delivery[W]):
    """Copies a service's own facts for the nodes that they concern, each once for each addressee."""

    def __init__(
        self, name: str, outgoing: Outgoing[W], works: Works[W], federation: Federation
    ) -> None:
        """Share for a service of this name."""
        hears = dict.fromkeys(outgoing.facts, self._share)
        super().__init__(Subscription(name=f"{name}.share", hears=hears), works)
        self._enrich = outgoing.enrich
        self._node = federation.node

    def _addressees(self, fact: Fact) -> list[str]:
        return [to for to in fact.addressees if to != self._node]

    async def _load(self, work: W, heard: Sequence[Heard]) -> None:
        await work.room(SHARES).preload(
            _key(to, each.message) for each in heard for to in self._addressees(each.fact)
        )

    async def _share(self, fact: Fact, work: UnitOfWork) -> None:
        message, shares = work.message, work.room(SHARES)
        if message is None:
            return
        for to in self._addressees(fact):
            share = await shares.of(_key(to, message))
            place = f"{message.epoch}.{message.seq}"
            if place not in share.copied:
                told = await self._enrich(fact, to, work) if self._enrich else fact
                shares.keep(share.copy(place, to), [told], sharing=to)


def _key(to: str, message: Message) -> str:
    return f"{to}/{message.aggregate}"
