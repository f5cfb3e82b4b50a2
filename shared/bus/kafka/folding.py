"""One fold's consumer: takes what it reads, flushes at intervals, and only then commits offsets."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.bus.folding import Folding
from shared.bus.kafka.reader import Batch, Reader

_RECORDS = 4_000
_SLICE_RECORDS = 250
_SLICE = 0.03
"""Seconds of folding after which others get the loop: a starved heartbeat costs the whole partition."""
_POLL_MS = 500


class FoldReader(Reader[Folding]):
    """Reads for one fold until told to stop; what it holds then is flushed first."""

    async def _read(self, consumer: "AIOKafkaConsumer[bytes, bytes]") -> None:
        folding = self._delivery
        taken: dict[TopicPartition, int] = {}
        due = time.monotonic() + folding.rhythm.seconds
        while not self._stopping.is_set():
            left = max(1, min(_POLL_MS, int(1000 * (due - time.monotonic()))))
            batch: Batch = await consumer.getmany(timeout_ms=left, max_records=_RECORDS)
            for part, records in batch.items():
                self._in_hand = True
                if part not in taken:
                    self._places[part] = records[0].offset
                await self._take(records)
                taken[part] = records[-1].offset + 1
            if folding.full or time.monotonic() >= due:
                if not await self._flush(consumer, taken):
                    return
                due = time.monotonic() + folding.rhythm.seconds
        await self._flush(consumer, taken)

    async def _take(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        began = time.perf_counter()
        for start in range(0, len(records), _SLICE_RECORDS):
            self._delivery.take(records[start : start + _SLICE_RECORDS])
            if time.perf_counter() - began > _SLICE:
                await asyncio.sleep(0)
                began = time.perf_counter()

    async def _flush(
        self, consumer: "AIOKafkaConsumer[bytes, bytes]", taken: dict[TopicPartition, int]
    ) -> bool:
        """Flush, commit what was taken until then, and forget that it was; False if told to stop meanwhile."""
        if not taken:
            return True
        if not await self._insist(self._delivery.flush):
            return False
        self._places |= taken
        await self._commit(consumer, taken)
        taken.clear()
        self._in_hand = False
        return True
