"""What cohorts plan, kept for whoever schedules their sessions."""

from services.progress.ports import Work
from shared.events.enrolment import CohortPlanned


async def keep_newest_plan(fact: CohortPlanned, work: Work) -> None:
    """Keep a cohort's plan, as it was told last."""
    plan = await work.plans.of(fact.plan.cohort_id)
    work.plans.keep(plan.hear(fact))
