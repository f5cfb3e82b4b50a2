"""A subscription over boxes, the records it hears, and a store that fails when told to."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.bus.memory import MemoryRecord
from shared.bus.parking import PARKED, Parked
from shared.bus.subscription import Handler, Subscription
from shared.events.enrolment import SeatFreed, Waitlisted
from shared.events.fact import Fact
from shared.events.message import Message
from shared.kernel.errors import Invalid, Unavailable, Unprocessable
from shared.store.filters import Filter
from shared.store.kind import Document, Kind
from shared.store.memory import MemoryStore
from shared.store.port import Change, Merge, Store, Written
from shared.store.works import Works
from tests.support.boxes import AT, BoxWork, freed

_NOTED = "noted"
UNSAMPLED = f"00-{'a' * 32}-{'b' * 16}-00"
SAMPLED = f"00-{'c' * 32}-{'d' * 16}-01"


async def note_who_left(fact: SeatFreed, work: BoxWork) -> None:
    """Note a learner in the box of a cohort, and tell it once; what it told itself it passes by."""
    if fact.agency == _NOTED:
        return
    box = await work.boxes.of(fact.cohort_id)
    if fact.enrolment_id in box.tags:
        return
    tags = tuple(sorted({*box.tags, fact.enrolment_id}))
    work.boxes.keep(
        replace(box, tags=tags, count=box.count + 1), [freed(box.count, fact.learner_id, _NOTED)]
    )


async def fail_in_a_way(fact: Waitlisted, work: BoxWork) -> None:
    """Keep something, and then fail as the fact's title says."""
    box = await work.boxes.of(fact.cohort_id)
    work.boxes.keep(replace(box, label=fact.cohort_title), [freed(99)])
    if fact.cohort_title == "refused":
        raise Invalid("not-here", "a rule says no")
    if fact.cohort_title == "unprocessable":
        raise Unprocessable("makes-no-sense", "nobody can handle it")
    if fact.cohort_title == "large":
        work.boxes.keep(replace(box, label="x" * 17_000_000))
        return
    raise ZeroDivisionError


def subscription(
    name: str, heard: dict[type[Fact], Handler] | None = None
) -> Subscription[BoxWork]:
    """Subscribe boxes under a name."""
    return Subscription(
        name=name,
        hears=heard or {SeatFreed: note_who_left, Waitlisted: fail_in_a_way},
        room=lambda work: work.boxes,
        key=lambda fact: fact.cohort_id,
    )


def left(enrolment: str, cohort: str = "c", learner: str = "l") -> SeatFreed:
    """Make a fact that the subscription notes."""
    return SeatFreed(
        learner_id=learner, at=AT, enrolment_id=enrolment, cohort_id=cohort, agency="35.73"
    )


def failing(how: str, enrolment: str = "e", cohort: str = "c") -> Waitlisted:
    """Make a fact on which the handler fails: refused, unprocessable, large or defect."""
    return Waitlisted(
        learner_id="l", at=AT, enrolment_id=enrolment, cohort_id=cohort, cohort_title=how,
        agency="35.73", position=1,
    )  # fmt: skip


def told(fact: Fact, seq: int = 1, *, traceparent: str = "") -> Message:
    """State a fact as an enrolment would."""
    about = fact.model_dump().get("enrolment_id", fact.subject)
    return Message.of(
        fact, source="/corpu/35/enrolment", aggregate=f"enrolments/{about}", seq=seq, epoch=1,
        traceparent=traceparent,
    )  # fmt: skip


def record(message: Message, offset: int = 0, **headers: bytes | None) -> MemoryRecord:
    """Make the record that carries a message; headers given replace its own, None takes one out."""
    named: dict[str, bytes] = {**dict(message.to_headers())}
    for name, value in headers.items():
        named.pop(name, None)
        if value is not None:
            named[name] = value
    return MemoryRecord(message.topic, 0, offset, tuple(named.items()), message.value)


def records(facts: Iterable[Fact]) -> list[MemoryRecord]:
    """Make the records of facts, one after another."""
    return [record(told(fact), offset) for offset, fact in enumerate(facts)]


async def parked(works: Works[Any]) -> list[Parked]:
    """Load every parked message, in the order of their offsets."""
    found = await works.open().aggregates(PARKED).find({})
    return sorted(found, key=lambda each: each.offset)


@dataclass
class FailingStore:
    """A store that runs a hook before each call; the hook may raise Unavailable, or change something."""

    inner: Store = field(default_factory=MemoryStore)
    before: Callable[[str], Awaitable[None]] | None = None
    calls: int = 0

    @property
    def epoch(self) -> int:
        """Tell the inner store's epoch."""
        return self.inner.epoch

    def fail_at(self, call: int) -> None:
        """Be away for the call with this number, counted from 1 and from now."""
        self.calls = 0

        async def hook(name: str) -> None:
            if self.calls == call:
                raise Unavailable(f"{name} meets a store that is away")

        self.before = hook

    async def _about(self, name: str) -> None:
        self.calls += 1
        await asyncio.sleep(0)
        if self.before:
            await self.before(name)

    async def load(self, kind: Kind[Any], ids: Iterable[str]) -> dict[str, Document]:
        """Load."""
        await self._about("load")
        return await self.inner.load(kind, ids)

    async def find(self, kind: Kind[Any], where: Any, **order: Any) -> list[Document]:  # noqa: ANN401 - passed on
        """Find."""
        await self._about("find")
        return await self.inner.find(kind, where, **order)

    async def count(self, kind: Kind[Any], where: Any) -> int:  # noqa: ANN401 - passed on
        """Count."""
        await self._about("count")
        return await self.inner.count(kind, where)

    async def write(self, changes: Sequence[Change]) -> Written:
        """Write."""
        await self._about("write")
        return await self.inner.write(changes)

    async def merge(self, kind: Kind[Any], merges: Sequence[Merge]) -> None:
        """Merge."""
        await self._about("merge")
        await self.inner.merge(kind, merges)

    async def pending(self, kind: Kind[Any], ids: Sequence[str]) -> list[Message]:
        """Load what waits."""
        await self._about("pending")
        return await self.inner.pending(kind, ids)

    async def clear(self, published: Any) -> None:  # noqa: ANN401 - passed on
        """Clear."""
        await self._about("clear")
        await self.inner.clear(published)

    async def unpublished(self, kind: Kind[Any], limit: int) -> dict[str, list[str]]:
        """Find what waits."""
        await self._about("unpublished")
        return await self.inner.unpublished(kind, limit)

    async def stated(
        self, kind: Kind[Any], after: str, limit: int, where: Filter | None = None
    ) -> dict[str, list[Message]]:
        """Load what was stated."""
        await self._about("stated")
        return await self.inner.stated(kind, after, limit, where)

    async def forget(self, kind: Kind[Any], ids: Sequence[str], types: Sequence[str]) -> None:
        """Forget."""
        await self._about("forget")
        await self.inner.forget(kind, ids, types)

    async def remove(self, kind: Kind[Any], where: Any) -> int:  # noqa: ANN401 - passed on
        """Remove."""
        await self._about("remove")
        return await self.inner.remove(kind, where)

    async def ping(self) -> None:
        """Answer."""
        await self._about("ping")
        await self.inner.ping()
