"""Which facts people are told, what makes each unique, and what its text is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificateSuperseded,
    Certified,
)
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    NominationRefused,
    Rescheduled,
    Waitlisted,
    Withdrawn,
)
from shared.events.fact import Fact
from shared.events.plan import Period, ProgrammeRef
from shared.events.progress import PhaseAtRisk, PhaseCompleted, ProgrammeCompleted

Words = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """How one type of fact is told.

    `identity` are the values that, with person and enrolment, tell it from every other fact of its
    type; `words` are what its text is made of, as JSON types; `cohort` is the cohort it is about.
    """

    identity: Callable[[Any], Sequence[object]]
    words: Callable[[Any], Words]
    cohort: Callable[[Any], str] = lambda fact: fact.cohort_id


def _once(_: Fact) -> Sequence[object]:
    return ()


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _programme(programme: ProgrammeRef) -> Words:
    return {"programme": programme.title, "programme_en": programme.title_en}


def _span(periods: Sequence[Period]) -> Words:
    """Tell the first and last day of some periods; "" where there are none."""
    return {
        "starts": _day(min((period.starts for period in periods), default=None)),
        "ends": _day(max((period.ends for period in periods), default=None)),
    }


def _waitlisted(fact: Waitlisted) -> Words:
    return {"cohort": fact.cohort_title, "position": fact.position}


def _refused(fact: NominationRefused) -> Words:
    return {"cohort": fact.cohort_title, "reasons": list(fact.reasons)}


def _enrolled(fact: Enrolled) -> Words:
    plan = fact.plan
    return {
        "cohort": plan.cohort_title,
        **_programme(plan.programme),
        "phases": len(plan.phases),
        "jp": plan.total_jp,
        **_span([period for phase in plan.phases for period in phase.periods]),
    }


def _withdrawn(fact: Withdrawn) -> Words:
    return {"cohort": fact.cohort_title, "reason": fact.reason}


def _rescheduled(fact: Rescheduled) -> Words:
    calendar = [{"phase": new.phase, **_span(new.periods)} for new in fact.calendar]
    return {"cohort": fact.cohort_title, "calendar": calendar, "number": fact.calendar_version}


def _phase_completed(fact: PhaseCompleted) -> Words:
    return {
        "cohort": fact.cohort_title,
        **_programme(fact.programme),
        "phase": fact.phase,
        "of": fact.of,
        "title": fact.title,
        "title_en": fact.title_en,
        "jp": fact.jp,
    }


def _programme_completed(fact: ProgrammeCompleted) -> Words:
    return {
        "cohort": fact.cohort_title,
        **_programme(fact.programme),
        "jp": fact.jp,
        "revision": fact.revision,
    }


def _at_risk(fact: PhaseAtRisk) -> Words:
    return {
        "cohort": fact.cohort_title,
        "phase": fact.phase,
        "title": fact.title,
        "title_en": fact.title_en,
        "due": _day(fact.due),
        "missing": list(fact.missing),
        "missing_en": list(fact.missing_en),
    }


def _decided(fact: GraduationDecided) -> Words:
    return {
        "cohort": fact.cohort_title,
        "outcome": fact.outcome,
        "decision": fact.decision,
        "decided_on": _day(fact.decided_on),
        "minutes": fact.minutes,
        "signatory": fact.signatory.name,
        "position": fact.signatory.position,
        "until": _day(fact.until),
    }


def _certified(fact: Certified) -> Words:
    band = fact.predicate
    return {
        "cohort": fact.cohort_title,
        **_programme(fact.programme),
        "number": fact.number,
        "supersedes": fact.supersedes or "",
        "jp": fact.jp,
        "score": fact.final_score,
        "predicate": band.title if band else "",
        "predicate_en": band.title_en if band else "",
        "issued_on": _day(fact.issued_on),
        "valid_until": _day(fact.valid_until),
        "verify_url": fact.verify_url,
        "draft": fact.number if fact.awaits_signature else "",
    }


def _signed(fact: CertificateSigned) -> Words:
    return {
        "cohort": fact.cohort_title,
        **_programme(fact.programme),
        "number": fact.number,
        "external_number": fact.external_number,
        "jp": fact.jp,
        "signed_on": _day(fact.signed_on),
        "verify_url": fact.verify_url,
    }


def _superseded(fact: CertificateSuperseded) -> Words:
    return {
        **_programme(fact.programme),
        "number": fact.number,
        "by_number": fact.by_number,
        "reason": fact.reason,
    }


def _revoked(fact: CertificateRevoked) -> Words:
    return {**_programme(fact.programme), "number": fact.number, "reason": fact.reason}


TELLINGS: dict[type[Fact], Telling] = {
    Waitlisted: Telling(lambda fact: (fact.position,), _waitlisted),
    # One person may be nominated and refused again, so the instant tells refusals apart.
    NominationRefused: Telling(lambda fact: (fact.at.isoformat(), fact.reasons), _refused),
    Enrolled: Telling(_once, _enrolled, lambda fact: fact.plan.cohort_id),
    Withdrawn: Telling(_once, _withdrawn),
    Rescheduled: Telling(lambda fact: (fact.calendar_version,), _rescheduled),
    PhaseCompleted: Telling(lambda fact: (fact.phase,), _phase_completed),
    ProgrammeCompleted: Telling(lambda fact: (fact.revision,), _programme_completed),
    PhaseAtRisk: Telling(lambda fact: (fact.phase, fact.due.isoformat()), _at_risk),
    GraduationDecided: Telling(lambda fact: (fact.decision,), _decided),
    Certified: Telling(lambda fact: (fact.revision,), _certified),
    CertificateSigned: Telling(lambda fact: (fact.revision,), _signed),
    CertificateSuperseded: Telling(lambda fact: (fact.revision,), _superseded),
    CertificateRevoked: Telling(lambda fact: (fact.revision,), _revoked),
}
"""Every fact that people are told."""
