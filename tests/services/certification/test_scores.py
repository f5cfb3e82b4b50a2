"""The final score and its predicate, on and beside every edge."""

from decimal import Decimal

import pytest

from services.certification.domain.scores import band_of, final_score, passes
from shared.events.plan import Rules
from tests.support.certification import AUTOMATIC, rules

RULES = Rules.model_validate(rules())


@pytest.mark.parametrize(
    ("score", "predicate"),
    [
        ("100.00", "sangat-memuaskan"),
        ("90.01", "sangat-memuaskan"),
        ("90.00", "memuaskan"),
        ("80.01", "memuaskan"),
        ("80.00", "cukup-memuaskan"),
        ("70.01", "cukup-memuaskan"),
        ("70.00", "cukup-memuaskan"),
        ("69.99", "kurang-memuaskan"),
        ("60.01", "kurang-memuaskan"),
        ("60.00", "tidak-memuaskan"),
        ("0.00", "tidak-memuaskan"),
    ],
)
def test_a_band_ends_where_the_rules_say(score: str, predicate: str) -> None:
    """Only an inclusive band holds its own floor; the lowest takes what no other does."""
    band = band_of(RULES, Decimal(score))

    assert band is not None
    assert predicate == band.code


def test_rules_without_bands_give_no_predicate() -> None:
    """A programme may have a score and no predicate."""
    bare = Rules.model_validate(rules(bands=()))

    assert band_of(bare, Decimal(100)) is None


@pytest.mark.parametrize(("score", "passed"), [("70.00", True), ("69.99", False), ("70.01", True)])
def test_the_pass_mark_itself_passes(score: str, *, passed: bool) -> None:
    """A score on the pass mark passes."""
    assert passed == passes(RULES, Decimal(score))


def test_without_a_pass_mark_everybody_passes() -> None:
    """Rules may name no pass mark."""
    assert passes(Rules.model_validate(AUTOMATIC), Decimal(0))


@pytest.mark.parametrize(
    ("seminar", "attitude", "score"),
    [
        (85, 90, "87.00"),
        (70.005, 70.005, "70.01"),
        (70.004, 70.004, "70.00"),
        (0.1, 0.2, "0.14"),
        (82.35, 82.35, "82.35"),
        (0, 0, "0.00"),
        (100, 100, "100.00"),
    ],
)
def test_scores_are_weighed_in_decimals_and_rounded_half_up(
    seminar: float, attitude: float, score: str
) -> None:
    """Binary fractions and banker's rounding have no say."""
    weighed = final_score(RULES, {"seminar": seminar, "attitude": attitude})

    assert Decimal(score) == weighed
    assert score == str(weighed)


def test_the_rules_say_how_many_decimals() -> None:
    """A programme may round to whole points."""
    whole = Rules.model_validate(rules(decimals=0))

    assert str(final_score(whole, {"seminar": 84.5, "attitude": 84.5})) == "85"


def test_a_missing_score_gives_no_final_score() -> None:
    """Nothing is guessed where a weighted score is missing."""
    assert final_score(RULES, {"seminar": 85}) is None


def test_scores_that_carry_no_weight_do_not_count() -> None:
    """Whatever else was scored is left out."""
    weighed = final_score(RULES, {"seminar": 85, "attitude": 90, "mooc-test": 10})

    assert Decimal("87.00") == weighed
