"""What ought to be certified, given all that was heard: the same whatever the order it was heard in."""

from dataclasses import dataclass
from datetime import date, datetime

from services.certification.domain.dossier import (
    Certificate,
    Completion,
    Content,
    Dossier,
    Status,
    Story,
)
from services.certification.domain.scores import band_of, final_score, passes
from services.certification.domain.terms import Terms
from shared.events.enrolment import GraduationDecided
from shared.events.plan import Rules
from shared.events.progress import ProgrammeCompleted
from shared.kernel.clock import local_date

_LEAP_DAY = (2, 29)


@dataclass(frozen=True, slots=True)
class Due:
    """A certificate that ought to be live: its terms, its content, and as of when it names the learner."""

    terms: Terms
    content: Content
    at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is due; where nothing is, `status` names why and `at` tells since when.

    `review` is the code of what a person should look at.
    """

    status: Status
    at: datetime | None = None
    due: Due | None = None
    review: str = ""


@dataclass(frozen=True, slots=True)
class _Result:
    """The final score of one completion and what it is worth."""

    completion: Completion
    score: float | None
    predicate: str | None
    doubt: str


def judge(dossier: Dossier) -> Verdict:
    """Tell what ought to be certified."""
    if dossier.withdrawn_at:
        return Verdict("withdrawn", dossier.withdrawn_at)
    terms = dossier.known_terms
    if terms is None or dossier.calendar is None or dossier.awaits_result:
        return Verdict("open")
    decision = dossier.decision
    if terms.rules.issue == "after_decision":
        if decision is None:
            return Verdict("complete")
        if decision.outcome != "graduated":
            return Verdict(decision.outcome, decision.at)
    else:
        decision = None
    newest = dossier.completions[0]
    basis, review = _basis(dossier, terms, decision.decided_on if decision else None)
    if basis is None:
        return Verdict(
            "review", max(newest.at, decision.at) if decision else newest.at, review=review
        )
    ended_on = local_date(basis.completion.ended_at, terms.host_node)
    signatory = terms.rules.document.signatory
    content = Content(
        jp=basis.completion.jp,
        final_score=basis.score,
        predicate=basis.predicate,
        issued_on=decision.decided_on if decision else ended_on,
        starts_on=dossier.calendar.starts_on,
        ends_on=dossier.calendar.ends_on or ended_on,
        signatory=decision.signatory if decision else signatory.name if signatory else "",
        position=decision.position if decision else signatory.position if signatory else "",
    )
    instants = [basis.completion.at, dossier.calendar.at, *([decision.at] if decision else [])]
    return Verdict("certified", due=Due(terms, content, max(instants)), review=review)


def _basis(dossier: Dossier, terms: Terms, decided_on: date | None) -> tuple[_Result | None, str]:
    """Tell which completion the certificate rests on, and what about it needs a person's look.

    The newest counts. A correction that came after the decision and no longer passes takes nothing
    away by itself: what passed before it stands until a person has looked.
    """
    rules = terms.rules
    newest = _weigh(rules, dossier.completions[0])
    if not newest.doubt:
        return newest, ""
    known_then = decided_on and local_date(newest.completion.at, terms.host_node) <= decided_on
    earlier = () if known_then else dossier.completions[1:]
    results = (_weigh(rules, completion) for completion in earlier)
    return next((result for result in results if not result.doubt), None), newest.doubt


def _weigh(rules: Rules, completion: Completion) -> _Result:
    if not rules.weights:
        return _Result(completion, None, None, "")
    score = final_score(rules, completion.scores)
    if score is None:
        return _Result(completion, None, None, "score-missing")
    band = band_of(rules, score)
    doubt = "" if passes(rules, score) else "score-below-pass-mark"
    return _Result(completion, float(score), band.code if band else None, doubt)


def why_superseded(before: Content, after: Content) -> str:
    """Tell what differs between two contents, as a stable code."""
    if (before.final_score, before.predicate, before.jp) != (
        after.final_score,
        after.predicate,
        after.jp,
    ):
        return "result-corrected"
    decided = (before.issued_on, before.signatory, before.position)
    if decided != (after.issued_on, after.signatory, after.position):
        return "decision-corrected"
    return "calendar-corrected"


def why_ended(verdict: Verdict) -> str:
    """Tell, as a stable code, why nothing is due any more."""
    if verdict.status == "withdrawn":
        return "withdrawn"
    return verdict.review or f"decision-{verdict.status.replace('_', '-')}"


def valid_until(terms: Terms, issued_on: date) -> date | None:
    """Tell the last day of a certificate's validity; None is for life."""
    years = terms.rules.valid_years
    if years is None:
        return None
    if (issued_on.month, issued_on.day) == _LEAP_DAY:
        issued_on = issued_on.replace(day=28)
    return issued_on.replace(year=issued_on.year + years)


def is_draft(terms: Terms, certificate: Certificate) -> bool:
    """Tell whether a live certificate still waits for the signature that its rules ask."""
    waits = terms.rules.document.signed and certificate.signature is None
    return certificate.state == "live" and waits


def may_be_due(dossier: Dossier, fact: Story) -> bool:
    """Guess, cheaply, whether a fact makes a certificate due, so that a batch looks up its numbers together."""
    if dossier.barred:
        return False
    match fact:
        case GraduationDecided():
            known = dossier.decision
            return fact.outcome == "graduated" and (known is None or known.number < fact.decision)
        case ProgrammeCompleted():
            terms = dossier.known_terms
            ready = dossier.decision or terms is None or terms.rules.issue == "automatic"
            newest = dossier.completions[0].revision if dossier.completions else 0
            return bool(ready) and newest < fact.revision
        case _:
            return not dossier.terms and bool(dossier.completions)
