"""How a use case runs on behalf of a person: loaded, decided, kept, and done again after a conflict."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Generic, TypeVar

from shared.kernel.errors import Conflict, Invalid
from shared.store.relay import Relay
from shared.store.scope import EVERYTHING, Scope
from shared.store.work import Frame, UnitOfWork

W = TypeVar("W", bound=UnitOfWork)
T = TypeVar("T")
_ATTEMPTS = 30


class Works(Generic[W]):
    """Opens units of work of one service."""

    def __init__(self, make: Callable[[Frame], W], frame: Frame, relay: Relay) -> None:
        """Make works of type W in this frame; their facts leave by this relay."""
        self.make = make
        self.frame = frame
        self.relay = relay

    def open(self, scope: Scope = EVERYTHING) -> W:
        """Open a work to look with; what it keeps is lost unless somebody commits it."""
        return self.make(replace(self.frame, scope=scope))

    async def run(self, use_case: Callable[[W], Awaitable[T]], scope: Scope = EVERYTHING) -> T:
        """Run a use case and keep what it decided; somebody else's change first means doing it again."""
        for _ in range(_ATTEMPTS):
            work = self.open(scope)
            answer = await use_case(work)
            kept = await work.commit()
            self.relay.soon(kept)
            if kept.refused:
                raise Invalid("not-storable", next(iter(kept.refused.values())))
            if not kept.conflicts:
                return answer
        raise Conflict("busy", "this changes too often just now; try again")
