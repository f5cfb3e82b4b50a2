"""How enrolment's aggregates are kept, and the views that only read."""

from collections.abc import Mapping
from typing import Any

from services.enrolment.domain.cohort import Cohort
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.programme import Programme
from services.enrolment.domain.roster import Roster
from services.enrolment.domain.staff import StaffList
from shared.store.kind import Index, Kind, ScopeFields
from shared.store.scope import EVERYTHING, Scope
from shared.store.work import Frame, UnitOfWork
from shared.store.works import Works

PROGRAMMES = Kind("programmes", Programme, scope=None)
COHORTS = Kind("cohorts", Cohort, indexes=(Index(("unfinished",)),), scope=None)
ROSTERS = Kind(
    "rosters",
    Roster,
    indexes=(Index(("cohort_id",)), Index(("status",))),
    scope=ScopeFields(agency="agency"),
)
LEARNERS = Kind(
    "learners",
    Learner,
    indexes=(Index(("agency", "active")), Index(("moving_to",))),
    scope=ScopeFields(agency="agency", learner="_id"),
)
ENROLMENTS = Kind(
    "enrolments",
    Enrolment,
    indexes=(
        Index(("cohort_id", "status", "calendar_version")),
        Index(("learner_id",)),
        Index(("agency",)),
    ),
    scope=ScopeFields(agency="agency", learner="learner_id"),
)
STAFF_LISTS = Kind(
    "staff_lists", StaffList, indexes=(Index(("status",)),), scope=ScopeFields(agency="agency")
)
KINDS: tuple[Kind[Any], ...] = (
    PROGRAMMES,
    COHORTS,
    ROSTERS,
    LEARNERS,
    ENROLMENTS,
    STAFF_LISTS,
)


class EnrolmentWork(UnitOfWork):
    """One unit of work over everything that enrolment owns."""

    def __init__(self, frame: Frame) -> None:
        """Open every room."""
        super().__init__(frame)
        self.programmes = self.aggregates(PROGRAMMES)
        self.cohorts = self.aggregates(COHORTS)
        self.rosters = self.aggregates(ROSTERS)
        self.learners = self.aggregates(LEARNERS)
        self.enrolments = self.aggregates(ENROLMENTS)
        self.staff_lists = self.aggregates(STAFF_LISTS)


async def enrolments_after(
    works: Works[EnrolmentWork], where: Mapping[str, Any], after: str, limit: int,
    scope: Scope = EVERYTHING,
) -> list[Enrolment]:  # fmt: skip
    """List enrolments that match, in id order after an id, at most `limit`."""
    within = {**where, "_id": {"$gt": after}}
    return await works.open(scope).enrolments.find(within, limit=limit)


async def audit_rows(works: Works[EnrolmentWork], after: str, limit: int) -> list[dict[str, Any]]:
    """Tell of each enrolment what the other services must agree with."""
    ever = {"status": {"$in": ["enrolled", "withdrawn"]}}
    return [
        {
            "id": each.id,
            "learner_id": each.learner_id,
            "cohort_id": each.cohort_id,
            "programme": each.programme_id.rpartition(".")[0],
            "issue": each.issue,
            "status": each.status,
            "outcome": each.outcome,
            "jp": each.jp,
        }
        for each in await enrolments_after(works, ever, after, limit)
    ]
