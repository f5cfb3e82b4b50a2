"""Whether a node holds anything of people who are none of its business: a scan of all its bytes.

Looked for is what names a person: pseudonym, number, name, e-mail address and telephone number; in the
bytes as they lie there, and in whatever they hold in base64, as tokens and parked messages do.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bson
from pymongo import MongoClient

from deploy.demo.names import Civilian
from deploy.erasing.marks import layers
from deploy.federation.segments import records, segments


@dataclass
class Scan:
    """What was looked through, and what was found where, by person."""

    bytes_read: int = 0
    files: int = 0
    documents: int = 0
    found: dict[str, list[str]] = field(default_factory=dict)

    def of(self, people: Collection[str]) -> list[str]:
        """Tell of whom of these people something was found."""
        return sorted(self.found.keys() & set(people))


class Watched:
    """The people whose traces are looked for."""

    def __init__(self, people: Mapping[str, Civilian]) -> None:
        """Look for these people by their pseudonyms."""
        marks: dict[bytes, str] = {}
        for pseudonym, each in people.items():
            for mark in (pseudonym, each.nip, each.name, each.email, each.phone):
                marks[mark.encode()] = pseudonym
        self._marks = marks
        self._any = re.compile(b"|".join(map(re.escape, sorted(marks, key=len, reverse=True))))

    def traces(self, raw: bytes) -> set[tuple[str, str]]:
        """Tell who is found in these bytes, each with the mark that told."""
        return {
            (self._marks[found[0]], found[0].decode())
            for layer in layers(raw)
            for found in self._any.finditer(layer)
        }


def scan(home: Path, store: str, watched: Watched) -> Scan:
    """Look through a node: its broker's records and segments, its store's documents and files, its logs."""
    told = Scan()
    for place, raw in (
        *_broker(home / "broker/data", told),
        *_files(home, told),
        *_documents(store, told),
    ):
        told.bytes_read += len(raw)
        for pseudonym, mark in watched.traces(raw):
            places = told.found.setdefault(pseudonym, [])
            line = f"{place}: {mark}"
            if line not in places:
                places.append(line)
    return told


def _broker(data: Path, told: Scan) -> Iterator[tuple[str, bytes]]:
    """Yield records read one by one, which proves that none is compressed, and then the raw segments."""
    for each in records(data):
        whole = [each.key or b"", each.value or b"", *(value for _, value in each.headers)]
        yield f"broker/{each.topic}", b"\0".join(whole)
    for topic, _, file in segments(data):
        told.files += 1
        yield f"broker/{topic}/{file.name}", file.read_bytes()


def _files(home: Path, told: Scan) -> Iterator[tuple[str, bytes]]:
    """Yield the store's own files, as far as they can be read raw, and what the parts have logged."""
    for folder in ("store", "log", "mirror"):
        for file in sorted((home / folder).rglob("*")):
            # A store that runs renames files of its own at any time; what they hold is read as documents too.
            with suppress(FileNotFoundError):
                if file.is_file():
                    raw = file.read_bytes()
                    told.files += 1
                    yield str(file.relative_to(home)), raw


def _documents(uri: str, told: Scan) -> Iterator[tuple[str, bytes]]:
    """Yield every document of every collection of every database."""
    with MongoClient[dict[str, Any]](uri, directConnection=True) as client:
        for name in client.list_database_names():
            database = client[name]
            for room in database.list_collection_names():
                for document in database[room].find({}):
                    told.documents += 1
                    yield f"store/{name}/{room}", bson.encode(document)


def echoes(data: Path, node: str) -> Counter[str]:
    """Count records of a node's own that came back to it under a mirrored topic, by topic."""
    own = re.compile(rf"/corpu/{re.escape(node)}/[a-z]+")
    back: Counter[str] = Counter()
    for each in records(data):
        prefix = each.topic.partition(".")[0]
        if prefix.isdigit() and own.fullmatch(each.header("ce_source")):
            back[each.topic] += 1
    return back
