"""How evidence is taken: each piece judged for itself, then all of it weighed together."""

from collections.abc import Sequence
from datetime import datetime

from services.progress.domain.course import Course, subject_of
from services.progress.domain.evidence import (
    ACCEPTED,
    MOST_EVIDENCE,
    REPEATED,
    Evidence,
    Giver,
    Verdict,
    in_order,
    role_of,
)
from services.progress.domain.record import Record
from services.progress.domain.settling import settle
from shared.events.fact import Fact
from shared.kernel.values import replace


def take(
    record: Record, offered: Sequence[Evidence], giver: Giver, now: datetime
) -> tuple[Record, list[Verdict], list[Fact]]:
    """Take evidence, and tell what became of each piece and what all of it completes."""
    if not record.plan:
        return record, [Verdict("refused", "unknown-enrolment")] * len(offered), []
    course, held = record.course, set(record.evidence)
    taken: list[Evidence] = []
    verdicts: list[Verdict] = []
    for each in offered:
        judged = _judge(record, each, giver, now, course)
        if isinstance(judged, Verdict):
            verdicts.append(judged)
        elif judged in held:
            verdicts.append(REPEATED)
        elif record.withdrawn_at:
            verdicts.append(Verdict("refused", "withdrawn"))
        elif len(held) >= MOST_EVIDENCE:
            verdicts.append(Verdict("refused", "too-much-evidence"))
        else:
            held.add(judged)
            taken.append(judged)
            verdicts.append(ACCEPTED)
    if not taken:
        return record, verdicts, []
    evidence = sorted((*record.evidence, *taken), key=in_order)
    first = _first_affected(record, taken, course)
    record, facts = settle(replace(record, evidence=tuple(evidence)), first)
    return record, verdicts, facts


def _judge(
    record: Record, offered: Evidence, giver: Giver, now: datetime, course: Course
) -> Evidence | Verdict:
    """Give evidence the role it is given in, or refuse it."""
    if offered.at > now:
        return Verdict("refused", "from-the-future")
    counting = course.judges(offered)
    if isinstance(counting, str):
        return Verdict("refused", counting)
    by = role_of(offered, giver, record.companions, counting)
    if by is None:
        return Verdict("refused", "not-assigned")
    if by not in counting:
        return Verdict("refused", "wrong-role")
    return offered if by == offered.by else replace(offered, by=by)


def _first_affected(record: Record, taken: Sequence[Evidence], course: Course) -> int:
    """Tell the first phase (from 0) whose completion new evidence may change."""
    current = len(record.completed)
    return min(
        (
            phase
            for each in taken
            for phase in course.concerns.get(subject_of(each), ())
            if phase == current or (phase < current and each.at <= record.completed[phase])
        ),
        default=len(course.phases),
    )
