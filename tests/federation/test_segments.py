"""A broker's log segments are read as its own clients would read them."""

from pathlib import Path

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from deploy.federation.segments import Kept, Unreadable, records

_GZIP = 1
Told = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]


def _batch(*told: Told, base: int = 0, compression: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=compression, is_transactional=0, producer_id=-1,
        producer_epoch=-1, base_sequence=-1, batch_size=100_000,
    )  # fmt: skip
    for offset, (key, value, headers) in enumerate(told):
        builder.append(
            offset, timestamp=1_700_000_000_000 + offset, key=key, value=value, headers=headers
        )
    written = bytes(builder.build())
    return base.to_bytes(8) + written[8:]


def _log(data: Path, place: str, *batches: bytes) -> None:
    folder = data / place
    folder.mkdir(parents=True)
    (folder / "00000000000000000000.log").write_bytes(b"".join(batches))


def test_records_are_read_with_their_places_and_headers(tmp_path: Path) -> None:
    """Topic, partition, offset, key, value and headers are what was written, nothing at all included."""
    long = b"x" * 20_000
    _log(
        tmp_path, "35.share.62-1",
        _batch((b"k", b"v", [("ce_id", b"1")]), (None, None, [])),
        _batch((b"key", long, []), base=2),
    )  # fmt: skip

    assert list(records(tmp_path)) == [
        Kept("35.share.62", 1, 0, b"k", b"v", (("ce_id", b"1"),)),
        Kept("35.share.62", 1, 1, None, None, ()),
        Kept("35.share.62", 1, 2, b"key", long, ()),
    ]


def test_a_segment_is_read_as_far_as_it_is_filled(tmp_path: Path) -> None:
    """What a broker has made room for, or is just writing, is not there yet."""
    whole = _batch((b"k", b"v", []))
    _log(tmp_path, "enrolment-0", whole, whole[:40])
    _log(tmp_path, "progress-0", whole, bytes(200))

    assert [each.topic for each in records(tmp_path)] == ["enrolment", "progress"]


def test_topics_are_chosen_by_how_they_begin_and_the_broker_s_own_left_out(tmp_path: Path) -> None:
    """A prefix chooses topics; offsets of consumer groups are no records of ours."""
    for place in ("35.share.62-0", "share.35-0", "__consumer_offsets-3"):
        _log(tmp_path, place, _batch((b"k", b"v", [])))

    assert [each.topic for each in records(tmp_path, prefix="35.")] == ["35.share.62"]
    assert [each.topic for each in records(tmp_path)] == ["35.share.62", "share.35"]


def test_a_compressed_batch_is_unreadable(tmp_path: Path) -> None:
    """What cannot be looked into is told, and never passed over."""
    _log(tmp_path, "enrolment-0", _batch((b"k", b"v" * 500, []), compression=_GZIP))

    with pytest.raises(Unreadable, match="enrolment-0"):
        list(records(tmp_path))


def test_a_header_that_is_absent_is_empty() -> None:
    """Asking for a header that a record lacks tells nothing."""
    kept = Kept("t", 0, 0, None, b"v", (("ce_source", b"/corpu/35/progress"),))

    assert kept.header("ce_source") == "/corpu/35/progress"
    assert not kept.header("ce_to")
