"""The edge: takes heartbeats of live sessions, and answers once the broker has them."""

from services.progress.api.edge.described import describe_beats
from services.progress.api.edge.door import BATCH, BEATS, BeatsDoor

__all__ = ["BATCH", "BEATS", "BeatsDoor", "describe_beats"]
