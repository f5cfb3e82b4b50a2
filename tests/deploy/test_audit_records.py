"""What enrolment and progress say of one learner is compared, record by record."""

from tests.support.audit import (
    Change,
    Provoked,
    Rows,
    altered,
    dossier,
    each_of,
    enrolment,
    joined,
    judged,
    lacking,
    notices,
    provoked,
    record,
)

PROVOKED: list[Provoked] = [
    ("an enrolment has no record", [lacking("progress", 1)], {("enrolment-without-record", "a")}),
    (
        "a record has no enrolment",
        [joined("progress", record("b", status="open", phases=0, jp=0))],
        {("record-without-enrolment", "b")},
    ),
    (
        "enrolment says withdrawn and the others do not",
        [altered("enrolment", 0, status="withdrawn")],
        {("status-differs", "a"), ("certificate-of-withdrawn", "a"), ("fact-without-notice", "a")},
    ),
    (
        "progress says withdrawn and enrolment does not",
        [altered("progress", 1, status="withdrawn")],
        {("status-differs", "a")},
    ),
    (
        "progress names another learner",
        [altered("progress", 1, learner_id="x")],
        {("learner-id-differs", "a")},
    ),
    (
        "progress names another cohort",
        [altered("progress", 1, cohort_id="x")],
        {("cohort-id-differs", "a")},
    ),
    (
        "a record is completed without all phases",
        [altered("progress", 1, phases=1)],
        {("completed-without-phases", "a")},
    ),
]


@each_of(PROVOKED)
def test_each_disagreement_is_named(changes: list[Change], expected: set[tuple[str, str]]) -> None:
    """Each way in which stores can disagree is named with its subject, and nothing else is."""
    assert provoked(changes) == expected


def test_who_left_needs_neither_certificate_nor_notice_of_completion() -> None:
    """A learner who withdrew in the first phase is in order with a withdrawn record."""
    rows: Rows = {
        "enrolment": [enrolment("a", status="withdrawn", outcome=None)],
        "progress": [record("a", status="withdrawn", phases=0, jp=0)],
        "certification": [
            dossier(
                "a", status="withdrawn", outcome=None, complete=False, live=[], numbers=[], jp=0
            )
        ],
        "notify": notices("a", "enrolled", "withdrawn"),
    }

    assert judged(rows) == []
