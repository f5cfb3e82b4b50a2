"""How nodes notice what a mirror lost, a last copy among it, and heal it.

Each service tells every peer, now and then, a digest of how far its copies have come. A service of the
peer that counts otherwise, twice in a row for the same digest, asks for these buckets again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from shared.bus.port import Bus
from shared.events.fact import EVERYBODY, SHARE
from shared.events.federation import BUCKETS, Ends, HeadsTold, RestatementAsked
from shared.events.message import Message
from shared.federation import metrics
from shared.federation.heads import INTAKES, digest
from shared.federation.keys import Federation
from shared.federation.sharing import SHARES, aggregate_of
from shared.kernel.clock import Clock
from shared.store.kind import Kind
from shared.store.relay import Relay
from shared.store.work import UnitOfWork
from shared.store.works import Works

_BUCKETS = frozenset(map(str, range(BUCKETS)))
_RARELY = 6
"""In the end a bucket is asked for at every 64th telling."""


@dataclass(frozen=True)
class Source:
    """What a peer's service last told of its heads to one addressee; the id is `node/service/addressee`.

    `heads` are those told now, `before` those told the time before; `alarm` says that the topic it
    tells them on was made anew.
    """

    id: str
    epoch: int = 0
    told: int = 0
    at: datetime | None = None
    heads: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    alarm: str = ""


@dataclass(frozen=True)
class Asked:
    """What a peer asked this service to state again, in `buckets`; the id is the peer's."""

    id: str
    at: datetime | None = None
    buckets: tuple[int, ...] = ()
    waiting: bool = False


@dataclass(frozen=True)
class Telling:
    """How often this service has told an addressee its heads; the id is the addressee."""

    id: str
    times: int = 0


SOURCES = Kind("sources", Source, scope=None)
ASKS = Kind("asks", Asked, scope=None)
TELLINGS = Kind("tellings", Telling, scope=None)
KEPT_BY_SHARING = (INTAKES, SOURCES, ASKS, TELLINGS)
"""What every service that shares keeps besides its shares; nothing in them is stated."""


async def note_heads(fact: HeadsTold, work: UnitOfWork) -> None:
    """Note the newest heads that a peer's service told; an earlier telling changes nothing."""
    sources = work.room(SOURCES)
    source = await sources.of(f"{fact.node}/{fact.service}/{fact.to}")
    epoch = work.message.epoch if work.message else 0
    if (epoch, fact.told) <= (source.epoch, source.told):
        return
    ends = {number: each.end for number, each in fact.partitions.items()}
    shrunk = [number for number, end in source.ends.items() if ends.get(number, end) < end]
    sources.keep(
        replace(
            source,
            epoch=epoch,
            told=fact.told,
            at=fact.at,
            heads=fact.heads,
            before=source.heads,
            ends=ends,
            alarm="topic-made-anew" if shrunk else source.alarm,
        )
    )


async def note_asked(service: str, fact: RestatementAsked, work: UnitOfWork) -> None:
    """Note which buckets a peer lacks; what it asked before was answered then."""
    if fact.service != service:
        return
    asks = work.room(ASKS)
    ask = await asks.of(fact.node)
    if ask.at is None or fact.at > ask.at:
        buckets = tuple(sorted({*ask.buckets, *fact.buckets}))
        asks.keep(replace(ask, at=fact.at, buckets=buckets, waiting=True))


@dataclass(frozen=True)
class SourceStatus:
    """How a peer's service stands with this one: `gaps` and `differing` count aggregates and buckets."""

    source: str
    heard_at: datetime | None
    silent: bool
    gaps: int
    differing: int
    alarm: str


class Repair:
    """Tells this service's heads to its peers, compares theirs, asks for what is missing and answers."""

    def __init__(
        self, service: str, works: Works[Any], relay: Relay, bus: Bus, federation: Federation,
        clock: Clock, seconds: float,
    ) -> None:  # fmt: skip
        """Repair for a service; heads are told every so many seconds."""
        self._service = service
        self._works = works
        self._relay = relay
        self._bus = bus
        self._federation = federation
        self._clock = clock
        self._seconds = seconds
        self._asked: dict[tuple[str, str], tuple[int, int]] = {}

    async def attend(self) -> None:
        """Do one round of everything."""
        await self.answer()
        await self.tell()
        await self.compare()

    async def tell(self) -> None:
        """Tell every peer, and all, how far their copies have come."""
        messages = [
            await self.heads_message(to)
            for to in [*sorted(self._federation.peers.cards), EVERYBODY]
        ]
        await self._relay.publish(messages)

    async def heads_message(self, to: str) -> Message:
        """Digest what an addressee was sent, as the next telling."""
        heads = [
            (aggregate_of(document["_id"]), document["seq"])
            for document in await self._works.frame.store.find(SHARES, {"to": to})
        ]
        times = await self._works.run(partial(_count_telling, to))
        ends = await self._bus.ends(f"{SHARE}.{to}")
        fact = HeadsTold(
            at=self._clock.now(), node=self._federation.node, service=self._service, to=to,
            told=times, heads=digest(heads), aggregates=len(heads),
            partitions={str(n): Ends(start=start, end=end) for n, (start, end) in ends.items()},
        )  # fmt: skip
        return self._control(fact, f"heads/{to}", to, fact.told)

    def _control(
        self, fact: HeadsTold | RestatementAsked, aggregate: str, to: str, seq: int
    ) -> Message:
        frame = self._works.frame
        return Message.of(
            fact, source=frame.source, aggregate=aggregate, seq=seq, epoch=frame.store.epoch, to=to
        )

    async def compare(self) -> None:
        """Compare every peer's heads with what came, and ask for buckets that lack something."""
        peers = self._federation.peers.cards
        for source in await self._works.open().room(SOURCES).find({}):
            if source.id.partition("/")[0] not in peers:
                continue
            if lacking := await self._due(source):
                await self._ask(source.id, lacking)

    async def _ask(self, source: str, lacking: Sequence[int]) -> None:
        node, service, _ = source.split("/")
        asked = RestatementAsked(
            at=self._clock.now(), node=self._federation.node, of=node, service=service,
            buckets=tuple(lacking),
        )  # fmt: skip
        await self._relay.publish([self._control(asked, f"asks/{source}", node, 1)])
        metrics.ASKED.labels(source).inc()

    async def _due(self, source: Source) -> list[int]:
        """Tell the buckets that have differed for two tellings of the same digest, and were not just asked for.

        What stays different, such as after copies that cannot be read here, is asked for ever more rarely.
        """
        ours, theirs = await self._ours(source.id), source.heads
        due = []
        for bucket in theirs:
            times, again = self._asked.pop((source.id, bucket), (0, 0))
            if ours.get(bucket) == theirs[bucket] or bucket not in _BUCKETS:
                continue
            if theirs[bucket] == source.before.get(bucket) and source.told >= again:
                due.append(int(bucket))
                times, again = times + 1, source.told + 2 ** min(times, _RARELY)
            self._asked[source.id, bucket] = (times, again)
        return due

    async def _ours(self, source: str) -> Mapping[str, str]:
        node, service, to = source.split("/")
        found = await self._works.frame.store.find(INTAKES, {"source": f"{node}/{service}"})
        own = f"{node}/{service}/"
        names = [(document["_id"].removeprefix(own), document["upto"]) for document in found]
        return digest((name, upto) for name, upto in names if name.startswith(f"shares/{to}/"))

    async def answer(self) -> None:
        """State again what peers asked for."""
        for ask in await self._works.open().room(ASKS).find({"waiting": True}):
            # What one lacks of what is offered to all is stated again to all.
            for to in (ask.id, EVERYBODY):
                where = {"to": to, "bucket": {"$in": list(ask.buckets)}}
                await self._relay.restate_some(SHARES, where)
            await self._works.run(partial(_answered, ask))

    async def status(self) -> list[SourceStatus]:
        """Tell how every peer's service stands with this one."""
        now, told = self._clock.now(), []
        gaps = await self._gaps()
        for source in await self._works.open().room(SOURCES).find({}):
            node, service, to = source.id.split("/")
            ours = await self._ours(source.id)
            quiet_for = (now - source.at).total_seconds() if source.at else 0.0
            told.append(
                SourceStatus(
                    source=source.id,
                    heard_at=source.at,
                    silent=quiet_for > 5 * self._seconds,
                    gaps=gaps[f"{node}/{service}/{to}"],
                    differing=sum(
                        ours.get(bucket) != head for bucket, head in source.heads.items()
                    ),
                    alarm=source.alarm,
                )
            )
            metrics.SILENT.labels(source.id).set(quiet_for)
            metrics.GAPS.labels(source.id).set(told[-1].gaps)
            metrics.DIFFERING.labels(source.id).set(told[-1].differing)
            metrics.ALARMS.labels(source.id).set(bool(source.alarm))
        return told

    async def acknowledge(self, node: str) -> None:
        """Take back the alarms about a peer's topics."""

        async def take_back(work: UnitOfWork) -> None:
            sources = work.room(SOURCES)
            for source in await sources.find({}):
                if source.id.startswith(f"{node}/") and source.alarm:
                    sources.keep(replace(source, alarm=""))

        await self._works.run(take_back)

    async def _gaps(self) -> Counter[str]:
        found = await self._works.frame.store.find(INTAKES, {"gapped": True})
        return Counter("/".join(_names(document["_id"])) for document in found)


def _names(intake_id: str) -> tuple[str, str, str]:
    node, service, _, to = intake_id.split("/", 4)[:4]
    return node, service, to


async def _count_telling(to: str, work: UnitOfWork) -> int:
    tellings = work.room(TELLINGS)
    telling = await tellings.of(to)
    tellings.keep(replace(telling, times=telling.times + 1))
    return telling.times + 1


async def _answered(served: Asked, work: UnitOfWork) -> None:
    asks = work.room(ASKS)
    ask = await asks.of(served.id)
    left = tuple(bucket for bucket in ask.buckets if bucket not in served.buckets)
    # Asked again meanwhile for the same: what was just stated again answers that too.
    asks.keep(replace(ask, buckets=left, waiting=bool(left)))
