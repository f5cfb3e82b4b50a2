"""What the stores say happened: every fact ever stated, checked for holes and for repeated effects."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient

from deploy.client import SERVICES


@dataclass
class Ledger:
    """All stated facts of a node's four stores."""

    facts: Counter[str] = field(default_factory=Counter)
    holes: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    def read(self, service: str, collection: str, document: dict[str, Any]) -> None:
        """Enter one aggregate's story: its seqs must run from 1 without a hole."""
        aggregate = f"{service}/{collection}/{document['_id']}"
        stated = document["stated"]
        if [message["seq"] for message in stated] != list(range(1, len(stated) + 1)):
            self.holes.append(aggregate)
        for message in stated:
            self.facts[message["type"]] += 1

    def check_repeats(self, effects: Counter[str]) -> None:
        """Note every effect that happened more than once."""
        self.repeated += [f"{effect} x{count}" for effect, count in effects.items() if count > 1]


def effect_of(message: dict[str, Any]) -> str:
    """Name the effect of a fact: all that it says but when it happened."""
    data = {name: part for name, part in json.loads(message["data"]).items() if name != "at"}
    return f"{message['type']} {json.dumps(data, sort_keys=True)}"


def read_ledger(uri: str, databases: dict[str, str]) -> Ledger:
    """Read the four stores directly, as no service could: deploy alone sees everything."""
    ledger = Ledger()
    effects: Counter[str] = Counter()
    with MongoClient[dict[str, Any]](uri) as client:
        for service in SERVICES:
            database = client[databases[service]]
            for collection in database.list_collection_names():
                for document in database[collection].find(
                    {"stated.seq": {"$exists": True}}, {"stated": 1}
                ):
                    ledger.read(service, collection, document)
                    effects.update(effect_of(message) for message in document["stated"])
    ledger.check_repeats(effects)
    return ledger
