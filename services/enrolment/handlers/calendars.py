"""New dates, told to everybody enrolled as a resumable task."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from services.enrolment.domain.cohort import Cohort
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.handlers.cohorts import CHUNK
from services.enrolment.handlers.patience import patiently
from services.enrolment.ports import Rooms, Works
from shared.events.enrolment import NewPeriods, Rescheduled

GRACE = timedelta(minutes=1)
"""For so long after a change, an open cohort is searched for who enrolled by the old dates."""


async def tell_new_dates(cohort_id: str, now: datetime, works: Works) -> Cohort:
    """Tell a cohort's newest calendar to whoever does not know it; telling again tells nothing."""
    cohort = await works.run(lambda work: work.cohorts.get(cohort_id))
    if "calendar" not in cohort.unfinished:
        return cohort
    held = sorted(key for key, place in cohort.places.items() if place.holds)
    for start in range(0, len(held), CHUNK):
        await patiently(works, partial(_tell_some, cohort_id, held[start : start + CHUNK], now))
    # Nobody holds a place in an open cohort: its enrolments are found by the calendar they know.
    while await patiently(works, partial(_tell_those_behind, cohort_id, now)):
        pass
    return await patiently(works, partial(_finish, cohort_id, cohort.calendar_version, now))


async def _tell_some(cohort_id: str, keys: Sequence[str], now: datetime, work: Rooms) -> None:
    """Tell place holders.

    Who is not enrolled yet gets a document now, so that an enrolment by the older dates, which may be
    under way, meets it and is done again.
    """
    cohort = await work.cohorts.get(cohort_id)
    programme = await work.programmes.get(cohort.programme_id)
    periods = cohort.content.residential(programme.content)
    await work.enrolments.preload(keys)
    await work.learners.preload(cohort.places[key].learner_id for key in keys)
    for key in keys:
        place = cohort.places[key]
        learner = await work.learners.of(place.learner_id)
        moved = learner.move_claim(key, periods, cohort.calendar_version)
        work.learners.keep(moved)
        enrolment = await work.enrolments.of(key)
        enrolment = enrolment.about(place, cohort, programme)
        enrolment, hears = enrolment.reschedule(cohort.calendar_version)
        stating = [_rescheduled(cohort, enrolment, now)] if hears else []
        work.enrolments.keep(enrolment, stating)


async def _tell_those_behind(cohort_id: str, now: datetime, work: Rooms) -> int:
    cohort = await work.cohorts.get(cohort_id)
    behind = await work.enrolments.find(
        {
            "cohort_id": cohort_id,
            "status": "enrolled",
            "calendar_version": {"$lt": cohort.calendar_version},
        },
        limit=CHUNK,
    )
    for each in behind:
        enrolment, _ = each.reschedule(cohort.calendar_version)
        work.enrolments.keep(enrolment, [_rescheduled(cohort, each, now)])
    return len(behind)


async def _finish(cohort_id: str, version: int, now: datetime, work: Rooms) -> Cohort:
    cohort = await work.cohorts.get(cohort_id)
    settled = cohort.content.seats is not None or now - (cohort.rescheduled_at or now) >= GRACE
    if cohort.calendar_version == version and settled:
        cohort = cohort.finish("calendar")
        work.cohorts.keep(cohort)
    return cohort


def _rescheduled(cohort: Cohort, enrolment: Enrolment, now: datetime) -> Rescheduled:
    draft = cohort.content
    return Rescheduled(
        learner_id=enrolment.learner_id,
        at=cohort.rescheduled_at or now,
        enrolment_id=enrolment.id,
        agency=enrolment.agency,
        home_node=enrolment.home_node,
        cohort_id=cohort.id,
        cohort_title=draft.title,
        calendar_version=cohort.calendar_version,
        calendar=tuple(NewPeriods(phase=e.phase, periods=e.periods) for e in draft.calendar),
        sessions=draft.sessions,
    )
