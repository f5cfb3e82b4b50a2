"""What names a person, looked for in bytes as they lie there and in whatever they hold in base64."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{24,}")
_DEEPEST = 3
_SHORTEST = 6
_MOST_PLACES = 50


def layers(raw: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield bytes, and what they hold in base64 of either alphabet, however often wrapped."""
    yield raw
    if depth == _DEEPEST:
        return
    for run in _ENCODED.findall(raw):
        # What stands in one run with other signs may begin at any of four places.
        words = run.replace(b"-", b"+").replace(b"_", b"/")
        for skip in range(4):
            whole = words[skip : skip + (len(words) - skip) // 4 * 4]
            yield from (
                layers(base64.b64decode(whole), depth + 1)
                if skip == 0
                else [base64.b64decode(whole)]
            )


class Marks:
    """Words that name one person, by what they are: name, nip, email, phone, also."""

    def __init__(self, words: Mapping[str, str]) -> None:
        """Look for these words; those too short to mean anybody are passed by."""
        self._kinds: dict[bytes, str] = {}
        for word, kind in words.items():
            if len(word) >= _SHORTEST:
                # As text, and as JSON writes what is not ASCII.
                self._kinds[word.encode()] = kind
                self._kinds[json.dumps(word)[1:-1].encode()] = kind
        ordered = sorted(self._kinds, key=len, reverse=True)
        self._any = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None

    def kinds(self, raw: bytes) -> set[str]:
        """Tell which kinds of words these bytes hold."""
        if self._any is None:
            return set()
        return {
            self._kinds[found[0]] for layer in layers(raw) for found in self._any.finditer(layer)
        }


@dataclass
class Scan:
    """What was looked through, and where something was found, without a word of it."""

    records: int = 0
    documents: int = 0
    files: int = 0
    found: Counter[str] = field(default_factory=Counter)

    def look(self, marks: Marks, place: str, raw: bytes) -> None:
        """Look for marks in what stands at a place."""
        for kind in marks.kinds(raw):
            self.found[f"{place}: {kind}"] += 1

    def found_in(self, prefix: str) -> int:
        """Count what was found in places of one sort: topic, store or file."""
        return sum(count for place, count in self.found.items() if place.startswith(prefix))

    def as_json(self) -> dict[str, Any]:
        """Tell it for a program."""
        return {
            "records": self.records,
            "documents": self.documents,
            "files": self.files,
            "found": self.found.total(),
            "where": dict(self.found.most_common(_MOST_PLACES)),
        }
