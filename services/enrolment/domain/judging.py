"""How a nomination is judged: pure rules, each with a stable reason code."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from services.enrolment.domain.cohort import Cohort
from services.enrolment.domain.learner import Learner, certified, collides
from services.enrolment.domain.programme import Programme
from shared.events.offers import Eligible
from shared.events.plan import Period

LEVEL = "not-eligible-position-level"
EMPLOYMENT = "not-eligible-employment"
PREREQUISITE = "prerequisite-missing"
OVERLAP = "overlapping-training"
CERTIFIED = "already-certified"
HOME_ELSEWHERE = "home-elsewhere"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a cohort asks of whoever takes part; `on` is the day on which certificates must hold."""

    cohort_id: str
    code: str
    eligible: Eligible
    prerequisites: Sequence[str]
    residential: Sequence[Period]
    on: date

    @classmethod
    def of(cls, cohort: Cohort, programme: Programme, today: date) -> Self:
        """Tell a cohort's terms; its first day counts, or today where it has no dates."""
        return cls(
            cohort_id=cohort.id,
            code=programme.code,
            eligible=programme.content.eligible,
            prerequisites=programme.content.prerequisites,
            residential=cohort.content.residential(programme.content),
            on=cohort.content.first_day or today,
        )


def shortcomings(learner: Learner, linked: Iterable[Learner], terms: Terms) -> tuple[str, ...]:
    """Tell every reason why a learner, with what their other numbers hold, cannot take part."""
    eligible, people = terms.eligible, (learner, *learner.same_person(linked))
    employed = learner.active and not learner.replaced_by
    missing = any(not certified(people, each, terms.on) for each in terms.prerequisites)
    found = {
        EMPLOYMENT: not employed
        or bool(eligible.employment and learner.employment not in eligible.employment),
        LEVEL: bool(eligible.position_levels and level_of(learner) not in eligible.position_levels),
        PREREQUISITE: missing,
        CERTIFIED: certified(people, terms.code, terms.on),
        OVERLAP: collides(people, terms.cohort_id, terms.residential),
    }
    return tuple(reason for reason, holds in found.items() if holds)


def level_of(learner: Learner) -> str:
    """Tell a position level the way that programmes write it: `pimpinan-tinggi-pratama`."""
    return "-".join(learner.position_level.casefold().replace("_", " ").split())
