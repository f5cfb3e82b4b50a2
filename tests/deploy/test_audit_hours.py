"""The training hours of plan, record, certificate and passport are compared."""

from tests.support.audit import (
    JP,
    NUMBER,
    Change,
    Provoked,
    agreeing,
    altered,
    dossier,
    each_of,
    enrolment,
    judged,
    lacking,
    notices,
    page,
    passport,
    provoked,
    record,
)

PROVOKED: list[Provoked] = [
    (
        "progress counts other hours than planned",
        [altered("progress", 1, jp=7)],
        {("jp-differs", "a")},
    ),
    (
        "a certificate tells other hours than planned",
        [altered("certification", 0, jp=7)],
        {("jp-differs", "a")},
    ),
    (
        "a passport counts other hours than certified",
        [altered("progress", 0, jp_by_enrolment={"a": 7})],
        {("jp-differs", "a")},
    ),
    (
        "a certificate stands in no passport",
        [lacking("progress", 0)],
        {("certificate-not-in-passport", "a")},
    ),
    (
        "a passport lacks the certificate",
        [altered("progress", 0, jp_by_enrolment={})],
        {("certificate-not-in-passport", "a")},
    ),
    (
        "a passport counts an enrolment that nobody knows",
        [altered("progress", 0, jp_by_enrolment={"a": JP, "b": 20})],
        {("passport-without-certificate", "b")},
    ),
    (
        "a passport counts a certificate that is still a draft",
        [altered("certification", 0, drafts=[NUMBER])],
        {("passport-without-certificate", "a")},
    ),
    (
        "a draft is not counted yet, which is no disagreement",
        [
            altered("certification", 0, drafts=[NUMBER]),
            altered("progress", 0, jp_by_enrolment={}),
        ],
        set(),
    ),
]


@each_of(PROVOKED)
def test_each_disagreement_is_named(changes: list[Change], expected: set[tuple[str, str]]) -> None:
    """Each way in which stores can disagree is named with its subject, and nothing else is."""
    assert provoked(changes) == expected


def test_a_programme_taken_twice_counts_once() -> None:
    """A second certificate in one programme stands in no ledger, and that is no disagreement."""
    second = "00002/PKA/35/2024"
    rows = agreeing()
    learner = {"learner_id": "learner-a"}
    rows["enrolment"].append(enrolment("b", **learner))
    rows["progress"].append(record("b", **learner))
    rows["certification"] = [dossier("a"), dossier("b", second, **learner), page(NUMBER, second)]
    rows["notify"] += notices("b", number=second)

    assert judged(rows) == []
    assert judged({**rows, "progress": [*rows["progress"][1:], passport("a", x=0)]}) != []
