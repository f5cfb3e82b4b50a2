"""A cohort's plan made ready to follow learners by: read once, however many learners share it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from pydantic import Field

from services.progress.domain.evidence import JUDGES, Evidence, Reason
from shared.events.enrolment import NewPeriods, Rescheduled
from shared.events.fact import Value
from shared.events.plan import Judge, Plan, PlannedPhase, Slug

BEGINNING = datetime.min.replace(tzinfo=UTC)
Sessions = Mapping[str, tuple[str, ...]]
Subject = tuple[str, ...]

_ANYBODY = frozenset(JUDGES)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A later calendar: its version, since when it holds, its periods and sessions as JSON."""

    number: int
    at: datetime
    text: str

    @classmethod
    def of(cls, fact: Rescheduled) -> "Calendar":
        """Take the calendar from the fact that states it."""
        text = fact.model_dump_json(include={"calendar", "sessions"})
        return cls(fact.calendar_version, fact.at, text)


class _Changed(Value):
    calendar: tuple[NewPeriods, ...] = ()
    sessions: dict[Slug, tuple[Slug, ...]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Course:
    """A plan with its newest calendar.

    `sessions` are the session groups with the instant since when each set of them holds, in order;
    `concerns` tells for a subject of evidence the phases (from 0) whose gates ask for it, `scorers`
    for an activity the roles whose scores count.
    """

    plan: Plan
    phases: tuple[PlannedPhase, ...]
    sessions: tuple[tuple[datetime, Sessions], ...]
    concerns: Mapping[Subject, tuple[int, ...]]
    scorers: Mapping[str, frozenset[Judge]]

    def judges(self, evidence: Evidence) -> frozenset[Judge] | Reason:
        """Tell the roles whose word counts, or why this course knows no such subject."""
        if evidence.kind == "attendance":
            known = any(evidence.about in held.get(evidence.group, ()) for _, held in self.sessions)
            return _ANYBODY if known else "unknown-session"
        if evidence.kind == "document":
            asked = {role for role in JUDGES if ("document", evidence.about, role) in self.concerns}
            return frozenset(asked) or "unknown-document"
        if evidence.about not in self.scorers:
            return "unknown-activity"
        return self.scorers[evidence.about] if evidence.kind == "score" else _ANYBODY


def subject_of(evidence: Evidence) -> Subject:
    """Tell what a piece of evidence is about, as gates ask for it."""
    if evidence.kind == "attendance":
        return "attendance", evidence.group
    if evidence.kind == "document":
        return "document", evidence.about, evidence.by
    return evidence.kind, evidence.about


@lru_cache(maxsize=256)
def course_of(plan_text: str, calendars: tuple[Calendar, ...] = ()) -> Course:
    """Read a plan and the later calendars of it, by version; the same texts are read once."""
    plan = Plan.model_validate_json(plan_text, extra="ignore")
    periods = {phase.number: phase.periods for phase in plan.phases}
    sessions: list[tuple[datetime, Sessions]] = [(BEGINNING, plan.sessions)]
    for calendar in calendars:
        changed = _Changed.model_validate_json(calendar.text, extra="ignore")
        periods |= {each.phase: each.periods for each in changed.calendar}
        # A calendar without sessions moves dates only.
        if changed.sessions:
            sessions.append((max(calendar.at, sessions[-1][0]), changed.sessions))
    return Course(
        plan=plan,
        phases=tuple(
            phase.model_copy(update={"periods": periods[phase.number]}) for phase in plan.phases
        ),
        sessions=tuple(sessions),
        concerns=_concerns(plan),
        scorers=_scorers(plan),
    )


def _concerns(plan: Plan) -> dict[Subject, tuple[int, ...]]:
    asked: dict[Subject, tuple[int, ...]] = {}
    for index, phase in enumerate(plan.phases):
        for requirement in phase.gate.all:
            subjects: list[Subject] = [("completed", each) for each in requirement.completed or ()]
            if requirement.score:
                subjects.append(("score", requirement.score.activity))
            if requirement.attendance:
                subjects.append(("attendance", requirement.attendance.sessions))
            if requirement.approved:
                subjects.append(
                    ("document", requirement.approved.document, requirement.approved.by)
                )
            for subject in subjects:
                asked[subject] = (*asked.get(subject, ()), index)
    return asked


def _scorers(plan: Plan) -> dict[str, frozenset[Judge]]:
    """Tell for every activity whose scores count: anybody's, unless rules name roles."""
    named: dict[str, frozenset[Judge]] = {}
    for requirement in (each for phase in plan.phases for each in phase.gate.all):
        if rule := requirement.score:
            by = frozenset({rule.by}) if rule.by else _ANYBODY
            named[rule.activity] = named.get(rule.activity, frozenset()) | by
    others = {
        name for phase in plan.phases for each in phase.gate.all for name in each.completed or ()
    }
    return {**dict.fromkeys((*others, *plan.rules.weights), _ANYBODY), **named}
