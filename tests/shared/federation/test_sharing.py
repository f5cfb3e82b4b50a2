"""Copies go to whom they concern, are believed only when sealed, and count once."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from shared.bus.memory import MemoryRecord
from shared.events.fact import EVERYBODY
from shared.events.message import Message
from shared.federation.keys import NodeKeys, Peers, write_cards
from shared.federation.seal import seal
from tests.shared.federation.conftest import GUEST, Opened
from tests.support.federation import mirror

Both = tuple[Opened, Opened]
ARRIVES = "35.share.62"


def copies(opened: Opened, to: str = "62") -> list[Message]:
    """Read what a province has for another."""
    told = opened.province.engine.bus.messages(f"share.{to}")
    return [each for each in told if each.aggregate.startswith("shares/")]


async def hand_over(home: Opened, *messages: Message, topic: str = ARRIVES) -> None:
    """Put messages where a peer's copies arrive, and let them be heard."""
    for message in messages:
        home.province.engine.bus.put(topic, message.to_headers(), message.data.encode())
    await home.settle()


async def test_a_guests_fact_reaches_home(both: Both) -> None:
    """What concerns a guest is copied to the home node, and handled there."""
    host, home = both
    await host.free(1)

    mirror(host.province, home.province)
    await home.settle()

    assert (await home.box()).tags == ("e1",)
    assert await home.parked() == []


async def test_what_concerns_nobody_else_stays(both: Both) -> None:
    """Facts about the node's own learners, and those with no home told, are copied for nobody."""
    host, _ = both
    await host.free(1, learner="own", home="35")
    await host.free(2, learner="own", home="")

    assert [each for to in ("35", "62", EVERYBODY) for each in copies(host, to)] == []


async def test_a_copy_carries_what_only_its_addressee_can_read(both: Both) -> None:
    """Enrichment goes with the copy alone: the node's own topic never carries it."""
    host, home = both
    await host.free(1)

    (copy,) = copies(host)
    (own,) = host.province.engine.bus.messages("enrolment")
    secret = json.loads(copy.data)["agency"]

    assert home.province.keys.decrypt(secret) == b"Sulastri"
    assert json.loads(own.data)["agency"] == "62.71"


async def test_copies_are_counted_for_each_aggregate(both: Both) -> None:
    """The addressee sees a gap-free count of its own, whatever else the aggregate states."""
    host, _ = both
    await host.free(1, 1, 2)

    places = [(each.aggregate.split("/", 2)[2], each.seq) for each in copies(host)]

    assert sorted(places) == [("boxes/e1", 1), ("boxes/e1", 2), ("boxes/e2", 1)]


async def test_stating_again_copies_nothing_twice(both: Both) -> None:
    """A fact that its service states again finds its copy made."""
    host, _ = both
    await host.free(1)
    before = {each.id for each in copies(host)}

    await host.parts.relay.restate()
    await host.settle()

    assert {each.id for each in copies(host)} == before


async def test_mirroring_everything_again_changes_nothing(both: Both) -> None:
    """Repeats are counted and never handled."""
    host, home = both
    await host.free(1, 2)
    mirror(host.province, home.province)
    await home.settle()

    mirror(host.province, home.province, from_zero=True)
    await home.settle()

    assert (await home.box()).count == 2
    assert home.receiving.intakes.repeated["35"] == 2


def _forged(copy: Message, home: Opened) -> Message:
    """Sign in Jatim's name with a key that is not Jatim's."""
    stranger = NodeKeys.make("35")
    federation = home.province.federation
    return seal(copy, type(federation)(stranger, federation.peers))


@pytest.mark.parametrize(
    ("topic", "change", "reason"),
    [
        (ARRIVES, {"data": '{"altered": true}'}, "bad-signature"),
        (ARRIVES, {"seq": 7}, "bad-signature"),
        (ARRIVES, {"epoch": 2}, "bad-signature"),
        (ARRIVES, {"aggregate": "shares/62/boxes/other"}, "bad-signature"),
        (ARRIVES, {"signature": ""}, "bad-signature"),
        (ARRIVES, {"signature": "a..b"}, "bad-signature"),
        (ARRIVES, {"to": "35.72"}, "not-addressed-to-us"),
        (ARRIVES, {"to": ""}, "not-addressed-to-us"),
        (ARRIVES, {"to": EVERYBODY}, "not-addressed-to-us"),
        (ARRIVES, {"source": "/corpu/12/enrolment"}, "wrong-prefix"),
        ("12.share.62", {}, "wrong-prefix"),
        ("12.share.62", {"source": "/corpu/12/enrolment"}, "unknown-peer"),
        ("62.share.62", {"source": "/corpu/62/enrolment"}, "echo"),
    ],
)
async def test_what_is_not_sealed_so_is_parked(
    both: Both, topic: str, change: dict[str, Any], reason: str
) -> None:
    """Prefix, source, addressee and signature must agree; nothing else is believed, nothing is lost."""
    host, home = both
    await host.free(1)
    (copy,) = copies(host)

    await hand_over(home, copy._replace(**change), topic=topic)

    assert [each.reason for each in await home.parked()] == [reason]
    assert (await home.box()).tags == ()
    assert await home.intakes() == []


async def test_another_nodes_key_is_not_believed(both: Both) -> None:
    """A whole and well-formed copy is parked when a stranger signed it."""
    host, home = both
    await host.free(1)
    (copy,) = copies(host)

    await hand_over(home, _forged(copy, home))

    assert [each.reason for each in await home.parked()] == ["bad-signature"]


async def test_a_peer_may_not_speak_of_a_third_nodes_learner(both: Both) -> None:
    """A learner whose home is neither the sender nor us is none of our business."""
    host, home = both
    await host.free(1)
    (copy,) = copies(host)
    data = json.loads(copy.data) | {"home_node": "12"}

    await hand_over(home, seal(copy._replace(data=json.dumps(data)), host.province.federation))

    assert [each.reason for each in await home.parked()] == ["not-our-learner"]


async def test_a_learner_not_known_yet_is_readmitted_with_the_card(both: Both) -> None:
    """A copy that overtakes its learner's card waits, parked, and is handled once the card is there."""
    host, home = both
    await host.free(1, learner="new")
    mirror(host.province, home.province)
    await home.settle()
    waiting = [each.reason for each in await home.parked()]

    await home.receiving.readmit()
    still = [each.status for each in await home.parked()]
    await home.label("new")
    await home.receiving.readmit()

    assert waiting == ["unknown-learner"]
    assert still == ["parked"]
    assert [each.status for each in await home.parked()] == ["replayed"]
    assert (await home.box("new")).tags == ("e1",)


async def test_a_new_peer_is_believed_from_then_on(both: Both) -> None:
    """The peers file is read again when it changes; what was parked before can be replayed."""
    host, home = both
    path = home.province.folder / "peers.json"
    path.write_text("[]", encoding="utf-8")
    await host.free(1)
    mirror(host.province, home.province)
    await home.settle()
    (parked,) = await home.parked()

    home.province.know(host.province)
    why = await home.receiving.redeliver(parked)

    assert parked.reason == "unknown-peer"
    assert why is None
    assert (await home.box(GUEST)).tags == ("e1",)


def test_two_changes_within_a_tick_of_the_clock_are_both_seen(tmp_path: Path) -> None:
    """The time of a file does not tell alone whether it is another one."""
    path, draft = tmp_path / "peers.json", tmp_path / "draft"
    peers, found = Peers(path), list[str]()
    for node in ("62", "31"):
        draft.write_text(write_cards([NodeKeys.make(node).card("x")]), encoding="utf-8")
        os.utime(draft, ns=(1, 1))
        draft.replace(path)
        found += peers.cards

    assert ["62", "31"] == found


async def test_a_strangers_record_without_headers_is_parked(both: Both) -> None:
    """What is no CloudEvent at all is parked with its reason."""
    _, home = both
    home.province.engine.bus.put(ARRIVES, [], b"hello")

    await home.settle()

    (parked,) = await home.parked()
    assert parked.reason == "broken-header"
    assert isinstance(parked.value, bytes)
    assert MemoryRecord(parked.topic, 0, 0, (), parked.value).value == b"hello"


async def test_strangers_keep_nobody_waiting(both: Both) -> None:
    """However many copies wait for cards that never come, one whose card came is handled."""
    host, home = both
    await host.free(*range(150), learner="nobody")
    await host.free(200, learner="late")
    mirror(host.province, home.province)
    await home.settle()
    await home.label("late")

    await home.receiving.readmit()
    await home.receiving.readmit()

    assert ("e200",) == (await home.box("late")).tags
    assert 150 == sum(each.status == "parked" for each in await home.parked())
