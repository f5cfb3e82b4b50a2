"""How enrolment's aggregates are kept, and the views that only read."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.enrolment.domain.agreements import Agreement
from services.enrolment.domain.cohort import Cohort
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.handover import Handover
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.offered import OfferedCohort, OfferedProgramme
from services.enrolment.domain.placement import Placement
from services.enrolment.domain.programme import Programme
from services.enrolment.domain.roster import Roster
from services.enrolment.domain.staff import StaffList
from shared.events.enrolment import LearnerRecorded
from shared.events.exchange import LearnerTransferred, Nominated
from shared.federation.sharing import SHARES
from shared.store.kind import Index, Kind, ScopeFields
from shared.store.scope import EVERYTHING, Scope
from shared.store.work import Frame, UnitOfWork
from shared.store.works import Works

_SHOWN = ScopeFields(host="owner", shown=True)
PROGRAMMES = Kind("programmes", Programme, scope=_SHOWN)
COHORTS = Kind("cohorts", Cohort, indexes=(Index(("unfinished",)),), scope=_SHOWN)
ROSTERS = Kind(
    "rosters",
    Roster,
    indexes=(Index(("cohort_id",)), Index(("status",))),
    scope=ScopeFields(agency="agency", host="owner"),
)
LEARNERS = Kind(
    "learners",
    Learner,
    indexes=(Index(("agency", "active")), Index(("moving_to",)), Index(("erasure_due",))),
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
    scope=ScopeFields(agency="agency", learner="learner_id", host="owner"),
)
STAFF_LISTS = Kind(
    "staff_lists", StaffList, indexes=(Index(("status",)),), scope=ScopeFields(agency="agency")
)
PLACEMENTS = Kind(
    "placements",
    Placement,
    indexes=(Index(("learner_id",)), Index(("host_node", "cohort_id"))),
    scope=ScopeFields(agency="agency", learner="learner_id"),
)
HANDOVERS = Kind("handovers", Handover, indexes=(Index(("status",)),))
AGREEMENTS = Kind("agreements", Agreement, scope=None)
OFFERED_PROGRAMMES = Kind(
    "offered_programmes", OfferedProgramme, indexes=(Index(("open", "_id")),), scope=None
)
OFFERED_COHORTS = Kind(
    "offered_cohorts", OfferedCohort, indexes=(Index(("open", "_id")),), scope=None
)
KINDS: tuple[Kind[Any], ...] = (
    PROGRAMMES,
    COHORTS,
    ROSTERS,
    LEARNERS,
    ENROLMENTS,
    STAFF_LISTS,
    PLACEMENTS,
    HANDOVERS,
    AGREEMENTS,
    OFFERED_PROGRAMMES,
    OFFERED_COHORTS,
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
        self.placements = self.aggregates(PLACEMENTS)
        self.handovers = self.aggregates(HANDOVERS)
        self.agreements = self.aggregates(AGREEMENTS)
        self.offered_programmes = self.aggregates(OFFERED_PROGRAMMES)
        self.offered_cohorts = self.aggregates(OFFERED_COHORTS)


class KeptStatements:
    """What this service's store keeps of what was stated with personal data: cards, and copies that name a person."""

    def __init__(self, works: Works[EnrolmentWork]) -> None:
        """Stand on the store of these works."""
        self._store = works.frame.store

    async def waiting(self, learner_ids: Sequence[str]) -> bool:
        """Tell whether some of it has not left yet."""
        shares = await self._shares(learner_ids)
        waits = await self._store.pending(LEARNERS, learner_ids)
        return bool(waits or (shares and await self._store.pending(SHARES, shares)))

    async def forget(self, learner_ids: Sequence[str]) -> None:
        """Forget it, so that nothing states it again."""
        await self._store.forget(LEARNERS, learner_ids, [LearnerRecorded.type])
        if shares := await self._shares(learner_ids):
            await self._store.forget(SHARES, shares, [Nominated.type, LearnerTransferred.type])

    async def _shares(self, learner_ids: Sequence[str]) -> list[str]:
        """Find the copies that may carry who a person is: for every host, and for a new home."""
        of_them = {"learner_id": {"$in": list(learner_ids)}}
        asked = [
            f"{each['host_node']}/{PLACEMENTS.name}/{each['_id']}"
            for each in await self._store.find(PLACEMENTS, of_them)
        ]
        people = (await self._store.load(LEARNERS, learner_ids)).values()
        asked += [
            f"{each['moved_to']}/{LEARNERS.name}/{each['_id']}"
            for each in people
            if each.get("moved_to")
        ]
        return sorted(await self._store.load(SHARES, asked))


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
