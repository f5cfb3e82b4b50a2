"""What notify does by itself: it sees pending letters off, round after round."""

import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import Counter

from services.notify.domain.letters import LEASE, Letter
from services.notify.handlers import give_back, note_outcome, take_due_letters
from services.notify.ports import Letters
from services.notify.store import NotifyWork
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.store.works import Works

ROUND_SECONDS = 1.0
_PAGE = 50
_LONGEST_REST = 60
_LETTERS = Counter("corpu_letters", "E-mails tried, by what the mail server said", ["outcome"])
_log = logging.getLogger(__name__)


class MailRounds:
    """Rounds of the mail; while the mail server is away they rest, and only letters wait."""

    def __init__(
        self,
        works: Works[NotifyWork],
        letters: Letters,
        clock: Clock,
        within: timedelta | None = None,
    ) -> None:
        """Send by these letters what happened no longer ago than `within`."""
        self._works = works
        self._letters = letters
        self._clock = clock
        self._within = within
        self._failures = 0
        self._rests_until: datetime | None = None

    async def go(self) -> None:
        """Send every letter that is due, unless the mail server needs its rest."""
        more = not (self._rests_until and self._clock.now() < self._rests_until)
        while more:
            taken_at = self._clock.now()
            take = partial(take_due_letters, taken_at, limit=_PAGE, within=self._within)
            letters, more = await self._works.run(take)
            if letters and not await self._send(letters, taken_at + LEASE / 2):
                return

    async def _send(self, letters: Sequence[Letter], until: datetime) -> bool:
        """Send letters one by one, each noted at once; tell whether the line held."""
        async with AsyncExitStack() as stack:
            try:
                postman = await stack.enter_async_context(self._letters.opened())
            except Unavailable as away:
                await self._rest(letters, str(away))
                return False
            for number, letter in enumerate(letters):
                if self._clock.now() > until:
                    # A slow server: what is untried goes back before somebody else may take it.
                    await self._give_back(letters[number:], "slow-server")
                    break
                outcome = await postman.send(letter)
                _LETTERS.labels(outcome.kind).inc()
                now = self._clock.now()
                noted = partial(note_outcome, letter.notice_id, outcome, now)
                await self._works.run(noted)
                if outcome.kind == "lost":
                    await self._rest(letters[number + 1 :], outcome.reason)
                    return False
        self._failures, self._rests_until = 0, None
        return True

    async def _rest(self, untried: Sequence[Letter], why: str) -> None:
        self._failures += 1
        seconds = min(2**self._failures, _LONGEST_REST)
        self._rests_until = self._clock.now() + timedelta(seconds=seconds)
        _log.warning("e-mail waits %d s: %s", seconds, why)
        await self._give_back(untried, "mail-server-away")

    async def _give_back(self, untried: Sequence[Letter], reason: str) -> None:
        keys = [letter.notice_id for letter in untried]
        await self._works.run(partial(give_back, keys, reason))
