"""Who is let in to watch: tickets for a session while it runs, and for its replay while that counts."""

from datetime import datetime, timedelta

from services.progress.domain.live.whole import LiveSession
from services.progress.domain.ticket import BEAT_SECONDS, Ticket
from shared.kernel.errors import Conflict

TICKET_FOR = timedelta(minutes=10)


def live_ticket(session: LiveSession, learner_id: str, device: str, now: datetime) -> Ticket:
    """Make the ticket of somebody who watches now; Conflict where nothing is on."""
    running = session.state in {"scheduled", "live"}
    if not running or (session.state == "live" and now >= session.until):
        # Whoever comes late is told whether there is still something to watch.
        raise Conflict("session-over", "this session is over", {"replay": session.replays(now)})
    session.guard("live")
    return _ticket(session, learner_id, device, now, session.until)


def replay_ticket(
    session: LiveSession, learner_id: str, device: str, now: datetime, position: int
) -> Ticket:
    """Make the ticket of somebody who watches the recording from so many seconds on."""
    if session.state in {"scheduled", "live"}:
        raise Conflict("not-over", "there is no replay before the end", session.when)
    if not session.replays(now):
        raise Conflict("no-replay", "the replay of this session counts no longer, or never did")
    until = session.over_at + timedelta(days=session.replay_days)
    ticket = _ticket(session, learner_id, device, now, until)
    # The recording begins where the session did.
    first = session.minute_of(max(session.began, session.starts))
    start = first * (60 // BEAT_SECONDS) + position // BEAT_SECONDS
    return ticket._replace(replay=True, start=start)


def _ticket(
    session: LiveSession, learner_id: str, device: str, now: datetime, until: datetime
) -> Ticket:
    return Ticket(
        session_id=session.id,
        learner_id=learner_id,
        device=device,
        joined_at=int(now.timestamp()),
        origin=int((session.origin or session.starts).timestamp()),
        until=int(until.timestamp()),
        expires=int(min(now + TICKET_FOR, until).timestamp()),
    )
