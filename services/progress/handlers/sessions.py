"""Live sessions: scheduled, begun, ended and extended; and who is admitted to them."""

from collections.abc import Callable

from services.progress.domain.live import Draft, LiveSession, Place
from services.progress.domain.record import Record
from services.progress.ports import Work
from shared.kernel.errors import Forbidden, NotFound
from shared.kernel.ids import derived, enrolment_id


def session_id(place: Place, node: str) -> str:
    """Tell the id of the one live session that a cohort's session can have."""
    return derived("live-session", node, place.cohort_id, place.group, place.session)


async def schedule_session(place: Place, draft: Draft, work: Work) -> LiveSession:
    """Schedule a session of a cohort's plan, anew where it has not begun; the same again changes nothing."""
    plan = await work.plans.of(place.cohort_id)
    if not plan.text:
        raise NotFound(
            "unknown-cohort", f"no open cohort {place.cohort_id!r} of this node is known"
        )
    session = await work.live_sessions.of(session_id(place, work.node))
    session = session.schedule(draft, place, plan.plan)
    work.live_sessions.keep(session)
    return session


async def change_session(
    key: str, change: Callable[[LiveSession], LiveSession], work: Work
) -> LiveSession:
    """Change a session, such as begin or end it."""
    session = change(await work.live_sessions.get(key))
    work.live_sessions.keep(session)
    return session


async def admit(session: LiveSession, learner_id: str, work: Work) -> str:
    """Tell the id under which somebody attends; Forbidden for whom the session is not."""
    for each in await _ids_of(learner_id, work):
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


async def record_in(session: LiveSession, learner_id: str, work: Work) -> Record:
    """Load somebody's record in a session's cohort, or the blank one."""
    key = enrolment_id(learner_id, session.place.cohort_id, session.host_node)
    return await work.records.of(key)


async def _ids_of(learner_id: str, work: Work) -> list[str]:
    """Tell a person's ids, the newest number's first: enrolments stay under the one that they began with."""
    own = await work.passports.of(learner_id)
    others = await work.passports.find({"linked": learner_id})
    return list(dict.fromkeys([learner_id, *own.linked, *(each.id for each in others)]))
