"""The embedded issuer's tokens hold against the node's public keys."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet
from joserfc.jwt import Token

from deploy.embedded.settings import NodeError
from deploy.embedded.tokens import issue, make_keys
from shared.kernel.clock import SetClock

_NOON = datetime(2024, 3, 4, 5, tzinfo=UTC)


def _decode(token: str, home: Path) -> Token:
    keys = KeySet.import_key_set(json.loads((home / "keys/jwks.json").read_bytes()))
    return jwt.decode(token, keys, algorithms=["ES256"])


def test_a_token_says_who_may_do_what_and_until_when(home: Path) -> None:
    """An access token carries the standard claims, the roles, the node and the person."""
    make_keys(home)

    token = issue(
        home,
        subject="organiser-1",
        roles=["organiser", "learner"],
        node="35",
        agency="35.73",
        learner_id="ab" * 16,
        lifetime=timedelta(minutes=5),
        clock=SetClock(_NOON),
    )
    decoded = _decode(token, home)
    now = int(_NOON.timestamp())

    assert "at+jwt" == decoded.header["typ"]
    assert 36 == len(decoded.claims.pop("jti"))
    assert {
        "iss": "urn:corpu:35",
        "aud": "corpu",
        "sub": "organiser-1",
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "roles": ["learner", "organiser"],
        "node": "35",
        "agency": "35.73",
        "learner_id": "ab" * 16,
    } == decoded.claims


@pytest.mark.parametrize(
    "held", [b"", b"\xff\xfe", b"[]", b'{"kty": "oct", "k": "AAAA"}', b"[" * 100_000, None]
)
def test_an_issuer_key_that_is_none_is_one_clear_line(held: bytes | None, home: Path) -> None:
    """What cannot sign, a public key too, is named, and nothing else is said about it."""
    make_keys(home)
    public = json.loads((home / "keys/jwks.json").read_bytes())["keys"][0]
    path = home / "keys/issuer.private.json"
    path.write_bytes(json.dumps(public).encode() if held is None else held)

    with pytest.raises(NodeError, match=r"issuer\.private\.json is no issuer's private key"):
        issue(home, subject="x", roles=["organiser"], node="35")


def test_a_token_signed_elsewhere_does_not_hold(home: Path, tmp_path: Path) -> None:
    """A token that borrows this node's header, key id included, still needs its key."""
    make_keys(home)
    make_keys(tmp_path)
    header, _, _ = issue(home, subject="x", roles=["learner"], node="35").split(".")
    _, claims, signature = issue(tmp_path, subject="x", roles=["operator"], node="35").split(".")

    with pytest.raises(BadSignatureError):
        _decode(f"{header}.{claims}.{signature}", home)


def test_a_node_that_never_started_has_no_key(home: Path) -> None:
    """A token for a node without keys is one clear line."""
    with pytest.raises(NodeError) as refused:
        issue(home, subject="x", roles=["operator"], node="35")

    assert (
        f"there is no issuer key in {home}/keys: start the node once, or set CORPU_HOME"
    ) == str(refused.value)
