"""Agreements between nodes: what they cover, and who records and ends them."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.enrolment.domain.agreements import (
    EXPIRED,
    NO_AGREEMENT,
    NOT_COVERED,
    Agreed,
    Agreement,
    cited,
    in_force,
)
from shared.kernel.errors import Conflict, Invalid
from tests.support.enrolment import DAY, NOW, changed, served

BODY: dict[str, Any] = {
    "number": "119/041/PKS/2024",
    "parties": [{"node": "35"}, {"node": "62"}, {"node": "31", "role": "auditor"}],
    "valid_from": "2024-01-01",
    "valid_until": "2024-12-31",
    "legal_basis": "UU 27/2022 pasal 20(2)b",
    "purpose": "Pelatihan ASN",
}
FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
ONE_DAY = timedelta(days=1)


def agreement(key: str = "pks-041", **changes: object) -> Agreement:
    """Make an agreement that node 35 has recorded."""
    return Agreement(key).record(Agreed.model_validate(changed(BODY, **changes)), "35", NOW)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (FIRST - ONE_DAY, NO_AGREEMENT),
        (FIRST, "pks-041"),
        (LAST, "pks-041"),
        (LAST + ONE_DAY, EXPIRED),
    ],
)
def test_both_days_are_included(on: date, expected: str) -> None:
    """It covers from its first day to its last."""
    found = in_force([agreement()], "35", "62", "PKA", on)

    assert expected == (found.id if isinstance(found, Agreement) else found)


@pytest.mark.parametrize(
    ("host", "home"), [("35", "33"), ("33", "35"), ("35", "31"), ("31", "62"), ("35", "62.71")]
)
def test_only_parties_rest_on_it(host: str, home: str) -> None:
    """Neither a stranger, nor an auditor, nor a city for its province."""
    assert NO_AGREEMENT == in_force([agreement()], host, home, "PKA", DAY)


def test_a_programme_is_covered_by_name_or_by_all() -> None:
    """Where programmes are named, no other is."""
    named = agreement(programmes=["PKA", "PKP"])

    assert named == in_force([named], "62", "35", "PKP", DAY)
    assert NOT_COVERED == in_force([named], "35", "62", "PKN-II", DAY)
    assert agreement() == in_force([agreement()], "35", "62", "PKN-II", DAY)
    assert NO_AGREEMENT == in_force([], "35", "62", "PKA", DAY)


def test_the_nearest_miss_is_the_reason() -> None:
    """In force but about another programme, else ended, else none."""
    over = agreement("over", valid_from="2023-01-01", valid_until="2023-12-31")
    other = agreement("other", programmes=["PKP"])
    strange = agreement("strange", parties=[{"node": "35"}, {"node": "33"}])

    assert EXPIRED == in_force([strange, over], "35", "62", "PKA", DAY)
    assert NOT_COVERED == in_force([over, other, strange], "35", "62", "PKA", DAY)


def test_of_several_the_longest_holds() -> None:
    """Whatever their order, and the later id where they end together."""
    short, long = agreement("a", valid_until="2024-06-30"), agreement("b")
    twin = agreement("c")

    assert twin == in_force([short, twin, long], "35", "62", "PKA", DAY)
    assert twin == in_force([long, twin, short], "35", "62", "PKA", DAY)


def test_a_terminated_one_ends_on_its_day() -> None:
    """It covers until the day before, and keeps what it said."""
    ended = agreement().terminate(DAY, "dihentikan")

    assert ended == in_force([ended], "35", "62", "PKA", DAY - ONE_DAY)
    assert EXPIRED == in_force([ended], "35", "62", "PKA", DAY)
    assert ended == ended.terminate(DAY, "dihentikan")
    assert ended == ended.record(ended.content, "35", NOW)
    with pytest.raises(Conflict):
        ended.terminate(DAY, "lain")
    with pytest.raises(Conflict):
        ended.record(agreement(purpose="lain").content, "35", NOW)


def test_what_was_never_recorded_covers_nothing() -> None:
    """It has no contents to ask for either."""
    assert NO_AGREEMENT == Agreement("x").why_not(("35",), "PKA", DAY)
    with pytest.raises(Invalid):
        _ = Agreement("x").content


def test_only_a_node_that_it_names_records_it() -> None:
    """An auditor does, for it reads what is offered."""
    terms = Agreed.model_validate(BODY)

    assert "active" == Agreement("x").record(terms, "31", NOW).status
    with pytest.raises(Invalid):
        Agreement("x").record(terms, "33", NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"parties": [{"node": "35"}]},
        {"parties": [{"node": "35"}, {"node": "35"}]},
        {"parties": [{"node": "35"}, {"node": "31", "role": "auditor"}]},
        {"parties": [{"node": "35"}, {"node": "00"}]},
        {"valid_until": "2023-12-31"},
        {"programmes": []},
        {"legal_basis": ""},
    ],
)
def test_what_cannot_be_agreed_is_refused(changes: dict[str, object]) -> None:
    """Two parties at least, each once, in known provinces, for days in order and by some law."""
    with pytest.raises(ValidationError):
        Agreed.model_validate(changed(BODY, **changes))


def test_an_offer_cites_by_number() -> None:
    """Where it cites none, any will do."""
    one, other = agreement("a"), agreement("b", number="2/2024")

    assert [other] == cited([one, other], ("2/2024",))
    assert [one, other] == cited([one, other], ())


async def test_an_agreement_is_recorded_amended_and_ended(tmp_path: Path) -> None:
    """By the whole node's organiser or operator; everybody reads it."""
    async with served(tmp_path) as node:
        missing = await node.ask("GET", "/agreements/pks-041")
        put = await node.ask("PUT", "/agreements/pks-041", json=BODY)
        longer = changed(BODY, valid_until="2026-12-31", programmes=["PKA"])
        amended = await node.ask("PUT", "/agreements/pks-041", "operator", json=longer)
        await node.ask("PUT", "/agreements/pks-042", json=BODY)
        listed = (await node.ask("GET", "/agreements?limit=1", "learner")).json()
        rest = (await node.ask("GET", f"/agreements?after={listed['next']}")).json()
        body = {"on": "2024-02-01", "reason": "dihentikan bersama"}
        ended = await node.ask("POST", "/agreements/pks-042/termination", json=body)
        again = await node.ask("PUT", "/agreements/pks-042", json=longer)
        shown = await node.ask("GET", "/agreements/pks-042")

    assert (404, 200, "active") == (missing.status_code, put.status_code, put.json()["status"])
    assert ("2026-12-31", ["PKA"], None) == (
        amended.json()["valid_until"],
        amended.json()["programmes"],
        put.json()["programmes"],
    )
    assert ["pks-041"] == [each["id"] for each in listed["items"]]
    assert ["pks-042"] == [each["id"] for each in rest["items"]]
    assert ("terminated", False) == (ended.json()["status"], ended.json()["in_force"])
    assert (409, ended.json()) == (again.status_code, shown.json())


async def test_no_agency_binds_the_node(tmp_path: Path) -> None:
    """Its organiser reads agreements and neither records nor ends one."""
    city = {"agency": "35.72"}
    async with served(tmp_path) as node:
        await node.ask("PUT", "/agreements/pks-041", json=BODY)
        answers = [
            await node.ask("PUT", "/agreements/pks-041", claims=city, json=BODY),
            await node.ask(
                "POST", "/agreements/pks-041/termination", claims=city,
                json={"on": "2024-02-01", "reason": "x"},
            ),
            await node.ask("PUT", "/agreements/pks-041", "nominator", json=BODY),
            await node.ask("PUT", "/agreements/x", json=changed(BODY, purpose="")),
            await node.ask("GET", "/agreements/pks-041", claims=city),
        ]  # fmt: skip

    assert [403, 403, 403, 422, 200] == [each.status_code for each in answers]
