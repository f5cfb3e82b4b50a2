"""A cohort's calendar turned into dated evidence, as an LMS, an attendance list and people send it.

Whatever a gate asks is read from the programme's own phases, so another programme or calendar
needs no other script.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shared.kernel.clock import zone_of

Item = dict[str, Any]
Phase = Mapping[str, Any]
ORGANISER = "organiser"
_PASSES = 70
_HIGHEST = 97
_SATURDAY = 5
_DAY = re.compile(r"-([0-9]{2})-([0-9]{2})")
_DAYS_OFF = frozenset({date(2024, 4, 10), date(2024, 4, 11), date(2024, 5, 1)})
"""Public holidays within the cohort's calendar: Idulfitri and Labour Day."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One piece of evidence: who sends it, in which wave it arrives, and what it says."""

    wave: int
    sender: str
    item: Item


@dataclass(frozen=True, slots=True)
class Course:
    """What the script needs of a cohort: its phases with dates, its sessions and its region."""

    phases: Sequence[Phase]
    periods: Mapping[int, Sequence[tuple[date, date]]]
    sessions: Mapping[str, Sequence[str]]
    region: str

    def days(self, phase: int) -> list[date]:
        """List the working days of a phase; all of its days where it has no working day."""
        days = [
            starts + timedelta(days=number)
            for starts, ends in self.periods[phase]
            for number in range((ends - starts).days + 1)
        ]
        working = [day for day in days if day.weekday() < _SATURDAY and day not in _DAYS_OFF]
        return working or days

    def day_of(self, session: str, phase: int) -> date:
        """Tell the day that a session's name holds as `MM-DD`; else the phase's last day."""
        last = self.days(phase)[-1]
        named = _DAY.search(session)
        return date(last.year, int(named[1]), int(named[2])) if named else last

    def at(self, day: date, hour: int, minute: int = 0) -> str:
        """Write an instant on a day, given in the host's local time, in UTC."""
        local = datetime.combine(day, time(hour, minute), zone_of(self.region))
        return local.astimezone(UTC).isoformat()


@dataclass(frozen=True, slots=True)
class Participant:
    """One enrolled learner with the people who accompany them, each named by the sender's name."""

    enrolment_id: str
    mentor: str
    coach: str
    examiner: str
    joined: date


def attendance_groups(phase: Phase) -> list[str]:
    """Name the groups of sessions that a phase's gate counts."""
    return [
        need["attendance"]["sessions"] for need in phase["gate"]["all"] if need.get("attendance")
    ]


def name_sessions(course: Course, *, at_most: int = 20) -> dict[str, list[str]]:
    """Name one session for each working day of the phases whose gates count attendance."""
    return {
        group: [f"{group}-{day:%m-%d}" for day in course.days(phase["number"])[:at_most]]
        for phase in course.phases
        for group in attendance_groups(phase)
    }


def story(course: Course, who: Participant, seed: int) -> list[Sent]:
    """Write the evidence of a learner who meets every gate in time; phase n arrives in wave n."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret: the same seed must make the same marks
    return [
        replace(sent, item={**sent.item, "enrolment_id": who.enrolment_id})
        for phase in course.phases
        for need in phase["gate"]["all"]
        for sent in _meet(course, phase, need, who, dice)
    ]


def _meet(
    course: Course, phase: Phase, need: Mapping[str, Any], who: Participant, dice: random.Random
) -> Iterable[Sent]:
    """Write what meets one requirement."""
    wave = phase["number"]
    days = [day for day in course.days(wave) if day >= who.joined] or course.days(wave)[-1:]
    senders = {"mentor": who.mentor, "coach": who.coach, "examiner": who.examiner}
    if need.get("completed"):
        for place, activity in enumerate(need["completed"]):
            day = days[place * (len(days) - 1) // len(need["completed"])]
            at = course.at(day, dice.randint(8, 16), dice.randint(0, 59))
            yield Sent(wave, ORGANISER, _item("completed", at, "lms", activity=activity))
    elif need.get("score"):
        rule = need["score"]
        by = rule.get("by") or ORGANISER
        score = dice.randint(max(_PASSES, int(rule["at_least"])), _HIGHEST)
        at = course.at(days[-1], 17, dice.randint(0, 59))
        source = "penilaian" if rule.get("by") else "lms"
        item = _item("score", at, source, activity=rule["activity"], score=score, by=by)
        yield Sent(wave, senders.get(by, ORGANISER), item)
    elif need.get("attendance"):
        group = need["attendance"]["sessions"]
        for session in course.sessions[group]:
            at = course.at(course.day_of(session, wave), 8, dice.randint(0, 20))
            said = {"sessions": group, "session": session, "present": True}
            yield Sent(wave, ORGANISER, _item("attendance", at, "presensi", **said))
    else:
        rule = need["approved"]
        at = course.at(days[-1], 14, dice.randint(0, 59))
        item = _item("approved", at, "lembar-persetujuan", document=rule["document"], by=rule["by"])
        yield Sent(wave, senders.get(rule["by"], ORGANISER), item)


def _item(kind: str, at: str, source: str, **said: object) -> Item:
    return {"kind": kind, "at": at, "source": source, **said}


def late(story: Sequence[Sent], *, wave: int, until: int) -> list[Sent]:
    """Have the last piece of one wave arrive in a later one, with the date it always had."""
    place = max(number for number, sent in enumerate(story) if sent.wave == wave)
    return [
        replace(sent, wave=until) if number == place else sent for number, sent in enumerate(story)
    ]


def early(story: Sequence[Sent], *, wave: int, already: int) -> list[Sent]:
    """Have everything of one wave arrive in an earlier one, out of order."""
    return [replace(sent, wave=already) if sent.wave == wave else sent for sent in story]


def missed(story: Sequence[Sent], course: Course, *, wave: int) -> list[Sent]:
    """Miss a third of a wave's sessions, and make them good on its last day, told a wave later."""
    told: list[Sent] = []
    sessions = [sent for sent in story if sent.wave == wave and sent.item["kind"] == "attendance"]
    absent = sessions[: -(-len(sessions) // 3)]
    again = course.at(course.days(wave)[-1], 18)
    for sent in story:
        if sent in absent:
            told.append(replace(sent, item={**sent.item, "present": False}))
            made_good = {**sent.item, "at": again, "source": "presensi-susulan"}
            told.append(replace(sent, wave=wave + 1, item=made_good))
        else:
            told.append(sent)
    return told


def corrected(story: Sequence[Sent], course: Course) -> list[Sent]:
    """Mistype an examiner's last score, and correct it a day later when all else is in."""
    last = max(sent.wave for sent in story)
    slip = next(s for s in story if s.wave == last and s.item.get("by") == "examiner")
    mistyped = replace(slip, item={**slip.item, "score": _PASSES})
    day = course.days(last)[-1] + timedelta(days=1)
    right = {
        **slip.item,
        "at": course.at(day, 9),
        "score": _HIGHEST - 1,
        "source": "penilaian-perbaikan",
    }
    return [
        *(mistyped if sent is slip else sent for sent in story),
        replace(slip, wave=last + 1, item=right),
    ]


def sent_back(story: Sequence[Sent], course: Course, *, reason: str) -> list[Sent]:
    """Have a coach send a document back on the day before, and approve it a wave later."""
    approval = next(s for s in story if s.item["kind"] == "approved" and s.item["by"] == "coach")
    day = course.days(approval.wave)[-2]
    back = {**approval.item, "kind": "sent-back", "at": course.at(day, 10), "reason": reason}
    others = [sent for sent in story if sent is not approval]
    return [*others, replace(approval, item=back), replace(approval, wave=approval.wave + 1)]


def last_wave(stories: Iterable[Sequence[Sent]]) -> int:
    """Tell the number of the last wave."""
    return max(sent.wave for story in stories for sent in story)
