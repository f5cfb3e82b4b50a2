"""Facts by which a node offers its programmes and cohorts to all others."""

from datetime import date
from typing import Annotated

from pydantic import Field

from shared.events.enrolment import Employment, NewPeriods
from shared.events.fact import EVERYBODY, Fact, Value
from shared.events.plan import Family, Origin, Phase, ProgrammeRef, Rules, Slug, Title

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class Eligible(Value):
    """Who may take part; an empty list admits everybody."""

    employment: tuple[Employment, ...] = Field((), max_length=2)
    position_levels: tuple[Slug, ...] = Field((), max_length=30)


class Syllabus(Value):
    """All that a programme is made of, as people write it."""

    title: Title
    title_en: Title
    family: Family
    phases: tuple[Phase, ...] = Field(min_length=1, max_length=50)
    rules: Rules
    eligible: Eligible = Eligible()
    prerequisites: tuple[Code, ...] = Field((), max_length=20)
    sdg_goals: tuple[Annotated[int, Field(ge=1, le=17)], ...] = Field((), max_length=17)
    rpjmd_goals: tuple[Title, ...] = Field((), max_length=50)


class ProgrammeOffered(Fact, type="id.corpu.programme_offered.v1", topic="enrolment"):
    """A node offers a published programme to all or, not `open`, offers it no longer; the higher `offer` holds.

    The syllabus is left out where the offer is taken back. `origin` is whose programme was adopted.
    """

    node: str
    code: Code
    version: int = Field(ge=1)
    offer: int
    open: bool = True
    syllabus: Syllabus | None = None
    origin: Origin | None = None

    @property
    def subject(self) -> str:
        """Tell the programme's version."""
        return f"{self.code}.{self.version}"

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell all nodes."""
        return (EVERYBODY,)


class CohortOffered(Fact, type="id.corpu.cohort_offered.v1", topic="enrolment"):
    """A node offers a cohort to all or, not `open`, takes no nominations from others; the higher `offer` holds.

    `seats` None: open to all; at most `seats_for_guests` of them are for people of other nodes, whom it
    takes by the agreements of these numbers or, where none is named, by any in force. `residential`
    are the phases on campus.
    """

    node: str
    cohort_id: str
    offer: int
    open: bool = True
    programme: ProgrammeRef
    jp: int
    eligible: Eligible
    prerequisites: tuple[Code, ...] = ()
    title: Title
    number: str
    year: int
    host_agency: Title
    seats: int | None
    seats_for_guests: int | None = None
    nominations_until: date
    agreements: tuple[str, ...] = ()
    calendar_version: int
    calendar: tuple[NewPeriods, ...] = ()
    residential: tuple[int, ...] = ()

    @property
    def subject(self) -> str:
        """Tell the cohort."""
        return self.cohort_id

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell all nodes."""
        return (EVERYBODY,)
