"""Minutes that people hand in, kept before they are added: a meeting's report, a site's list, an accepted claim."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Self

from services.progress.domain.attendance import Addition
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.values import replace


@dataclass(frozen=True)
class HandedIn:
    """One list of minutes; `minutes` are bitmaps in hex by learner, `owner` whose organiser handed it in.

    What it says is added until `added`, so that a crash leaves no half of it.
    """

    id: str
    session_id: str = ""
    source: str = ""
    owner: str = ""
    by: str = ""
    at: datetime | None = None
    minutes: dict[str, str] = field(default_factory=dict)
    added: bool = False

    def take(self, minutes: Mapping[str, int]) -> Self:
        """Take minutes by learner."""
        return replace(self, minutes={key: f"{each:x}" for key, each in sorted(minutes.items())})

    def add(self) -> Self:
        """Note that all of it is added."""
        return self if self.added else replace(self, added=True)

    @property
    def additions(self) -> list[Addition]:
        """Tell what is to be added."""
        return [
            Addition(self.session_id, learner, self.source, live=int(each, 16))
            for learner, each in self.minutes.items()
        ]


@dataclass(frozen=True)
class Step:
    """What happened to a claim, when, by whom, and why."""

    what: Literal["claimed", "accepted", "refused"]
    at: datetime
    by: str
    reason: str = ""


@dataclass(frozen=True)
class Claim:
    """A learner's appeal: minutes, from one up to and with another, that were missed for a reason.

    `accepted_from` and `accepted_to` are what an organiser accepted of them. Every step is kept.
    """

    id: str
    session_id: str = ""
    learner_id: str = ""
    agency: str = ""
    owner: str = ""
    from_minute: int = 0
    to_minute: int = 0
    state: Literal["", "open", "accepted", "refused"] = ""
    steps: tuple[Step, ...] = ()
    accepted_from: int = 0
    accepted_to: int = 0
    added: bool = False

    def make(self, about: "Claim", step: Step) -> Self:
        """Claim; the same claim again changes nothing."""
        if self.state:
            return self
        return replace(
            self,
            session_id=about.session_id,
            learner_id=about.learner_id,
            agency=about.agency,
            owner=about.owner,
            from_minute=about.from_minute,
            to_minute=about.to_minute,
            state="open",
            steps=(step,),
        )

    def decide(self, step: Step, first: int | None = None, last: int | None = None) -> Self:
        """Accept it, or some of it, or refuse it; the same decision again changes nothing."""
        accepted = (
            (
                self.from_minute if first is None else first,
                self.to_minute if last is None else last,
            )
            if step.what == "accepted"
            else (0, 0)
        )
        if self.state in {"accepted", "refused"}:
            if (self.state, self.accepted_from, self.accepted_to) == (step.what, *accepted):
                return self
            raise Conflict("already-decided", "this claim was decided; the learner may claim again")
        if step.what == "claimed":
            raise Conflict("not-a-decision", "a claim is accepted or refused")
        if step.what == "accepted" and not (
            self.from_minute <= accepted[0] <= accepted[1] <= self.to_minute
        ):
            raise Invalid("beyond-the-claim", "only minutes that were claimed can be accepted")
        return replace(
            self,
            state=step.what,
            steps=(*self.steps, step),
            accepted_from=accepted[0],
            accepted_to=accepted[1],
        )

    def add(self) -> Self:
        """Note that the accepted minutes are added."""
        return self if self.added else replace(self, added=True)

    def forget(self, until: datetime) -> Self:
        """Forget the reasons given until then, which may tell of a person whose data is erased."""
        if not any(each.reason and each.at <= until for each in self.steps):
            return self
        steps = [replace(each, reason="") if each.at <= until else each for each in self.steps]
        return replace(self, steps=tuple(steps))

    @property
    def additions(self) -> list[Addition]:
        """Tell what is to be added."""
        minutes = (1 << (self.accepted_to + 1)) - (1 << self.accepted_from)
        return [Addition(self.session_id, self.learner_id, "appeal", live=minutes)]


def merged(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Put minutes of the same learner together."""
    minutes: dict[str, int] = {}
    for learner, each in rows:
        minutes[learner] = minutes.get(learner, 0) | each
    return minutes
