"""The whole catalogue in one place, for whoever reads every fact."""

from shared.events import certification, enrolment, exchange, federation, offers, plan, progress
from shared.events.fact import CATALOGUE, TOPICS, Fact, name_of

__all__ = [
    "CATALOGUE",
    "TOPICS",
    "Fact",
    "certification",
    "enrolment",
    "exchange",
    "federation",
    "name_of",
    "offers",
    "plan",
    "progress",
]
