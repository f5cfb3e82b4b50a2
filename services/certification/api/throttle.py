"""How often one address may ask what anybody may ask."""

import ipaddress
from typing import Any

_NETWORK = 64


class Throttle:
    """Admits each address at a rate such as `120 per minute`, counted in this process."""

    def __init__(self, rate: str) -> None:
        """Count from now on; the library is loaded with the first question."""
        self._rate = rate
        self._limit: Any = None
        self._limiter: Any = None

    def admits(self, address: str) -> bool:
        """Count one question of an address, and tell whether it is within the rate."""
        if self._limiter is None:
            # Imported here because a node that nobody asks need not carry it.
            from limits import parse  # noqa: PLC0415
            from limits.storage import MemoryStorage  # noqa: PLC0415
            from limits.strategies import FixedWindowRateLimiter  # noqa: PLC0415

            self._limit, self._limiter = parse(self._rate), FixedWindowRateLimiter(MemoryStorage())
        within: bool = self._limiter.hit(self._limit, neighbourhood(address))
        return within


def neighbourhood(address: str) -> str:
    """Tell what counts as one asker: an IPv4 address, or the /64 network that one IPv6 user holds."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        # A socket for both families shows everybody's IPv4 address inside one and the same /64.
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _NETWORK), strict=False))
    return address
