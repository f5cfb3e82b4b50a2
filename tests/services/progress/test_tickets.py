"""Tickets: what is signed is read again, and nothing else is."""

from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from services.progress.api.tickets import SignedTickets, read_live_key
from services.progress.domain.ticket import Ticket
from shared.kernel.errors import Unauthenticated, Unavailable

_KEY = b"k" * 32
_TICKET = Ticket("s", "a" * 32, "hp", 1_000, 940, 8_000, expires=1_600, replay=True, start=4)


@pytest.fixture
def tickets() -> SignedTickets:
    """Give tickets under the node's key."""
    return SignedTickets(_KEY)


def _refusal(tickets: SignedTickets, token: str, now: float = 1_000) -> str:
    with pytest.raises(Unauthenticated) as refused:
        tickets.read(token.encode(), now)
    return refused.value.slug


def _signed(claims: dict[str, object], alg: str = "HS256", key: bytes = _KEY) -> str:
    return jwt.encode({"alg": alg}, claims, OctKey.import_key(key), algorithms=[alg])


def test_a_ticket_is_read_as_it_was_signed(tickets: SignedTickets) -> None:
    """By whoever has the key, and again from memory."""
    token = tickets.sign(_TICKET).encode()

    assert [_TICKET, _TICKET] == [SignedTickets(_KEY).read(token, 1_599.9), tickets.read(token, 0)]
    assert tickets.read(token, 0) is tickets.read(token, 1)


def test_an_expired_ticket_is_refused(tickets: SignedTickets) -> None:
    """Also where it was read before."""
    token = tickets.sign(_TICKET)

    assert "ticket-expired" == _refusal(tickets, token, 1_600)
    tickets.read(token.encode(), 1_000)
    assert "ticket-expired" == _refusal(tickets, token, 1_600)


def test_what_was_not_signed_as_a_ticket_is_refused(tickets: SignedTickets) -> None:
    """Another key, another algorithm, another purpose, a lack or no token at all."""
    claims = {**jwt.decode(tickets.sign(_TICKET), OctKey.import_key(_KEY)).claims}

    assert _TICKET == tickets.read(_signed(claims).encode(), 1_000)
    for wrong in (
        _signed(claims, key=b"x" * 32),
        _signed(claims, "HS384", b"k" * 48),
        _signed({**claims, "aud": "corpu"}),
        _signed({name: each for name, each in claims.items() if name != "session"}),
        tickets.sign(_TICKET)[:-2],
        "a.b.c",
        "",
        "\u00e9",
    ):
        assert "invalid-ticket" == _refusal(tickets, wrong)


def test_memory_of_tickets_is_bounded() -> None:
    """The oldest is forgotten, and read again all the same."""
    tickets = SignedTickets(_KEY, memory=2)
    tokens = [tickets.sign(_TICKET._replace(device=f"hp-{number}")).encode() for number in range(3)]
    read = [tickets.read(token, 1_000) for token in tokens]

    assert 2 == len(tickets._known)
    assert read == [tickets.read(token, 1_000) for token in tokens]


def test_a_key_that_is_no_use_is_told(tmp_path: Path) -> None:
    """Missing, no hex, or too short."""
    file = tmp_path / "live.hex"
    for held in (None, "zz", "00"):
        if held is not None:
            file.write_text(held, encoding="ascii")
        with pytest.raises(Unavailable, match=r"live\.hex"):
            read_live_key(file)
    file.write_text(_KEY.hex() + "\n", encoding="ascii")

    assert _KEY == read_live_key(file)
