"""What people write of a live session, and what must be right before it is scheduled."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from services.progress.domain.minutes import MOST_MINUTES
from shared.events.plan import LiveRule, Plan
from shared.kernel.errors import Invalid

Audience = Literal["cohort", "node", "all"]
SessionKind = Literal["lecture", "class"]
StreamKind = Literal["hls", "youtube", "meeting"]
USUAL_THRESHOLD = 80.0
"""Percentage of a session's minutes that makes who attended them present, where no rule says."""

USUAL_GRACE = 300
"""Seconds after the planned end for which beats are still taken."""

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Stream:
    """Where a session is seen; captions and an audio-only rung where there are any."""

    kind: StreamKind = "hls"
    url: str = ""
    captions: str = ""
    audio_only: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Which session of a cohort's plan it is, in which group of them."""

    cohort_id: str = ""
    group: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an organiser says of a session; `threshold` and `replay_days` None: as the rules have it."""

    title: str
    kind: SessionKind
    audience: Audience
    starts_at: datetime
    ends_at: datetime
    stream: Stream
    threshold: float | None = None
    grace: int = USUAL_GRACE
    replay_days: int | None = None
    replay_url: str = ""


@dataclass(frozen=True, slots=True)
class Turnout:
    """Who came, by the bitmaps: viewers with any minute, those present, and viewers by minute.

    `unnoted` are the enrolled whose record has not taken their attendance as evidence.
    """

    viewers: int = 0
    present: int = 0
    curve: tuple[int, ...] = ()
    unnoted: int = 0


def check_place(place: Place, plan: Plan) -> None:
    """Refuse a session that the cohort's plan does not name."""
    if place.session not in plan.sessions.get(place.group, ()):
        raise Invalid(
            "unknown-session",
            f"the cohort's plan names no session {place.session!r} in a group {place.group!r}",
            {"sessions": {name: list(held) for name, held in plan.sessions.items()}},
        )


def check_addresses(draft: Draft) -> None:
    """Refuse an address of this node's own for a session that is watched at other nodes too."""
    stream = draft.stream
    addresses = (stream.url, stream.captions, stream.audio_only, draft.replay_url)
    if draft.audience == "all" and any(each.startswith("/") for each in addresses):
        raise Invalid(
            "address-not-whole", "other nodes need the whole address, with https and its host"
        )


def check_times(starts_at: datetime, ends_at: datetime) -> None:
    """Refuse a session that ends before it starts, or that has too many minutes."""
    if ends_at <= starts_at:
        raise Invalid("ends-before-it-starts", "a session ends after it starts")
    if ends_at - starts_at.replace(second=0, microsecond=0) > MINUTE * MOST_MINUTES:
        raise Invalid("session-too-long", f"a session has at most {MOST_MINUTES} minutes")


def check_length(draft: Draft, place: Place, plan: Plan) -> None:
    """Refuse a session that is too short for its part of the training hours of the phases it counts for."""
    rule = plan.rules.live
    if rule is None or not rule.minutes_per_jp:
        return
    hours = sum(
        phase.jp
        for phase in plan.phases
        if any(
            each.attendance and each.attendance.sessions == place.group for each in phase.gate.all
        )
    )
    needed = ceil(hours * rule.minutes_per_jp / len(plan.sessions[place.group]))
    if draft.ends_at - draft.starts_at < needed * MINUTE:
        raise Invalid(
            "too-short-for-its-hours",
            f"{hours} JP take {needed} minutes of this session by the programme's rules",
            {"minutes": needed},
        )


def terms_of(draft: Draft, rule: LiveRule | None) -> tuple[float, int]:
    """Tell threshold and days of replay: what the rules say holds, and is not bargained with."""
    if rule is None:
        if draft.replay_days:
            raise Invalid("replay-not-allowed", "the programme's rules say nothing of replays")
        return draft.threshold or USUAL_THRESHOLD, 0
    if draft.threshold not in {None, rule.threshold_percent}:
        raise Invalid(
            "threshold-is-a-rule", f"the programme's rules say {rule.threshold_percent:g} %"
        )
    if (draft.replay_days or 0) > rule.replay_days:
        raise Invalid(
            "replay-not-allowed", f"the programme's rules allow {rule.replay_days} days of replay"
        )
    days = rule.replay_days if draft.replay_days is None else draft.replay_days
    return rule.threshold_percent, days
