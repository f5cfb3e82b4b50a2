"""Tickets as JWTs under a key that all instances of a node's progress share."""

from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from services.progress.domain.beats import LEARNER_BYTES
from services.progress.domain.ticket import Ticket
from shared.kernel.errors import Unauthenticated, Unavailable

_SIGNS = "HS256"
_AUDIENCE = "live"
_KEY_BYTES = 32
_MEMORY = 100_000
"""Tickets remembered as verified, some 70 MB: each is shown again every half a minute."""


class SignedTickets:
    """Signs tickets, and reads those that were signed under the same key."""

    def __init__(self, key: bytes, memory: int = _MEMORY) -> None:
        """Sign with a key of 32 bytes, and remember so many verified tickets."""
        self._key = OctKey.import_key(key)
        self._known: dict[bytes, Ticket] = {}
        self._memory = memory

    def sign(self, ticket: Ticket) -> str:
        """Sign a ticket."""
        claims = {
            "aud": _AUDIENCE,
            "sub": ticket.learner_id,
            "iat": ticket.joined_at,
            "exp": ticket.expires,
            "session": ticket.session_id,
            "device": ticket.device,
            "origin": ticket.origin,
            "until": ticket.until,
            "replay": ticket.replay,
            "start": ticket.start,
        }
        return jwt.encode({"alg": _SIGNS, "typ": "JWT"}, claims, self._key)

    def read(self, token: bytes, now: float) -> Ticket:
        """Read a ticket that still holds at an instant; anything else is Unauthenticated."""
        ticket = self._known.get(token)
        if ticket is None:
            ticket = self._verified(token)
            if now < ticket.expires:
                self._remember(token, ticket)
        if now >= ticket.expires:
            raise Unauthenticated("ticket-expired", "this ticket has expired: join again")
        return ticket

    def _verified(self, token: bytes) -> Ticket:
        try:
            told = jwt.decode(token, self._key, algorithms=[_SIGNS]).claims
            if told["aud"] == _AUDIENCE and len(bytes.fromhex(told["sub"])) == LEARNER_BYTES:
                return Ticket(
                    told["session"], told["sub"], told["device"], told["iat"], told["origin"],
                    told["until"], told["exp"], told["replay"], told["start"],
                )  # fmt: skip
        except (JoseError, ValueError, TypeError, KeyError) as broken:
            raise Unauthenticated("invalid-ticket", "this ticket does not hold") from broken
        raise Unauthenticated("invalid-ticket", "this was signed for something else")

    def _remember(self, token: bytes, ticket: Ticket) -> None:
        if len(self._known) >= self._memory:
            # The oldest is the nearest to its end.
            del self._known[next(iter(self._known))]
        self._known[token] = ticket


def read_live_key(path: Path) -> bytes:
    """Read the key of tickets, 32 bytes in hex; Unavailable where there is none."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as broken:
        raise Unavailable(f"the key of live sessions cannot be read from {path}") from broken
    if len(key) != _KEY_BYTES:
        raise Unavailable(f"the key of live sessions in {path} must be {_KEY_BYTES} bytes in hex")
    return key
