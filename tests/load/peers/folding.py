"""The fold that every peer does, without any of the libraries: beats to bitmaps, bitmaps to merging updates."""

from collections.abc import Iterable, Mapping

from pymongo import UpdateOne

from services.progress.domain.beats import learners_of, session_of, unpack
from services.progress.domain.minutes import words_of

Bitmaps = dict[tuple[bytes, bytes], int]
"""Minutes by room and learner."""


def take(bitmaps: Bitmaps, values: Iterable[bytes]) -> None:
    """Fold records into bitmaps."""
    for value in values:
        for room, minute, learners in unpack(value):
            bit = 1 << minute
            for (learner,) in learners_of(learners):
                key = (room, learner)
                bitmaps[key] = bitmaps.get(key, 0) | bit


def updates(bitmaps: Mapping[tuple[bytes, bytes], int]) -> list[UpdateOne]:
    """Write what was folded, so that it may be merged any number of times."""
    return [_update(room, learner, bitmap) for (room, learner), bitmap in bitmaps.items()]


def _update(room: bytes, learner: bytes, bitmap: int) -> UpdateOne:
    session, _ = session_of(room)
    words = words_of(bitmap).items()
    return UpdateOne(
        {"_id": f"{session}/{learner.hex()}"},
        {"$bit": {f"live.{place}": {"or": word} for place, word in words}},
        upsert=True,
    )
