"""Live sessions: scheduled, begun, ended and extended; and who is admitted to them."""

from collections.abc import Callable
from datetime import datetime

from services.progress.domain.attendance import attendance_id
from services.progress.domain.live import Draft, LiveSession, Place, follow, news_of
from services.progress.domain.live.shape import check_times
from services.progress.domain.record import Record
from services.progress.ports import Work
from shared.events.enrolment import Enrolled
from shared.events.progress import SessionOffered
from shared.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from shared.kernel.ids import derived, enrolment_id


def session_id(place: Place, node: str) -> str:
    """Tell the id of the one live session that a cohort's session can have."""
    return derived("live-session", node, place.cohort_id, place.group, place.session)


async def schedule_session(place: Place, draft: Draft, now: datetime, work: Work) -> LiveSession:
    """Schedule a session of a cohort's plan, anew where it has not begun; the same again changes nothing."""
    plan = await work.plans.of(place.cohort_id)
    if not plan.text:
        raise NotFound(
            "unknown-cohort", f"no open cohort {place.cohort_id!r} of this node is known"
        )
    before = await work.live_sessions.of(session_id(place, work.node))
    return _keep(before, before.schedule(draft, place, plan.plan), now, work)


async def direct_session(
    key: str, change: Callable[[LiveSession], LiveSession], now: datetime, work: Work
) -> LiveSession:
    """Change a session as its organiser does; Conflict where another node holds it."""
    before = await work.live_sessions.get(key)
    if before.host_node != work.node:
        raise Conflict("held-elsewhere", f"node {before.host_node} holds this session")
    return _keep(before, change(before), now, work)


async def move_session(
    key: str, change: Callable[[LiveSession], LiveSession], now: datetime, work: Work
) -> LiveSession:
    """Move a session on by itself, such as end it when its time is over, whoever holds it."""
    before = await work.live_sessions.get(key)
    return _keep(before, change(before), now, work)


def _keep(before: LiveSession, session: LiveSession, now: datetime, work: Work) -> LiveSession:
    session, news = (
        news_of(before, session, now) if session.host_node == work.node else (session, [])
    )
    work.live_sessions.keep(session, news)
    return session


async def follow_session(fact: SessionOffered, work: Work) -> None:
    """Hold for this node's own people what another node offers to all; a node speaks of its own sessions only."""
    place = Place(fact.cohort_id, fact.group, fact.session)
    if fact.node != work.teller or fact.session_id != session_id(place, fact.node):
        raise Unprocessable("not-their-session", "a node speaks of its own sessions only")
    try:
        check_times(fact.starts_at, fact.ends_at)
    except Invalid as wrong:
        raise Unprocessable(wrong.slug, wrong.detail) from wrong
    session = await work.live_sessions.of(fact.session_id)
    work.live_sessions.keep(follow(session, fact))


async def admit(session: LiveSession, learner_id: str, work: Work) -> str:
    """Tell the id under which somebody attends; Forbidden for whom the session is not."""
    for each in await _ids_of(learner_id, work):
        if session.host_node != work.node:
            if await is_enrolled_abroad(session, each, work):
                return each
            continue
        record = await record_in(session, each, work)
        if record.plan and not record.withdrawn_at:
            return each
        if record.withdrawn_at:
            raise Forbidden("withdrawn", "whoever has left the cohort attends no more")
    card = await work.cards.of(learner_id)
    if session.audience != "cohort" and card.active:
        return learner_id
    if session.audience == "cohort":
        raise Forbidden("not-enrolled", "this session is for who is enrolled in the cohort")
    raise Forbidden("not-enrolled", "this node does not know you yet; ask your agency")


async def begin_replay(session: LiveSession, learner_id: str, now: datetime, work: Work) -> None:
    """Note when somebody first joined a replay: what they claim of it is measured by the time since then."""
    attendance = await work.attendance.of(attendance_id(session.id, learner_id))
    work.attendance.keep(attendance.begin_replay(session.id, learner_id, now))


async def mark_enrolled(fact: Enrolled, host: str, work: Work, *, news: bool) -> None:
    """Have what somebody attended before they were enrolled judged, and what is added at the same moment too."""
    for session in await work.sessions_of([fact.plan.cohort_id], host):
        attendance = await work.attendance.of(attendance_id(session.id, fact.learner_id))
        if news and session.is_over:
            # Whoever judges a first beat before this is kept knows of no enrolment: then this meets a conflict.
            attendance = attendance.expect(session.id, fact.learner_id)
        work.attendance.keep(attendance.enrol())


async def record_in(session: LiveSession, learner_id: str, work: Work) -> Record:
    """Load somebody's record in a session's cohort, or the blank one."""
    key = enrolment_id(learner_id, session.place.cohort_id, session.host_node)
    return await work.records.of(key)


async def is_enrolled_abroad(session: LiveSession, learner_id: str, work: Work) -> bool:
    """Tell whether the host of a session has somebody enrolled in its cohort, as the passport has it."""
    passport = await work.passports.of(learner_id)
    key = enrolment_id(learner_id, session.place.cohort_id, session.host_node)
    return any(
        each.enrolment_id == key and each.enrolled_at and not each.withdrawn_at
        for each in passport.entries
    )


async def _ids_of(learner_id: str, work: Work) -> list[str]:
    """Tell a person's ids, the newest number's first: enrolments stay under the one that they began with."""
    own = await work.passports.of(learner_id)
    others = await work.passports.find({"linked": learner_id})
    return list(dict.fromkeys([learner_id, *own.linked, *(each.id for each in others)]))
