"""Cards keep the names that a person had."""

from datetime import UTC, datetime
from itertools import permutations

from services.certification.domain.cards import Card
from shared.events.enrolment import LearnerErased, LearnerRecorded
from tests.support.certification import recorded

BEFORE = datetime(2024, 1, 1, tzinfo=UTC)
AFTER = datetime(2024, 12, 1, tzinfo=UTC)


def test_cards_come_out_the_same_in_any_order() -> None:
    """A version heard again adds nothing."""
    facts = [recorded(version=version, name=f"Name {version}") for version in (1, 2, 3)]
    cards = set()
    for order in permutations([*facts, facts[0]]):
        card = Card("l1")
        for fact in order:
            card = card.hear(fact)
        cards.add(card)

    assert len(cards) == 1


def test_a_card_tells_the_name_as_of_an_instant() -> None:
    """A later name does not reach back, and the first known stands for what was before it."""
    card = (
        Card("l1").hear(recorded(version=2, name="Later")).hear(recorded(version=1, name="First"))
    )
    told = [card.at(at) for at in (BEFORE, datetime(2024, 2, 1, tzinfo=UTC), AFTER)]

    assert [named.name if named else None for named in told] == ["First", "First", "Later"]


def test_an_unknown_person_has_no_name() -> None:
    """Nothing is made up."""
    assert Card("l1").at(AFTER) is None


def test_an_erased_card_is_the_same_in_any_order() -> None:
    """What was told before the erasure is sealed, what came after it names the person."""
    facts = [recorded(version=version, name=f"Name {version}") for version in (1, 2, 3)]
    ends = [erased(facts[1].at), erased(facts[0].at)]
    cards = set()
    for order in permutations([*facts, *ends]):
        card = Card("l1")
        for fact in order:
            if isinstance(fact, LearnerErased):
                card = card.erase(fact, str.upper)
            else:
                assert isinstance(fact, LearnerRecorded)
                card = card.hear(fact).blanked(str.upper)
        cards.add(card)

    (card,) = cards
    assert ["", "", "Name 3"] == [each.name for each in card.names]
    assert [True, True, False] == ["NAME" in each.sealed for each in card.names]


def erased(at: datetime) -> LearnerErased:
    """Tell that l1's data is erased."""
    return LearnerErased(learner_id="l1", at=at)
