"""A cohort's graduation decision: checked whole, kept whole, then told as a resumable task."""

from collections import Counter
from datetime import datetime
from functools import partial

from services.enrolment.domain.cohort import Cohort, SittingDecision
from services.enrolment.handlers.cohorts import CHUNK
from services.enrolment.handlers.patience import patiently
from services.enrolment.ports import Rooms, Works
from shared.events.enrolment import GraduationDecided
from shared.kernel.errors import Conflict, Invalid

_MOST_SHOWN = 100


async def decide_graduation(
    cohort_id: str, sitting: SittingDecision, work: Rooms
) -> dict[str, int]:
    """Keep a sitting's decisions if every one can stand, and count them by outcome."""
    cohort = await work.cohorts.get(cohort_id)
    programme = await work.programmes.get(cohort.programme_id)
    if programme.content.rules.issue == "automatic":
        raise Conflict("issued-automatically", "this programme certifies without a decision")
    keys = [each.enrolment_id for each in sitting.decisions]
    await work.enrolments.preload(keys)
    about: dict[str, tuple[str, str, int]] = {}
    wrong: list[dict[str, str]] = []
    twice = {key for key, count in Counter(keys).items() if count > 1}
    for each in sitting.decisions:
        enrolment = await work.enrolments.of(each.enrolment_id)
        reason = "decided-twice" if each.enrolment_id in twice else None
        if reason := reason or enrolment.why_not(cohort_id, each.outcome):
            wrong.append({"enrolment_id": each.enrolment_id, "reason": reason})
        about[each.enrolment_id] = (
            enrolment.learner_id,
            enrolment.agency,
            enrolment.completed_revision,
        )
    if wrong:
        raise Invalid(
            "decisions-refused",
            f"{len(wrong)} of {len(keys)} decisions cannot stand, so none was taken",
            {"decisions": wrong[:_MOST_SHOWN]},
        )
    cohort, _ = cohort.decide(sitting, about)
    work.cohorts.keep(cohort)
    return dict(Counter(each.outcome for each in sitting.decisions))


async def tell_decisions(cohort_id: str, now: datetime, works: Works) -> Cohort:
    """State every decision that was taken and not told; telling again states nothing twice."""
    cohort = await patiently(works, partial(_tell_some, cohort_id, now))
    while "graduation" in cohort.unfinished:
        cohort = await patiently(works, partial(_tell_some, cohort_id, now))
    return cohort


async def _tell_some(cohort_id: str, now: datetime, work: Rooms) -> Cohort:
    cohort = await work.cohorts.get(cohort_id)
    keys = cohort.untold(CHUNK)
    await work.enrolments.preload(keys)
    stating = []
    for key in keys:
        decided = cohort.decided[key]
        sitting = cohort.sittings[decided.sitting]
        stating.append(
            GraduationDecided(
                learner_id=decided.learner_id,
                at=now,
                enrolment_id=key,
                cohort_id=cohort_id,
                cohort_title=cohort.content.title,
                agency=decided.agency,
                home_node=(await work.enrolments.of(key)).home_node,
                outcome=decided.outcome,
                decision=decided.number,
                decided_on=sitting.decided_on,
                minutes=sitting.minutes,
                signatory=sitting.signatory,
                until=decided.until,
                result_revision=decided.result_revision,
            )
        )
    cohort = cohort.told(keys)
    if not cohort.untold(1):
        cohort = cohort.finish("graduation")
    work.cohorts.keep(cohort, stating)
    return cohort
