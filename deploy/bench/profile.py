"""What a process's time goes to, from the stacks that py-spy sampled, as a short table of the report.

`py-spy record --format raw --gil --full-filenames -o FILE -p PID` samples a running contestant;
`python -m deploy.bench.profile FILE "what it was"` adds the table to what is kept.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.bench.kept import FOLDER, read

_PLACES = (
    ("aiokafka/record", "aiokafka: records read and written"),
    ("aiokafka/producer", "aiokafka: producer"),
    ("aiokafka/", "aiokafka: the rest"),
    ("bson/", "pymongo: BSON"),
    ("pymongo/", "pymongo: the rest"),
    ("pydantic", "pydantic"),
    ("services/", "the service: domain and handlers"),
    ("shared/bus/", "the spine: bus"),
    ("shared/store/", "the spine: store and works"),
    ("shared/events/", "the spine: facts and messages"),
    ("shared/", "the spine: the rest"),
    ("opentelemetry/", "traces"),
    ("prometheus_client/", "metrics"),
    ("asyncio/", "asyncio"),
)
_HOW = (
    "Sampled by py-spy while the thread held the interpreter (`--gil`), each counted where its innermost frame of "
    "a known place stands; what C code does is its caller's. Samples of a service that starts are left out."
)
_LEAST = 0.015
_STARTING = ("<frozen importlib", "create_app", "pydantic_settings")
"""Stacks of a service that only starts, which a drain is not about."""


def shares(stacks: Iterable[str]) -> list[tuple[str, float]]:
    """Tell the share of each place, the largest first; ValueError where nothing was sampled."""
    found: Counter[str] = Counter()
    for line in stacks:
        if any(mark in line for mark in _STARTING):
            continue
        frames, _, count = line.rpartition(" ")
        found[_place(frames.split(";"))] += int(count)
    whole = found.total()
    if not whole:
        raise ValueError("nothing was sampled")
    return [
        (place, round(count / whole, 3))
        for place, count in found.most_common()
        if count / whole >= _LEAST
    ]


def _place(frames: list[str]) -> str:
    for frame in reversed(frames):
        for mark, place in _PLACES:
            if mark in frame:
                return place
    return "the rest"


def add(what: str, stacks: Iterable[str], folder: Path = FOLDER) -> dict[str, Any]:
    """Put a table among those that are kept, in the place of one of the same name."""
    kept = read("profile", folder) or {"profiles": []}
    others = [each for each in kept["profiles"] if each["what"] != what]
    mine = {"what": what, "shares": shares(stacks)}
    return {"bench": "profile", "how": _HOW, "profiles": [*others, mine]}


if __name__ == "__main__":
    from deploy.bench.kept import keep

    keep(add(sys.argv[2], Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))
