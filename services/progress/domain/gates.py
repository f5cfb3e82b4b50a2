"""Gates as declarative data: when each requirement holds, and when all of them first did.

A requirement is read as steps in time, so that what a phase came to depends on the evidence and its
times alone, never on the order in which it arrived.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter

from services.progress.domain.course import BEGINNING, Course, Subject, subject_of
from services.progress.domain.evidence import Evidence
from shared.events.plan import AttendanceRule, Gate, Requirement

Steps = list[tuple[datetime, bool]]
"""From each instant on a requirement holds or does not, in order of time."""

_at = itemgetter(0)
_HUNDRED = 100
_TOLERANCE = 1e-9


class Timeline:
    """A record's evidence by subject, each in order of time."""

    __slots__ = ("_entries", "course")

    def __init__(self, course: Course, evidence: Iterable[Evidence]) -> None:
        """Sort evidence that is `in_order` by subject."""
        self.course = course
        self._entries: dict[Subject, list[Evidence]] = {}
        for each in evidence:
            self._entries.setdefault(subject_of(each), []).append(each)

    def of(self, *subject: str) -> Sequence[Evidence]:
        """Tell the evidence about a subject, the newest last."""
        return self._entries.get(subject, ())

    def steps(self, requirement: Requirement) -> Steps:
        """Tell from when to when a requirement holds."""
        if rule := requirement.score:
            found = self.of("score", rule.activity)
            return [
                (each.at, each.value >= rule.at_least)
                for each in found
                if rule.by in (None, each.by)
            ]
        if approval := requirement.approved:
            return [
                (each.at, each.value > 0)
                for each in self.of("document", approval.document, approval.by)
            ]
        if attendance := requirement.attendance:
            return self._attendance(attendance)
        firsts = [self.of("completed", activity) for activity in requirement.completed or ()]
        if not all(firsts):
            return []
        return [(max((found[0].at for found in firsts), default=BEGINNING), True)]

    def _attendance(self, rule: AttendanceRule) -> Steps:
        """Follow who was present when; what counts are the sessions that held at the time."""
        beats = [(each.at, each.about, each.value) for each in self.of("attendance", rule.sessions)]
        turns = [(at, held.get(rule.sessions, ())) for at, held in self.course.sessions]
        present: dict[str, float] = {}
        steps: Steps = []
        beats.sort(reverse=True)
        for at in sorted({*map(_at, beats), *map(_at, turns)}):
            while beats and beats[-1][0] == at:
                _, session, value = beats.pop()
                present[session] = value
            held = turns[bisect_right(turns, at, key=_at) - 1][1]
            there = sum(present.get(session, 0) for session in held)
            steps.append((at, enough(there, len(held), rule)))
        return steps

    def attended(self, rule: AttendanceRule) -> tuple[int, int]:
        """Tell in how many of the present sessions the learner was, and how many there are."""
        held = self.course.sessions[-1][1].get(rule.sessions, ())
        last = {each.about: each.value for each in self.of("attendance", rule.sessions)}
        return int(sum(last.get(session, 0) for session in held)), len(held)

    def scores(self) -> dict[str, Evidence]:
        """Tell for each activity its newest score."""
        return {
            subject[1]: found[-1]
            for subject, found in sorted(self._entries.items())
            if subject[0] == "score"
        }


def enough(there: float, of: int, rule: AttendanceRule) -> bool:
    """Tell whether presence in `there` of `of` sessions is enough; of none it never is."""
    return of > 0 and there * _HUNDRED >= rule.at_least_percent * of - _TOLERANCE


def first_met(gate: Gate, timeline: Timeline, since: datetime) -> datetime | None:
    """Tell the first instant, not before `since`, at which all requirements hold together."""
    requirements = [timeline.steps(requirement) for requirement in gate.all]
    at = since
    while True:
        start = at
        for steps in requirements:
            found = _first(steps, at)
            if found is None:
                return None
            at = found
        if at == start:
            return at


def holds(steps: Steps) -> bool:
    """Tell whether a requirement holds after all that is known."""
    return bool(steps) and steps[-1][1]


def _first(steps: Steps, since: datetime) -> datetime | None:
    place = bisect_right(steps, since, key=_at)
    if place and steps[place - 1][1]:
        return since
    return next((at for at, held in steps[place:] if held), None)
