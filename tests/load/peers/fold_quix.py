"""The fold on Quix Streams: a sink of its own that folds a checkpoint's beats and writes them by one bulk write.

By https://quix.io/docs/quix-streams/connectors/sinks/custom-sinks.html (`BatchingSink`, whose batch is written at each
checkpoint) and …/advanced/checkpointing.html. A state store is not needed and would cost more.
"""

from pymongo.database import Database
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

from tests.load.peers import singly
from tests.load.peers.certifying import Document
from tests.load.peers.folding import Bitmaps, take, updates
from tests.load.peers.process import Place, place

_EVERY = 100_000


class _Bits(BatchingSink):  # type: ignore[misc] # the library ships no types for it
    """Merges the beats of a checkpoint."""

    def __init__(self, store: Database[Document]) -> None:
        super().__init__()
        self._store = store

    def write(self, batch: SinkBatch) -> None:
        """Write one partition's beats."""
        bitmaps: Bitmaps = {}
        take(bitmaps, (item.value for item in batch))
        self._store.attendance.bulk_write(updates(bitmaps), ordered=False)


def work(where: Place) -> None:
    """Fold until a signal ends it."""
    app = Application(
        broker_address=where.bootstrap, consumer_group=where.group, auto_offset_reset="earliest",
        commit_every=_EVERY, loglevel="WARNING",
    )  # fmt: skip
    _, store = singly.open_plain(where)
    topic = app.topic(where.topic, value_deserializer="bytes")
    app.dataframe(topic).sink(_Bits(store))
    app.run()


if __name__ == "__main__":
    work(place()[0])
