"""What contests have in common: peers as contestants, whose turn it is, and the rounds put together."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.bench.drains import Contestant
from deploy.bench.figures import spreads
from deploy.bench.ground import Ground
from deploy.embedded.settings import ROOT


def own_topic(name: str) -> str:
    """Name the topic that a peer states on."""
    return "bench-" + re.sub(r"[^a-z]+", "-", name.lower()).strip("-")


def peer(
    here: Ground, python: str, name: str, words: Sequence[str], number: int, topic: str = ""
) -> Contestant:
    """Describe a peer: a module of `tests.load.peers` with its own words, in a group of its own in each round."""
    module, *more = words
    own = own_topic(name)
    database, group = own.replace("-", "_"), f"{own}-{number}"
    argv = [
        *(python, "-m", f"tests.load.peers.{module}"),
        *("--bootstrap", here.bootstrap, "--uri", here.uri, "--database", database),
        *("--group", group, "--topic", topic or own, *more),
    ]
    environment = {**here.settings.environment, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    return Contestant(name, argv, group, database, topic or own, environment)


def turned(everybody: Sequence[Contestant], number: int) -> list[Contestant]:
    """Tell everybody of one round, in which another one begins than in the last."""
    first = number * 4 % len(everybody)
    return [*everybody[first:], *everybody[:first]]


def by_name(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put the rounds of each contestant together."""
    told: dict[str, Any] = {}
    for name in dict.fromkeys(each["name"] for each in found):
        mine = [each for each in found if each["name"] == name]
        wrong = sorted({complaint for each in mine for complaint in each["wrong"]})
        told[name] = {
            **spreads(each["figures"] for each in mine),
            "verified": not wrong,
            "wrong": wrong,
        }
    return told
