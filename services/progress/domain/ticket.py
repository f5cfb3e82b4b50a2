"""A ticket for a live session, and which minute a numbered beat under it claims."""

from typing import NamedTuple

from services.progress.domain.minutes import MOST_MINUTES
from shared.kernel.errors import Invalid

BEAT_SECONDS = 30
_EARLY = 5
"""Seconds that a viewer's clock may be ahead of ours."""


class Ticket(NamedTuple):
    """What was signed for one learner and device when they joined; instants are seconds of the epoch.

    Beats count from `joined_at`. Minutes count from `origin`, and none at or after `until` counts. In a
    replay beats are pieces of the recording that were played, from piece `start` on.
    """

    session_id: str
    learner_id: str
    device: str
    joined_at: int
    origin: int
    until: int
    expires: int
    replay: bool = False
    start: int = 0

    def minute(self, number: int, now: float, late: float) -> int:
        """Tell the minute that a beat claims, `late` seconds afterwards at most; Invalid for an impossible one.

        The same number claims the same minute, whenever and however often it is sent.
        """
        if number < 0:
            raise Invalid("beat-impossible", "beats are counted from 0")
        claimed = self.joined_at + BEAT_SECONDS * number
        if claimed > now + _EARLY:
            raise Invalid("beat-too-early", "this beat's time has not come yet")
        if self.replay:
            return self._within((self.start + number) * BEAT_SECONDS // 60)
        if claimed < now - late:
            raise Invalid("beat-too-late", f"a beat is taken for {late:.0f} seconds only")
        if not self.origin <= claimed < self.until:
            raise Invalid("outside-session", "at this beat's time the session did not run")
        return self._within((claimed - self.origin) // 60)

    def _within(self, minute: int) -> int:
        if minute >= MOST_MINUTES:
            raise Invalid("outside-session", f"a session has at most {MOST_MINUTES} minutes")
        return minute
