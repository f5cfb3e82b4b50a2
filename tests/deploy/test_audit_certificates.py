"""Certification's dossiers are compared with who has earned a certificate."""

from tests.support.audit import (
    NUMBER,
    Change,
    Provoked,
    agreeing,
    altered,
    dossier,
    each_of,
    joined,
    judged,
    notices,
    page,
    provoked,
    untold,
)

PROVOKED: list[Provoked] = [
    (
        "an enrolment has no dossier",
        [lambda rows: rows["certification"].clear(), untold("certified")],
        {("enrolment-without-dossier", "a"), ("passport-without-certificate", "a")},
    ),
    (
        "a dossier has no enrolment",
        [joined("certification", dossier("b", live=[], numbers=[], status="open"))],
        {("dossier-without-enrolment", "b")},
    ),
    (
        "certification names another learner",
        [altered("certification", 0, learner_id="x")],
        {("learner-id-differs", "a")},
    ),
    (
        "certification heard another decision",
        [altered("certification", 0, outcome="deferred")],
        {("outcome-differs", "a")},
    ),
    (
        "certification has not heard of completion",
        [altered("certification", 0, complete=False)],
        {("completion-differs", "a")},
    ),
    (
        "a graduate has no live certificate",
        [altered("certification", 0, live=[], jp=0)],
        {("graduate-without-certificate", "a"), ("passport-without-certificate", "a")},
    ),
    (
        "who completed an automatic programme has no live certificate",
        [
            altered("enrolment", 0, issue="automatic", outcome=None),
            altered("certification", 0, outcome=None, live=[], review="no signatory"),
        ],
        {("graduate-without-certificate", "a"), ("passport-without-certificate", "a")},
    ),
    (
        "two certificates of one enrolment are live",
        [
            altered(
                "certification",
                0,
                live=[NUMBER, "00002/PKA/35/2024"],
                numbers=[NUMBER, "00002/PKA/35/2024"],
            ),
            lambda rows: rows["certification"].__setitem__(1, page(NUMBER, "00002/PKA/35/2024")),
            joined("notify", *notices("a", "certified", number="00002/PKA/35/2024")),
        ],
        {("two-live-certificates", "a")},
    ),
    (
        "a certificate is live under a number that was never taken",
        [altered("certification", 0, live=["00009/PKA/35/2024"])],
        {("live-certificate-unknown", "00009/PKA/35/2024")},
    ),
    (
        "a certificate is live though nobody decided",
        [altered("enrolment", 0, outcome=None), altered("certification", 0, outcome=None)],
        {("certificate-without-ground", "a")},
    ),
    (
        "an automatic certificate is live though nothing is completed",
        [
            altered("enrolment", 0, issue="automatic", outcome=None),
            altered("certification", 0, outcome=None),
            altered("progress", 1, status="open", phases=1),
        ],
        {("certificate-without-ground", "a")},
    ),
]


@each_of(PROVOKED)
def test_each_disagreement_is_named(changes: list[Change], expected: set[tuple[str, str]]) -> None:
    """Each way in which stores can disagree is named with its subject, and nothing else is."""
    assert provoked(changes) == expected


def test_a_revoked_certificate_is_no_disagreement() -> None:
    """A graduate whose certificate was revoked has none, and the passport counts nothing."""
    rows = agreeing()
    rows["certification"][0] |= {"status": "revoked", "live": [], "jp": 0}
    rows["progress"][0]["jp_by_enrolment"] = {}

    assert judged(rows) == []


def test_a_superseded_certificate_keeps_its_number_and_its_notice() -> None:
    """After a supersession both numbers stand in the register, both were told, and one is live."""
    second = "00002/PKA/35/2024"
    rows = agreeing()
    rows["certification"] = [dossier("a", second, numbers=[NUMBER, second]), page(NUMBER, second)]
    rows["notify"] += notices("a", "certified", "certificate_superseded", number=second)

    assert judged(rows) == []
