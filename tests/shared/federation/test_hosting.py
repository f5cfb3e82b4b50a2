"""Only the node that teaches a cohort says how it goes there, as an enrolment's id proves."""

import pytest

from shared.events.fact import Fact
from shared.events.hosting import is_hosted_by, node_of
from tests.support import notify as say


@pytest.mark.parametrize("fact", say.each_once(), ids=lambda fact: type(fact).__name__)
def test_a_fact_is_its_hosts_word(fact: Fact) -> None:
    """The id is made of learner, cohort and host, so that nobody speaks of another's enrolment."""
    assert is_hosted_by(fact, "35")
    assert not is_hosted_by(fact, "62")
    assert not is_hosted_by(fact.model_copy(update={"learner_id": say.BAGUS}), "35")


def test_a_source_names_its_node() -> None:
    """Provinces and cities alike."""
    assert ["35", "35.72"] == [node_of("/corpu/35/progress"), node_of("/corpu/35.72/notify")]
