"""Whose word a fact is: only the node that teaches a cohort says how it goes there."""

from typing import Any

from shared.events.fact import Fact
from shared.kernel.ids import enrolment_id


def is_hosted_by(fact: Fact, node: str) -> bool:
    """Tell whether a fact is about an enrolment in a cohort of this node, as the enrolment's id proves."""
    told: Any = fact
    about: Any = getattr(fact, "plan", fact)
    host = getattr(about, "host_node", node)
    expected = enrolment_id(told.learner_id, about.cohort_id, node)
    return bool(host == node and told.enrolment_id == expected)


def node_of(source: str) -> str:
    """Tell the node that a source such as `/corpu/35/progress` names."""
    return source.removeprefix("/corpu/").partition("/")[0]
