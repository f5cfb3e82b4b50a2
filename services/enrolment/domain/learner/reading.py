"""What a person holds under any of their numbers."""

from collections.abc import Iterable, Sequence
from datetime import date

from services.enrolment.domain.learner.whole import Learner
from shared.events.plan import Period


def certified(people: Iterable[Learner], programme: str, on: date) -> bool:
    """Tell whether a person, under any number, holds a programme's certificate on a day."""
    return any(
        held.programme == programme and held.holds(on)
        for person in people
        for held in person.certificates.values()
    )


def collides(people: Iterable[Learner], cohort_id: str, wanted: Sequence[Period]) -> bool:
    """Tell whether a person, under any number, has given one of these days to another cohort."""
    return any(
        taken.starts <= asked.ends and asked.starts <= taken.ends
        for person in people
        for claim in person.claims.values()
        if not claim.released and claim.cohort_id != cohort_id
        for taken in claim.periods
        for asked in wanted
    )
