"""Messages that can never be handled, kept with their reason in the subscription's own store."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

from shared.bus.subscription import Record
from shared.kernel.errors import Unprocessable
from shared.kernel.ids import derived
from shared.store.kind import Index, Kind
from shared.store.work import Aggregates, UnitOfWork

_IDENTITY = frozenset({"ce_id", "ce_source", "ce_type"})


@dataclass(frozen=True)
class Parked:
    """One parked message, whole, so that it can be replayed once its reason is gone."""

    id: str
    subscription: str = ""
    topic: str = ""
    partition: int = -1
    offset: int = -1
    reason: str = ""
    detail: str = ""
    status: Literal["parked", "replayed", "dropped"] = "parked"
    raw_headers: tuple[tuple[str, str], ...] = ()
    raw_value: str | None = None

    @classmethod
    def of(cls, record: Record, subscription: str, why: Unprocessable) -> Self:
        """Park a record; the same record parks under the same id."""
        headers = record.headers
        known = b"\0".join(value or b"" for name, value in headers if name in _IDENTITY)
        what = hashlib.sha256(known + b"\0" + (record.value or b"")).hexdigest()
        place = (record.topic, record.partition, record.offset)
        # A message that is stated again parks once, wherever in the log it comes; a nameless one each time.
        key = (what, *(() if known else place))
        return cls(
            id=derived("parked", subscription, *key),
            subscription=subscription,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=why.reason,
            detail=why.detail,
            # A stranger's header may have no value at all, which Kafka tells from an empty one.
            raw_headers=tuple((name, _text(value or b"")) for name, value in headers),
            raw_value=None if record.value is None else _text(record.value),
        )

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Tell the record's headers."""
        return [(name, base64.b64decode(value)) for name, value in self.raw_headers]

    @property
    def value(self) -> bytes | None:
        """Tell the record's value."""
        return None if self.raw_value is None else base64.b64decode(self.raw_value)

    def now(self, status: Literal["replayed", "dropped"]) -> Self:
        """Tell what became of it."""
        return replace(self, status=status)


async def keep_parked(parking: Aggregates[Parked], parked: Parked) -> None:
    """Keep a parked message, unless an operator has dropped it already."""
    if (await parking.of(parked.id)).status != "dropped":
        parking.keep(parked)


async def keep_reason(key: str, why: Unprocessable, work: UnitOfWork) -> None:
    """Note why a message is still parked, for its reason tells who may take it up again."""
    parking = work.aggregates(PARKED)
    parking.keep(replace(await parking.of(key), reason=why.reason, detail=why.detail))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


PARKED = Kind("parked", Parked, indexes=(Index(("status", "subscription")),))
