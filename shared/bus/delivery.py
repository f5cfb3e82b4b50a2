"""How a batch of records is handled: together, in order, kept in one write, and each exactly in effect once."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Generic, NamedTuple

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.bus import metrics
from shared.bus.parking import PARKED, Parked, keep_parked, keep_reason, keep_replayed
from shared.bus.subscription import Handler, Record, Subscription, W
from shared.events.fact import CATALOGUE, Fact, name_of
from shared.events.message import UNKNOWN, Message
from shared.kernel.errors import Refusal, Unavailable, Unprocessable
from shared.kernel.trace import traceparent
from shared.store.work import Aggregates, UnitOfWork
from shared.store.works import Works

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer("corpu.bus")
_propagator = TraceContextTextMapPropagator()
_SLICE = 0.03
"""Seconds of handling after which others get the loop: a starved heartbeat costs the whole partition."""
_ROUNDS = 30
_NOT_STORABLE = "not-storable"
_PAGE = 100


class Heard(NamedTuple):
    """A record that was read, and who handles its fact."""

    record: Record
    message: Message
    fact: Fact
    handler: Handler


class Delivery(Generic[W]):
    """Delivers batches to one subscription; whatever is repeated changes nothing."""

    def __init__(self, subscription: Subscription[W], works: Works[W]) -> None:
        """Deliver to a subscription, on works of its service."""
        self.subscription = subscription
        self._works = works
        self._handlers = {
            fact.type.encode(): handler for fact, handler in subscription.hears.items()
        }
        self._names = {name_of(fact.type) for fact in subscription.hears}
        self._others = {type_.encode() for type_ in CATALOGUE} - self._handlers.keys()
        self.steps = 0
        """Grows with whatever is done, so that a watchdog tells what is slow from what is stuck."""

    async def deliver(self, records: Sequence[Record]) -> None:
        """Handle records in order and publish what they led to; Unavailable means: deliver them again."""
        started = time.perf_counter()
        self.steps += 1
        heard: list[Heard] = []
        parked: list[Parked] = []
        for record in records:
            try:
                if found := self._read(record):
                    heard.append(found)
            except Unprocessable as unfit:
                parked.append(self._park(record, unfit))
        if heard or parked:
            await self._handle(heard, parked)
        metrics.SECONDS.labels(self.subscription.name).observe(time.perf_counter() - started)

    async def redeliver(self, parked: Parked) -> Unprocessable | None:
        """Handle a parked message again; tell why it still cannot be handled, if so."""
        try:
            found = self._read(parked)
        except Unprocessable as unfit:
            return unfit
        if found and (why := await self._redeliver(found)):
            return why
        # Marked only afterwards: a crash between leaves a message that may be replayed once more.
        await self._works.run(partial(keep_replayed, parked.id))
        return None

    async def catch_up(self) -> None:
        """Handle again what was parked for its type, as far as this release knows the type by now."""
        after = ""
        where = {"status": "parked", "subscription": self.subscription.name}
        while (
            found := await self._works.open()
            .aggregates(PARKED)
            .find({**where, "reason": {"$in": list(UNKNOWN)}, "_id": {"$gt": after}}, limit=_PAGE)
        ):
            for parked in found:
                if _type_of(parked).decode(errors="replace") not in CATALOGUE:
                    continue
                if why := await self.redeliver(parked):
                    await self._works.run(partial(keep_reason, parked.id, why))
            after = found[-1].id

    async def _redeliver(self, heard: Heard) -> Unprocessable | None:
        for _ in range(_ROUNDS):
            work = self._works.open()
            try:
                await self._load(work, [heard])
            except Unprocessable as unreadable:
                return unreadable
            work.begin(0, heard.message)
            if why := await self._attempt(heard, work):
                return why
            kept = await work.commit()
            await self._works.relay.send(kept)
            if kept.refused:
                return Unprocessable(_NOT_STORABLE, next(iter(kept.refused.values())))
            if not kept.conflicts:
                return None
        raise Unavailable(f"{self.subscription.name}: an aggregate changes too often just now")

    def _read(self, record: Record) -> Heard | None:
        """Read a record that this subscription hears; None for facts that it does not."""
        type_ = _type_of(record)
        if type_ in self._others:
            return None
        handler = self._handlers.get(type_)
        if handler is None:
            text = type_.decode(errors="replace")
            if record.value is None and not type_:
                return None
            if name_of(text) not in self._names and any(
                name_of(text) == name_of(each) for each in CATALOGUE
            ):
                return None
            Message.from_record(record.headers, record.value).fact()
            return None
        message = Message.from_record(record.headers, record.value)
        return Heard(record, message, message.fact(), handler)

    async def _handle(self, heard: Sequence[Heard], parked: Sequence[Parked]) -> None:
        for _ in range(_ROUNDS):
            heard, parked = await self._round(heard, parked)
            if not heard and not parked:
                return
        # So many conflicts in a row are a contended aggregate, not a bad message: wait as for the store.
        raise Unavailable(f"{self.subscription.name}: an aggregate changes too often just now")

    async def _round(
        self, heard: Sequence[Heard], parked: Sequence[Parked]
    ) -> tuple[Sequence[Heard], Sequence[Parked]]:
        """Handle and park once; give back what met somebody else's change and must be done again."""
        work = self._works.open()
        try:
            await self._load(work, heard)
        except Unprocessable as unreadable:
            return await self._around(heard, parked, unreadable)
        parking = work.aggregates(PARKED)
        await parking.preload(each.id for each in parked)
        for place, each in enumerate(parked, len(heard)):
            work.begin(place)
            await keep_parked(parking, each)
        self.steps += 1
        done = await self._attempt_all(heard, work, parking)
        kept = await work.commit()
        self.steps += 1
        await self._works.relay.send(kept)
        self.steps += 1
        if kept.refused:
            await self._set_aside(heard, parked, kept.refused)
        held = Counter(
            heard[mark].message.type
            for mark in done
            if mark not in kept.conflicts and mark not in kept.refused
        )
        for type_, count in held.items():
            metrics.HANDLED.labels(self.subscription.name, type_).inc(count)
        again = sorted(kept.conflicts)
        first = len(heard)
        return (
            [heard[mark] for mark in again if mark < first],
            [parked[mark - first] for mark in again if mark >= first],
        )

    async def _around(
        self, heard: Sequence[Heard], parked: Sequence[Parked], unreadable: Unprocessable
    ) -> tuple[Sequence[Heard], Sequence[Parked]]:
        """Find the message whose state cannot be read by halving, and park it alone."""
        if len(heard) == 1:
            return (), [*parked, self._park(heard[0].record, unreadable)]
        half = len(heard) // 2
        await self._handle(heard[:half], parked)
        await self._handle(heard[half:], ())
        return (), ()

    async def _set_aside(
        self, heard: Sequence[Heard], parked: Sequence[Parked], refused: Mapping[int, str]
    ) -> None:
        """Park what the store will never keep; messages refused together are told apart one by one."""
        for mark, why in sorted(refused.items()):
            if mark >= len(heard):
                # Too large even to be parked: what remains is that it came, whence, and why it went.
                await self._handle(
                    (), [replace(parked[mark - len(heard)], raw_headers=(), raw_value=None)]
                )
            elif len(refused) == 1:
                await self._handle(
                    (), [self._park(heard[mark].record, Unprocessable(_NOT_STORABLE, why))]
                )
            else:
                await self._handle([heard[mark]], ())

    async def _attempt_all(
        self, heard: Sequence[Heard], work: W, parking: Aggregates[Parked]
    ) -> list[int]:
        """Run the handlers in order, park what fails, and tell which went through."""
        done: list[int] = []
        outer = traceparent.set("")
        slice_ends = time.perf_counter() + _SLICE
        try:
            for mark, each in enumerate(heard):
                work.begin(mark, each.message)
                self.steps += 1
                if why := await self._attempt(each, work):
                    work.undo()
                    await keep_parked(parking, self._park(each.record, why))
                else:
                    done.append(mark)
                if time.perf_counter() > slice_ends:
                    await asyncio.sleep(0)
                    slice_ends = time.perf_counter() + _SLICE
        finally:
            traceparent.reset(outer)
        return done

    async def _load(self, work: W, heard: Sequence[Heard]) -> None:
        """Load what a batch needs; state that cannot be read is Unprocessable."""
        if not heard:
            return
        subscription = self.subscription
        try:
            if subscription.room and subscription.key:
                room, key = subscription.room(work), subscription.key
                await room.preload(key(each.fact) for each in heard)
            if subscription.prepare:
                await subscription.prepare([each.fact for each in heard], work)
        except Unavailable:
            raise
        except Exception as unreadable:
            _log.exception("%s cannot load", self.subscription.name)
            raise Unprocessable("state-unreadable", type(unreadable).__name__) from unreadable

    async def _attempt(self, heard: Heard, work: W) -> Unprocessable | None:
        """Run a handler; tell why its message can never be handled, if so."""
        try:
            await _follow(self.subscription.name, heard, work)
        except Unavailable:
            raise
        except Unprocessable as why:
            return why
        except Refusal as refusal:
            return Unprocessable(refusal.slug, refusal.detail)
        except Exception as defect:  # noqa: BLE001 - whatever a handler raises parks its message
            _log.exception("%s failed on %s", self.subscription.name, heard.message.id)
            return Unprocessable("handler-failed", type(defect).__name__)
        return None

    def _park(self, record: Record, why: Unprocessable) -> Parked:
        metrics.PARKED.labels(self.subscription.name, why.reason).inc()
        _log.error("%s parks a message of %s: %s", self.subscription.name, record.topic, why)
        return Parked.of(record, self.subscription.name, why)


def _type_of(record: Record) -> bytes:
    """Tell a record's type; empty where it has none. Most records of a topic are not heard, so it is quick."""
    for name, value in record.headers:
        if name == "ce_type":
            return value or b""
    return b""


async def _follow(name: str, heard: Heard, work: UnitOfWork) -> None:
    """Handle within the trace that stated the message; a span costs something: only sampled ones get one."""
    message = heard.message
    traceparent.set(message.traceparent)
    if not message.traceparent.endswith("-01"):
        await heard.handler(heard.fact, work)
        return
    context = _propagator.extract({"traceparent": message.traceparent})
    attributes = {"messaging.message.id": message.id, "cloudevents.event_type": message.type}
    with _tracer.start_as_current_span(
        name, context=context, kind=SpanKind.CONSUMER, attributes=attributes
    ):
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        traceparent.set(carrier.get("traceparent", message.traceparent))
        await heard.handler(heard.fact, work)
