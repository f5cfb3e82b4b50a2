"""What the service needs of the world: its aggregates, and units of work to change them in."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from services.enrolment.domain.cohort import Cohort
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.programme import Programme
from services.enrolment.domain.roster import Roster
from services.enrolment.domain.staff import StaffList
from shared.events.fact import Fact

V = TypeVar("V")
T = TypeVar("T")


class Aggregates(Protocol[V]):
    """The aggregates of one kind, as one unit of work sees them."""

    async def preload(self, ids: Iterable[str]) -> None:
        """Load many at once."""
        ...

    async def of(self, key: str) -> V:
        """Load one, or the blank one."""
        ...

    async def get(self, key: str) -> V:
        """Load one that must exist; NotFound otherwise."""
        ...

    async def find(self, where: Mapping[str, Any], *, sort: str = "_id", limit: int = 0) -> list[V]:
        """Load those that match; limit 0 is no limit."""
        ...

    def keep(self, value: V, stating: Sequence[Fact] = ()) -> None:
        """Keep a new state together with the facts that it states."""
        ...


class Rooms(Protocol):
    """One unit of work: every kind of aggregate that enrolment owns."""

    @property
    def programmes(self) -> Aggregates[Programme]:
        """Tell the programmes."""
        ...

    @property
    def cohorts(self) -> Aggregates[Cohort]:
        """Tell the cohorts."""
        ...

    @property
    def rosters(self) -> Aggregates[Roster]:
        """Tell the rosters."""
        ...

    @property
    def learners(self) -> Aggregates[Learner]:
        """Tell the learners."""
        ...

    @property
    def enrolments(self) -> Aggregates[Enrolment]:
        """Tell the enrolments."""
        ...

    @property
    def staff_lists(self) -> Aggregates[StaffList]:
        """Tell the staff lists."""
        ...


class Works(Protocol):
    """Runs use cases as units of work, each kept as a whole or done again."""

    async def run(self, use_case: Callable[[Rooms], Awaitable[T]]) -> T:
        """Run a use case and keep what it decided; Conflict `busy` after too many tries."""
        ...
