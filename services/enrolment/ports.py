"""What the service needs of the world: its aggregates, and units of work to change them in."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from services.enrolment.domain.agreements import Agreement
from services.enrolment.domain.cohort import Cohort
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.handover import Handover
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.offered import OfferedCohort, OfferedProgramme
from services.enrolment.domain.placement import Placement
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

    @property
    def placements(self) -> Aggregates[Placement]:
        """Tell where other nodes have our people as guests."""
        ...

    @property
    def handovers(self) -> Aggregates[Handover]:
        """Tell who moves to other nodes."""
        ...

    @property
    def agreements(self) -> Aggregates[Agreement]:
        """Tell the agreements with other nodes."""
        ...

    @property
    def offered_programmes(self) -> Aggregates[OfferedProgramme]:
        """Tell the programmes that other nodes offer."""
        ...

    @property
    def offered_cohorts(self) -> Aggregates[OfferedCohort]:
        """Tell the cohorts that other nodes offer."""
        ...


class Works(Protocol):
    """Runs use cases as units of work, each kept as a whole or done again."""

    async def run(self, use_case: Callable[[Rooms], Awaitable[T]]) -> T:
        """Run a use case and keep what it decided; Conflict `busy` after too many tries."""
        ...


class Statements(Protocol):
    """What learners, and copies for other nodes, have stated with personal data in it."""

    async def waiting(self, learner_ids: Sequence[str]) -> bool:
        """Tell whether some of it has not left yet."""
        ...

    async def forget(self, learner_ids: Sequence[str]) -> None:
        """Forget it, so that nothing states it again."""
        ...
