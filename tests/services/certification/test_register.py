"""Pages of a register, spelled numbers, and the keys under which numbers are taken."""

import pytest
from pydantic import ValidationError

from services.certification.domain.register import (
    ENTRIES_A_PAGE,
    Page,
    key_of,
    owner_of,
    page_id,
    register_of,
    spell,
)
from services.certification.domain.terms import Terms, read_terms, terms_of
from shared.events.plan import DocumentRule
from tests.support.certification import DOCUMENT, plan, rules


def terms(**document: object) -> Terms:
    """Make terms whose document rule has these parts."""
    return read_terms(terms_of(plan(rules(document=document))))


def test_a_number_names_node_programme_year_and_serial() -> None:
    """The usual number is short, and says whose it is."""
    assert spell(terms(), 2024, 1) == "35/PKA/2024/00001"


def test_a_serial_beyond_five_digits_is_written_whole() -> None:
    """No serial is cut."""
    assert spell(terms(), 2024, 123_456) == "35/PKA/2024/123456"


def test_the_rules_say_how_a_number_is_spelled() -> None:
    """The format is rule data."""
    form = "No. {serial}/BPSDM.{node}/{programme}/{year}"

    assert spell(terms(number_format=form), 2024, 7) == "No. 00007/BPSDM.35/PKA/2024"


@pytest.mark.parametrize(
    "form",
    [
        "{programme}/{year}/{serial}",
        "{node}/{programme}/{year}/{serial}/{serial}",
        "{node}{programme}/{year}/{serial}",
        "{node}/{programme}/{year}/{serial}/{month}",
        "{node.__class__}/{programme}/{year}/{serial}",
        "{node}/{programme}/{year}/{serial:x}",
        "{node}/{programme}/{year}/{serial}\n",
        "{}",
    ],
)
def test_a_format_that_could_repeat_a_number_is_refused(form: str) -> None:
    """Each part stands in it once, apart from the others, and nothing else does."""
    with pytest.raises(ValidationError):
        DocumentRule.model_validate({**DOCUMENT, "number_format": form})


def test_a_key_tells_its_enrolment_and_revision() -> None:
    """A key can be read back."""
    assert owner_of(key_of("0b1c.x", 12)) == ("0b1c.x", 12)


def test_a_register_is_of_one_node_programme_and_year() -> None:
    """Pages sort in their order."""
    assert register_of(terms(), 2024) == "35/PKA/2024"
    assert page_id("35/PKA/2024", 2) < page_id("35/PKA/2024", 10)


def test_serials_go_on_from_page_to_page() -> None:
    """The second page begins where the first is full."""
    page = Page("p").opened("35/PKA/2024", 1)
    for serial in range(1, ENTRIES_A_PAGE + 1):
        assert serial == page.next_serial
        assert not page.full
        page = page.add(f"e{serial}.1", str(serial))

    assert page.full
    assert Page("q").opened("35/PKA/2024", 2).next_serial == ENTRIES_A_PAGE + 1


def test_a_page_tells_the_number_that_a_key_holds() -> None:
    """A replay finds its number there."""
    page = Page("p").opened("35/PKA/2024", 1).add("e1.1", "one").add("e2.1", "two")

    assert page.number_of("e2.1") == "two"
    assert page.number_of("e3.1") is None


def test_a_page_is_settled_when_all_of_it_is_accounted_for() -> None:
    """A new entry asks to be accounted for again."""
    page = Page("p").opened("35/PKA/2024", 1).add("e1.1", "one").add("e2.1", "two")

    assert not page.settled
    assert not page.account(1).settled
    assert page.account(2).settled
    assert not page.account(2).add("e3.1", "three").settled
