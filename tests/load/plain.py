"""The certification step as a plain consumer does it: one message at a time, by the drivers' own examples.

It reads the same topics as certification on the same broker, keeps its dossiers in the same store, and for
each message loads, changes, writes, publishes with `send_and_wait` and commits. It is compared by
`corpu bench chain`; it prints one JSON line when no message has come for a while after the last expected.
"""

import argparse
import asyncio
import json
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import AsyncMongoClient, ReturnDocument, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase

from shared.bus.subscription import Record
from shared.events.certification import Certified
from shared.events.enrolment import Enrolled, GraduationDecided, Withdrawn
from shared.events.message import Message
from shared.events.progress import ProgrammeCompleted

HEARD = {
    fact.type.encode() for fact in (Enrolled, Withdrawn, ProgrammeCompleted, GraduationDecided)
}


async def consume(bootstrap: str, uri: str, database: str, expected: int) -> dict[str, Any]:
    """Certify until `expected` certificates stand, and tell what it cost."""
    consumer = AIOKafkaConsumer(
        "enrolment", "progress", bootstrap_servers=bootstrap, group_id=database, enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    handled = certified = 0
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        store = client.get_database(database, write_concern=WriteConcern(w="majority", j=True))
        await store.dossiers.delete_many({})
        await store.registers.delete_many({})
        await make_topic(bootstrap)
        await consumer.start()
        await producer.start()
        began_cpu, began = time.process_time(), time.perf_counter()
        try:
            while certified < expected:
                record = await consumer.getone()
                if dict(record.headers).get("ce_type") in HEARD:
                    handled += 1
                    certified += await certify(store, producer, record)
                    await consumer.commit()
        finally:
            await consumer.stop()
            await producer.stop()
        stored = await store.dossiers.count_documents({"number": {"$exists": True}})
    cpu, wall = time.process_time() - began_cpu, time.perf_counter() - began
    return {
        "handled": handled,
        "certified": certified,
        "stored": stored,
        "cpu_seconds": cpu,
        "seconds": wall,
    }


async def make_topic(bootstrap: str) -> None:
    """Make the topic that this consumer publishes to, unless it is there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("plain", 3, 1)])
    finally:
        await admin.close()


async def certify(
    store: AsyncDatabase[dict[str, Any]], producer: AIOKafkaProducer, record: Record
) -> bool:
    """Handle one message; tell whether it earned the certificate."""
    message = Message.from_record(record.headers, record.value)
    fact = message.fact()
    if isinstance(fact, Enrolled):
        told = fact.model_dump(mode="json")
        await store.dossiers.update_one(
            {"_id": fact.enrolment_id}, {"$set": {"enrolled": told}}, upsert=True
        )
    elif isinstance(fact, ProgrammeCompleted):
        told = fact.model_dump(mode="json")
        await store.dossiers.update_one(
            {"_id": fact.enrolment_id}, {"$set": {"completed": told}}, upsert=True
        )
    else:
        return False
    dossier = await store.dossiers.find_one({"_id": fact.enrolment_id})
    if (
        dossier is None
        or not ("enrolled" in dossier and "completed" in dossier)
        or "number" in dossier
    ):
        return False
    await issue(
        store,
        producer,
        Enrolled.model_validate(dossier["enrolled"]),
        ProgrammeCompleted.model_validate(dossier["completed"]),
    )
    return True


async def issue(
    store: AsyncDatabase[dict[str, Any]],
    producer: AIOKafkaProducer,
    enrolled: Enrolled,
    completed: ProgrammeCompleted,
) -> None:
    """Issue one certificate: number it, keep it and publish it."""
    rules = enrolled.plan.rules
    score = (
        sum(completed.scores[activity] * weight for activity, weight in rules.weights.items()) / 100
    )
    year = completed.at.year
    register = await store.registers.find_one_and_update(
        {"_id": f"{completed.programme.code}/{year}"}, {"$inc": {"last": 1}}, upsert=True,
        return_document=ReturnDocument.AFTER,
    ) or {}  # fmt: skip
    number = f"35/{completed.programme.code}/{year}/{register['last']:05d}"
    certified = Certified(
        learner_id=completed.learner_id, at=completed.at, enrolment_id=completed.enrolment_id,
        cohort_id=completed.cohort_id, cohort_title=completed.cohort_title, agency=completed.agency,
        home_node=completed.home_node, host_node=enrolled.plan.host_node, host_agency=enrolled.plan.host_agency,
        programme=completed.programme, number=number, revision=1, jp=completed.jp, final_score=score,
        predicate=rules.bands[0] if rules.bands else None, kind=rules.document.kind,
        issued_on=completed.at.date(), year=year, verify_url=f"http://127.0.0.1/verify/{number}",
    )  # fmt: skip
    await store.dossiers.update_one({"_id": completed.enrolment_id}, {"$set": {"number": number}})
    stated = Message.of(
        certified, source="/plain", aggregate=completed.enrolment_id, seq=1, epoch=1
    )
    await producer.send_and_wait(
        "plain",
        value=stated.data.encode(),
        key=stated.subject.encode(),
        headers=stated.to_headers(),
    )


def main() -> None:
    """Run as a process of its own, so that its CPU time is its own."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "uri", "database"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--expected", type=int, required=True)
    asked = parser.parse_args()
    print(  # noqa: T201 - its one line is its answer
        json.dumps(asyncio.run(consume(asked.bootstrap, asked.uri, asked.database, asked.expected)))
    )


if __name__ == "__main__":
    main()
