"""What two runs must equal holds nothing that differs with when and how a story went."""

from copy import deepcopy
from typing import Any

from deploy.federation.state import digests, hashed, reduced

_ENTRY = {
    "enrolment_id": "e1", "node": "35", "programme": "PKA", "status": "certified",
    "enrolled": True, "withdrawn": False, "completed": True, "outcome": "graduated", "phases": 6,
    "numbers": ["1/PKA/35/2024"], "live": "1/PKA/35/2024", "brought": False, "digest": "abc",
}  # fmt: skip
_ROWS: dict[str, list[dict[str, Any]]] = {
    "enrolment": [{"id": "e1", "learner_id": "l1", "cohort_id": "c", "status": "enrolled", "jp": 908}],
    "progress": [
        {"id": "passport/l1", "learner_id": "l1", "jp_by_enrolment": {"e1": 908}, "entries": [_ENTRY]},
        {"id": "record/e1", "enrolment_id": "e1", "learner_id": "l1", "status": "completed"},
    ],
    "certification": [
        {"id": "e1", "learner_id": "l1", "status": "certified", "live": ["1"], "numbers": ["1"]},
        {"id": "register/35/PKA/2024/000001", "entries": [{"key": "e1.1", "number": "1"}]},
    ],
    "notify": [{"id": "n1", "type": "certified", "enrolment_id": "e1", "subject_number": "1"}],
}  # fmt: skip


def _otherwise() -> dict[str, list[dict[str, Any]]]:
    rows = deepcopy(_ROWS)
    entry = rows["progress"][0]["entries"][0]
    entry |= {"numbers": ["9", "8"], "live": "8", "digest": "other"}
    rows["certification"][0] |= {"live": ["8"], "numbers": ["9", "8"]}
    rows["certification"][1]["entries"] = [{"key": "e1.1", "number": "9"}]
    rows["notify"][0] |= {"id": "n9", "subject_number": "8"}
    rows["progress"].reverse()
    return rows


def test_numbers_orders_and_ids_of_notices_change_nothing() -> None:
    """A certificate's number depends on who was first, and is no part of what must be equal."""
    assert hashed(reduced(_otherwise())) == hashed(reduced(_ROWS))


def test_a_phase_less_is_another_state() -> None:
    """What was learned, held or told is part of it."""
    rows = deepcopy(_ROWS)
    rows["progress"][0]["entries"][0]["phases"] = 5

    assert hashed(reduced(rows)) != hashed(reduced(_ROWS))


def test_a_certificate_that_is_not_live_is_another_state() -> None:
    """Whether one is held is part of it, though its number is not."""
    rows = deepcopy(_ROWS)
    rows["progress"][0]["entries"][0]["live"] = None

    assert hashed(reduced(rows)) != hashed(reduced(_ROWS))


def test_digests_are_told_by_learner_and_enrolment() -> None:
    """Two nodes are compared entry by entry."""
    assert digests(_ROWS) == {("l1", "e1"): "abc"}
