"""One subscription's consumer: reads a batch, delivers it, and only then commits its offsets."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from shared.bus import metrics
from shared.bus.kafka.security import PLAIN, Security, diagnose
from shared.bus.port import Hearer
from shared.kernel.errors import Unavailable
from shared.kernel.faults import durable
from shared.kernel.tasks import end, start

_log = logging.getLogger(__name__)
_BATCH = 1_000
_POLL_MS = 5_000
_WAKE_MS = 1_000
_NEW_TOPICS_MS = 10_000
_LONGEST_WAIT = 5.0
_REST = 2.0
_LONGEST_REST = 0.3
_COMMIT_SECONDS = 10.0
_MOST_COMMITS_LOST = 2
_CLOSE_SECONDS = 5.0
_LOOK_SECONDS = 5.0
_JOINING_SECONDS = 0.1
_STUCK_LOOKS = 12
"""A minute, longer than any one call of store or broker may take: what is slow is not stuck."""

Batch = dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]


H = TypeVar("H", bound=Hearer)


class Reader(Generic[H]):
    """Reads for one subscription until told to stop; begins again after whatever goes wrong."""

    def __init__(
        self, delivery: H, bootstrap: str, client_id: str, *,
        session_ms: int = 10_000, look_every: float = _LOOK_SECONDS,
        commit_within: float = _COMMIT_SECONDS, security: Security = PLAIN,
    ) -> None:  # fmt: skip
        """Read for a delivery; the subscription's name is the consumer group."""
        self.name = delivery.subscription.name
        self._delivery = delivery
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._session_ms = session_ms
        self._stopping = asyncio.Event()
        self._consumer: AIOKafkaConsumer[bytes, bytes] | None = None
        self._places: dict[TopicPartition, int] = {}
        self._in_hand = False
        self._look_every = look_every
        self._commit_within = commit_within
        self._commits_lost = 0
        self._security = security

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Read until stopped."""
        delay = 0.2
        while not self._stopping.is_set():
            try:
                await self._session()
                delay = 0.2
            except (KafkaError, Unavailable, OSError) as away:
                why = await diagnose(away, self._bootstrap, self._security)
                _log.warning("%s waits: %s", self.name, why)
                await self._pause(delay)
                delay = min(delay * 2, _LONGEST_WAIT)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Nobody cancelled us: one of the driver's own tasks was, and it passed that on.
                _log.warning("%s lost its consumer and begins again", self.name)
                await self._pause(delay)
            except Exception:  # noqa: BLE001 - a defect must not silence a subscription for good
                _log.exception("%s met a defect and begins again", self.name)
                await self._pause(_LONGEST_WAIT)

    async def _session(self) -> None:
        """Join the group and read until stopped, or until the watchdog finds the consumer stuck."""
        subscription = self._delivery.subscription
        consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
            *subscription.topics,
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            group_id=self.name,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # A reader that was killed holds its partitions for so long.
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 3,
            max_poll_interval_ms=600_000,
            # While a request waits at a broker, what that broker has for other partitions waits with it.
            fetch_max_wait_ms=1_000,
            # How often the driver looks whether there is something new to fetch; news wake it anyway.
            consumer_timeout_ms=_WAKE_MS,
            request_timeout_ms=20_000,
            # A topic that begins to be mirrored is found by looking again.
            metadata_max_age_ms=_NEW_TOPICS_MS if subscription.pattern else 300_000,
            **self._security.options(),
        )
        if subscription.pattern:
            consumer.subscribe(pattern=f"^(?:{subscription.pattern})$")
        try:
            await consumer.start()
            self._consumer, self._places, self._in_hand = consumer, {}, False
            self._commits_lost = 0
            reading = start(self._read(consumer), f"{self.name}:read")
            watching = start(self._watch(consumer), f"{self.name}:watch")
            stopping = start(self._told_to_stop(), f"{self.name}:stop")
            try:
                done, _ = await asyncio.wait(
                    {reading, watching, stopping}, return_when=asyncio.FIRST_COMPLETED
                )
                if stopping in done and self._in_hand:
                    await asyncio.wait({reading})
                for task in done:
                    task.result()
            finally:
                await end(reading, watching, stopping)
        finally:
            self._consumer = None
            await self._close(consumer)

    async def _close(self, consumer: "AIOKafkaConsumer[bytes, bytes]") -> None:
        """Leave the group and disconnect, also where the driver fails to, or waits for ever."""
        if await self._closed(consumer.stop()):
            return
        # Its heartbeat was cut off, and with it all that it closes after that: it would read on unheard.
        for part in (consumer._fetcher, consumer._client):  # noqa: SLF001 - it stops itself only once
            if part is not None:
                await self._closed(part.close())

    async def _closed(self, closing: Coroutine[Any, Any, None]) -> bool:
        """Let the driver close something, for so long; False if it did not come to its end."""
        task = start(closing, f"{self.name}:close")
        try:
            await asyncio.wait({task}, timeout=_CLOSE_SECONDS)
        finally:
            await end(task)
        return not task.cancelled() and task.exception() is None

    async def _told_to_stop(self) -> None:
        await self._stopping.wait()

    async def _read(self, consumer: "AIOKafkaConsumer[bytes, bytes]") -> None:
        while not self._stopping.is_set():
            batch: Batch = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
            records = [record for part in batch.values() for record in part]
            if not records:
                continue
            self._in_hand = True
            self._places |= {part: found[0].offset for part, found in batch.items()}
            began = time.monotonic()
            if await self._insist(partial(self._delivery.deliver, records)):
                done = {part: found[-1].offset + 1 for part, found in batch.items()}
                self._places |= done
                await self._commit(consumer, done)
            self._in_hand = False
            if len(records) < _BATCH:
                # Under load more comes together meanwhile, and each batch has its price (ADR-0017).
                await asyncio.sleep(min(_REST * (time.monotonic() - began), _LONGEST_REST))

    async def _insist(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do something, and wait for a store or broker that is away; False if told to stop meanwhile."""
        delay = 0.1
        while True:
            try:
                await work()
            except Unavailable as away:
                _log.warning("%s waits: %s", self.name, away)
                await self._pause(delay)
                if self._stopping.is_set():
                    return False
                delay = min(delay * 2, _LONGEST_WAIT)
            else:
                return True

    async def _commit(
        self, consumer: "AIOKafkaConsumer[bytes, bytes]", done: Mapping[TopicPartition, int]
    ) -> None:
        """Commit what is done; partitions that were taken away meanwhile are left to their new reader.

        Unavailable where commits go unanswered one after another, as they may for ever after a broker was
        killed: only another consumer gets on.
        """
        mine = consumer.assignment()
        offsets = {part: place for part, place in done.items() if part in mine}
        if not offsets:
            return
        try:
            # The driver tries for ever where a broker came back without its topics, while nothing is read.
            async with asyncio.timeout(self._commit_within):
                with durable("bus.commit"):
                    await consumer.commit(offsets)
        except (KafkaError, IllegalStateError, TimeoutError) as lost:
            # Whoever reads these records again finds their effects and changes nothing.
            _log.warning("%s could not commit (%s)", self.name, type(lost).__name__)
            self._commits_lost += isinstance(lost, TimeoutError)
            if self._commits_lost >= _MOST_COMMITS_LOST:
                metrics.RESTARTS.labels(self.name).inc()
                raise Unavailable("the brokers answer no commit") from lost
        else:
            self._commits_lost = 0

    @property
    def lag(self) -> int:
        """Tell how many records are not handled yet; one at least wherever that is not known."""
        consumer = self._consumer
        if consumer is None or not self._places:
            return 0 if consumer and self._idle else 1
        mine = consumer.assignment()
        return sum(
            _behind(consumer.highwater(part) if part in mine else None, place)
            for part, place in self._places.items()
        )

    @property
    def _idle(self) -> bool:
        """Tell whether there may well be nothing to read: a pattern need not match any topic yet."""
        return bool(self._delivery.subscription.pattern)

    async def _watch(self, consumer: "AIOKafkaConsumer[bytes, bytes]") -> None:
        """Measure the lag, and return when it stands while nothing moves."""
        last: tuple[dict[TopicPartition, int], int] = ({}, 0)
        still = 0
        while True:
            await self._find_places(consumer)
            metrics.LAG.labels(self.name).set(self.lag)
            # A slow batch moves step by step, and so does one that waits for store or broker.
            present = (dict(self._places), self._delivery.steps)
            if present != last:
                last, still = present, 0
            elif self._places and (still := still + 1) >= _STUCK_LOOKS:
                still = 0
                if await self._stuck(consumer, last[0]):
                    metrics.RESTARTS.labels(self.name).inc()
                    _log.error("%s stands still while its lag grows; it begins again", self.name)
                    return
            await asyncio.sleep(
                self._look_every if self._places or self._idle else _JOINING_SECONDS
            )

    async def _find_places(self, consumer: "AIOKafkaConsumer[bytes, bytes]") -> None:
        """Ask the consumer where it stands, which rebalances and lost records move behind our back."""
        mine = consumer.assignment()
        try:
            async with asyncio.timeout(self._look_every):
                found = {part: await consumer.position(part) for part in mine}
        except (IllegalStateError, TimeoutError):
            # Taken away while we asked, or not told yet from where on: the next look finds out.
            found = {}
        if self._in_hand:
            # Positions are past what is in hand, and so tell nothing of what is handled.
            found |= self._places
        mine = consumer.assignment()
        self._places = {part: place for part, place in found.items() if part in mine}

    async def _stuck(
        self, consumer: "AIOKafkaConsumer[bytes, bytes]", places: dict[TopicPartition, int]
    ) -> bool:
        """Ask the broker whether there is more than was read: who does not fetch hears no news."""
        if not places:
            return False
        # The embedded broker's answer may be too low, never too high: it can hide, and never feign, a lag.
        try:
            ends = await consumer.end_offsets(list(places))
        except KafkaError:
            # A broker that does not even say that is away, which is waited for.
            return False
        return any(end_ > places[part] for part, end_ in ends.items())

    async def _pause(self, seconds: float) -> None:
        """Wait a little less or more than so long, or until told to stop."""
        try:
            async with asyncio.timeout(seconds * random.uniform(0.7, 1.3)):  # noqa: S311 - jitter, no secret
                await self._stopping.wait()
        except TimeoutError:
            return


def _behind(highwater: int | None, place: int) -> int:
    """Tell how far a place is behind; one at least while the broker has not said how far there is."""
    return 1 if highwater is None else max(0, highwater - place)
