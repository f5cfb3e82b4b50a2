"""The ledger finds holes and repeats."""

import json
from collections import Counter
from typing import Any

from deploy.faults.ledger import Ledger, effect_of


def message(seq: int, at: str = "2024-03-01T00:00:00Z", **data: str) -> dict[str, Any]:
    """Make a stated fact as stores keep it."""
    return {"seq": seq, "type": "id.corpu.certified.v1", "data": json.dumps({"at": at, **data})}


def test_a_story_without_a_hole_is_accepted() -> None:
    """Seqs from 1 on without a gap are a whole story."""
    ledger = Ledger()

    ledger.read("certification", "dossiers", {"_id": "e", "stated": [message(1), message(2)]})

    assert ledger.holes == []
    assert ledger.facts == Counter({"id.corpu.certified.v1": 2})


def test_a_hole_is_named_by_its_aggregate() -> None:
    """A missing seq is a lost fact."""
    ledger = Ledger()

    ledger.read("certification", "dossiers", {"_id": "e", "stated": [message(1), message(3)]})

    assert ledger.holes == ["certification/dossiers/e"]


def test_the_same_effect_at_another_time_is_a_repeat() -> None:
    """An effect stated twice is a repeat whenever it happened."""
    ledger = Ledger()
    first = message(1, at="2024-03-01T00:00:00Z", number="1")
    second = message(2, at="2024-03-02T00:00:00Z", number="1")

    ledger.check_repeats(Counter([effect_of(first), effect_of(second)]))

    assert len(ledger.repeated) == 1


def test_different_effects_are_no_repeats() -> None:
    """Two certificates of different numbers are two effects."""
    ledger = Ledger()

    ledger.check_repeats(
        Counter([effect_of(message(1, number="1")), effect_of(message(2, number="2"))])
    )

    assert ledger.repeated == []
