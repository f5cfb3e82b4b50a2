"""The rows of one graduate on whom four services agree, and ways to make them disagree."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import pytest

from deploy.audit import Books, Disagreement, compare

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Change = Callable[[Rows], None]
Provoked = tuple[str, list[Change], set[tuple[str, str]]]
"""What went wrong, the changes that make it so, and the kinds and subjects that an audit finds."""
JP = 908
NUMBER = "00001/PKA/35/2024"


def enrolment(key: str, **changed: object) -> Row:
    """Make enrolment's row of a graduate."""
    usual: Row = {
        "id": key, "learner_id": f"learner-{key}", "cohort_id": "pka", "programme": "PKA.1",
        "issue": "after_decision", "status": "enrolled", "outcome": "graduated", "jp": JP,
    }  # fmt: skip
    return {**usual, **changed}


def record(key: str, **changed: object) -> Row:
    """Make progress's row of a graduate."""
    usual: Row = {
        "id": f"record/{key}", "enrolment_id": key, "learner_id": f"learner-{key}",
        "cohort_id": "pka", "status": "completed", "phases": 2, "of": 2, "jp": JP,
    }  # fmt: skip
    return {**usual, **changed}


def passport(key: str, **jp: int) -> Row:
    """Make progress's row of the passport of an enrolment's learner."""
    learner = f"learner-{key}"
    return {"id": f"passport/{learner}", "learner_id": learner, "jp_by_enrolment": jp or {key: JP}}


def dossier(key: str, number: str = NUMBER, **changed: object) -> Row:
    """Make certification's row of a graduate."""
    usual: Row = {
        "id": key, "learner_id": f"learner-{key}", "status": "certified", "issue": "after_decision",
        "outcome": "graduated", "complete": True, "live": [number], "numbers": [number],
        "unused": [], "review": "", "jp": JP,
    }  # fmt: skip
    return {**usual, **changed}


def page(*numbers: str, number: int = 1) -> Row:
    """Make certification's row of one page of a register."""
    entries = [{"key": f"{each}.1", "number": each} for each in numbers]
    return {"id": f"register/35/PKA/2024/{number:06d}", "entries": entries}


def notices(key: str, *kinds: str, number: str = NUMBER) -> list[Row]:
    """Make notify's rows about an enrolment."""
    told = (
        "enrolled",
        "phase_completed",
        "phase_completed",
        "programme_completed",
        "graduation_decided",
        "certified",
    )
    return [
        {
            "id": f"{key}-{place}-{kind}",
            "learner_id": f"learner-{key}",
            "type": kind,
            "enrolment_id": key,
            **({"subject_number": number} if kind.startswith("certifi") else {}),
        }
        for place, kind in enumerate(kinds or told)
    ]


def agreeing() -> Rows:
    """Make the rows of one graduate on whom all services agree."""
    return {
        "enrolment": [enrolment("a")],
        "progress": [passport("a"), record("a")],
        "certification": [dossier("a"), page(NUMBER)],
        "notify": notices("a"),
    }


def judged(rows: Rows) -> list[Disagreement]:
    """Compare rows as they come from the services."""
    books = Books()
    for service, told in rows.items():
        for row in told:
            books.enter(service, row)
    return compare(books)


def kinds(found: Iterable[Disagreement]) -> set[tuple[str, str]]:
    """Tell what was found, without its words."""
    return {(each.kind, each.subject) for each in found}


def altered(service: str, place: int, **changed: object) -> Change:
    """Change a service's row."""

    def change(rows: Rows) -> None:
        rows[service][place] |= changed

    return change


def lacking(service: str, place: int) -> Change:
    """Take a row from a service."""

    def change(rows: Rows) -> None:
        del rows[service][place]

    return change


def joined(service: str, *more: Row) -> Change:
    """Give a service more rows."""

    def change(rows: Rows) -> None:
        rows[service] += deepcopy(list(more))

    return change


def untold(kind: str) -> Change:
    """Take the first notice of a kind from notify."""

    def change(rows: Rows) -> None:
        first = next(row for row in rows["notify"] if row["type"] == kind)
        rows["notify"].remove(first)

    return change


def each_of(cases: Iterable[Provoked]) -> pytest.MarkDecorator:
    """Run a test once for each way to disagree."""
    return pytest.mark.parametrize(
        ("changes", "expected"), [pytest.param(*rest, id=name) for name, *rest in cases]
    )


def provoked(changes: Iterable[Change]) -> set[tuple[str, str]]:
    """Change the rows on which all agree, and tell what is found."""
    rows = agreeing()
    for change in changes:
        change(rows)
    return kinds(judged(rows))
