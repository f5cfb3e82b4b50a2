"""What a broker keeps on disk: the records in its log segments, read without asking it.

The form is Kafka's record batch, magic 2 (https://kafka.apache.org/documentation/#recordbatch).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEAD = struct.Struct(">qiibIhiqqqhii")
"""Offset, length, leader epoch, magic, checksum, attributes, last offset delta, times, producer, count."""
_UNCOUNTED = 12
_MAGIC = 2
_COMPRESSION, _CONTROL = 0x07, 0x20


class Unreadable(Exception):  # noqa: N818 - says what is the case
    """A log segment holds what this cannot read, and so cannot vouch for."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One record as a broker keeps it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str:
        """Tell a header's value as text; "" where there is none."""
        return next(
            (value.decode(errors="replace") for at, value in self.headers if at == name), ""
        )


def segments(data: Path) -> Iterator[tuple[str, int, Path]]:
    """Yield every log segment under a broker's data folder with its topic and partition."""
    for file in sorted(data.glob("*/*.log")):
        topic, _, partition = file.parent.name.rpartition("-")
        # What a deleted topic leaves for a while is named otherwise, and is read all the same.
        number = partition.partition(".")[0]
        yield topic or file.parent.name, int(number) if number.isdigit() else -1, file


def records(data: Path, *, prefix: str = "") -> Iterator[Kept]:
    """Yield the records of all topics whose name begins so; Unreadable for a compressed batch."""
    for topic, partition, file in segments(data):
        if topic.startswith(prefix) and not topic.startswith("__"):
            yield from _read(topic, partition, file.read_bytes())


def _read(topic: str, partition: int, log: bytes) -> Iterator[Kept]:
    place = 0
    while place + _HEAD.size <= len(log):
        base, length, _, magic, _, attributes, *_, count = _HEAD.unpack_from(log, place)
        ends = place + _UNCOUNTED + length
        if length <= 0 or ends > len(log):
            # The broker makes a segment longer than it is filled, and is writing at its end just now.
            return
        if magic != _MAGIC or attributes & _COMPRESSION:
            raise Unreadable(f"{topic}-{partition} holds a batch of magic {magic}, {attributes:#x}")
        if not attributes & _CONTROL:
            at = place + _HEAD.size
            for _ in range(count):
                size, at = _number(log, at)
                yield _record(topic, partition, base, log[at : at + size])
                at += size
        place = ends


def _record(topic: str, partition: int, base: int, raw: bytes) -> Kept:
    _, at = _number(raw, 1)
    delta, at = _number(raw, at)
    key, at = _bytes(raw, at)
    value, at = _bytes(raw, at)
    count, at = _number(raw, at)
    headers = []
    for _ in range(count):
        name, at = _bytes(raw, at)
        held, at = _bytes(raw, at)
        headers.append(((name or b"").decode(errors="replace"), held or b""))
    return Kept(topic, partition, base + delta, key, value, tuple(headers))


def _bytes(raw: bytes, at: int) -> tuple[bytes | None, int]:
    size, at = _number(raw, at)
    return (None, at) if size < 0 else (raw[at : at + size], at + size)


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """Read a zigzag varint (Protocol Buffers' sint)."""
    found = shift = 0
    while True:
        byte = raw[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the highest bit says that more follows
            return (found >> 1) ^ -(found & 1), at
        shift += 7
