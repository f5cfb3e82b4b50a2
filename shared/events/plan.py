"""Values that facts carry about programmes: phases with gates, and the rules of the final score."""

import re
from datetime import date
from functools import lru_cache
from math import isclose
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from shared.events.fact import Value

Mode = Literal["mooc", "e-learning", "classroom", "live-stream", "field-study", "workplace"]
Place = Literal["campus", "workplace", "online"]
Judge = Literal["mentor", "coach", "examiner", "organiser"]
Family = Literal[
    "leadership", "latsar", "technical", "functional", "socio-cultural", "mooc",
    "micro-learning", "public-lecture", "coaching",
]  # fmt: skip
Issue = Literal["automatic", "after_decision"]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Title = Annotated[str, Field(min_length=1, max_length=300)]
Percent = Annotated[float, Field(ge=0, le=100)]
Score = Annotated[float, Field(ge=0, le=100)]
_PLANS = 64
"""Plans held in memory, each of some tens of kilobytes: those of the cohorts that enrol just now."""
NumberFormat = Annotated[str, Field(max_length=120, pattern=r"^([A-Za-z0-9 ./_-]|\{[a-z]+\})+$")]


class ScoreRule(Value):
    """A score in one activity, given by one role where `by` says so, of at least `at_least` (0-100)."""

    activity: Slug
    at_least: Score
    by: Judge | None = None


class AttendanceRule(Value):
    """Presence in at least this percentage of a group of sessions."""

    sessions: Slug
    at_least_percent: Percent


class ApprovalRule(Value):
    """A document approved by a person in one role."""

    document: Slug
    by: Judge


class Requirement(Value):
    """One requirement of a gate: exactly one of the four kinds."""

    completed: tuple[Slug, ...] | None = None
    score: ScoreRule | None = None
    attendance: AttendanceRule | None = None
    approved: ApprovalRule | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        kinds = (self.completed, self.score, self.attendance, self.approved)
        if sum(kind is not None for kind in kinds) != 1:
            message = "a requirement is exactly one of completed, score, attendance, approved"
            raise ValueError(message)
        return self


class Gate(Value):
    """What opens the way out of a phase: all of its requirements."""

    all: tuple[Requirement, ...] = Field(min_length=1)


class Period(Value):
    """Calendar days of the host node's region, both ends included."""

    starts: date
    ends: date
    what: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends < self.starts:
            message = "a period ends on or after the day it starts"
            raise ValueError(message)
        return self


class Phase(Value):
    """One phase of a programme; `jp` are training hours of 45 minutes."""

    number: int = Field(ge=1, le=50)
    code: Slug
    title: Title
    title_en: Title
    mode: Mode
    place: Place
    jp: int = Field(ge=0, le=2000)
    gate: Gate

    @property
    def residential(self) -> bool:
        """Tell whether the learner must be on campus, so that dates can collide."""
        return self.place == "campus"


class PlannedPhase(Phase):
    """A phase as a cohort holds it: with its periods; open cohorts may have none."""

    periods: tuple[Period, ...] = ()

    @property
    def ends(self) -> date | None:
        """Tell the last calendar day of the phase."""
        return max((period.ends for period in self.periods), default=None)


class Band(Value):
    """A predicate for scores above `floor`, or from `floor` on when `inclusive`."""

    floor: Score
    inclusive: bool = False
    code: Slug
    title: Title
    title_en: Title


class Signatory(Value):
    """Who signs: a post and the name of its holder."""

    name: Title
    position: Title


class DocumentRule(Value):
    """What document is issued; `signed` ones say DRAF and do not verify until they are signed.

    `number_format` tells how the node, programme, year and serial (five digits or more) make its number.
    """

    kind: Literal["sttp", "certificate"] = "certificate"
    title: Title
    title_en: Title
    signatory: Signatory | None = None
    signed: bool = False
    external_registration: bool = False
    number_format: NumberFormat = "{node}/{programme}/{year}/{serial}"

    @field_validator("number_format")
    @classmethod
    def _names_all_four(cls, form: str) -> str:
        parts = re.split(r"\{([a-z]+)\}", form)
        names, between = parts[1::2], parts[2:-1:2]
        if sorted(names) != ["node", "programme", "serial", "year"] or not all(between):
            message = "a number names {node}, {programme}, {year} and {serial} once each, something between"
            raise ValueError(message)
        return form


class LiveRule(Value):
    """How live sessions count: who attended at least this percentage of a session's minutes was present.

    A replay counts for so many days after the session, 0: never. So many minutes of a session are planned
    for each training hour that it gives, 0: as many as you like.
    """

    threshold_percent: Annotated[float, Field(gt=0, le=100)]
    replay_days: int = Field(default=0, ge=0, le=366)
    minutes_per_jp: int = Field(default=0, ge=0, le=240)


class Rules(Value):
    """The rules a certificate is issued under: data with a version and a citation, never code.

    `weights` are percentages per activity that sum to 100 (empty: no final score); `bands` stand from the
    highest floor down; `decimals` round half up. Validity in years, None: for life.
    """

    cites: Title
    weights: dict[Slug, float] = Field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    decimals: int = Field(default=2, ge=0, le=4)
    pass_mark: Score | None = None
    issue: Issue
    document: DocumentRule
    valid_years: int | None = Field(default=None, ge=1, le=50)
    live: LiveRule | None = None

    @field_validator("weights")
    @classmethod
    def _sum_to_hundred(cls, weights: dict[str, float]) -> dict[str, float]:
        if weights and (not isclose(sum(weights.values()), 100) or min(weights.values()) <= 0):
            message = "weights are positive and sum to 100"
            raise ValueError(message)
        return weights

    @field_validator("bands")
    @classmethod
    def _from_the_highest(cls, bands: tuple[Band, ...]) -> tuple[Band, ...]:
        floors = [band.floor for band in bands]
        if floors != sorted(set(floors), reverse=True) or (bands and floors[-1] != 0):
            message = "bands stand from the highest floor down to 0, each floor once"
            raise ValueError(message)
        return bands


class ProgrammeRef(Value):
    """Which programme, in which version, taught by which node."""

    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
    version: int = Field(ge=1)
    title: Title
    title_en: Title
    family: Family


class Origin(Value):
    """Whose programme was adopted, and in which version."""

    node: Annotated[str, Field(pattern=r"^[0-9]{2}(\.[0-9]{2})?$")]
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
    version: int = Field(ge=1)


class Plan(Value):
    """All that a service needs to know of a cohort to follow one learner through it.

    `sessions` names the sessions of each group that an attendance rule counts. `owner` is the code of
    the agency whose own cohort it is, "" where it is the node's; `origin` is whose programme was adopted.
    """

    programme: ProgrammeRef
    cohort_id: str
    cohort_title: Title
    host_node: str
    host_agency: str
    calendar_version: int = 1
    phases: tuple[PlannedPhase, ...] = Field(min_length=1)
    sessions: dict[Slug, tuple[Slug, ...]] = Field(default_factory=dict)
    rules: Rules
    sdg_goals: tuple[Annotated[int, Field(ge=1, le=17)], ...] = ()
    owner: str = ""
    origin: Origin | None = None

    def __hash__(self) -> int:
        """Tell plans apart by their cohort, so that what follows from a plan can be remembered."""
        return hash((self.cohort_id, self.calendar_version))

    @property
    def total_jp(self) -> int:
        """Tell the training hours of all phases."""
        return sum(phase.jp for phase in self.phases)


@lru_cache(_PLANS)
def read_plan(text: str) -> Plan:
    """Read a plan from its JSON, a cohort's once for all its learners; ValueError for what is none."""
    return Plan.model_validate_json(text, extra="ignore")
