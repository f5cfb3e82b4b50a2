"""Whose documents a person may see; applied here, once, and never per endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.store.filters import Filter, matches
from shared.store.kind import Kind


@dataclass(frozen=True)
class Scope:
    """What one person reaches: everything of the node, an agency's, their own, those they accompany."""

    everything: bool = False
    agency: str | None = None
    learner: str | None = None
    companion: str | None = None

    def where(self, kind: Kind[Any]) -> Filter:
        """Tell the filter that leaves only what this person may see of a kind."""
        if self.everything or kind.scope is None:
            return {}
        owners = (
            (kind.scope.agency, self.agency),
            (kind.scope.learner, self.learner),
            (kind.scope.companion, self.companion),
        )
        seen = [{name: owner} for name, owner in owners if name and owner]
        return {"$or": seen} if seen else {"_id": {"$in": []}}

    def sees(self, kind: Kind[Any], document: Mapping[str, Any]) -> bool:
        """Tell whether this person may see one document."""
        return matches(document, self.where(kind))


EVERYTHING = Scope(everything=True)
