"""The embedded node's own issuer: its keys, made once, and the access tokens that they sign."""

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from deploy.embedded.settings import (
    LIVE_KEY,
    PRIVATE_KEY,
    PSEUDONYM_KEY,
    PUBLIC_KEYS,
    NodeError,
)
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.ids import fresh

_SECRET_BYTES = 32


def make_keys(home: Path) -> None:
    """Make what a node lacks of its keys, for its owner's eyes; what exists is never changed."""
    (home / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)
    for secret in (PSEUDONYM_KEY, LIVE_KEY):
        _keep(home / secret, lambda: secrets.token_hex(_SECRET_BYTES))
    _keep(home / PRIVATE_KEY, lambda: json.dumps(_new_key().as_dict(private=True)))
    _keep(
        home / PUBLIC_KEYS, lambda: json.dumps({"keys": [_read_key(home).as_dict(private=False)]})
    )


def issue(  # noqa: PLR0913 - a token names all that it says
    home: Path,
    *,
    subject: str,
    roles: Iterable[str],
    node: str,
    agency: str | None = None,
    learner_id: str | None = None,
    lifetime: timedelta = timedelta(hours=8),
    issuer: str | None = None,
    audience: str = "corpu",
    clock: Clock | None = None,
) -> str:
    """Sign an access token (RFC 9068, ES256) with a node's key; NodeError where there is none."""
    now = int((clock or SystemClock()).now().timestamp())
    key = _read_key(home)
    claims = {
        "iss": issuer or f"urn:corpu:{node}",
        "aud": audience,
        "sub": subject,
        "iat": now,
        "nbf": now,
        "exp": now + int(lifetime.total_seconds()),
        "jti": fresh(),
        "roles": sorted(roles),
        "node": node,
        "agency": agency,
        "learner_id": learner_id,
    }
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, claims, key)


def _new_key() -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)


def _read_key(home: Path) -> ECKey:
    path = home / PRIVATE_KEY
    try:
        key = ECKey.import_key(json.loads(path.read_text(encoding="utf-8")))
        if not key.is_private:
            raise TypeError  # noqa: TRY301 - one way out for whatever cannot sign
    except (ValueError, TypeError, JoseError, RecursionError) as broken:
        raise NodeError(
            f"{path} is no issuer's private key: put back the one of a backup, or move it away with "
            f"{home / PUBLIC_KEYS}, and new ones are made at the next start"
        ) from broken
    except FileNotFoundError:
        raise NodeError(
            f"there is no issuer key in {home / 'keys'}: start the node once, or set CORPU_HOME"
        ) from None
    return key


def _keep(path: Path, make: Callable[[], str]) -> None:
    """Write a file whole or not at all, and only where there is none yet."""
    if path.exists():
        return
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(make())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


if __name__ == "__main__":
    try:
        make_keys(Path(sys.argv[1]))
    except NodeError as failure:
        sys.exit(str(failure))
