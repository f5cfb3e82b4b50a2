"""Quix Streams: both topics as one stream, terms in its state store, certificates to MongoDB by its own sink.

By https://quix.io/docs/quix-streams/advanced/stateful-processing.html (state by key, backed by a changelog topic),
…/advanced/checkpointing.html ("longer commit intervals will make the application flush state stores and changelogs less
often") and …/connectors/sinks/mongodb-sink.html (bulk writes at each checkpoint). Values stay bytes until a record
concerns certification. A number is made of partition and offset, which needs no register: less than the others do.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.sinks.community.mongodb import MongoDBSink

from tests.load.peers.certifying import (
    COMPLETED,
    CONCERNED,
    TOPICS,
    certified,
    headers_of,
    read,
    register_of,
    type_of,
)
from tests.load.peers.process import Place, place

_EVERY = 5_000
"""Records a checkpoint, so that one is made several times in a run; its default would be one every 5 s."""


def work(where: Place, state: Path) -> None:
    """Certify until a signal ends it."""
    app = Application(
        broker_address=where.bootstrap, consumer_group=where.group, auto_offset_reset="earliest",
        commit_every=_EVERY, state_dir=state, loglevel="WARNING", auto_create_topics=True,
        producer_extra_config={"acks": "all"},
    )  # fmt: skip
    first, second = (app.topic(name, value_deserializer="bytes") for name in TOPICS)
    out = app.topic(where.topic, value_serializer="bytes")
    # Said explicitly, since a name is all that the sink takes of an address.
    sink = MongoDBSink(
        host=where.uri.removeprefix("mongodb://"), db=where.database, collection="dossiers",
        document_matcher=lambda item: {"_id": item.value["_id"]}, w="majority", journal=True,
    )  # fmt: skip
    both = app.dataframe(first).concat(app.dataframe(second))
    concerned = both.filter(
        lambda _, __, ___, headers: type_of(headers) in CONCERNED, metadata=True
    )
    earned = concerned.apply(_certify, stateful=True, metadata=True).filter(
        lambda fact: fact is not None
    )
    earned = earned.set_headers(_headers)
    earned.apply(lambda fact: fact["fact"]).to_topic(out)
    earned.apply(lambda fact: fact["kept"]).sink(sink)
    app.run()


def _certify(value: bytes, _: Any, __: int, headers: Any, state: State) -> Any:  # noqa: ANN401 - the library's own
    told = read(headers, value)
    if told is None or state.get("number"):
        return None
    state.set(told.field, told.kept)
    other = state.get("terms" if told.type == COMPLETED else "completed")
    if other is None:
        return None
    terms, completed = (other, told.kept) if told.type == COMPLETED else (told.kept, other)
    context = message_context()
    number = f"{register_of(completed)}/{context.topic[0]}{context.partition}-{context.offset}"
    state.set("number", number)
    kept = {"_id": completed["enrolment_id"], "number": number}
    return {
        "fact": certified(terms, completed, number),
        "kept": kept,
        "headers": headers_of(completed),
    }


def _headers(fact: Any, *_: object) -> Any:  # noqa: ANN401 - the library's own
    return fact["headers"]


if __name__ == "__main__":
    with TemporaryDirectory(prefix="corpu-quix-") as folder:
        work(place()[0], Path(folder))
