"""Attendance of live sessions is compared with the evidence on records."""

from tests.support.audit import (
    Change,
    Provoked,
    Row,
    altered,
    each_of,
    joined,
    provoked,
)


def _attended(key: str = "a", *, present: bool = True) -> Row:
    return {
        "id": f"attendance/lecture/learner-{key}", "session_id": "lecture", "enrolment_id": key,
        "learner_id": f"learner-{key}", "present": present,
    }  # fmt: skip


_PRESENT = joined("progress", _attended())
_EVIDENCE = altered("progress", 1, attended={"lecture": True})

PROVOKED: list[Provoked] = [
    ("attended, and evidence says so", [_EVIDENCE, _PRESENT], set()),
    ("attended without evidence", [_PRESENT], {("attended-without-evidence", "a")}),
    (
        "attended, and evidence says absent",
        [altered("progress", 1, attended={"lecture": False}), _PRESENT],
        {("attended-without-evidence", "a")},
    ),
    ("attended, and not judged yet", [joined("progress", _attended() | {"due": True})], set()),
    (
        "evidence, and more is not judged yet",
        [_EVIDENCE, joined("progress", _attended() | {"due": True})],
        set(),
    ),
    ("evidence without minutes", [_EVIDENCE], {("evidence-without-minutes", "a")}),
    (
        "evidence with too few minutes",
        [_EVIDENCE, joined("progress", _attended(present=False))],
        {("evidence-without-minutes", "a")},
    ),
    ("too few minutes, and no evidence", [joined("progress", _attended(present=False))], set()),
    ("attended by nobody enrolled", [joined("progress", _attended("b"))], set()),
]


@each_of(PROVOKED)
def test_attendance_and_evidence_agree(
    changes: list[Change], expected: set[tuple[str, str]]
) -> None:
    """Each way in which they can disagree is named, and nothing else is."""
    assert expected == provoked(changes)
