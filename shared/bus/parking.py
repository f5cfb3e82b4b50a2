"""Messages that can never be handled, kept with their reason in the subscription's own store."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from shared.bus.subscription import Record
from shared.kernel.errors import Unprocessable
from shared.kernel.ids import derived
from shared.store.filters import Filter
from shared.store.kind import Index, Kind
from shared.store.work import Aggregates, UnitOfWork
from shared.store.works import Works

_IDENTITY = frozenset({"ce_id", "ce_source", "ce_type"})
_PAGE = 100


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
    done_at: datetime | None = None
    emptied: bool = False

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

    @property
    def holds_nothing(self) -> bool:
        """Tell whether what it held is gone: dropped long ago, erased, or too large even to be parked."""
        return not self.raw_headers and self.raw_value is None

    def now(self, status: Literal["replayed", "dropped"]) -> Self:
        """Tell what became of it."""
        return replace(self, status=status, done_at=None)

    def empty(self) -> Self:
        """Take out what it holds; that it came, and why it went, stays."""
        return replace(self, raw_headers=(), raw_value=None, emptied=True)


async def keep_parked(parking: Aggregates[Parked], parked: Parked) -> None:
    """Keep a parked message, unless an operator has dropped it already."""
    if (await parking.of(parked.id)).status != "dropped":
        parking.keep(parked)


async def keep_replayed(key: str, work: UnitOfWork) -> None:
    """Note that a message was handled after all; what was let go of it meanwhile stays so."""
    parking = work.aggregates(PARKED)
    parking.keep((await parking.of(key)).now("replayed"))


async def keep_reason(key: str, why: Unprocessable, work: UnitOfWork) -> None:
    """Note why a message is still parked, for its reason tells who may take it up again."""
    parking = work.aggregates(PARKED)
    parking.keep(replace(await parking.of(key), reason=why.reason, detail=why.detail))


async def forget_done(works: Works[Any], now: datetime, kept_for: timedelta) -> None:
    """Let go of messages that were done with so long ago: replayed ones whole, dropped ones with all they held.

    The mark of a dropped one stays, or it would be parked again as soon as it is stated again. How long
    ago something was done is counted from the first round that finds it done.
    """
    cut = (now - kept_for).isoformat().replace("+00:00", "Z")
    done = {"status": {"$in": ["replayed", "dropped"]}, "done_at": None}
    await _change_all(works, done, lambda parked: replace(parked, done_at=now))
    await works.frame.store.remove(PARKED, {"status": "replayed", "done_at": {"$lt": cut}})
    full = {"status": "dropped", "done_at": {"$lt": cut}, "emptied": {"$ne": True}}
    await _change_all(works, full, Parked.empty)


async def _change_all(works: Works[Any], where: Filter, change: Callable[[Parked], Parked]) -> None:
    """Change what matches, some at a time, until nothing does any more."""

    async def change_some(work: UnitOfWork) -> int:
        parking = work.aggregates(PARKED)
        found = await parking.find(where, limit=_PAGE)
        for parked in found:
            parking.keep(change(parked))
        return len(found)

    while await works.run(change_some) == _PAGE:
        pass


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


PARKED = Kind("parked", Parked, indexes=(Index(("status", "subscription")),), removed=True)
