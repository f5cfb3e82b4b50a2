"""Badges signed by their node and read by the keys in peers' cards, so that verifying needs no network.

A signed badge is a JWT in Open Badges 3.0's own form (section 8.2 of its specification): the payload is
the credential, with the registered claims beside it.
"""

import base64
import gzip
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet

from services.certification.domain.badge import MOST_SIGNS, Badge, Stated, claims_of, stated_by
from shared.federation.keys import Federation
from shared.kernel.errors import Unprocessable

# RFC 9864 renames it Ed25519, which the verifiers of badges that there are do not know yet.
_SIGNS = ("EdDSA",)


_PLACES = 131_072
"""Places in a list of statuses, the least that W3C's Bitstring Status List allows."""
_FRESH = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StatusList:
    """Which places of a page of a register hold no longer, as of an instant; it is published at `address`."""

    address: str
    ended: Sequence[int]
    at: datetime


class NodeNotary:
    """Signs this node's badges, and reads those of this node and of its peers."""

    def __init__(self, federation: Federation) -> None:
        """Stand on the node's keys and its peers' cards."""
        self._federation = federation

    def sign(self, badge: Badge) -> str:
        """Sign a badge; the same one always comes out the same."""
        return self._sign(claims_of(badge))

    def sign_statuses(self, statuses: StatusList) -> str:
        """Sign a list of statuses, to be believed for a day: a Bitstring Status List 1.0 credential."""
        bits = bytearray(_PLACES // 8)
        for place in statuses.ended:
            bits[place // 8] |= 0x80 >> place % 8
        packed = base64.urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).decode().rstrip("=")
        issuer, until = f"urn:corpu:node:{self._federation.node}", statuses.at + _FRESH
        listed = {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "id": statuses.address,
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": issuer,
            "validFrom": _written(statuses.at),
            "validUntil": _written(until),
            "credentialSubject": {
                "id": f"{statuses.address}#list",
                "type": "BitstringStatusList",
                "statusPurpose": "revocation",
                "encodedList": f"u{packed}",
            },
        }
        times = {"nbf": int(statuses.at.timestamp()), "exp": int(until.timestamp())}
        return self._sign({**listed, "iss": issuer, "jti": statuses.address, **times})

    def _sign(self, claims: Badge) -> str:
        key = self._federation.keys.signing
        header = {"alg": _SIGNS[0], "typ": "JWT", "kid": key.kid, "jwk": key.as_dict(private=False)}
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
        with warnings.catch_warnings(action="ignore", category=SecurityWarning):
            return jws.serialize_compact(header, payload, key, algorithms=_SIGNS)

    def read(self, credential: str) -> Stated:
        """Tell what a credential says; Unprocessable where its issuer did not sign it, or is no peer.

        The key in the token's own header is not believed: only the card tells a node's keys.
        """
        if not credential or len(credential) > MOST_SIGNS:
            raise Unprocessable("wrong-credential", "there is no credential")
        try:
            told = stated_by(json.loads(jws.extract_compact(credential.encode()).payload))
        except (JoseError, ValueError, AttributeError) as broken:
            raise Unprocessable("wrong-credential", "this is no signed badge") from broken
        keys = self._keys_of(told.node)
        try:
            with warnings.catch_warnings(action="ignore", category=SecurityWarning):
                jws.deserialize_compact(credential, keys, algorithms=_SIGNS)
        except (JoseError, ValueError) as broken:
            raise Unprocessable("wrong-credential", f"{told.node} did not sign this") from broken
        return told

    def _keys_of(self, node: str) -> KeySet:
        federation = self._federation
        if node == federation.node:
            return KeySet([federation.keys.signing])
        card = federation.peers.cards.get(node)
        if card is None:
            raise Unprocessable("unknown-issuer", f"{node} is no peer of ours")
        named: list[Any] = [key for key in card.keys if key["use"] == "sig"]
        return KeySet.import_key_set({"keys": named})


def _written(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
