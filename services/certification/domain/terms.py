"""The terms of a cohort that its certificates depend on, kept as the text that they came in."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import ConfigDict

from shared.events.fact import Value
from shared.events.plan import Origin, Plan, ProgrammeRef, Rules, Title

_KEPT: Mapping[str, Any] = {
    "programme": True,
    "cohort_title": True,
    "host_node": True,
    "host_agency": True,
    "rules": True,
    "origin": True,
    "phases": {"__all__": {"number", "title", "title_en", "jp"}},
}
_COHORTS = 512
"""Terms held in memory, each of some kilobytes: more cohorts than these are seldom under way."""


class TaughtPhase(Value):
    """What a certificate says of one phase; `jp` are training hours of 45 minutes."""

    model_config = ConfigDict(extra="ignore")

    number: int
    title: Title
    title_en: Title
    jp: int


class Terms(Value):
    """What a certificate needs to know of the cohort and of the rules it is issued under."""

    model_config = ConfigDict(extra="ignore")

    programme: ProgrammeRef
    cohort_title: str
    host_node: str
    host_agency: str
    phases: tuple[TaughtPhase, ...]
    rules: Rules
    origin: Origin | None = None

    @property
    def cites(self) -> str:
        """Tell the rules' citation, and whose programme was adopted."""
        if self.origin is None:
            return self.rules.cites
        adopted = f"{self.origin.node}/{self.origin.code} v{self.origin.version}"
        return f"{self.rules.cites} (diadopsi dari / adopted from {adopted})"


@lru_cache(_COHORTS)
def terms_of(plan: Plan) -> str:
    """Write what is needed of a plan as JSON, the same text for every learner of a cohort."""
    return plan.model_dump_json(include=dict(_KEPT))


@lru_cache(_COHORTS)
def read_terms(text: str) -> Terms:
    """Read terms; a cohort's are read once, however many learners it has."""
    return Terms.model_validate_json(text)
