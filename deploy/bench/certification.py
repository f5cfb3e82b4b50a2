"""The certification step on filled topics: the real service in turn with what a user might have built instead.

Each contestant drains the same topics with a consumer group and a database of its own, again and again in turns;
after each drain what it left is verified: a certificate for everybody, no number twice, each of them told once.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.bench import facts, peers
from deploy.bench.contest import by_name, own_topic, peer, turned
from deploy.bench.drains import Contestant, drain
from deploy.bench.figures import aim, circumstances, ratio
from deploy.bench.ground import NO_LINGER, Ground, ground
from deploy.bench.log import Tail, fill, make_topics
from deploy.bench.verdict import Held, complaints
from deploy.embedded.settings import NodeSettings
from shared.events.certification import Certified

OURS = "corpu"
_TOPICS = ("enrolment", "progress")
_PARTITIONS = 6
_EDX = "poll, handle, commit (open edX)"
_PEERS: Mapping[str, tuple[str, ...]] = {
    "aiokafka batched by hand": ("aiokafka_batched",),
    "Quix Streams": ("quix_worker",),
    "FastStream batch": ("faststream_worker", "--mode", "batch"),
    "FastStream default": ("faststream_worker", "--mode", "default"),
    "FastStream safe": ("faststream_worker", "--mode", "safe"),
    "aiokafka one at a time": ("aiokafka_singly",),
    _EDX: ("confluent_loop",),
    f"{_EDX}, commits awaited": ("confluent_loop", "--commit", "sync"),
}
_DRAINS: Mapping[str, tuple[str, ...]] = {
    "bare aiokafka": ("bare_drain", "--driver", "aiokafka", "--topics", ",".join(_TOPICS)),
    "bare confluent-kafka": ("bare_drain", "--driver", "confluent", "--topics", ",".join(_TOPICS)),
}
_COMMIT_EACH = (
    "FastStream safe", "aiokafka one at a time", _EDX, f"{_EDX}, commits awaited",
)  # fmt: skip
_PACKAGES = ("aiokafka", "confluent-kafka", "faststream", "quixstreams", "orjson", "pymongo")


@dataclass
class _Field:
    """The topics under contest and everybody who drains them."""

    ground: Ground
    people: Sequence[facts.Pupil]
    records: int
    say: Callable[[str], None]
    tails: dict[str, Tail] = field(default_factory=dict)

    async def round(self, contestant: Contestant) -> dict[str, Any]:
        """Have one contestant drain the topics, and verify what it left."""
        with MongoClient[dict[str, Any]](self.ground.uri) as client:
            client.drop_database(contestant.database)
        drained = await drain(contestant, self.ground, _TOPICS, _PARTITIONS, self.records)
        wrong = [] if contestant.name in _DRAINS else await self._verify(contestant)
        figures = drained.figures()
        told = "; ".join([f"{figures['own_us']:.1f} µs", *wrong])
        self.say(f"{contestant.name}: {told}")
        return {"name": contestant.name, "figures": figures, "wrong": wrong}

    async def _verify(self, contestant: Contestant) -> list[str]:
        tail = self.tails.setdefault(
            contestant.topic, Tail(self.ground.bootstrap, contestant.topic, _PARTITIONS)
        )
        with MongoClient[dict[str, Any]](self.ground.uri) as client:
            kept = list(_kept(client[contestant.database]["dossiers"].find({})))
        told = [
            _told(json.loads(record.value)) for record in await tail.news() if _is_certified(record)
        ]
        return complaints({each.enrolment_id for each in self.people}, kept, told)


def _kept(dossiers: Iterable[Mapping[str, Any]]) -> Iterable[Held]:
    """Tell the certificates that a store holds, ours with its revisions or a peer's number."""
    for each in dossiers:
        for certificate in each.get("certificates", [each] if "number" in each else []):
            yield Held(each["_id"], certificate["number"])


def _told(fact: Mapping[str, Any]) -> Held:
    return Held(fact["enrolment_id"], fact["number"])


def _is_certified(record: Any) -> bool:  # noqa: ANN401 - the driver's record
    return ("ce_type", Certified.type.encode()) in tuple(record.headers)


def run(learners: int, rounds: int, settings: NodeSettings, say: Callable[[str], None]) -> dict[str, Any]:  # fmt: skip
    """Run the benchmark: so many learners on the topics, so many rounds of everybody; and report."""
    with tempfile.TemporaryDirectory(prefix="corpu-bench-") as folder:
        return asyncio.run(_run(Path(folder), settings, learners, rounds, say))


async def _run(
    home: Path, settings: NodeSettings, learners: int, rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    python = await asyncio.to_thread(peers.python, say)
    people = facts.pupils(learners)
    found: list[dict[str, Any]] = []
    async with ground(settings, home / "quick", say, NO_LINGER) as here:
        contest = await _filled(here, people, say)
        for number in range(rounds):
            found += [await contest.round(each) for each in _turn(here, python, number)]
        told = _report(found, learners, rounds, contest.records, here)
    if here.parts["broker"].startswith("Apache"):
        say("once more with the broker's default linger, for those who commit each message")
        async with ground(settings, home / "lingering", say, {}) as here:
            contest = await _filled(here, people[: max(100, learners // 4)], say)
            slow = [await contest.round(_peer(here, python, name, 0)) for name in _COMMIT_EACH]
        told["with_default_linger"] = by_name(slow)
    return told


async def _filled(
    here: Ground, people: Sequence[facts.Pupil], say: Callable[[str], None]
) -> _Field:
    """Fill the topics once."""
    names = [*_TOPICS, *(own_topic(name) for name in _PEERS), "certification", "learners"]
    await make_topics(here.bootstrap, names, _PARTITIONS)
    records = await fill(here.bootstrap, "enrolment", facts.enrolments(people), _PARTITIONS)
    records += await fill(here.bootstrap, "progress", facts.completions(people), _PARTITIONS)
    say(f"{records} records of {len(people)} learners are on the topics")
    return _Field(here, people, records, say)


def _turn(here: Ground, python: str, number: int) -> list[Contestant]:
    """Tell everybody of one round, who begins being another one in each."""
    others = [_peer(here, python, name, number) for name in (*_PEERS, *_DRAINS)]
    return turned([_ours(here), *others], number)


def _peer(here: Ground, python: str, name: str, number: int) -> Contestant:
    return peer(here, python, name, {**_PEERS, **_DRAINS}[name], number)


def _ours(here: Ground) -> Contestant:
    """Describe the service itself, as a node runs it: with traces, metrics and parking."""
    settings = here.settings
    environment = settings.of("certification") | {
        "MONGO_URI": here.uri,
        "MONGO_DATABASE": "bench_corpu",
        "KAFKA_BOOTSTRAP": here.bootstrap,
        "KAFKA_PARTITIONS": str(_PARTITIONS),
    }
    argv = (sys.executable, "-m", "services.certification")
    group = "certification.certify-when-complete"
    return Contestant(OURS, argv, group, "bench_corpu", "certification", environment)


def _report(
    found: Sequence[Mapping[str, Any]], learners: int, rounds: int, records: int, here: Ground
) -> dict[str, Any]:
    told = by_name(found)
    ours = told[OURS]["own_us"]

    def over(name: str) -> float:
        return ratio(told[name]["own_us"], ours)

    by_hand = ratio(ours, told["aiokafka batched by hand"]["own_us"])
    return {
        "bench": "certification",
        "learners": learners,
        "records": records,
        "rounds": rounds,
        "contestants": told,
        "aims": [
            aim("ours over the hand-written batched worker", by_hand, at_most=2.0),
            aim("Quix Streams over ours", over("Quix Streams"), at_least=1.0),
            aim("open-edX-style loop over ours", over(_EDX), at_least=15.0),
            aim(
                "open-edX-style loop with awaited commits over ours",
                over(f"{_EDX}, commits awaited"),
                at_least=15.0,
            ),
        ],
        "verified": all(each["verified"] for each in told.values()),
        "circumstances": circumstances(here.parts, peers.releases(), _PACKAGES),
    }
