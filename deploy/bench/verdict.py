"""Whether a contestant's final state is right: one certificate for everybody, and every minute of every viewer."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


class Held(NamedTuple):
    """One certificate, as it is kept or told: whose it is and its number."""

    enrolment_id: str
    number: str


def complaints(expected: Collection[str], kept: Iterable[Held], told: Iterable[Held]) -> list[str]:
    """Name everything that is wrong; nothing is where each expected certificate is kept once and told once."""
    held, said = list(kept), list(told)
    wrong = [
        *_compare("kept", Counter(each.enrolment_id for each in held), expected),
        *_compare("told", Counter(each.enrolment_id for each in said), expected),
    ]
    numbers = Counter(each.number for each in held)
    if repeated := sum(1 for count in numbers.values() if count > 1):
        wrong.append(f"{repeated} numbers stand on several certificates")
    if untold := len({*said} - {*held}):
        wrong.append(f"{untold} certificates were told with another number than is kept")
    return wrong


def _compare(what: str, found: Counter[str], expected: Collection[str]) -> list[str]:
    wanted = frozenset(expected)
    counts = {
        f"{what} for nobody": len(found.keys() - wanted),
        f"not {what}": len(wanted - found.keys()),
        f"{what} more than once": sum(1 for count in found.values() if count > 1),
    }
    return [f"{count} certificates are {name}" for name, count in counts.items() if count]


def differences(expected: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """Name everything that is wrong with bitmaps of minutes; nothing is where all are the same."""
    both = expected.keys() & found.keys()
    counts = {
        "viewers are missing": len(expected.keys() - found.keys()),
        "viewers were never there": len(found.keys() - expected.keys()),
        "viewers lack minutes": sum(1 for each in both if expected[each] & ~found[each]),
        "viewers have minutes too many": sum(1 for each in both if found[each] & ~expected[each]),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]
