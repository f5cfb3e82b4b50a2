"""A whole-staff list of an agency: who joined, moved here, changed, stayed or left."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal, Self

from services.enrolment.domain.learner import Card, Learner
from shared.kernel.values import replace

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LONG_AGO_DAY = LONG_AGO.date()
OF_ANOTHER_AGENCY = "of-another-agency"
CHANGES = ("joined", "moved", "changed", "unchanged", "left")


@dataclass(frozen=True)
class Member:
    """One person of a staff list."""

    learner_id: str
    card: Card


@dataclass(frozen=True)
class StaffList:
    """A list received whole, compared with who is known, and then told learner by learner.

    One that `takes_over` brings people here whom another agency has not let go (ADR 0022).
    """

    id: str
    agency: str = ""
    status: Literal["", "received", "compared", "told"] = ""
    instant: datetime = LONG_AGO
    day: date = LONG_AGO_DAY
    members: tuple[Member, ...] = ()
    leaving: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    takes_over: bool = False

    def receive(
        self, agency: str, members: Sequence[Member], at: datetime, on: date,
        *, takes_over: bool = False,
    ) -> Self:  # fmt: skip
        """Take a list whose rows are all sound."""
        return replace(
            self,
            agency=agency,
            status="received",
            instant=at,
            day=on,
            members=tuple(members),
            takes_over=takes_over,
        )

    def compare(self, present: Iterable[Learner], known: Iterable[Learner]) -> Self:
        """Count what the list changes, given an agency's staff and whom else the node knows."""
        if self.status != "received":
            return self
        listed = {each.learner_id for each in self.members}
        before = {each.id: each for each in known if each.known}
        leaving = tuple(sorted(each.id for each in present if each.id not in listed))
        counts = dict.fromkeys(CHANGES, 0) | {"left": len(leaving)}
        for member in self.members:
            counts[change(before.get(member.learner_id), member.card, self.day)] += 1
        return replace(self, leaving=leaving, counts=counts, status="compared")

    def may_record(self, before: Learner) -> bool:
        """Tell whether this list may say where a person works."""
        return self.takes_over or not held_elsewhere(before, self.agency)

    def erase(self, ids: Collection[str]) -> Self:
        """Let go of a person's rows."""
        members = tuple(each for each in self.members if each.learner_id not in ids)
        return self if members == self.members else replace(self, members=members)

    def finish(self) -> Self:
        """Note that every learner's card says so; the list itself is let go."""
        return replace(self, status="told", members=(), leaving=())


def held_elsewhere(before: Learner, agency: str) -> bool:
    """Tell whether a person works at another agency of the node, which has not let them go.

    An office is no other agency than the region that it is in.
    """
    return before.own and before.active and _region(before.agency) != _region(agency)


def _region(agency: str) -> str:
    return agency.partition("/")[0]


def change(before: Learner | None, card: Card, on: date) -> str:
    """Tell what a list's row means for a person: joined, moved, changed or unchanged."""
    if before is None or not before.active:
        return "joined"
    if before.agency != card.agency:
        return "moved"
    return "unchanged" if before.record(card, on) == before else "changed"
