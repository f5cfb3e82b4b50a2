"""What a mirror lost is noticed, a last copy among it, and healed by asking."""

import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.bus.memory import MemoryRecord
from shared.events.federation import Ends, HeadsTold
from shared.events.message import Message
from shared.federation.heads import Intake, digest
from shared.federation.repair import SourceStatus
from shared.federation.seal import mirrored_topic, seal
from shared.kernel.clock import SetClock
from shared.kernel.errors import Unprocessable
from shared.web.parts import open_parts
from shared.web.settings import ServiceSettings
from tests.shared.federation.conftest import Opened, blueprint
from tests.support.federation import mirror
from tests.support.waiting import until

Both = tuple[Opened, Opened]


async def round_of_repair(host: Opened, home: Opened) -> None:
    """Tell, mirror, compare and answer once, in both directions."""
    for one, other in ((host, home), (home, host)):
        assert one.parts.repair
        await one.parts.repair.attend()
        await one.settle()
        mirror(one.province, other.province)
        await other.settle()


async def status(opened: Opened, source: str) -> SourceStatus:
    """Tell how a peer's service stands."""
    assert opened.parts.repair
    return next(each for each in await opened.parts.repair.status() if each.source == source)


def without(*places: tuple[str, int]) -> "object":
    """Withhold copies by aggregate and seq."""

    def keep(record: MemoryRecord) -> bool:
        message = Message.from_record(record.headers, record.value)
        return (message.aggregate.rpartition("/")[2], message.seq) not in places

    return keep


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(("e1", 2), id="one-in-the-middle"),
        pytest.param(("e1", 3), id="the-last"),
        pytest.param(("e2", 1), id="all-there-is"),
    ],
)
async def test_what_the_mirror_lost_is_asked_for(both: Both, lost: tuple[str, int]) -> None:
    """Whatever was withheld is told again within three rounds, and then nothing differs."""
    host, home = both
    await host.free(1, 1, 1, 2)
    withheld = mirror(host.province, home.province, keep=without(lost))  # type: ignore[arg-type]
    await home.settle()
    before = (await home.box()).count
    await round_of_repair(host, home)
    differing = (await status(home, "35/enrolment/62")).differing

    for _ in range(3):
        await round_of_repair(host, home)

    healed = await status(home, "35/enrolment/62")
    assert len(withheld) == 1
    assert before == 3
    assert differing == 1
    assert (healed.differing, healed.gaps) == (0, 0)
    assert (await home.box()).count == 4


async def test_nothing_is_asked_for_where_nothing_lacks(both: Both) -> None:
    """Equal heads lead to no restatement."""
    host, home = both
    await host.free(1, 2)
    for _ in range(3):
        await round_of_repair(host, home)

    asks = [
        each
        for each in home.province.engine.bus.messages("share.35")
        if each.type == "id.corpu.restatement_asked.v1"
    ]
    assert asks == []


async def test_what_cannot_be_healed_is_asked_for_more_and_more_rarely(both: Both) -> None:
    """A copy that can never be read here keeps its bucket different, and does not keep the source busy."""
    host, home = both
    await host.free(1)
    mirror(host.province, home.province, keep=lambda _: False)
    for _ in range(16):
        assert host.parts.repair
        assert home.parts.repair
        await host.parts.repair.tell()
        mirror(host.province, home.province)
        await home.settle()
        await home.parts.repair.compare()

    asks = [
        each
        for each in home.province.engine.bus.messages("share.35")
        if each.type == "id.corpu.restatement_asked.v1"
    ]
    assert len(asks) == 4


async def test_a_gap_is_seen_at_once(both: Both) -> None:
    """A copy that comes before its forerunner is handled, and the gap shows in the status."""
    host, home = both
    await host.free(1, 1)
    mirror(host.province, home.province, keep=without(("e1", 1)))  # type: ignore[arg-type]
    await home.settle()
    await round_of_repair(host, home)

    assert (await home.box()).count == 1
    assert (await status(home, "35/enrolment/62")).gaps == 1


async def test_a_silent_peer_shows(both: Both, now: SetClock) -> None:
    """A peer that tells no heads for five times the interval is silent, whatever the cause."""
    host, home = both
    await round_of_repair(host, home)
    before = (await status(home, "35/enrolment/62")).silent

    now.instant += timedelta(hours=6)

    assert not before
    assert (await status(home, "35/enrolment/62")).silent


def telling(host: Opened, told: int, end: int) -> Message:
    """Tell heads as Jatim's enrolment would."""
    fact = HeadsTold(
        at=host.parts.clock.now(), node="35", service="enrolment", to="62", told=told, heads={},
        aggregates=0, partitions={"0": Ends(start=0, end=end)},
    )  # fmt: skip
    message = Message.of(
        fact, source="/corpu/35/enrolment", aggregate="heads/62", seq=told, epoch=1, to="62"
    )
    return seal(message, host.province.federation)


async def test_a_topic_made_anew_raises_an_alarm(both: Both) -> None:
    """A source topic that ends before where it ended is no longer the same; somebody must look."""
    host, home = both
    bus = home.province.engine.bus
    for told, end in ((101, 10), (102, 4), (103, 11)):
        message = telling(host, told, end)
        bus.put("35.share.62", message.to_headers(), message.data.encode())
    await home.settle()
    alarmed = (await status(home, "35/enrolment/62")).alarm

    assert home.parts.repair
    await home.parts.repair.acknowledge("35")

    assert alarmed == "topic-made-anew"
    assert (await status(home, "35/enrolment/62")).alarm == ""


async def test_an_earlier_telling_changes_nothing(both: Both) -> None:
    """Heads that are told again from an old offset are older than those known."""
    host, home = both
    bus = home.province.engine.bus
    for told, end in ((102, 10), (101, 4)):
        message = telling(host, told, end)
        bus.put("35.share.62", message.to_headers(), message.data.encode())
    await home.settle()

    assert (await status(home, "35/enrolment/62")).alarm == ""


def test_an_intake_counts_copies_in_any_order() -> None:
    """Whatever the order, everything is counted once, and a gap is told."""
    intake = Intake("35/enrolment/shares/62/boxes/e1")
    source = "35/enrolment"

    gapped = intake.take(source, 1, 3).take(source, 1, 1)
    whole = gapped.take(source, 1, 2)

    assert (gapped.upto, gapped.ahead, gapped.gapped) == (1, (3,), True)
    assert (whole.upto, whole.ahead, whole.gapped) == (3, (), False)
    assert whole.take(source, 1, 2) is whole


def test_an_intake_counts_anew_after_a_restore() -> None:
    """From where a restored peer counts anew, its copies are new; those it told before are not."""
    source = "35/enrolment"
    intake = Intake("35/enrolment/shares/62/boxes/e1")
    for seq in range(1, 6):
        intake = intake.take(source, 1, seq)

    restored = intake.take(source, 2, 4)

    assert (restored.epoch, restored.upto) == (2, 4)
    assert restored.take(source, 1, 5) is restored
    assert restored.take(source, 2, 5).upto == 5


def test_a_digest_tells_heads_apart() -> None:
    """The digest is the same in any order, and another for another head."""
    heads = [("shares/62/boxes/e1", 3), ("shares/62/boxes/e2", 1)]

    assert digest(heads) == digest(reversed(heads))
    assert digest(heads) != digest([("shares/62/boxes/e1", 2), heads[1]])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"node": "12"}, id="another-node"),
        pytest.param({"service": "progress"}, id="another-service"),
        pytest.param({"service": "a/b"}, id="no-service"),
        pytest.param({"to": "35.72"}, id="another-addressee"),
    ],
)
async def test_nobody_tells_heads_in_anothers_name(both: Both, change: dict[str, str]) -> None:
    """Heads that do not agree with their own envelope are parked, though their sender signed them."""
    host, home = both
    message = telling(host, 101, 10)
    said = {**json.loads(message.data), **change}
    lie = message._replace(subject=said["node"], data=json.dumps(said))
    sealed = seal(lie, host.province.federation)
    home.province.engine.bus.put("35.share.62", sealed.to_headers(), sealed.value)
    await home.settle()

    assert [each.reason for each in await home.parked()] == ["not-the-senders"]


@pytest.mark.parametrize("bucket", ["9" * 5_000, "64", "-1", "x"])
async def test_a_bucket_that_is_none_breaks_nothing(both: Both, bucket: str) -> None:
    """Whatever a peer names its buckets, every round of repair comes to its end."""
    host, home = both
    bus = home.province.engine.bus
    for told in (101, 102):
        message = telling(host, told, 10)
        said = {**json.loads(message.data), "heads": {bucket: "0" * 16}}
        sealed = seal(message._replace(data=json.dumps(said)), host.province.federation)
        bus.put("35.share.62", sealed.to_headers(), sealed.value)
    await home.settle()

    assert home.parts.repair
    await home.parts.repair.compare()

    assert await home.parked() == []


async def test_copies_of_an_unknown_type_heal_with_the_release_that_knows_it(
    both: Both, now: SetClock
) -> None:
    """An older release parks them, and lacks them in its count; the newer one takes them up as it starts."""
    host, home = both
    await host.free(1)
    (copy,) = mirror(host.province, home.province, keep=without(("e1", 1)))  # type: ignore[arg-type]
    arrived = replace(copy, topic=mirrored_topic("35", "62"))
    await home.park(arrived, Unprocessable("unknown-type", "an older release knew none such"))
    await round_of_repair(host, home)
    assert 1 == (await status(home, "35/enrolment/62")).differing

    settings = home.province.settings(ServiceSettings)
    async with open_parts(blueprint(), settings, home.province.engine, now) as parts:
        newer = Opened(home.province, parts)

        async def replayed() -> list[str]:
            return [each.status for each in await newer.parked()]

        await until(replayed, equals=["replayed"])

        assert 0 == (await status(newer, "35/enrolment/62")).differing
        assert ("e1",) == (await newer.box()).tags


async def test_nothing_is_asked_of_who_is_no_peer_any_more(both: Both, now: SetClock) -> None:
    """What a former peer still lacked here would be asked for in vain, for ever."""
    host, home = both
    await host.free(1)
    mirror(host.province, home.province, keep=without(("e1", 1)))  # type: ignore[arg-type]
    await round_of_repair(host, home)
    (home.province.folder / "peers.json").write_text("[]")
    os.utime(home.province.folder / "peers.json", ns=(1, 1))
    asked = len(home.province.engine.bus.messages("share.35"))
    assert home.parts.repair

    now.advance(timedelta(hours=1))
    await home.parts.repair.compare()

    assert asked == len(home.province.engine.bus.messages("share.35"))
