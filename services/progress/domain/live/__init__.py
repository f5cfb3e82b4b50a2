"""Live sessions: scheduled, held and closed; what minutes come to; what people hand in and claim."""

from services.progress.domain.live.abroad import WatchedAbroad, follow, news_of
from services.progress.domain.live.admission import live_ticket, replay_ticket
from services.progress.domain.live.handed import Claim, HandedIn, Step
from services.progress.domain.live.presence import GIVER, Standing, evidence_of, standing
from services.progress.domain.live.shape import Draft, Place, Stream, Turnout
from services.progress.domain.live.whole import LiveSession

__all__ = [
    "GIVER",
    "Claim",
    "Draft",
    "HandedIn",
    "LiveSession",
    "Place",
    "Standing",
    "Step",
    "Stream",
    "Turnout",
    "WatchedAbroad",
    "evidence_of",
    "follow",
    "live_ticket",
    "news_of",
    "replay_ticket",
    "standing",
]
