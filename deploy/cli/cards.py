"""Cards of other nodes, from a file or from where they are shown: read no further than one can be long."""

import time
from pathlib import Path

import httpx2
from pydantic import ValidationError

from deploy.embedded.settings import NodeError
from shared.federation.keys import Card

_HTTP_SECONDS = 20
_LARGEST = 100_000


def card_in(path: Path) -> Card:
    """Read the card in a file; NodeError where it holds none."""
    with path.open("rb") as file:
        return _card(file.read(_LARGEST + 1), str(path))


def fetched_card(address: str) -> Card:
    """Fetch the card that an address shows; NodeError where it shows none."""
    ends = time.monotonic() + _HTTP_SECONDS
    # Packed, a few bytes could become any number of them.
    plain = {"Accept-Encoding": "identity"}
    held = b""
    try:
        with httpx2.stream("GET", address, headers=plain, timeout=_HTTP_SECONDS) as answer:
            for piece in answer.raise_for_status().iter_raw():
                held += piece
                if len(held) > _LARGEST:
                    break
                if time.monotonic() > ends:
                    raise NodeError(f"no card can be fetched from {address}: it never ends")
    except (httpx2.HTTPError, httpx2.InvalidURL) as away:
        raise NodeError(f"no card can be fetched from {address}: {away}") from away
    return _card(held, address)


def _card(held: bytes, place: str) -> Card:
    if len(held) > _LARGEST:
        raise NodeError(f"{place} is no node's card: one has at most {_LARGEST} bytes")
    try:
        return Card.model_validate_json(held)
    except ValidationError as wrong:
        raise NodeError(f"{place} is no node's card: {wrong.errors()[0]['msg']}") from wrong
