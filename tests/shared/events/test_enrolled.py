"""An enrolment's fact is read as every other, though its plan is read once for a whole cohort."""

import json
from typing import Any

import pytest

from services.certification.domain.terms import terms_of
from shared.events.enrolment import Enrolled
from shared.kernel.errors import Unprocessable
from tests.support.certification import enrolled


def _full(data: str) -> Enrolled:
    return Enrolled.model_validate_json(data, extra="ignore")


def _written(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    told: dict[str, Any] = json.loads(enrolled().write())
    return {**told, **changes}


def test_learners_of_a_cohort_share_one_plan() -> None:
    """The second learner's plan is the very object that the first one's became."""
    first, second = (
        Enrolled.read(json.dumps(_written(learner_id=each), separators=(",", ":")))
        for each in ("one", "another")
    )

    assert "another" == second.learner_id
    assert first.plan is second.plan
    assert enrolled().plan == second.plan


@pytest.mark.parametrize(
    "told",
    [
        _written(agency='"},"plan":{"phases":[],"rules":{}}'),
        _written(later={"also": 1, "plan": {"cohort_id": "x"}}),
        {"newer": {"also": 1, "plan": 2}, **_written()},
        {"plan": _written()["plan"], **{k: v for k, v in _written().items() if k != "plan"}},
        {**_written(), "plan": {**_written()["plan"], "unheard_of": True}},
    ],
    ids=["in a text", "another after it", "deeper before it", "first of all", "newer inside"],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_reads_the_same_wherever_the_plan_stands(
    told: dict[str, Any], separators: tuple[str, str]
) -> None:
    """Whatever else a writer puts around it, the fact is what reading it in full gives."""
    data = json.dumps(told, separators=separators)

    assert _full(data) == Enrolled.read(data) == Enrolled.read(data.encode())


@pytest.mark.parametrize(
    "broken",
    [
        enrolled().write()[:-1] + "]",
        enrolled().write() + "}",
        json.dumps(_written(plan=None), separators=(",", ":")),
        json.dumps(_written(at="yesterday"), separators=(",", ":")),
        '[1,"plan":2}',
        "}",
    ],
)
def test_what_is_broken_is_told_as_ever(broken: str) -> None:
    """Neither half of a fact that cannot be read hides what is wrong with it."""
    with pytest.raises(Unprocessable) as told:
        Enrolled.read(broken)
    with pytest.raises(ValueError, match="validation error") as full:
        _full(broken)

    assert "broken-data" == told.value.reason
    assert isinstance(told.value.__cause__, type(full.value))


def test_plans_that_differ_are_told_apart() -> None:
    """What follows from a plan is not taken for what followed from another one of the same cohort."""
    plan = enrolled().plan
    other = plan.model_copy(update={"cohort_title": "another title"})

    assert hash(plan) == hash(other)
    assert terms_of(plan) != terms_of(other)
