"""The plan of a cohort of this node, as it was told last."""

from dataclasses import dataclass
from typing import Self

from shared.events.enrolment import CohortPlanned
from shared.events.plan import Plan, read_plan
from shared.kernel.values import replace


@dataclass(frozen=True)
class CohortPlan:
    """A cohort's newest plan as JSON; the id is the cohort's, `number` the version of its calendar."""

    id: str
    number: int = 0
    text: str = ""

    def hear(self, fact: CohortPlanned) -> Self:
        """Take the newer plan; an earlier one changes nothing."""
        if fact.plan.calendar_version <= self.number:
            return self
        text = fact.plan.model_dump_json()
        return replace(self, number=fact.plan.calendar_version, text=text)

    @property
    def plan(self) -> Plan:
        """Tell the plan, of a cohort that was told of."""
        return read_plan(self.text)
