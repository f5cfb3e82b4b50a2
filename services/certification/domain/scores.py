"""The final score and its predicate, computed from rule data in decimal arithmetic."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from shared.events.plan import Band, Rules

_WHOLE = Decimal(100)


def final_score(rules: Rules, scores: Mapping[str, float]) -> Decimal | None:
    """Weigh scores (0-100) by percentages and round half up; None where a weighted score is missing."""
    if not rules.weights.keys() <= scores.keys():
        return None
    # Through str, so that 82.35 means 82.35 and not the nearest binary fraction.
    weighed = sum(
        (
            Decimal(str(scores[activity])) * Decimal(str(weight))
            for activity, weight in rules.weights.items()
        ),
        Decimal(0),
    )
    return (weighed / _WHOLE).quantize(Decimal(1).scaleb(-rules.decimals), ROUND_HALF_UP)


def band_of(rules: Rules, score: Decimal) -> Band | None:
    """Tell the predicate of a rounded score; the lowest band takes what no other does."""
    for band in rules.bands:
        floor = Decimal(str(band.floor))
        if score > floor or (band.inclusive and score == floor):
            return band
    return rules.bands[-1] if rules.bands else None


def passes(rules: Rules, score: Decimal) -> bool:
    """Tell whether a rounded score reaches the pass mark, where there is one."""
    return rules.pass_mark is None or score >= Decimal(str(rules.pass_mark))
