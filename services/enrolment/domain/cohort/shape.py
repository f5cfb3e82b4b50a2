"""What people write of a cohort, and what must be right before it opens."""

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from services.enrolment.domain.programme import Code, ProgrammeDraft
from shared.events.enrolment import NewPeriods
from shared.events.fact import Value
from shared.events.plan import Period, PlannedPhase, Slug, Title
from shared.kernel.errors import Invalid
from shared.kernel.regions import is_agency

MOST_SEATS = 5_000
"""A cohort's seats, line and facts share one document, which the store bounds to 16 MB."""

LARGEST_PLAN = 200_000
"""Bytes that a programme and its dates may have as JSON: every learner's fact carries them."""

FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2199, 12, 31)
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
"""A day that has an instant in every time zone."""


def _in_a_known_region(code: str) -> str:
    if not is_agency(code):
        raise ValueError("an agency's code begins with a region of a known province, e.g. 35.73")
    return code


AgencyCode = Annotated[
    str,
    Field(pattern=r"^[0-9]{2}(\.[0-9]{2})?(/[a-z0-9-]{1,40})?$"),
    AfterValidator(_in_a_known_region),
]


class Agency(Value):
    """An agency by its region code, with its name."""

    code: AgencyCode
    name: Title


class Version(Value):
    """Which programme in which version."""

    code: Code
    version: int = Field(ge=1, le=10_000)


class Dates(NewPeriods):
    """The periods of one phase."""

    phase: int = Field(ge=1, le=50)
    periods: tuple[Period, ...] = Field((), max_length=50)


Sessions = Annotated[
    dict[Slug, Annotated[tuple[Slug, ...], Field(max_length=500)]], Field(max_length=50)
]


class Calendar(Value):
    """A cohort's dates, and the sessions of each group that an attendance rule counts."""

    calendar: tuple[Dates, ...] = Field((), max_length=50)
    sessions: Sessions = Field(default_factory=dict)

    @field_validator("calendar")
    @classmethod
    def _each_phase_once(cls, calendar: tuple[Dates, ...]) -> tuple[Dates, ...]:
        if len({each.phase for each in calendar}) != len(calendar):
            raise ValueError("a calendar tells each phase once")
        periods = [period for each in calendar for period in each.periods]
        if any(each.starts < FIRST_DAY or each.ends > LAST_DAY for each in periods):
            raise ValueError(f"a calendar stays between {FIRST_DAY} and {LAST_DAY}")
        return calendar

    @model_validator(mode="after")
    def _each_session_once(self) -> Self:
        if any(len(set(names)) != len(names) for names in self.sessions.values()):
            raise ValueError("a group tells each session once")
        return self

    def periods(self, phase: int) -> tuple[Period, ...]:
        """Tell the periods of a phase."""
        return next((each.periods for each in self.calendar if each.phase == phase), ())

    @property
    def first_day(self) -> date | None:
        """Tell the first day of all."""
        days = [period.starts for each in self.calendar for period in each.periods]
        return min(days, default=None)

    def residential(self, content: ProgrammeDraft) -> tuple[Period, ...]:
        """Tell the periods on which a learner must be on campus."""
        return tuple(
            Period(starts=period.starts, ends=period.ends)
            for phase in content.phases
            if phase.residential
            for period in self.periods(phase.number)
        )

    def planned(self, content: ProgrammeDraft) -> tuple[PlannedPhase, ...]:
        """Tell the programme's phases with their periods."""
        return tuple(
            PlannedPhase(**dict(phase), periods=self.periods(phase.number))
            for phase in content.phases
        )


class CohortDraft(Calendar):
    """A cohort as people write it; `seats` None: open to all; `line`: how many may wait."""

    programme: Version
    title: Title
    number: Annotated[str, Field(min_length=1, max_length=40)]
    year: int = Field(ge=2000, le=2100)
    seats: int | None = Field(ge=1, le=MOST_SEATS)
    line: int = Field(1_000, ge=0, le=MOST_SEATS)
    host_agency: Title
    nominating_agencies: tuple[Agency, ...] = Field((), max_length=600)


def check(calendar: Calendar, content: ProgrammeDraft, *, seated: bool) -> None:
    """Refuse dates of no phase, campus phases without dates or seats, groups without sessions.

    Refuses as well what is too large to be told.
    """
    size = sum(len(each.model_dump_json().encode()) for each in (calendar, content))
    if size > LARGEST_PLAN:
        raise Invalid(
            "plan-too-large", f"a programme with its dates has at most {LARGEST_PLAN} bytes"
        )
    numbers = {phase.number for phase in content.phases}
    strange = [each.phase for each in calendar.calendar if each.phase not in numbers]
    if strange:
        raise Invalid("unknown-phase", f"the programme has no phase {strange[0]}")
    for phase in content.phases:
        if not phase.residential:
            continue
        if not seated:
            raise Invalid(
                "residential-phase-without-seats",
                f"phase {phase.number} is on campus, and an open cohort claims nobody's days",
            )
        if not calendar.periods(phase.number):
            raise Invalid(
                "residential-phase-without-periods",
                f"phase {phase.number} is on campus and has no dates",
            )
    groups = {
        each.attendance.sessions
        for phase in content.phases
        for each in phase.gate.all
        if each.attendance
    }
    bare = sorted(group for group in groups if not calendar.sessions.get(group))
    if seated and bare:
        raise Invalid(
            "attendance-group-without-sessions",
            f"no sessions are named for: {', '.join(bare)}",
            {"groups": bare},
        )
