"""The demo's second act: companions, a withdrawal, and the calendar sent as dated evidence."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from deploy.client import Voice, together, until
from deploy.demo import evidence
from deploy.demo.evidence import ORGANISER, Item, Participant, Sent
from deploy.demo.nomination import Nominated, Row, Staff
from deploy.demo.stage import Stage

_BULK = 5000
_ASSIGNED_AT_ONCE = 500
_AT_ONCE = 4
_REPEATED = 200
_REASON = "Rancangan belum memuat peta pemangku kepentingan; lengkapi sebelum seminar."


@dataclass
class Replayed:
    """What the node said to the evidence, and what it told two learners was missing."""

    said: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    missed: Sequence[str] = ()
    sent_back: Sequence[str] = ()


@dataclass(frozen=True)
class Play:
    """The cohort as it is played: who accompanies whom, and who speaks for them."""

    stage: Stage
    nominated: Nominated
    staff: Staff

    def participant(self, number: int, row: Row, joined: date) -> Participant:
        """Give the learner in the `number`-th row a mentor, a coach and an examiner."""
        return Participant(
            enrolment_id=row["enrolment_id"],
            mentor=self.staff.mentors[number % len(self.staff.mentors)],
            coach=self.staff.coaches[number % len(self.staff.coaches)],
            examiner=self.staff.examiners[number % len(self.staff.examiners)],
            joined=joined,
        )

    async def assign(self, participants: Sequence[Participant]) -> None:
        """Assign companions as soon as progress knows the learners."""
        wanted = [each.enrolment_id for each in participants]
        await until(
            "progress knows every learner",
            partial(self._known, frozenset(wanted)),
            within=self.stage.patience,
        )
        path = f"/cohorts/{self.nominated.cohort_id}/companions"
        for chunk in chunks(participants, _ASSIGNED_AT_ONCE):
            items = [
                {
                    "enrolment_id": each.enrolment_id,
                    "mentor": each.mentor,
                    "coach": each.coach,
                    "examiners": [each.examiner],
                }
                for each in chunk
            ]
            await self.stage.organiser.put("progress", path, {"items": items})

    async def _known(self, wanted: frozenset[str]) -> bool:
        path = f"/cohorts/{self.nominated.cohort_id}/progress"
        known = {row["enrolment_id"] async for row in self.stage.organiser.pages("progress", path)}
        return wanted <= known

    async def send(
        self, senders: Mapping[str, Voice], sent: Sequence[Sent], replayed: Replayed
    ) -> None:
        """Send one wave: the organiser's lists first, then each role's people side by side."""
        dice = random.Random(len(sent))  # noqa: S311 - nothing secret: an order that is none
        by_sender: dict[str, list[Item]] = {}
        for each in dice.sample(sent, len(sent)):
            by_sender.setdefault(each.sender, []).append(each.item)
        # One after another, since all of them change the same learners' records.
        for group in ((ORGANISER,), self.staff.mentors, self.staff.coaches, self.staff.examiners):
            present = [sender for sender in group if sender in by_sender]
            answers = await together(
                lambda sender: _post(senders[sender], by_sender[sender]), present, at_once=_AT_ONCE
            )
            for counted, refusals in answers:
                replayed.said += counted
                replayed.refusals += refusals


async def replay(
    stage: Stage, nominated: Nominated, staff: Staff
) -> tuple[list[Participant], Replayed]:
    """Send the cohort's evidence wave by wave, and tell who is enrolled and what the node said."""
    play, replayed = Play(stage, nominated, staff), Replayed()
    course = nominated.course
    begins = course.days(1)[0]
    rows = nominated.rows_of("accepted")
    participants = [play.participant(number, row, begins) for number, row in enumerate(rows)]
    await play.assign(participants)
    senders = _senders(stage, staff)

    leaver = participants.pop(len(participants) // 2)
    await _start_and_leave(play, senders, leaver, replayed)
    joins = begins + timedelta(days=6)
    promoted = [
        play.participant(number, row, joins)
        for number, row in enumerate(nominated.rows_of("waitlisted"))
    ]
    await play.assign(promoted)
    participants += promoted

    stories = _stories(course, participants)
    waves = evidence.last_wave(stories)
    done = stage.watch.begin("evidence, by phase", waves)
    first: Sequence[Sent] = ()
    for wave in range(1, waves + 1):
        sent = [each for story in stories for each in story if each.wave == wave]
        await play.send(senders, sent, replayed)
        if wave == 1:
            first = [each for each in sent if each.sender == ORGANISER][:_REPEATED]
        else:
            # An LMS that lost our answer sends what it sent before.
            await play.send(senders, first, replayed)
            first = ()
        if wave == _CLASSICAL:
            replayed.missed = await _missing(stage, participants[_MISSED])
            replayed.sent_back = await _missing(stage, participants[_SENT_BACK])
        done(1)
    return participants, replayed


_LATE, _EARLY, _MISSED, _CORRECTED, _SENT_BACK = 0, 1, 2, 3, 4
_CLASSICAL = 4


def _stories(course: evidence.Course, participants: Sequence[Participant]) -> list[list[Sent]]:
    """Write everybody's evidence, five of them with a turn of their own."""
    stories = [evidence.story(course, each, seed) for seed, each in enumerate(participants)]
    turns: dict[int, Callable[[list[Sent]], list[Sent]]] = {
        _LATE: lambda story: evidence.late(story, wave=2, until=4),
        _EARLY: lambda story: evidence.early(story, wave=3, already=1),
        _MISSED: lambda story: evidence.missed(story, course, wave=_CLASSICAL),
        _CORRECTED: lambda story: evidence.corrected(story, course),
        _SENT_BACK: lambda story: evidence.sent_back(story, course, reason=_REASON),
    }
    for number, turn in turns.items():
        stories[number] = turn(stories[number])
    return stories


async def _start_and_leave(
    play: Play, senders: Mapping[str, Voice], leaver: Participant, replayed: Replayed
) -> None:
    """Have somebody begin the first phase and withdraw within it."""
    stage, course = play.stage, play.nominated.course
    begun = evidence.story(course, leaver, seed=0)[:1]
    await play.send(senders, begun, replayed)
    left_on = course.days(1)[0] + timedelta(days=4)
    await stage.nominator.post(
        "enrolment",
        f"/enrolments/{leaver.enrolment_id}/withdrawal",
        {"reason": "Mutasi jabatan ke luar daerah", "on": str(left_on)},
    )


def _senders(stage: Stage, staff: Staff) -> dict[str, Voice]:
    """Give everybody who sends evidence a token of their own."""
    roles = (("mentor", staff.mentors), ("coach", staff.coaches), ("examiner", staff.examiners))
    voices = {each: stage.companion(role, each) for role, people in roles for each in people}
    return {ORGANISER: stage.organiser, **voices}


async def _post(voice: Voice, items: Sequence[Item]) -> tuple[Counter[str], Counter[str]]:
    """Post evidence in bulk; tell how much was accepted, repeated and refused, and why."""
    said: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    # A learner's items stay together, so that one record is changed by one call at a time.
    for chunk in chunks(sorted(items, key=lambda item: str(item["enrolment_id"])), _BULK):
        # Evidence that is sent again is told as repeated, so it needs no key.
        answer = await voice.post("progress", "/evidence", {"items": list(chunk)}, keyed=False)
        said.update({name: answer[name] for name in ("accepted", "repeated", "refused")})
        refusals.update(each["reason"] for each in answer["results"] if each["status"] == "refused")
    return said, refusals


async def _missing(stage: Stage, who: Participant) -> list[str]:
    """Tell what the node says is missing in the learner's current phase."""
    record: Mapping[str, Any] = await stage.organiser.get(
        "progress", f"/enrolments/{who.enrolment_id}"
    )
    return [
        word
        for phase in record["phases"]
        if phase["status"] == "current"
        for word in phase["missing"]
    ]


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Cut a sequence into pieces of at most so many."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
