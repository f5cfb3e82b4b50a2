"""Learners' cards: the names and numbers that a person had, so that a certificate keeps the name it was given."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.events.enrolment import LearnerErased, LearnerRecorded
from shared.events.exchange import LearnerTransferred
from shared.kernel.values import replace

RETENTION_BASIS = "UU 43/2009 (kearsipan); UU 27/2022 Pasal 15"
"""Why a certificate's register entry is kept, its holder's name sealed, once that person is erased."""

Seal = Callable[[str], str]
"""Encrypts for the node itself; "" where nothing has to be kept."""


def unkept(_: str) -> str:
    """Keep nothing."""
    return ""


@dataclass(frozen=True)
class Named:
    """A name and number as one version of a card tells them, from an instant on; "" is at home here.

    Once erased both are blank; `sealed` keeps them for whom RETENTION_BASIS lets the node open it.
    """

    version: int
    since: datetime
    name: str
    nip: str
    home_node: str = ""
    erased: bool = False
    sealed: str = ""

    def erase(self, seal: "Seal") -> "Named":
        """Blank name and number, and keep them sealed."""
        if self.erased:
            return self
        told = json.dumps({"name": self.name, "nip": self.nip}, ensure_ascii=False)
        return replace(self, name="", nip="", erased=True, sealed=seal(told))


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """The person's record moved from one home node to another."""

    at: datetime
    home: str
    to: str


@dataclass(frozen=True)
class Card:
    """One learner's names, by version, and moves; the only personal data that certification keeps."""

    id: str
    names: tuple[Named, ...] = ()
    moves: tuple[Move, ...] = ()
    erased_at: datetime | None = None

    def known(self, node: str) -> bool:
        """Tell whether this is one of a node's own people, or was."""
        return any(named.home_node in ("", node) for named in self.names)

    @property
    def home(self) -> str:
        """Tell the node that the person moved to last; "" for one who never moved."""
        return self.moves[-1].to if self.moves else ""

    def next_home(self, node: str) -> str:
        """Tell where this node's person has moved to; "" for whom it need not tell of."""
        last = self.moves[-1] if self.moves else None
        return last.to if last and last.home == node != last.to else ""

    def came_from(self, node: str) -> bool:
        """Tell whether this node was the person's home before."""
        return any(move.home == node for move in self.moves)

    def move(self, fact: LearnerTransferred) -> "Card":
        """Note that the person's record moves to another home."""
        move = Move(fact.at, fact.home_node, fact.to_node)
        if move in self.moves:
            return self
        return replace(self, moves=tuple(sorted((*self.moves, move))))

    def hear(self, fact: LearnerRecorded) -> "Card":
        """Add a version that is not known yet; in any order they come to the same card."""
        if any(named.version == fact.version for named in self.names):
            return self
        heard = Named(fact.version, fact.at, fact.name, fact.nip, fact.home_node)
        return replace(
            self, names=tuple(sorted((*self.names, heard), key=lambda each: each.version))
        )

    def erase(self, fact: LearnerErased, seal: Seal) -> "Card":
        """Blank every name that was told by then; an older erasure changes nothing."""
        if self.erased_at and self.erased_at >= fact.at:
            return self
        return replace(self, erased_at=fact.at).blanked(seal)

    def blanked(self, seal: Seal) -> "Card":
        """Blank every name that was told before an erasure."""
        end = self.erased_at
        if end is None:
            return self
        names = (each.erase(seal) if each.since <= end else each for each in self.names)
        return replace(self, names=tuple(names))

    def at(self, instant: datetime) -> Named | None:
        """Tell the newest name that the person had at an instant, else the first one known."""
        had = [named for named in self.names if named.since <= instant]
        return had[-1] if had else next(iter(self.names), None)
