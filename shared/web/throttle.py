"""How often somebody may do something, counted in this process."""

from typing import Any


class Throttle:
    """Admits everybody at a rate such as `120 per minute`, in windows of that time."""

    def __init__(self, rate: str) -> None:
        """Count from now on; the library is loaded with the first question."""
        self._rate = rate
        self._limit: Any = None
        self._limiter: Any = None

    def admits(self, who: str) -> bool:
        """Count one time of somebody, and tell whether it is within the rate."""
        if self._limiter is None:
            # Imported here because a node that nobody asks need not carry it.
            from limits import parse  # noqa: PLC0415
            from limits.storage import MemoryStorage  # noqa: PLC0415
            from limits.strategies import FixedWindowRateLimiter  # noqa: PLC0415

            self._limit, self._limiter = parse(self._rate), FixedWindowRateLimiter(MemoryStorage())
        within: bool = self._limiter.hit(self._limit, who)
        return within
