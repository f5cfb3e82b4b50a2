"""Steps of a long task, each a unit of work of its own."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.enrolment.ports import Rooms, Works
from shared.kernel.errors import Conflict

T = TypeVar("T")
_TRIES = 20


async def patiently(works: Works, step: Callable[[Rooms], Awaitable[T]]) -> T:
    """Run a step, again and again where others change the same aggregate just now.

    Every conflict means that somebody else got on, so no two tasks can hold each other up for good.
    """
    for _ in range(_TRIES):
        try:
            return await works.run(step)
        except Conflict as busy:
            if busy.slug != "busy":
                raise
    return await works.run(step)
