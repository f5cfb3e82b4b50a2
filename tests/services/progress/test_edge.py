"""The edge: nothing is acknowledged that the broker has not, and nothing impossible is taken."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from services.progress.api.edge.commits import Commits, Overfull
from services.progress.api.edge.door import Item, _items
from services.progress.api.tickets import SignedTickets
from services.progress.app import create_app
from services.progress.domain.beats import learners_of, session_of, unpack
from services.progress.domain.ticket import Ticket
from services.progress.settings import Settings
from shared.bus.memory import MemoryBus
from shared.bus.port import Bus, Raw
from shared.events.fact import ATTENDANCE
from shared.kernel.errors import Invalid, Unavailable
from shared.kernel.tasks import end, start
from shared.web.settings import ServiceSettings
from tests.support.serving import AUDIENCE, ISSUER, NOW, Issuer, MemoryEngine, clock, serving
from tests.support.waiting import until

_KEY = b"k" * 32
_NOW = int(NOW.timestamp())
_WHO = [f"{number:032x}" for number in range(1, 4)]


class Broker(MemoryBus):
    """A bus that answers when it is let to, or is away."""

    def __init__(self) -> None:
        """Answer at once."""
        super().__init__()
        self.answers = asyncio.Event()
        self.answers.set()
        self.away = self.left = False
        self.commits: list[Sequence[Raw]] = []

    async def append(self, topic: str, records: Sequence[Raw]) -> None:
        """Append once it is let to."""
        if topic == ATTENDANCE:
            self.commits.append(records)
        await self.answers.wait()
        if self.away:
            raise Unavailable("the broker is away")
        await super().append(topic, records)

    async def partitions(self, topic: str) -> int:
        """Tell how many partitions a topic has, unless it has left."""
        if self.left:
            raise Unavailable("the broker is away")
        return await super().partitions(topic)


class Engine(MemoryEngine):
    """An engine with such a broker."""

    def __init__(self, broker: Broker) -> None:
        """Run on a broker."""
        super().__init__()
        self.bus = broker

    @asynccontextmanager
    async def open_bus(self, settings: ServiceSettings, service: str) -> AsyncIterator[Bus]:
        """Open the broker."""
        async with super().open_bus(settings, service) as bus:
            yield bus


@dataclass
class Edge:
    """The service with a client, its broker, and tickets for it."""

    client: httpx2.AsyncClient
    broker: Broker
    tickets: SignedTickets = field(default_factory=lambda: SignedTickets(_KEY))

    def token(self, who: int = 0, **changes: Any) -> str:  # noqa: ANN401 - a ticket's fields
        """Sign a ticket of who joined two minutes ago."""
        ticket = Ticket("s", _WHO[who], "hp", _NOW - 120, _NOW - 180, _NOW + 600, _NOW + 480)
        return self.tickets.sign(ticket._replace(**changes))

    async def beat(self, number: int | str, token: str | None = None) -> httpx2.Response:
        """Send one beat."""
        headers = {"Authorization": f"Bearer {self.token() if token is None else token}"}
        return await self.client.post(f"/live/beats?n={number}", headers=headers)

    def kept(self) -> list[tuple[str, bool, int, str]]:
        """Tell every beat that the broker has."""
        return sorted(
            (*session_of(room), minute, learner.hex())
            for record in self.broker.topics.get(ATTENDANCE, [])
            for room, minute, learners in unpack(record.value or b"")
            for (learner,) in learners_of(learners)
        )


@asynccontextmanager
async def _edge(tmp_path: Path, **told: Any) -> AsyncIterator[Edge]:  # noqa: ANN401 - settings
    key = tmp_path / "live.hex"
    key.write_text(_KEY.hex(), encoding="ascii")
    given = {"CORPU_ISSUER": ISSUER, "CORPU_AUDIENCE": AUDIENCE, "CORPU_LIVE_KEY_FILE": key}
    watch, broker = clock(), Broker()
    app = create_app(Settings(**{**given, **told}), Engine(broker), watch, Issuer(watch))
    async with serving(app) as client:
        yield Edge(client, broker)


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    """Give the edge as it comes."""
    async with _edge(tmp_path) as opened:
        yield opened


async def test_a_beat_is_acknowledged_once_the_broker_has_it(edge: Edge) -> None:
    """Not before; and a repetition is acknowledged as well."""
    edge.broker.answers.clear()
    sending = asyncio.gather(edge.beat(4), edge.beat(3), edge.beat(4))
    await until(lambda: len(edge.broker.commits), equals=1)
    assert not sending.done()
    edge.broker.answers.set()

    answers = await sending
    assert [(204, b"")] * 3 == [(each.status_code, each.content) for each in answers]
    assert [
        ("s", False, 2, _WHO[0]),
        ("s", False, 3, _WHO[0]),
        ("s", False, 3, _WHO[0]),
    ] == edge.kept()


async def test_a_replay_is_watched_no_faster_than_time_goes(edge: Edge) -> None:
    """Many tickets of one viewer together neither; another viewer, and what is live, is not held up by it."""
    pieces = [edge.token(replay=True, start=start, joined_at=_NOW) for start in range(30)]
    answers = [await edge.beat(0, piece) for piece in pieces]
    late = answers[-1]

    assert 24 == sum(each.status_code == 204 for each in answers)
    assert (429, "30") == (late.status_code, late.headers["Retry-After"])
    assert "urn:corpu:problem:replay-too-fast" == late.json()["type"]
    assert 204 == (await edge.beat(0, edge.token(1, replay=True, joined_at=_NOW))).status_code
    assert 204 == (await edge.beat(4)).status_code
    assert 26 == len(edge.kept())


async def test_beats_share_a_commit_with_a_record_for_each_partition(edge: Edge) -> None:
    """Fifty viewers at once are one answer of the broker; learners are spread over all partitions."""
    many = [f"{number << 96 | 7:032x}" for number in range(50)]
    answers = await asyncio.gather(*(edge.beat(4, edge.token(learner_id=who)) for who in many))

    assert {204} == {each.status_code for each in answers}
    (records,) = edge.broker.commits
    assert [0, 1, 2] == sorted(record.partition for record in records)
    assert sorted(many) == [learner for *_, learner in edge.kept()]


async def test_a_number_may_come_in_the_body(edge: Edge) -> None:
    """What is no number is refused."""
    headers = {"Authorization": f"bearer {edge.token()}"}
    sent = [b'{"n": 4}', b'{"n": "4"}', b'{"n": 4, "m": 5}', b"{}", b"", b"[4]", b"x" * 2_000]
    answers = [
        await edge.client.post("/live/beats", headers=headers, content=each) for each in sent
    ]

    assert [204, 422, 422, 422, 422, 422, 413] == [each.status_code for each in answers]
    assert 1 == len(edge.kept())


@pytest.mark.parametrize(
    ("number", "changes", "status", "slug"),
    [
        (5, {}, 422, "beat-too-early"),
        ("-1", {}, 422, "beat-impossible"),
        ("1234567", {}, 422, "beat-impossible"),
        ("x", {}, 422, "beat-impossible"),
        (0, {"joined_at": _NOW - 301, "origin": 0}, 422, "beat-too-late"),
        (4, {"until": _NOW - 1}, 422, "outside-session"),
        (4, {"expires": _NOW}, 401, "ticket-expired"),
        (4, {"learner_id": "nobody"}, 401, "invalid-ticket"),
    ],
)
async def test_an_impossible_beat_is_refused_and_never_sent(
    edge: Edge, number: int | str, changes: dict[str, Any], status: int, slug: str
) -> None:
    """With a problem document that names why."""
    answer = await edge.beat(number, edge.token(**changes))

    assert (status, f"urn:corpu:problem:{slug}") == (answer.status_code, answer.json()["type"])
    assert [] == edge.broker.commits


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/live/beats?n=4&m=5", "unknown-parameter"),
        ("/live/beats?beat=4", "unknown-parameter"),
        ("/live/beats?n=4&n=5", "repeated-parameter"),
        ("/live/beats?n=4&", "beat-impossible"),
        ("/live/beats/batch?n=4", "unknown-parameter"),
    ],
)
async def test_the_edge_knows_no_parameter_but_a_beats_number(
    edge: Edge, path: str, slug: str
) -> None:
    """What it does not understand is refused, whatever the body says besides."""
    headers = {"Authorization": f"Bearer {edge.token()}"}
    answer = await edge.client.post(path, headers=headers, content=b'{"n": 4}')

    assert (422, f"urn:corpu:problem:{slug}") == (answer.status_code, answer.json()["type"])
    assert [] == edge.broker.commits


async def test_only_tickets_are_taken_and_only_by_post(edge: Edge) -> None:
    """No token, somebody's access token, another method."""
    bare = await edge.client.post("/live/beats?n=4", headers={"Authorization": "Basic x"})
    person = await edge.beat(4, Issuer(clock()).token("learner"))
    read = [await edge.client.get(path) for path in ("/live/beats?n=4", "/live/beats/batch")]

    assert [401, 401] == [bare.status_code, person.status_code]
    assert "Bearer" == bare.headers["WWW-Authenticate"]
    assert [(405, "POST")] * 2 == [(each.status_code, each.headers["Allow"]) for each in read]
    assert 200 == (await edge.client.get("/livez")).status_code


async def test_a_broker_that_is_away_is_told_and_nothing_is_acknowledged(edge: Edge) -> None:
    """For a second nobody is made to wait for it; then it is tried again."""
    edge.broker.away = True
    first = await asyncio.gather(*(edge.beat(4, edge.token(who)) for who in range(3)))
    at_once = await edge.beat(4)

    assert {503} == {each.status_code for each in (*first, at_once)}
    assert "2" == at_once.headers["Retry-After"]
    assert 1 == len(edge.broker.commits)
    assert [] == edge.kept()
    edge.broker.away = False

    async def taken() -> bool:
        return (await edge.beat(4)).status_code == 204

    await until(taken)
    assert [("s", False, 3, _WHO[0])] == edge.kept()


@pytest.mark.parametrize("away", [False, True])
async def test_a_broker_that_leaves_is_no_defect(
    caplog: pytest.LogCaptureFixture, *, away: bool
) -> None:
    """Nothing of it is logged as one, whether it left before a commit or right after."""
    broker = Broker()
    broker.left, broker.away = True, away
    commits = Commits(broker, 1, linger=0, most=10)
    landed = commits.add(b"a" * 16, b"\x00\x01s", 1)
    await until(lambda: landed.done() and not commits._flying)
    await asyncio.sleep(0)

    assert away is (landed.exception() is not None)
    assert [] == caplog.records


async def test_more_than_may_wait_is_refused_before_anything_is_lost(tmp_path: Path) -> None:
    """What was taken is acknowledged, what was not is told to come again: acknowledged is stored."""
    async with _edge(tmp_path, CORPU_BEATS_WAITING=20) as edge:
        edge.broker.answers.clear()
        statuses: list[int] = []

        async def send(number: int) -> None:
            answer = await edge.beat(4, edge.token(learner_id=f"{number:032x}"))
            assert answer.status_code == 204 or answer.headers["Retry-After"] == "1"
            statuses.append(answer.status_code)

        sending = [start(send(number), f"{number}") for number in range(50)]
        await until(lambda: len(statuses), equals=30)
        edge.broker.answers.set()
        await asyncio.gather(*sending)

        assert [429] * 30 + [204] * 20 == statuses
        assert 20 == len(edge.kept())
        assert 204 == (await edge.beat(4)).status_code


async def test_without_a_key_nothing_is_taken(tmp_path: Path) -> None:
    """The operator reads which file is missing; nobody is let in."""
    async with _edge(tmp_path, CORPU_LIVE_KEY_FILE=tmp_path / "none.hex") as edge:
        answer = await edge.beat(4)
        ready = await edge.client.get("/readyz")

    assert 503 == answer.status_code == ready.status_code
    assert "none.hex" in answer.json()["detail"]
    assert "CORPU_LIVE_KEY_FILE: " in ready.json()["detail"]


async def test_a_batch_is_answered_beat_by_beat(edge: Edge) -> None:
    """As an array or one a line; a bad beat spoils no other."""
    items = [
        {"ticket": edge.token(0), "n": 4},
        {"ticket": edge.token(1), "n": 9},
        {"ticket": "x", "n": 4},
        {"ticket": edge.token(2), "n": 3},
    ]
    array = await edge.client.post("/live/beats/batch", content=json.dumps(items))
    lines = await edge.client.post(
        "/live/beats/batch", content="\n".join(json.dumps(each) for each in items) + "\n"
    )

    assert 200 == array.status_code
    assert [204, 422, 401, 204] == [each["status"] for each in array.json()["items"]]
    assert array.json() == lines.json()
    expected = [("s", False, 2, _WHO[2]), ("s", False, 3, _WHO[0])]
    assert sorted([*expected, *expected]) == edge.kept()


async def test_a_batch_meets_a_broker_that_is_away_and_a_full_house(tmp_path: Path) -> None:
    """Each beat of it is told."""
    async with _edge(tmp_path, CORPU_BEATS_WAITING=2) as edge:
        items = [{"ticket": edge.token(who), "n": 4} for who in range(3)]
        edge.broker.away = True
        answer = await edge.client.post("/live/beats/batch", content=json.dumps(items))

    assert [503, 503, 429] == [each["status"] for each in answer.json()["items"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"nonsense", 422), (b'[{"n": 1}]', 422), (b'[{"ticket": "x", "n": "1"}]', 422),
     (json.dumps([{"ticket": "x", "n": 1}] * 1_001).encode(), 413), (b" " * 2_000_001, 413), (b"", 200)],
)  # fmt: skip
async def test_what_is_no_batch_is_refused(edge: Edge, body: bytes, status: int) -> None:
    """Whole; an empty one is answered with nothing."""
    answer = await edge.client.post("/live/beats/batch", content=body)

    assert status == answer.status_code


@pytest.mark.parametrize("body", [b"[1" + b",1" * 900_000 + b"]", b"{}\n" * 600_000])
def test_a_batch_of_nonsense_keeps_nobody_waiting(body: bytes) -> None:
    """It is refused at its first fault: to note all of them took seconds."""
    with pytest.raises(Invalid) as refused:
        _items(body)

    assert isinstance(refused.value.__cause__, ValidationError)
    assert refused.value.__cause__.error_count() <= len(Item.model_fields)


async def test_a_starting_service_says_so(tmp_path: Path) -> None:
    """While there is no broker yet."""
    async with _edge(tmp_path) as edge:
        edge.client._transport.app.state.parts = None  # type: ignore[attr-defined]
        batch = await edge.client.post("/live/beats/batch", content=b"[]")

        assert [503, 503] == [(await edge.beat(4)).status_code, batch.status_code]


async def test_whoever_gives_up_waiting_leaves_the_answer_to_the_others() -> None:
    """A request that is cancelled takes nobody else's commit with it."""
    broker = Broker()
    broker.answers.clear()
    commits = Commits(broker, 1, linger=0, most=10)
    landed = commits.add(b"a" * 16, b"\x00\x01s", 1)

    async def wait() -> None:
        await landed

    first, second = start(wait(), "first"), start(wait(), "second")
    await until(lambda: len(broker.commits), equals=1)
    first.cancel()
    broker.answers.set()
    await second

    assert second.done()
    await end(first, second)


async def test_at_most_two_commits_fly_and_the_third_gathers() -> None:
    """What comes while the broker is slow goes together, in records of a bounded size."""
    broker = Broker()
    broker.answers.clear()
    commits = Commits(broker, 1, linger=0, most=25_004)
    landed = []
    for number in range(2):
        landed.append(commits.add(b"%016d" % number, b"\x00\x01s", 1))
        await until(lambda: len(broker.commits), equals=number + 1)
    landed += [commits.add(b"%016d" % number, b"\x00\x01s", number % 2) for number in range(25_002)]
    with pytest.raises(Overfull):
        commits.add(b"a" * 16, b"\x00\x01s", 1)
    await asyncio.sleep(0.01)
    assert 2 == len(broker.commits)
    broker.answers.set()
    await asyncio.gather(*landed)

    assert 3 == len(broker.commits)
    sizes = [
        sum(len(each) // 16 for *_, each in unpack(record.value)) for record in broker.commits[2]
    ]
    assert (10_000, 25_002) == (max(sizes), sum(sizes))
