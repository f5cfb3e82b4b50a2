"""What somebody's minutes in a session come to: how they stand, and which evidence that is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.progress.domain.attendance import Attendance
from services.progress.domain.evidence import Evidence, Giver
from services.progress.domain.live.whole import LiveSession
from services.progress.domain.minutes import present

GIVER = Giver("live", frozenset({"organiser"}))
"""Sessions speak with the organiser's word, who scheduled them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many minutes of a session count for somebody, live and besides by its replay, and whether they suffice."""

    counted: int
    replayed: int
    attended: bool
    made_up: bool

    @property
    def met(self) -> bool:
        """Tell whether the threshold is met, live or with the help of the replay."""
        return self.attended or self.made_up


def standing(session: LiveSession, attendance: Attendance) -> Standing:
    """Tell how somebody stands."""
    minutes, live = session.minutes, attendance.live_minutes
    replayed = attendance.replay_minutes & minutes & ~live if session.replay_days else 0
    return Standing(
        counted=(live & minutes).bit_count(),
        replayed=replayed.bit_count(),
        attended=present(live, minutes, session.threshold),
        made_up=present(live | replayed, minutes, session.threshold),
    )


def evidence_of(
    session: LiveSession, attendance: Attendance, held: Iterable[Evidence], now: datetime
) -> Evidence | None:
    """Tell what a closed session has to say of somebody, beside what it said before; None for nothing new.

    Minutes are only ever added, so whoever was absent may become present, and never the other way round.
    """
    stands, said = standing(session, attendance), _said(session, held)
    if 1.0 in said or (said and not stands.met):
        return None
    source = source_of(session.id)
    if stands.attended or not stands.met:
        at, value = session.over_at, float(stands.attended)
    else:
        # A replay is watched afterwards, and is met when it is.
        at, value, source = now, 1.0, f"{source}:replay"
    return Evidence(
        kind="attendance",
        about=session.place.session,
        at=at,
        value=value,
        by="organiser",
        source=source,
        group=session.place.group,
        entered_by=GIVER.subject,
    )


def source_of(session_id: str) -> str:
    """Tell how evidence names the session that it comes from."""
    return f"live:{session_id}"


def attended_by(evidence: Iterable[Evidence]) -> dict[str, bool]:
    """Tell by session what evidence of live sessions says in the end."""
    told: dict[str, bool] = {}
    for each in evidence:
        if each.kind == "attendance" and each.source.startswith(source_of("")):
            session_id = each.source.split(":")[1]
            told[session_id] = told.get(session_id, False) or each.value > 0
    return told


def _said(session: LiveSession, held: Iterable[Evidence]) -> set[float]:
    own = {source_of(session.id), f"{source_of(session.id)}:replay"}
    return {each.value for each in held if each.kind == "attendance" and each.source in own}
