"""Graduation decisions: taken for many in one sitting, numbered for each learner."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.enrolment.domain.cohort.shape import Day
from shared.events.enrolment import Outcome
from shared.events.fact import Value
from shared.events.plan import Signatory

MOST_DECISIONS = 5_000


class Decision(Value):
    """One learner's outcome; a deferred one tells until when."""

    enrolment_id: Annotated[str, Field(min_length=1, max_length=64)]
    outcome: Outcome
    until: Day | None = None

    @model_validator(mode="after")
    def _until_when(self) -> Self:
        if (self.outcome == "deferred") != (self.until is not None):
            raise ValueError("`until` belongs to deferred decisions, and to them only")
        return self


class Sitting(Value):
    """When and by whom it was decided, with the reference of the minutes."""

    decided_on: Day
    minutes: Annotated[str, Field(min_length=1, max_length=200)]
    signatory: Signatory


class SittingDecision(Sitting):
    """A sitting with all that it decided."""

    decisions: tuple[Decision, ...] = Field(min_length=1, max_length=MOST_DECISIONS)


@dataclass(frozen=True, slots=True)
class Decided:
    """The standing decision on a learner, their `number`-th; `sitting` is an index of the cohort's.

    `result_revision` is that of the result which the sitting saw.
    """

    learner_id: str
    agency: str
    outcome: Outcome
    until: date | None = None
    number: int = 1
    sitting: int = 0
    told: bool = False
    result_revision: int = 0
