"""Every fact was told to its learner once, and nothing else was told."""

from tests.support.audit import (
    NUMBER,
    Change,
    Provoked,
    altered,
    each_of,
    joined,
    notices,
    provoked,
    untold,
)

_SIGNED = {"enrolment_id": "a", "signed": [NUMBER], "brought": False}
PROVOKED: list[Provoked] = [
    *[
        (f"nobody was told {kind}", [untold(kind)], {("fact-without-notice", "a")})
        for kind in ("enrolled", "phase_completed", "programme_completed", "graduation_decided")
    ],
    (
        "a certificate has no notice",
        [untold("certified")],
        {("certificate-without-notice", NUMBER)},
    ),
    (
        "a certificate was told twice",
        [joined("notify", *notices("a", "certified"))],
        {("notice-repeated", NUMBER)},
    ),
    (
        "somebody was told of a certificate that nobody holds",
        [joined("notify", *notices("a", "certified", number="00007/PKA/35/2024"))],
        {("notice-without-fact", "00007/PKA/35/2024")},
    ),
    (
        "somebody was told of an enrolment that does not exist",
        [joined("notify", *notices("b", "enrolled"))],
        {("notice-without-fact", "b")},
    ),
    (
        "somebody was told that they left and did not",
        [joined("notify", *notices("a", "withdrawn"))],
        {("notice-without-fact", "a")},
    ),
    (
        "nobody was told that a certificate is signed",
        [altered("progress", 0, entries=[_SIGNED])],
        {("fact-without-notice", NUMBER)},
    ),
    (
        "a certificate was signed before its holder came here",
        [altered("progress", 0, entries=[{**_SIGNED, "brought": True}])],
        set(),
    ),
    (
        "its holder was told, which is no disagreement",
        [
            altered("progress", 0, entries=[_SIGNED]),
            joined("notify", *notices("a", "certificate_signed")),
        ],
        set(),
    ),
]


@each_of(PROVOKED)
def test_each_disagreement_is_named(changes: list[Change], expected: set[tuple[str, str]]) -> None:
    """Each way in which stores can disagree is named with its subject, and nothing else is."""
    assert provoked(changes) == expected
