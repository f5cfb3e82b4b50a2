"""The registers have every number of a certificate once, and no hole between two."""

from tests.support.audit import (
    NUMBER,
    Change,
    Provoked,
    agreeing,
    altered,
    dossier,
    each_of,
    enrolment,
    joined,
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
        "a certificate has no number in the register",
        [lacking("certification", 1)],
        {("certificate-not-in-register", NUMBER)},
    ),
    (
        "a number in the register has no certificate",
        [lambda rows: rows["certification"].__setitem__(1, page(NUMBER, "00002/PKA/35/2024"))],
        {("number-without-certificate", "00002/PKA/35/2024")},
    ),
    (
        "the register has a number twice",
        [lambda rows: rows["certification"].__setitem__(1, page(NUMBER, NUMBER))],
        {("number-used-twice", NUMBER), ("hole-in-register", "35/PKA/2024")},
    ),
    (
        "two enrolments share a number",
        [
            joined("enrolment", enrolment("b")),
            joined("progress", record("b"), passport("b")),
            joined("certification", dossier("b")),
            joined("notify", *notices("b")),
        ],
        {("number-used-twice", NUMBER)},
    ),
    (
        "a number is missing between two",
        [
            lambda rows: rows["certification"].__setitem__(1, page(NUMBER, "00003/PKA/35/2024")),
            altered(
                "certification",
                0,
                numbers=[NUMBER, "00003/PKA/35/2024"],
                unused=["00003/PKA/35/2024"],
            ),
        ],
        {("hole-in-register", "35/PKA/2024")},
    ),
    (
        "a whole page of the register is missing",
        [lambda rows: rows["certification"].__setitem__(1, page(NUMBER, number=2))],
        {("hole-in-register", "35/PKA/2024")},
    ),
]


@each_of(PROVOKED)
def test_each_disagreement_is_named(changes: list[Change], expected: set[tuple[str, str]]) -> None:
    """Each way in which stores can disagree is named with its subject, and nothing else is."""
    assert provoked(changes) == expected


def test_a_number_taken_and_never_issued_is_no_disagreement() -> None:
    """A number that a dossier accounts for as unused needs no notice."""
    second = "00002/PKA/35/2024"
    rows = agreeing()
    rows["certification"] = [
        dossier("a", numbers=[NUMBER, second], unused=[second]),
        page(NUMBER, second),
    ]

    assert judged(rows) == []


def test_a_register_goes_on_over_its_pages() -> None:
    """Numbers count up by one from page to page, whatever stands around them."""
    rows = agreeing()
    rows["certification"] = [
        dossier("a", "35-2024-1", numbers=["35-2024-1", "35-2024-2"], unused=["35-2024-2"]),
        page("35-2024-1"),
        page("35-2024-2", number=2),
    ]
    rows["notify"] = notices("a", number="35-2024-1")

    assert judged(rows) == []
