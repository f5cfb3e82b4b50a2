"""How a passport is taken along: what the old home tells, and how the new one takes it in."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.progress.domain.passport import Certificate, Entry, Passport, PhaseEntry
from shared.events.progress import EntryTold, PassportTold
from shared.kernel.values import replace


def tell_news(before: Passport, after: Passport, node: str, at: datetime) -> list[PassportTold]:
    """Tell the home to which the person has moved from this node what it has not been told yet.

    What the new home taught itself it knows.
    """
    to = after.next_home(node)
    if not to:
        return []
    known = before if before.next_home(node) == to else Passport(before.id)
    news = [each for each in after.entries if each not in known.entries and each.node != to]
    if not news and after.linked == known.linked:
        return []
    return [
        PassportTold(
            learner_id=after.id,
            at=at,
            home_node=node,
            to_node=to,
            entries=tuple(EntryTold.model_validate(_written(each)) for each in news),
            linked=after.linked,
        )
    ]


def _written(entry: Entry) -> dict[str, Any]:
    return {
        **{name: part for name, part in asdict(entry).items() if name != "brought"},
        "programme": entry.programme,
    }


def take_in(passport: Passport, fact: PassportTold, node: str) -> Passport:
    """Take in what the old home told; the same passport again where that tells nothing new.

    In whatever order and however often it is told, and whatever hosts tell directly, it comes to the
    same. What this node has taught it knows by itself.
    """
    taken = passport
    for told in fact.entries:
        before = taken.entry(told.enrolment_id)
        if node in (told.node, before.node):
            continue
        joined = _join(before, told)
        if joined != before:
            taken = taken.keep(joined)
    linked = {*passport.linked, *fact.linked}
    return taken if linked <= {*passport.linked} else replace(taken, linked=tuple(sorted(linked)))


def _join(entry: Entry, told: EntryTold) -> Entry:
    phases = {each.phase: each for each in entry.phases}
    for phase in told.phases:
        phases.setdefault(phase.phase, PhaseEntry(**phase.model_dump()))
    certificates = {each.revision: each for each in entry.certificates}
    for certificate in told.certificates:
        certificates.setdefault(certificate.revision, Certificate(**certificate.model_dump()))
    left = [at for at in (entry.withdrawn_at, told.withdrawn_at) if at]
    joined = replace(
        entry,
        programme=entry.programme or told.programme,
        cohort_id=entry.cohort_id or told.cohort_id,
        cohort_title=entry.cohort_title or told.cohort_title,
        node=entry.node or told.node,
        host_agency=entry.host_agency or told.host_agency,
        jp=entry.jp or told.jp,
        of=entry.of or told.of,
        enrolled_at=entry.enrolled_at or told.enrolled_at,
        withdrawn_at=min(left, default=None),
        phases=tuple(sorted(phases.values())),
        certificates=tuple(certificates[revision] for revision in sorted(certificates)),
        ended=tuple(sorted({*entry.ended, *told.ended})),
        signed=tuple(sorted({*entry.signed, *told.signed})),
        brought=True,
    )
    if told.revision > entry.revision:
        joined = replace(joined, revision=told.revision, completed_at=told.completed_at)
    if told.decision > entry.decision:
        joined = replace(
            joined,
            decision=told.decision,
            outcome=told.outcome,
            decided_on=told.decided_on,
            until=told.until,
        )
    return joined
