"""The least that certification's step can cost with these drivers: everything is read, nothing is understood.

It drains the same topics by `getmany`, and for each batch makes one bulk write (a guarded upsert for each
fact), one produced batch, one clearing bulk write and one commit. What certification costs beyond this is
its own: reading facts, rules, state. `corpu bench chain` runs it once the plain consumer has ended.
"""

import argparse
import asyncio
import gc
import json
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from pymongo import AsyncMongoClient, UpdateOne, WriteConcern

from shared.events.enrolment import Enrolled
from shared.events.progress import ProgrammeCompleted
from tests.load.plain import make_topic

_ENROLLED, _COMPLETED = Enrolled.type.encode(), ProgrammeCompleted.type.encode()
_BATCH = 1_000
_YOUNG_OBJECTS = 50_000


async def drain(bootstrap: str, uri: str, database: str, expected: int) -> dict[str, Any]:
    """Read until `expected` programmes were completed, and tell what it cost."""
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
    consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
        "enrolment", "progress", bootstrap_servers=bootstrap, group_id=database, enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await make_topic(bootstrap)
    handled = completed = 0
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        store = client.get_database(database, write_concern=WriteConcern(w="majority", j=True))
        await store.dossiers.delete_many({})
        await consumer.start()
        await producer.start()
        began_cpu, began = time.process_time(), time.perf_counter()
        try:
            while completed < expected:
                parts = await consumer.getmany(timeout_ms=1_000, max_records=_BATCH)
                heard, ended = _sorted_out([record for part in parts.values() for record in part])
                handled, completed = handled + len(heard), completed + len(ended)
                if heard:
                    await store.dossiers.bulk_write([_kept(each) for each in heard], ordered=False)
                if ended:
                    await _publish(producer, ended)
                    await store.dossiers.bulk_write(
                        [_cleared(each) for each in ended], ordered=False
                    )
                if parts:
                    await consumer.commit({part: got[-1].offset + 1 for part, got in parts.items()})
        finally:
            await consumer.stop()
            await producer.stop()
    cpu, wall = time.process_time() - began_cpu, time.perf_counter() - began
    return {"handled": handled, "completed": completed, "cpu_seconds": cpu, "seconds": wall}


def _sorted_out(
    records: list[ConsumerRecord[bytes, bytes]],
) -> tuple[list[ConsumerRecord[bytes, bytes]], list[ConsumerRecord[bytes, bytes]]]:
    """Tell what certification hears of enrolments and completions, and which of it are completions."""
    heard: list[ConsumerRecord[bytes, bytes]] = []
    ended: list[ConsumerRecord[bytes, bytes]] = []
    for record in records:
        type_ = next((value for name, value in record.headers if name == "ce_type"), b"")
        if type_ == _COMPLETED:
            ended.append(record)
        if type_ in {_ENROLLED, _COMPLETED}:
            heard.append(record)
    return heard, ended


def _kept(record: ConsumerRecord[bytes, bytes]) -> UpdateOne:
    key, value = record.key or b"", record.value or b""
    return UpdateOne({"_id": key.decode()}, {"$set": {"told": value.decode()}}, upsert=True)


def _cleared(record: ConsumerRecord[bytes, bytes]) -> UpdateOne:
    key = record.key or b""
    return UpdateOne({"_id": key.decode()}, {"$pull": {"outbox": {"id": {"$in": [key.decode()]}}}})


async def _publish(producer: AIOKafkaProducer, records: list[ConsumerRecord[bytes, bytes]]) -> None:
    batch = producer.create_batch()
    for record in records:
        told: dict[str, Any] = {
            "key": record.key,
            "value": record.value,
            "headers": list(record.headers),
        }
        if batch.append(timestamp=None, **told) is None:
            await (await producer.send_batch(batch, "plain", partition=0))
            batch = producer.create_batch()
            batch.append(timestamp=None, **told)
    await (await producer.send_batch(batch, "plain", partition=0))


def main() -> None:
    """Run as a process of its own, so that its CPU time is its own."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "uri", "database"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--expected", type=int, required=True)
    asked = parser.parse_args()
    print(  # noqa: T201 - its one line is its answer
        json.dumps(asyncio.run(drain(asked.bootstrap, asked.uri, asked.database, asked.expected)))
    )


if __name__ == "__main__":
    main()
