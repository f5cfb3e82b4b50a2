"""Provinces in memory: nodes with keys and each other's cards, and a mirror between their buses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from shared.bus.memory import MemoryRecord
from shared.events.fact import EVERYBODY, SHARE
from shared.federation.keys import Federation, NodeKeys, Peers, write_cards
from shared.federation.seal import mirrored_topic
from shared.web.settings import ServiceSettings
from tests.support.serving import MemoryEngine

S = TypeVar("S", bound=ServiceSettings)
_NAMES = {"35": "Jawa Timur", "35.72": "Kota Blitar", "62": "Kalimantan Tengah", "31": "LAN"}
_NEVER = 3_600


@dataclass
class Province:
    """One node: its keys, its peers file, and one memory bus for all its services."""

    keys: NodeKeys
    folder: Path
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    mirrored: dict[str, int] = field(default_factory=dict)

    @property
    def node(self) -> str:
        """Tell the node's code."""
        return self.keys.node

    @property
    def federation(self) -> Federation:
        """Tell what the node shares with."""
        return Federation(self.keys, Peers(self.folder / "peers.json"))

    def settings(self, kind: type[S], **more: object) -> S:
        """Make a service's settings; `more` are environment names with their values."""
        told = {
            "CORPU_NODE": self.node,
            "CORPU_NODE_NAME": _NAMES.get(self.node, self.node),
            "CORPU_NODE_KEYS": self.folder / "node.json",
            "CORPU_PEERS_FILE": self.folder / "peers.json",
            # Tests tell and compare heads when they mean to.
            "CORPU_HEADS_SECONDS": _NEVER,
        }
        return kind.model_validate(told | more)

    def know(self, *others: "Province", role: str = "province") -> None:
        """Take others for peers, besides those that are."""
        path = self.folder / "peers.json"
        known = Peers(path).cards
        cards = [each.keys.card(_NAMES.get(each.node, each.node)) for each in others]
        cards = [card.model_copy(update={"role": role}) for card in cards]
        fresh = {card.node for card in cards}
        path.write_text(write_cards([*(c for c in known.values() if c.node not in fresh), *cards]))


def provinces(folder: Path, *nodes: str) -> list[Province]:
    """Make nodes that are all each other's peers."""
    made = []
    for node in nodes:
        home = folder / node
        home.mkdir(parents=True)
        province = Province(NodeKeys.make(node), home)
        (home / "node.json").write_text(province.keys.written(), encoding="utf-8")
        made.append(province)
    for each in made:
        each.know(*(other for other in made if other is not each))
    return made


def mirror(
    source: Province, to: Province, *, keep: Callable[[MemoryRecord], bool] = lambda _: True,
    from_zero: bool = False,
) -> Sequence[MemoryRecord]:  # fmt: skip
    """Copy what `source` has for `to`, and for all, as MirrorMaker 2 would; give what was withheld.

    A second call goes on where the first ended, unless it begins `from_zero`.
    """
    withheld = []
    for addressee in (to.node, EVERYBODY):
        topic = mirrored_topic(source.node, addressee)
        log = source.engine.bus.topics.get(f"{SHARE}.{addressee}", [])
        start = 0 if from_zero else to.mirrored.get(topic, 0)
        to.mirrored[topic] = len(log)
        for record in log[start:]:
            if keep(record):
                to.engine.bus.put(topic, record.headers, record.value, record.partition)
            else:
                withheld.append(record)
    return withheld
