"""Whose documents a person may see; applied here, once, and never per endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.store.filters import Filter, matches
from shared.store.kind import Kind, ScopeFields


@dataclass(frozen=True)
class Scope:
    """What one person reaches: everything of the node, an agency's, their own, those they accompany.

    `host` is the agency for whose own programmes they answer, `reads` one whose people they see
    wherever these learn: what a kind keeps by host is not theirs to change for that (ADR 0015).
    """

    everything: bool = False
    agency: str | None = None
    learner: str | None = None
    companion: str | None = None
    host: str | None = None
    reads: str | None = None

    def where(self, kind: Kind[Any]) -> Filter:
        """Tell the filter that leaves only what this person may see of a kind."""
        if self.everything or kind.scope is None or kind.scope.shown:
            return {}
        return self._owned(kind.scope, self.agency or self.reads)

    def sees(self, kind: Kind[Any], document: Mapping[str, Any]) -> bool:
        """Tell whether this person may see one document."""
        return matches(document, self.where(kind))

    def changes(self, kind: Kind[Any], document: Mapping[str, Any]) -> bool:
        """Tell whether this person may change one document."""
        if self.everything or kind.scope is None:
            return True
        agency = self.agency or (None if kind.scope.host else self.reads)
        return matches(document, self._owned(kind.scope, agency))

    def _owned(self, fields: ScopeFields, agency: str | None) -> Filter:
        owners = (
            (fields.agency, agency),
            (fields.learner, self.learner),
            (fields.companion, self.companion),
            (fields.host, self.host),
        )
        owned = [{name: owner} for name, owner in owners if name and owner]
        return {"$or": owned} if owned else {"_id": {"$in": []}}


EVERYTHING = Scope(everything=True)
