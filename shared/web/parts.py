"""The parts of a running service: store, bus, relay and subscriptions, opened in order, closed in reverse."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from fastapi import Request

from shared.bus.delivery import Delivery
from shared.bus.parking import PARKED
from shared.bus.port import Bus
from shared.bus.subscription import Subscription
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.kernel.tasks import every, running
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


@dataclass(frozen=True)
class Parts(Generic[W]):
    """What a running service stands on."""

    service: str
    kinds: Sequence[Kind[Any]]
    store: Store
    bus: Bus
    relay: Relay
    works: Works[W]
    deliveries: Sequence[Delivery[W]]
    clock: Clock


@dataclass(frozen=True)
class Blueprint(Generic[W]):
    """What makes a service: its kinds, its unit of work, what it hears and what it does by itself.

    `kinds` are those that state facts or hold state; parked messages and kept answers are added.
    """

    name: str
    kinds: Sequence[Kind[Any]]
    work: Callable[[Frame], W]
    subscriptions: Sequence[Subscription[W]]
    jobs: Callable[[Parts[W]], Sequence[Job]] = lambda _: ()


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
    name, kinds = blueprint.name, [*blueprint.kinds, PARKED, ANSWERS]
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(engine.open_store(settings, name, kinds))
        bus = await stack.enter_async_context(engine.open_bus(settings, name))
        relay = Relay(store, blueprint.kinds, bus.publish)
        works = Works(blueprint.work, Frame(store, f"/corpu/{settings.node}/{name}"), relay)
        deliveries = [Delivery(each, works) for each in blueprint.subscriptions]
        parts = Parts(name, blueprint.kinds, store, bus, relay, works, deliveries, clock)
        jobs = [
            relay.run(),
            every(_SWEEP_SECONDS, relay.sweep),
            every(_FORGET_SECONDS, lambda: forget_old_answers(works, clock.now())),
            *blueprint.jobs(parts),
        ]
        await stack.enter_async_context(running(*jobs))
        await stack.enter_async_context(bus.running(deliveries))
        if settings.restate_on_start:
            again = _RestateOnce(relay, bus, f"restated.{name}")
            await stack.enter_async_context(running(every(_RESTATE_SECONDS, again.attempt)))
        yield parts


@dataclass
class _RestateOnce:
    """States everything again once in a broker's life: one that remembers the mark has forgotten nothing."""

    relay: Relay
    bus: Bus
    mark: str
    done: bool = False

    async def attempt(self) -> None:
        """State again unless that is done."""
        if self.done:
            return
        if not await self.bus.remembers(self.mark):
            await self.relay.restate()
            await self.bus.remember(self.mark)
        self.done = True


def parts(request: Request) -> Parts[Any]:
    """Give a route the service's parts; Unavailable while they are being opened."""
    opened: Parts[Any] | None = request.app.state.parts
    if opened is None:
        raise Unavailable("the service is starting and waits for its store and broker")
    return opened


def works(request: Request) -> Works[Any]:
    """Give a route the service's works."""
    return parts(request).works
