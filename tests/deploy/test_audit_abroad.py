"""What other nodes teach and certify of our people, and what we teach their guests, is compared as well."""

from typing import Any

from tests.support.audit import (
    JP,
    Change,
    Provoked,
    Row,
    Rows,
    agreeing,
    altered,
    each_of,
    joined,
    judged,
    lacking,
    notices,
    provoked,
)

THERE = "62/PKA/2024/00007"


def entry(key: str = "b", **changed: object) -> Row:
    """Make the entry of a passport about what node 62 teaches."""
    usual: Row = {
        "enrolment_id": key, "node": "62", "programme": "PKA", "status": "certified", "enrolled": True,
        "withdrawn": False, "completed": True, "outcome": "graduated", "phases": 2, "numbers": [THERE],
        "live": THERE, "brought": False, "digest": "d",
    }  # fmt: skip
    return {**usual, **changed}


def passport(*entries: Row, **jp: int) -> Row:
    """Make the passport of one of ours who learns elsewhere."""
    return {
        "id": "passport/learner-b", "learner_id": "learner-b", "jp_by_enrolment": jp or {"b": JP},
        "entries": list(entries),
    }  # fmt: skip


def credential(key: str = "b", **changed: object) -> Row:
    """Make certification's row of a credential of node 62."""
    usual: Row = {
        "id": f"credential/{key}", "enrolment_id": key, "learner_id": "learner-b", "node": "62",
        "numbers": [THERE], "live": [THERE],
    }  # fmt: skip
    return {**usual, **changed}


def abroad(**changed: Any) -> list[Change]:  # noqa: ANN401 - any JSON
    """Add one of ours who was taught and certified elsewhere, and was told all of it."""
    return [
        joined("progress", passport(entry(**changed))),
        joined("certification", credential()),
        joined("notify", *notices("b", number=THERE)),
    ]


def untold_of(kind: str) -> Change:
    """Take from notify the first notice of a kind to who learns elsewhere."""

    def change(rows: Rows) -> None:
        told = [row for row in rows["notify"] if (row["enrolment_id"], row["type"]) == ("b", kind)]
        rows["notify"].remove(told[0])

    return change


def guest() -> list[Change]:
    """Make the graduate a guest, who hears of everything at home."""

    def untold(rows: Rows) -> None:
        rows["notify"].clear()

    return [altered("progress", 1, guest=True), untold]


AGREEING: list[Provoked] = [
    ("one of ours is certified elsewhere", abroad(), set()),
    ("a guest is told at home", guest(), set()),
    (
        "somebody brought it along and was told elsewhere",
        [*abroad(brought=True)[:2]],
        set(),
    ),
    (
        "a certificate of elsewhere was revoked",
        [
            joined("progress", passport(entry(live=None), b=0)),
            joined("certification", credential(live=[])),
            joined("notify", *notices("b", number=THERE)),
        ],
        set(),
    ),
]
DIFFERING: list[Provoked] = [
    (
        "a passport counts what nobody holds",
        [*abroad(), lacking("certification", 2)],
        {("certificate-without-credential", "b"), ("passport-without-certificate", "b"),
         ("notice-without-fact", THERE)},
    ),
    (
        "a live credential counts nowhere",
        abroad(live=None),
        {("credential-not-in-passport", "b")},
    ),
    (
        "a credential of no passport",
        [joined("certification", credential("c", numbers=[], live=[]))],
        {("credential-not-in-passport", "c")},
    ),
    ("nobody was told of an enrolment elsewhere", [*abroad(), untold_of("enrolled")], {("fact-without-notice", "b")}),
    ("nobody was told of a phase elsewhere", [*abroad(), untold_of("phase_completed")], {("fact-without-notice", "b")}),
    (
        "nobody was told of a certificate of elsewhere",
        [*abroad(), untold_of("certified")],
        {("certificate-without-notice", THERE)},
    ),
]  # fmt: skip


@each_of([*AGREEING, *DIFFERING])
def test_the_audit_follows_people_across_nodes(
    changes: list[Change], expected: set[tuple[str, str]]
) -> None:
    """What should agree does, and each difference is named."""
    assert expected == provoked(changes)


def test_home_and_abroad_agree_side_by_side() -> None:
    """One graduate of ours here, and one elsewhere."""
    rows = agreeing()
    for change in abroad():
        change(rows)

    assert [] == judged(rows)
