"""The fold of heartbeats: the real service in turn with what a user might have built, one beat a record and packed.

Two brokers hold the same beats of one lecture: one record for each beat, and packed as the edge packs them. Everybody
drains with an empty database, and afterwards the minutes of every viewer are those that the crowd really watched.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.bench import audience, peers
from deploy.bench.contest import by_name, peer, turned
from deploy.bench.drains import Contestant, drain
from deploy.bench.figures import aim, circumstances, ratio
from deploy.bench.ground import Ground, ground
from deploy.bench.log import Entry, fill, make_topics
from deploy.bench.verdict import differences
from deploy.embedded.settings import NodeSettings
from services.progress.domain.minutes import bitmap_of

OURS, BY_HAND = "corpu", "aiokafka by hand"
_SESSION = "bench-lecture"
_TOPIC, _FEW = "attendance", "attendance-few"
_PARTITIONS = 6
_A_RECORD = 100
"""Beats of a packed record; at 167,000 beats a second the edge packs more."""
_FEW_SHARE = 20
"""The naive fold reads one viewer in so many: it would take minutes for all."""
_TIMES = 12
"""How often the packed beats lie on their topic one after another: once they would be folded before the first flush."""
_FLUSH_SECONDS = "1"
_FRAMEWORKS = ("Quix Streams", "FastStream batch")
_PEERS: Mapping[str, tuple[str, ...]] = {
    BY_HAND: ("fold_batched",),
    "Quix Streams": ("fold_quix",),
    "FastStream batch": ("fold_faststream",),
}
_NAIVE = "one $bit update a beat"
_BARE = "bare aiokafka"
_PACKAGES = ("aiokafka", "confluent-kafka", "faststream", "quixstreams", "pymongo")


@dataclass
class _Leg:
    """The same beats in one form, on a ground of their own."""

    suffix: str
    here: Ground
    topic: str
    crowd: Sequence[audience.Viewer]
    records: int
    beats: int
    say: Callable[[str], None]

    async def round(self, contestant: Contestant) -> dict[str, Any]:
        """Have one contestant drain the topic, and verify what it left."""
        with MongoClient[dict[str, Any]](self.here.uri) as client:
            client.drop_database(contestant.database)
            drained = await drain(contestant, self.here, (self.topic,), _PARTITIONS, self.records)
            kept = client[contestant.database]["attendance"].find({})
            bare = contestant.name == _BARE
            wrong = [] if bare else differences(_truth(self.crowd), _bitmaps(kept))
        figures = drained.figures(self.beats / self.records)
        name = contestant.name + self.suffix
        self.say(
            f"{name}: {figures['own_us']:.2f} µs a beat{''.join(f'; {each}' for each in wrong)}"
        )
        return {"name": name, "figures": figures, "wrong": wrong}

    def ours(self) -> Contestant:
        """Describe the service itself, as a node runs it; it flushes each second, so that a run shows several."""
        environment = self.here.settings.of("progress") | {
            "MONGO_URI": self.here.uri,
            "MONGO_DATABASE": "bench_corpu",
            "KAFKA_BOOTSTRAP": self.here.bootstrap,
            "KAFKA_PARTITIONS": str(_PARTITIONS),
            "CORPU_FLUSH_SECONDS": _FLUSH_SECONDS,
            "CORPU_LIVE_KEY_FILE": str(self.here.home / "live.hex"),
        }
        argv = (sys.executable, "-m", "services.progress")
        group = "progress.fold-attendance"
        return Contestant(OURS, argv, group, "bench_corpu", self.topic, environment)

    def peer(self, python: str, name: str, words: Sequence[str], number: int) -> Contestant:
        """Describe a peer that reads this leg's topic."""
        return peer(self.here, python, name, words, number, self.topic)

    def bare(self, python: str, number: int) -> Contestant:
        """Describe the limit: everything is read, nothing is looked at."""
        words = ("bare_drain", "--driver", "aiokafka", "--topics", self.topic)
        return peer(self.here, python, _BARE, words, number)


def _truth(crowd: Iterable[audience.Viewer]) -> dict[str, int]:
    return {f"{_SESSION}/{each.learner.hex()}": each.minutes for each in crowd}


def _bitmaps(kept: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    return {each["_id"]: bitmap_of(each.get("live", {})) for each in kept}


def run(
    viewers: int, minutes: int, rounds: int, settings: NodeSettings, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run the benchmark: one lecture of so many viewers and minutes, so many rounds of everybody; and report."""
    with tempfile.TemporaryDirectory(prefix="corpu-bench-") as folder:
        return asyncio.run(_run(Path(folder), viewers, minutes, rounds, settings, say))


async def _run(
    home: Path, viewers: int, minutes: int, rounds: int, settings: NodeSettings,
    say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    python = await asyncio.to_thread(peers.python, say)
    crowd = audience.viewers(viewers, minutes)
    few = crowd[::_FEW_SHARE]
    found: list[dict[str, Any]] = []
    async with AsyncExitStack() as stack:
        singly = await stack.enter_async_context(ground(settings, home / "singly", say))
        packed = await stack.enter_async_context(ground(settings, home / "packed", say))
        told = audience.singly(_SESSION, audience.beats(crowd, minutes))
        loose = await _leg("", singly, _TOPIC, crowd, told, say)
        told = audience.singly(_SESSION, audience.beats(few, minutes))
        naive = await _leg("", singly, _FEW, few, told, say)
        told = audience.packed(_SESSION, audience.beats(crowd, minutes), _PARTITIONS, _A_RECORD)
        again = chain.from_iterable(repeat(list(told), _TIMES))
        beats = loose.records * _TIMES
        dense = await _leg(", packed", packed, _TOPIC, crowd, again, say, beats)
        for number in range(rounds):
            others = [loose.peer(python, name, words, number) for name, words in _PEERS.items()]
            everybody = [loose.ours(), *others, loose.bare(python, number)]
            found += [await loose.round(each) for each in turned(everybody, number)]
            by_hand = dense.peer(python, BY_HAND, _PEERS[BY_HAND], number)
            everybody = [dense.ours(), by_hand, dense.bare(python, number)]
            found += [await dense.round(each) for each in turned(everybody, number)]
            found.append(await naive.round(naive.peer(python, _NAIVE, ("fold_naive",), number)))
        return _report(by_name(found), loose, minutes, rounds)


async def _leg(
    suffix: str, here: Ground, topic: str, crowd: Sequence[audience.Viewer], entries: Iterable[Entry],
    say: Callable[[str], None], beats: int = 0,
) -> _Leg:  # fmt: skip
    """Fill a topic; where beats are packed, `beats` tells how many there are."""
    await make_topics(here.bootstrap, [topic], _PARTITIONS)
    records = await fill(here.bootstrap, topic, entries, _PARTITIONS)
    say(f"{records} records of {len(crowd)} viewers are on {topic}{suffix}")
    return _Leg(suffix, here, topic, crowd, records, beats or records, say)


def _report(told: dict[str, Any], leg: _Leg, minutes: int, rounds: int) -> dict[str, Any]:
    ours, dense = told[OURS]["own_us"], told[f"{OURS}, packed"]["own_us"]
    best = min((told[name]["own_us"] for name in _FRAMEWORKS), key=lambda each: each["median"])
    return {
        "bench": "fold",
        "viewers": len(leg.crowd),
        "minutes": minutes,
        "beats": leg.beats,
        "rounds": rounds,
        "contestants": told,
        "aims": [
            aim("ours over the bare drain", ratio(ours, told[_BARE]["own_us"]), at_most=2.2),
            aim("best of Quix Streams and FastStream over ours", ratio(best, ours), at_least=5.0),
            aim("ours, one a record over packed", ratio(ours, dense), at_least=8.0),
        ],
        "verified": all(each["verified"] for each in told.values()),
        "circumstances": circumstances(leg.here.parts, peers.releases(), _PACKAGES),
    }
