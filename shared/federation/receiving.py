"""What a service hears from other nodes: each copy accepted, counted, and handled in effect once."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic

from shared.bus.delivery import Delivery, Heard
from shared.bus.parking import PARKED, Parked
from shared.bus.subscription import Handler, Record, Subscription, W
from shared.events.catalogue import Fact
from shared.events.fact import LearnerFact
from shared.events.federation import HeadsTold, RestatementAsked
from shared.events.message import Message
from shared.federation import metrics
from shared.federation.heads import INTAKES
from shared.federation.keys import Federation
from shared.federation.repair import note_asked, note_heads
from shared.federation.seal import accept, mirrored, source_of, vet
from shared.kernel.errors import Unprocessable
from shared.store.work import UnitOfWork
from shared.store.works import Works

# `Fact` comes by the whole catalogue, for a peer may tell any service of any type.
Known = Callable[[Sequence[str], Any], Awaitable[set[str]]]
"""Tells which of these learners this service knows as the node's own."""
_UNKNOWN = "unknown-learner"
_READMITTED = 100


@dataclass(frozen=True)
class Incoming(Generic[W]):
    """What a service hears from other nodes, and how it knows the node's own learners."""

    hears: Mapping[type[Fact], Handler]
    known: Known
    prepare: Callable[[Sequence[Any], W], Awaitable[None]] | None = None


@dataclass
class Intakes:
    """What this process has taken in since it began, by peer."""

    accepted: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    parked: int = 0


@dataclass(frozen=True)
class Told:
    """What became of copies that were handed over."""

    accepted: int
    repeated: int
    parked: int


class ReceivingDelivery(Delivery[W]):
    """Delivers mirrored copies: believed only when sealed, counted by aggregate, repeats ignored."""

    def __init__(
        self, name: str, incoming: Incoming[W], works: Works[W], federation: Federation
    ) -> None:
        """Receive for a service of this name."""
        super().__init__(
            Subscription(
                name=f"{name}.from-peers",
                hears=incoming.hears,
                prepare=incoming.prepare,
                pattern=mirrored(federation.node),
            ),
            works,
        )
        self._service = name
        self.intakes = Intakes()
        self._known = incoming.known
        self._federation = federation
        self._readmitted = ""

    def _read(self, record: Record) -> Heard | None:
        try:
            message = accept(record, self._federation)
        except Unprocessable as why:
            # Heads are told again and again: those of a stranger would be parked without end.
            if why.reason == "unknown-peer" and dict(record.headers).get("ce_type") in _REPEATING:
                return None
            raise
        fact = message.fact()
        if isinstance(fact, _UNCOUNTED):
            _vet_control(fact, message)
        if isinstance(fact, HeadsTold):
            handler: Handler = note_heads
        elif isinstance(fact, RestatementAsked):
            handler = partial(note_asked, self._service)
        else:
            handler = partial(self._receive, self.subscription.hears.get(type(fact)))
        return Heard(record, message, fact, handler)

    async def _load(self, work: W, heard: Sequence[Heard]) -> None:
        counted = [each for each in heard if not isinstance(each.fact, _UNCOUNTED)]
        await work.room(INTAKES).preload(
            _intake_id(each.message.source, each.message.aggregate) for each in counted
        )
        await super()._load(work, [each for each in counted if type(each.fact) in self._hears])

    @property
    def _hears(self) -> Mapping[type[Fact], Handler]:
        return self.subscription.hears

    async def _receive(self, handler: Handler | None, fact: Fact, work: UnitOfWork) -> None:
        message = work.message
        if message is None:
            return
        node, service = source_of(message)
        intakes = work.room(INTAKES)
        before = await intakes.of(_intake_id(message.source, message.aggregate))
        intake = before.take(f"{node}/{service}", message.epoch, message.seq)
        if intake is before:
            metrics.REPEATED.labels(node).inc()
            self.intakes.repeated[node] += 1
            return
        if (
            isinstance(fact, LearnerFact)
            and vet(fact, node, self._federation)
            and not await self._known([fact.learner_id], work)
        ):
            raise Unprocessable(_UNKNOWN, "no learner of ours is known under this id (yet)")
        if handler:
            await handler(fact, work)
        intakes.keep(intake)
        metrics.ACCEPTED.labels(node).inc()
        self.intakes.accepted[node] += 1

    async def readmit(self) -> None:
        """Handle again what came before its learner's card did: the card may take another way.

        Some at a time, and the next ones the next time, so that strangers keep nobody's place.
        """
        where = {"status": "parked", "subscription": self.subscription.name, "reason": _UNKNOWN}
        waiting = {**where, "_id": {"$gt": self._readmitted}}
        found = await self._works.open().room(PARKED).find(waiting, limit=_READMITTED)
        for parked in found:
            await self.redeliver(parked)
        self._readmitted = found[-1].id if len(found) == _READMITTED else ""

    def _park(self, record: Record, why: Unprocessable) -> Parked:
        self.intakes.parked += 1
        return super()._park(record, why)

    async def receive(self, records: Sequence[Record]) -> "Told":
        """Deliver copies that came by another way, and tell what became of them."""
        before = replace(
            self.intakes,
            accepted=Counter(self.intakes.accepted),
            repeated=Counter(self.intakes.repeated),
        )
        await self.deliver(records)
        now = self.intakes
        return Told(
            now.accepted.total() - before.accepted.total(),
            now.repeated.total() - before.repeated.total(),
            now.parked - before.parked,
        )


_UNCOUNTED = (HeadsTold, RestatementAsked)
_REPEATING = frozenset(fact.type.encode() for fact in _UNCOUNTED)


def _vet_control(fact: HeadsTold | RestatementAsked, message: Message) -> None:
    """Refuse heads and asks that a peer tells in another's name, or of another service than its own."""
    node, service = source_of(message)
    about = (fact.service, fact.to) if isinstance(fact, HeadsTold) else (service, fact.of)
    if fact.node != node or about != (service, message.to):
        raise Unprocessable("not-the-senders", f"{message.source} speaks for another")


def _intake_id(source: str, aggregate: str) -> str:
    return f"{source.removeprefix('/corpu/')}/{aggregate}"
