"""Use cases on memory twins: evidence for many, companions, deadlines."""

from datetime import timedelta
from functools import partial

import pytest

from services.progress.consumers import SUBSCRIPTIONS
from services.progress.domain.companions import Assignment
from services.progress.domain.evidence import Evidence, Verdict
from services.progress.handlers.records import assign_companions, take_evidence
from services.progress.jobs import warn_of_risks
from services.progress.store import ProgressWork
from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryBus
from shared.kernel.clock import SetClock, end_of
from shared.kernel.errors import Conflict, NotFound
from shared.store.memory import MemoryStore
from shared.store.scope import Scope
from shared.store.works import Works
from tests.support.progress import (
    BUDI,
    COHORT,
    ORGANISER,
    SITI,
    day,
    enrolled,
    evidence,
    plan,
    publish,
    rescheduled,
    whole_story,
    withdrawn,
    works_on,
)

_SITIS, _BUDIS = enrolled(SITI).enrolment_id, enrolled(BUDI).enrolment_id
_NOW = day(100)


@pytest.fixture
async def works() -> Works[ProgressWork]:
    """Works that have heard of Siti's and Budi's enrolments."""
    bus = MemoryBus()
    opened = works_on(MemoryStore(), bus)
    deliveries = [Delivery(each, opened) for each in SUBSCRIPTIONS]
    await publish(bus, enrolled(SITI), enrolled(BUDI))
    await bus.settle(deliveries)
    return opened


async def _take(
    works: Works[ProgressWork], offered: dict[str, list[Evidence]], scope: Scope | None = None
) -> dict[str, list[Verdict]]:
    use_case = partial(take_evidence, offered, ORGANISER, _NOW)
    return await works.run(use_case, scope or Scope(everything=True))


async def test_evidence_for_many_is_judged_record_by_record(works: Works[ProgressWork]) -> None:
    """One unknown enrolment keeps nobody else's evidence out."""
    story = whole_story()
    taken = await _take(works, {_SITIS: story, "nobody": story[:1], _BUDIS: story[:2]})

    assert [Verdict("accepted")] * len(story) == taken[_SITIS]
    assert [Verdict("refused", "unknown-enrolment")] == taken["nobody"]
    assert "completed" == (await works.open().records.of(_SITIS)).status
    assert 2 == len((await works.open().records.of(_BUDIS)).evidence)


async def test_a_record_out_of_scope_is_as_good_as_unknown(works: Works[ProgressWork]) -> None:
    """Nobody learns from a refusal that somebody else's record exists."""
    offered = {_SITIS: whole_story()[:1]}

    assert {_SITIS: [Verdict("refused", "unknown-enrolment")]} == await _take(
        works, offered, Scope(agency="35.72")
    )


async def test_two_calls_at_once_both_count(works: Works[ProgressWork]) -> None:
    """The one that comes second is decided again on what the first has kept."""
    first, second = works.open(), works.open()
    one, other = whole_story()[:1], whole_story()[1:2]
    await take_evidence({_SITIS: one}, ORGANISER, _NOW, first)
    await take_evidence({_SITIS: other}, ORGANISER, _NOW, second)
    await first.commit()

    assert {0} == set((await second.commit()).conflicts)

    await _take(works, {_SITIS: other})
    assert 2 == len((await works.open().records.of(_SITIS)).evidence)


async def test_facts_about_what_is_kept_already_change_nothing(works: Works[ProgressWork]) -> None:
    """A repeat of each fact writes nothing."""
    before = works.frame.store.snapshot()  # type: ignore[attr-defined]  # a memory store
    bus = MemoryBus()
    await publish(bus, enrolled(SITI), rescheduled(1))
    await bus.settle([Delivery(each, works) for each in SUBSCRIPTIONS])

    assert before == works.frame.store.snapshot()  # type: ignore[attr-defined]  # a memory store


async def test_companions_are_assigned_in_place_of_the_former_ones(
    works: Works[ProgressWork],
) -> None:
    """Whoever is left out accompanies no longer."""
    for assignment in (Assignment(_SITIS, "m", "c", ("x",)), Assignment(_SITIS, "n")):
        await works.run(partial(assign_companions, COHORT, [assignment]))

    record = await works.open().records.of(_SITIS)
    assert [("mentor", "n")] == [(each.role, each.learner_id) for each in record.companions]


@pytest.mark.parametrize(
    ("cohort", "enrolment"), [(COHORT, "nobody"), ("other", _SITIS), ("other", "nobody")]
)
async def test_companions_of_an_enrolment_that_the_cohort_has_not_are_refused(
    works: Works[ProgressWork], cohort: str, enrolment: str
) -> None:
    """The refusal names the enrolments; those before it in the list are not assigned either."""
    list_ = [Assignment(_BUDIS, "m"), Assignment(enrolment, "m")]
    with pytest.raises(NotFound) as refused:
        await works.run(partial(assign_companions, cohort, list_))

    assert enrolment in str(refused.value.extra["enrolments"])
    assert () == (await works.open().records.of(_BUDIS)).companions


async def test_companions_out_of_scope_are_refused(works: Works[ProgressWork]) -> None:
    """An organiser of one agency assigns nobody to another's learners."""
    with pytest.raises(NotFound):
        await works.run(
            partial(assign_companions, COHORT, [Assignment(_SITIS, "m")]), Scope(agency="35.72")
        )


async def test_nobody_examines_whom_they_accompany(works: Works[ProgressWork]) -> None:
    """The refusal has a stable type."""
    with pytest.raises(Conflict, match="examiner-is-companion"):
        await works.run(partial(assign_companions, COHORT, [Assignment(_SITIS, "m", None, ("m",))]))


async def test_deadlines_that_near_are_told_once(works: Works[ProgressWork]) -> None:
    """The job looks again and again; each phase is told of once, whoever has left never."""
    bus = MemoryBus()
    await publish(bus, withdrawn(BUDI))
    await bus.settle([Delivery(each, works) for each in SUBSCRIPTIONS])
    clock = SetClock(end_of(plan().phases[0].ends or day(0).date(), "35") - timedelta(hours=1))

    for _ in range(2):
        await warn_of_risks(works, clock, "35", 3)

    assert (1,) == (await works.open().records.of(_SITIS)).warned
    assert () == (await works.open().records.of(_BUDIS)).warned

    clock.advance(timedelta(days=10))
    await warn_of_risks(works, clock, "35", 3)

    assert (1, 2) == (await works.open().records.of(_SITIS)).warned


async def test_evidence_that_is_refused_leaves_the_record_as_it_is(
    works: Works[ProgressWork],
) -> None:
    """Nothing is written for it."""
    before = works.frame.store.snapshot()  # type: ignore[attr-defined]  # a memory store
    await _take(works, {_SITIS: [evidence("completed", "no-such", 1)]})

    assert before == works.frame.store.snapshot()  # type: ignore[attr-defined]  # a memory store
