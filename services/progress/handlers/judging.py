"""Attendance becomes evidence: a cohort's in pages once its session is closed, and whatever is added later."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.progress.domain.attendance import (
    Addition,
    Attendance,
    Unnoted,
    attendance_id,
)
from services.progress.domain.intake import take
from services.progress.domain.live import GIVER, LiveSession, evidence_of, standing
from services.progress.domain.record import Record
from services.progress.handlers.records import Kept, keep_records
from services.progress.handlers.sessions import is_enrolled_abroad, record_in
from services.progress.ports import Minutes, Work
from shared.events.progress import LectureAttended, MinutesWatched
from shared.kernel.errors import Unprocessable
from shared.kernel.ids import enrolment_id
from shared.kernel.values import replace

_log = logging.getLogger(__name__)
PAGE = 100
"""Learners whose attendance becomes evidence in one write."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one step came to: how many learners it looked at, and whether there may be more."""

    looked_at: int
    more: bool


async def judge_cohort(key: str, now: datetime, work: Work) -> Page:
    """State the next page of evidence of a closed session: for everybody enrolled, present or absent."""
    session = await work.live_sessions.get(key)
    if session.state != "closed" or session.settled:
        return Page(0, more=False)
    if session.host_node != work.node:
        work.live_sessions.keep(session.settle())
        return Page(0, more=False)
    where = {
        "cohort_id": session.place.cohort_id, "plan": {"$ne": ""}, "_id": {"$gt": session.judged_after},
    }  # fmt: skip
    records = await work.records.find(where, limit=PAGE)
    await work.attendance.preload(attendance_id(key, each.learner_id) for each in records)
    found: list[tuple[Record, Attendance]] = []
    for record in records:
        attendance = await work.attendance.of(attendance_id(key, record.learner_id))
        if attendance.is_hurried(now):
            # It stays due, and until then only what was watched live is judged.
            attendance = replace(attendance, replay={})
        else:
            work.attendance.keep(attendance.judged())
        found.append((record, attendance))
    await _judge(session, found, now, work)
    more = len(records) == PAGE
    session = session.judged(records[-1].id) if records else session
    work.live_sessions.keep(session if more else session.settle())
    return Page(len(records), more)


async def judge_due(session: LiveSession, keys: Sequence[str], now: datetime, work: Work) -> None:
    """Judge again whose attendance has grown; who is not enrolled and attended enough is told of.

    Where another node holds the session, it is the one to judge, and is told. Whoever claims more of a replay
    than can have been played waits until it can: many processes take beats, and each counts for itself.
    """
    await work.attendance.preload(keys)
    judged: list[tuple[Record, Attendance]] = []
    for key in keys:
        attendance = await work.attendance.of(key)
        if not attendance.due or attendance.is_hurried(now):
            continue
        work.attendance.keep(attendance.judged())
        if session.host_node != work.node:
            await _tell_host(session, attendance, now, work)
            continue
        record = await record_in(session, attendance.learner_id, work)
        if record.plan:
            judged.append((record, attendance))
        elif session.audience != "cohort":
            await _tell_of_visitor(session, attendance, work)
    await _judge(session, judged, now, work)


async def _judge(
    session: LiveSession,
    found: Iterable[tuple[Record, Attendance]],
    now: datetime,
    work: Work,
) -> None:
    """Offer what was attended to the records of the enrolled, and note what they do not take."""
    kept: list[Kept] = []
    heard: list[Unnoted] = []
    for record, attendance in found:
        evidence = evidence_of(session, attendance, record.evidence, now)
        if evidence is None:
            continue
        taken, (verdict,), facts = take(record, [evidence], GIVER, now)
        kept.append((record, taken, facts))
        # Whoever has left lacks nothing.
        why = "" if record.withdrawn_at else verdict.reason or ""
        about = session.id, session.owner, record.learner_id, record.id
        heard.append(Unnoted(attendance.id, *about, reason=why))
    await keep_records(work, kept)
    await work.unnoted.preload(each.id for each in heard)
    news: Counter[str] = Counter()
    for each in heard:
        before = await work.unnoted.of(each.id)
        if (noted := before.note(each)) is not before:
            work.unnoted.keep(noted)
            news[each.reason] += 1
    for reason, count in news.items():
        if reason:
            _log.warning("session %s: %d records take no attendance: %s", session.id, count, reason)


async def _tell_of_visitor(session: LiveSession, attendance: Attendance, work: Work) -> None:
    visitor = await work.visitors.of(attendance.id)
    card = await work.cards.of(attendance.learner_id)
    if visitor.told or not standing(session, attendance).met or not card.active:
        return
    fact = LectureAttended(
        learner_id=attendance.learner_id,
        at=session.over_at,
        enrolment_id=enrolment_id(
            attendance.learner_id, session.place.cohort_id, session.host_node
        ),
        cohort_id=session.place.cohort_id,
        session_id=session.id,
        title=session.title,
    )
    work.visitors.keep(visitor.tell(), [fact])


async def _tell_host(
    session: LiveSession, attendance: Attendance, now: datetime, work: Work
) -> None:
    """Tell the host what its guest has watched here; of whoever is not enrolled there it hears nothing."""
    learner = attendance.learner_id
    if not await is_enrolled_abroad(session, learner, work):
        return
    before = await work.watched_abroad.of(attendance.id)
    watched = before.tell(attendance)
    if watched is before:
        return
    fact = MinutesWatched(
        learner_id=learner,
        home_node=work.node,
        at=now,
        enrolment_id=enrolment_id(learner, session.place.cohort_id, session.host_node),
        cohort_id=session.place.cohort_id,
        session_id=session.id,
        host_node=session.host_node,
        live=watched.live,
        replay=watched.replay,
    )
    work.watched_abroad.keep(watched, [fact])


async def add_watched_elsewhere(fact: MinutesWatched, work: Work) -> None:
    """Add what a guest has watched at home; a home speaks of its own people in sessions that are open to all."""
    session = await work.live_sessions.of(fact.session_id)
    if not session.state or session.host_node != work.node or session.audience != "all":
        raise Unprocessable("unknown-session", "this node holds no such session for all nodes")
    record = await record_in(session, fact.learner_id, work)
    if not record.plan:
        # Heard before the enrolment is: it waits until that is known, as copies about unknown learners do.
        raise Unprocessable("unknown-learner", "nobody of this id is enrolled here (yet)")
    if record.id != fact.enrolment_id or record.home_node != work.teller:
        raise Unprocessable("not-their-guest", "nobody of theirs has this enrolment")
    added = Addition(
        session.id,
        fact.learner_id,
        f"node:{work.teller}",
        int(fact.live, 16),
        int(fact.replay, 16),
    )
    attendance = await work.attendance.of(attendance_id(session.id, fact.learner_id))
    work.attendance.keep(attendance.hear(added))


async def add_handed_in(key: str, minutes: Minutes, work: Work) -> None:
    """Add what somebody handed in to attendance; a crash in between adds it again, which changes nothing."""
    handed = await work.handed_in.get(key)
    if not handed.added:
        await minutes.add(handed.additions)
    work.handed_in.keep(handed.add())


async def add_claimed(key: str, minutes: Minutes, work: Work) -> None:
    """Add the accepted minutes of a claim to attendance."""
    claim = await work.claims.get(key)
    if claim.state == "accepted" and not claim.added:
        await minutes.add(claim.additions)
        work.claims.keep(claim.add())
