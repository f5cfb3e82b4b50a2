"""One piece of evidence, who may give it, and what becomes of one that is offered."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Literal, get_args

from shared.events.plan import Judge

EvidenceKind = Literal["completed", "score", "attendance", "document"]
Reason = Literal[
    "unknown-enrolment", "from-the-future", "withdrawn", "unknown-activity", "unknown-document",
    "unknown-session", "not-assigned", "wrong-role", "too-much-evidence", "invalid",
]  # fmt: skip
JUDGES: tuple[Judge, ...] = get_args(Judge)
MOST_EVIDENCE = 5_000
"""Pieces that one record takes, so that its document stays far below what a store takes."""

_ORGANISERS_ONLY = frozenset({"completed", "attendance"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What somebody vouches for about one learner, with its own time (UTC) and source.

    `about` is an activity, a session (of `group`) or a document. `value` is a score (0-100), or 1
    for completed, present and approved, 0 for absent and sent back. `by` is the role it was given
    in, "" while that is to be found out. Who entered it makes it no other piece of evidence.
    """

    kind: EvidenceKind
    about: str
    at: datetime
    value: float
    by: Judge | Literal[""]
    source: str
    group: str = ""
    reason: str = ""
    entered_by: str = field(default="", compare=False)


in_order = attrgetter("kind", "group", "about", "at", "value", "by", "source", "reason")
"""Orders evidence by subject, then time; at one instant the better for the learner is last."""


@dataclass(frozen=True, slots=True)
class Giver:
    """Who offers evidence: a token's subject, its roles and, of companions, their learner id."""

    subject: str
    roles: frozenset[str]
    learner_id: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one piece of evidence that was offered; `reason` where it was refused."""

    status: Literal["accepted", "repeated", "refused"]
    reason: Reason | None = None


ACCEPTED = Verdict("accepted")
REPEATED = Verdict("repeated")


@dataclass(frozen=True, slots=True, order=True)
class Companion:
    """A person who accompanies a learner in one role."""

    role: Literal["mentor", "coach", "examiner"]
    learner_id: str


def role_of(
    evidence: Evidence, giver: Giver, companions: Collection[Companion], counting: Collection[Judge]
) -> Judge | None:
    """Tell the role in which evidence is given, or None where the giver has no such role here.

    An organiser records what others handed in and answers for it; companions speak only in a role
    that they are assigned in, and only about scores and documents. A role not named is the one that
    counts, where the giver has it.
    """
    if "organiser" in giver.roles:
        return evidence.by or "organiser"
    if evidence.kind in _ORGANISERS_ONLY:
        return None
    own = [
        each.role
        for each in companions
        if each.learner_id == giver.learner_id and each.role in giver.roles
    ]
    if evidence.by:
        return evidence.by if evidence.by in own else None
    return next((role for role in own if role in counting), own[0] if own else None)
