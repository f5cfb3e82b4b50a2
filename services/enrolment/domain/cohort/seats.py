"""A cohort's seats: who holds one, who waits, in which order, and who has left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

LEFT_EARLIER = "withdrew-earlier"
ALREADY_IN = "already-enrolled"
NO_SEAT = "no-seat"


@dataclass(frozen=True, slots=True)
class Place:
    """What a cohort decided about one learner, once for each list that named them.

    `turn` counts the decisions of a cohort, so it orders the line. Who has left never comes back.
    """

    learner_id: str
    agency: str
    home_node: str = ""
    roster_id: str = ""
    status: Literal["seated", "waiting", "left", "refused"] = "waiting"
    turn: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Tell whether the learner has a seat or waits for one."""
        return self.status in {"seated", "waiting"}


@dataclass(frozen=True, slots=True)
class Request:
    """One row that asks for a seat.

    `reasons` were found against it; `others` are the person's enrolment ids in this cohort under
    other numbers.
    """

    enrolment_id: str
    learner_id: str
    agency: str
    home_node: str
    roster_id: str
    reasons: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row: its place in the line (1 is next), and whether that is news."""

    status: Literal["accepted", "waitlisted", "refused"]
    reasons: tuple[str, ...] = ()
    position: int = 0
    fresh: bool = False


def refusal(request: Request, places: Mapping[str, Place]) -> Outcome | None:
    """Tell why somebody can take no new place: they hold one, under any number, or left one."""
    for key in (request.enrolment_id, *request.others):
        place = places.get(key)
        if place and place.holds:
            return Outcome("refused", (ALREADY_IN,))
    place = places.get(request.enrolment_id)
    if place and place.status == "left":
        return Outcome("refused", place.reasons or (LEFT_EARLIER,))
    return None


def as_decided(enrolment_id: str, place: Place, line: Sequence[str]) -> Outcome:
    """Tell again what was decided for this very list."""
    if place.status == "waiting":
        return Outcome("waitlisted", position=line.index(enrolment_id) + 1)
    if place.status == "refused":
        return Outcome("refused", place.reasons)
    return Outcome("accepted")
