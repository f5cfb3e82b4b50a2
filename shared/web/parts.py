"""The parts of a running service: store, bus, relay and subscriptions, opened in order, closed in reverse."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from fastapi import Request

from shared.bus.delivery import Delivery
from shared.bus.folding import Folding
from shared.bus.parking import PARKED, forget_done
from shared.bus.port import Bus, Hearer
from shared.bus.subscription import Subscription
from shared.federation.keys import Federation, NodeKeys, Peers
from shared.federation.receiving import Incoming, ReceivingDelivery
from shared.federation.repair import KEPT_BY_SHARING, Repair
from shared.federation.seal import sealing
from shared.federation.sharing import SHARES, Outgoing, SharingDelivery
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.kernel.tasks import every, running, until_done
from shared.store.kind import Kind
from shared.store.port import Store
from shared.store.relay import Relay
from shared.store.work import Frame, UnitOfWork
from shared.store.works import Works
from shared.web.idempotency import ANSWERS, forget_old_answers
from shared.web.settings import ServiceSettings

W = TypeVar("W", bound=UnitOfWork)
Job = Coroutine[Any, Any, None]
_SWEEP_SECONDS = 1.0
_FORGET_SECONDS = 3600.0
_RESTATE_SECONDS = 1.0
_READMIT_SECONDS = 2.0
_CATCH_UP_SECONDS = 5.0


@dataclass(frozen=True)
class Parts(Generic[W]):
    """What a running service stands on."""

    service: str
    kinds: Sequence[Kind[Any]]
    store: Store
    bus: Bus
    relay: Relay
    works: Works[W]
    deliveries: Sequence[Hearer]
    clock: Clock
    federation: Federation | None = None
    repair: Repair | None = None


@dataclass(frozen=True)
class Blueprint(Generic[W]):
    """What makes a service: its kinds, its unit of work, what it hears and what it does by itself.

    `kinds` are those that state facts, `silent` ones never do; parked messages and kept answers are added.
    `outgoing` and `incoming` tell what it shares with other nodes, where the node has keys to do so. `needs` reads the
    keys without which it is not ready, by the setting that names each: their files may come later.
    """

    name: str
    kinds: Sequence[Kind[Any]]
    work: Callable[[Frame], W]
    subscriptions: Sequence[Subscription[W]]
    jobs: Callable[[Parts[W]], Sequence[Job]] = lambda _: ()
    outgoing: Callable[[Federation], Outgoing[W]] | None = None
    incoming: Callable[[Federation], Incoming[W]] | None = None
    silent: Sequence[Kind[Any]] = ()
    folds: Callable[[Works[W]], Sequence[Folding]] = lambda _: ()
    needs: Mapping[str, Callable[[], object]] = field(default_factory=dict)


class Engine(Protocol):
    """Opens a store and a bus: the real ones, or their memory twins."""

    def open_store(
        self, settings: ServiceSettings, service: str, kinds: Sequence[Kind[Any]]
    ) -> AbstractAsyncContextManager[Store]:
        """Open a service's store; Unavailable while it is away."""
        ...

    def open_bus(self, settings: ServiceSettings, service: str) -> AbstractAsyncContextManager[Bus]:
        """Open the bus; Unavailable while it is away."""
        ...


@asynccontextmanager
async def open_parts(
    blueprint: Blueprint[W], settings: ServiceSettings, engine: Engine, clock: Clock
) -> AsyncIterator[Parts[W]]:
    """Open every part of a service, and state again what a memory-only broker has forgotten."""
    name, federation = blueprint.name, federation_of(settings)
    stating = [*blueprint.kinds, *((SHARES,) if federation else ())]
    kinds = [*stating, *blueprint.silent, PARKED, ANSWERS, *(KEPT_BY_SHARING if federation else ())]
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(engine.open_store(settings, name, kinds))
        bus = await stack.enter_async_context(engine.open_bus(settings, name))
        relay = Relay(store, stating, sealing(bus.publish, federation))
        works = Works(blueprint.work, Frame(store, f"/corpu/{settings.node}/{name}"), relay)
        deliveries: list[Hearer] = [Delivery(each, works) for each in blueprint.subscriptions]
        deliveries += blueprint.folds(works)
        repair = None
        if federation:
            deliveries += _sharing(blueprint, works, federation)
            repair = Repair(
                name, works, relay, bus, federation, clock, settings.heads_seconds
            )  # fmt: skip
        parts = Parts(
            name, stating, store, bus, relay, works, deliveries, clock, federation, repair
        )
        jobs = [
            relay.run(),
            every(_SWEEP_SECONDS, relay.tend),
            every(_FORGET_SECONDS, lambda: forget_old_answers(works, clock.now())),
            every(
                _FORGET_SECONDS, lambda: forget_done(works, clock.now(), settings.parked_kept_for)
            ),
            *blueprint.jobs(parts),
            *_repairing(parts, settings.heads_seconds),
            *(
                until_done(_CATCH_UP_SECONDS, each.catch_up)
                for each in deliveries
                if isinstance(each, Delivery)
            ),
        ]
        relay.owing = settings.restate_on_start
        await stack.enter_async_context(running(*jobs))
        await stack.enter_async_context(bus.running(deliveries))
        if settings.restate_on_start:
            again = partial(_restate_once, relay, bus, f"restated.{name}")
            await stack.enter_async_context(running(until_done(_RESTATE_SECONDS, again)))
        yield parts


def federation_of(settings: ServiceSettings) -> Federation | None:
    """Read what the node shares with; None for one that has no keys, and Unavailable where they are broken."""
    if settings.node_keys is None:
        return None
    try:
        keys = NodeKeys.read(settings.node_keys)
    except ValueError as broken:
        raise Unavailable(str(broken)) from broken
    if keys.node != settings.node:
        raise Unavailable(f"the keys in {settings.node_keys} are those of node {keys.node}")
    return Federation(keys, Peers(settings.peers_file))


def _sharing(blueprint: Blueprint[W], works: Works[W], federation: Federation) -> list[Delivery[W]]:
    """Make what copies a service's facts for others, and what hears theirs."""
    made: list[Delivery[W]] = []
    if blueprint.outgoing:
        outgoing = blueprint.outgoing(federation)
        made.append(SharingDelivery(blueprint.name, outgoing, works, federation))
    if blueprint.incoming:
        incoming = blueprint.incoming(federation)
        made.append(ReceivingDelivery(blueprint.name, incoming, works, federation))
    return made


def _repairing(parts: Parts[Any], seconds: float) -> list[Job]:
    if parts.repair is None:
        return []
    receiving = [each for each in parts.deliveries if isinstance(each, ReceivingDelivery)]
    return [
        every(seconds, parts.repair.attend),
        *(every(_READMIT_SECONDS, each.readmit) for each in receiving),
    ]


async def _restate_once(relay: Relay, bus: Bus, mark: str) -> None:
    """State everything again once in a broker's life: one that remembers the mark has forgotten nothing."""
    if not await bus.remembers(mark):
        await relay.restate()
        await bus.remember(mark)
    relay.owing = False


def parts(request: Request) -> Parts[Any]:
    """Give a route the service's parts; Unavailable while they are being opened."""
    opened: Parts[Any] | None = request.app.state.parts
    if opened is None:
        raise Unavailable("the service is starting and waits for its store and broker")
    return opened


def works(request: Request) -> Works[Any]:
    """Give a route the service's works."""
    return parts(request).works
