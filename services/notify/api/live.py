"""Who listens to their inbox just now, and what each of them has not been told yet."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.notify.api.inbox import unread_of
from services.notify.api.parts import ShownNotice, language_for, shown
from services.notify.store import NotifyWork, how_many, newest
from shared.kernel.errors import Conflict, Unavailable
from shared.store.scope import Scope
from shared.store.works import Works

WINDOW = 200
"""So many of a person's newest notices are followed; older ones are found in the inbox."""

_EACH = 8
_ALL = 5_000


class Listeners:
    """Rings a bell for each listener whose inbox has changed.

    A bell is all that a slow listener can pile up: what is new is read from the store.
    """

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._bells: dict[str, set[asyncio.Event]] = {}
        self._count = 0

    def tell(self, learners: Iterable[str]) -> None:
        """Ring for everybody who listens for one of these learners."""
        if not self._bells:
            return
        for learner in learners:
            for bell in self._bells.get(learner, ()):
                bell.set()

    def admit(self, learner: str) -> None:
        """Refuse one listener too many: Conflict for one person, Unavailable for the node."""
        if len(self._bells.get(learner, ())) >= _EACH:
            raise Conflict("too-many-streams", f"at most {_EACH} streams a person")
        if self._count >= _ALL:
            raise Unavailable("too many people listen just now")

    @contextmanager
    def listening(self, learner: str, bell: asyncio.Event) -> Iterator[None]:
        """Ring a bell at once, and whenever the inbox changes, for as long as the block lasts."""
        bell.set()
        self._bells.setdefault(learner, set()).add(bell)
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            self._bells[learner].remove(bell)
            if not self._bells[learner]:
                del self._bells[learner]


@dataclass(frozen=True)
class News:
    """What a listener has not been told yet, oldest first.

    Whoever has heard all of it resumes from `cursor`; `unread` is None where it did not change.
    """

    notices: Sequence[ShownNotice]
    unread: int | None
    cursor: str


@dataclass
class Follower:
    """One listener's place in their own inbox.

    A cursor is `count@place`: so many notices there were up to this place. Facts may come late and
    take an earlier place, so the count tells whether a returning listener has missed any; then the
    whole window is told again, and listeners know notices by their id.
    """

    works: Works[NotifyWork]
    scope: Scope
    learner: str
    known: set[str] = field(default_factory=set)
    unread: int = -1

    async def start(self, cursor: str | None) -> None:
        """Take up the place of a cursor; without one, only what comes from now on is told."""
        work = self.works.open(self.scope)
        if cursor is None:
            self.known = {notice.id for notice in await newest(work, self.learner, limit=WINDOW)}
            return
        count, _, place = cursor.partition("@")
        earlier = await how_many(work, {"learner_id": self.learner, "place": {"$lte": place}})
        if str(earlier) == count:
            window = await newest(work, self.learner, limit=WINDOW)
            self.known = {notice.id for notice in window if notice.place <= place}

    async def look(self) -> News:
        """Tell what is new since the last look."""
        work = self.works.open(self.scope)
        # Counted first: what comes in between makes the count too small, and that only repeats.
        count = await how_many(work, {"learner_id": self.learner})
        window = await newest(work, self.learner, limit=WINDOW)
        unread = await unread_of(work, self.learner)
        language = await language_for(work, self.learner, None)
        wanted = (await work.preferences.of(self.learner)).inbox
        fresh = [notice for notice in reversed(window) if wanted and notice.id not in self.known]
        self.known = {notice.id for notice in window}
        changed = unread if unread != self.unread else None
        self.unread = unread
        cursor = f"{count}@{window[0].place if window else ''}"
        return News([shown(notice, language) for notice in fresh], changed, cursor)
