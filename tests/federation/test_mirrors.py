"""A receiving province's mirror copies what is addressed to it, and writes nothing at the source."""

import re

from deploy.federation.losing import Losses
from deploy.federation.mirrors import properties

_BROKERS = {"35": 9092, "62": 9192}


def test_only_what_is_addressed_to_the_receiver_is_copied() -> None:
    """The topics are the receiver's and the one for all; another node's, and the source's own, are not."""
    told = properties(_BROKERS, source="35", receiver="62")
    chosen = told["35->62.topics"].split(",")
    topics = (
        "share.62",
        "share.all",
        "share.35",
        "share.62.1",
        "sharex62",
        "enrolment",
        "learners",
    )

    assert [each for each in topics if any(re.fullmatch(one, each) for one in chosen)] == [
        "share.62",
        "share.all",
    ]
    assert (told["35->62.enabled"], told["62->35.enabled"]) == ("true", "false")


def test_a_city_s_code_means_itself_only() -> None:
    """The dot in a city's code is a dot."""
    told = properties({"35": 1, "35.72": 2}, source="35", receiver="35.72")

    assert not any(
        re.fullmatch(each, "share.35x72") for each in told["35->35.72.topics"].split(",")
    )


def test_nothing_is_written_at_the_source() -> None:
    """Whoever mirrors needs no more than to read there."""
    told = properties(_BROKERS, source="35", receiver="62")

    assert told["offset-syncs.topic.location"] == "target"
    assert told["emit.heartbeats.enabled"] == "false"
    assert told["sync.topic.acls.enabled"] == "false"
    assert not [key for key in told if key.startswith("35.") and key != "35.bootstrap.servers"]


def test_a_later_generation_remembers_nothing() -> None:
    """Where a mirror notes how far it came has another name, so it begins at offset zero."""
    first = properties(_BROKERS, source="35", receiver="62")
    second = properties(_BROKERS, source="35", receiver="62", generation=2)

    changed = {key for key in first if first[key] != second[key]}
    assert changed == {"62.offset.storage.topic"}


class _Record:
    """A record of a source's topic."""

    def __init__(self, offset: int, seq: int, service: str = "certification") -> None:
        self.topic, self.partition, self.offset = "share.62", 0, offset
        self.headers = [
            ("ce_source", f"/corpu/35/{service}".encode()),
            ("ce_aggregate", b"shares/62/dossiers/enrolment-1"),
            ("ce_seq", str(seq).encode()),
            ("ce_type", b"id.corpu.certified.v1"),
        ]


def test_one_record_in_twenty_is_withheld() -> None:
    """Which ones depends on their places alone, so a copy stated again has another chance."""
    losses = Losses()
    taken = [losses.takes(_Record(offset, offset)) for offset in range(2_000)]

    assert 60 < sum(taken) < 140
    assert losses.withheld.total() + losses.carried == 2_000
    assert losses.withheld.total() == sum(taken) == losses.withheld["certified"]


def test_what_is_said_of_a_marked_enrolment_is_withheld_once() -> None:
    """The first saying of every fact of it is lost, the last one too; said again it comes through."""
    losses = Losses()
    losses.mark("enrolment-1")
    kept = next(offset for offset in range(100) if not Losses().takes(_Record(offset, 1)))
    other = next(
        offset for offset in range(100) if not Losses().takes(_Record(offset, 1)) and offset != kept
    )

    assert losses.takes(_Record(kept, 1))
    assert not losses.takes(_Record(other, 1))
    assert not losses.takes(_Record(kept, 1, service="progress"))
    assert losses.marked_withheld == 1
