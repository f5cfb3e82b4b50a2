"""A node's own keys and its peers' cards: who signed a copy, and for whom personal data is encrypted.

Signatures are Ed25519 (RFC 8037, RFC 9864), as detached JWS; encryption is JWE, ECDH-ES+A256KW over
X25519 with A256GCM. A node's card is public: its code, its name and its public keys as JWKs.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from shared.kernel.errors import Unavailable, Unprocessable
from shared.kernel.regions import is_region

_SIGNS, _ENCRYPTS = ("Ed25519",), ("ECDH-ES+A256KW", "A256GCM")
Jwk = dict[str, Any]


class Card(BaseModel):
    """What a node tells everybody about itself; `role` auditor reads what is offered and states nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    node: str
    name: str = Field(min_length=1, max_length=200)
    role: Literal["province", "city", "auditor"] = "province"
    keys: tuple[Jwk, ...] = Field(min_length=2, max_length=8)

    @field_validator("node")
    @classmethod
    def _known(cls, node: str) -> str:
        if not is_region(node):
            raise ValueError("a node is named by the code of a region in a known province")
        return node

    @field_validator("name")
    @classmethod
    def _shown(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("a node's name is one line that can be printed")
        return name

    @field_validator("keys")
    @classmethod
    def _public(cls, keys: tuple[Jwk, ...]) -> tuple[Jwk, ...]:
        if any("d" in key for key in keys):
            raise ValueError("a card holds public keys only")
        try:
            KeySet.import_key_set({"keys": list(keys)})
        except (JoseError, ValueError, TypeError, KeyError) as broken:
            raise ValueError("a key is not a JWK") from broken
        uses = {(key.get("crv"), key.get("use")) for key in keys}
        if not {("Ed25519", "sig"), ("X25519", "enc")} <= uses or not all(map(_named, keys)):
            raise ValueError("a card holds an Ed25519 key to verify and an X25519 key to encrypt")
        return keys


def fingerprint_of(card: Card) -> str:
    """Tell what people compare over the telephone: SHA-256 over the card's key ids, 32 hex digits."""
    told = "\n".join(sorted(OKPKey.import_key(key).thumbprint() for key in card.keys))
    digits = hashlib.sha256(told.encode()).hexdigest()[:32]
    return ":".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def _named(key: Jwk) -> bool:
    return bool(key.get("kid"))


@dataclass(frozen=True)
class NodeKeys:
    """A node's private keys."""

    node: str
    signing: OKPKey
    opening: tuple[OKPKey, ...]

    @classmethod
    def make(cls, node: str) -> Self:
        """Make new keys."""
        return cls(
            node,
            OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True),
            (OKPKey.generate_key("X25519", {"use": "enc"}, auto_kid=True),),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the keys from a file that `save` wrote; ValueError where it cannot be one."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            keys = [OKPKey.import_key(each) for each in found["keys"]]
            signing = next(key for key in keys if key.curve_name == "Ed25519")
            opening = tuple(key for key in keys if key.curve_name == "X25519")
            return cls(str(found["node"]), signing, opening)
        except (OSError, ValueError, KeyError, TypeError, StopIteration, JoseError) as broken:
            raise ValueError(f"the node's keys in {path} cannot be read") from broken

    def written(self) -> str:
        """Write the private keys as JSON: for a file that only the node can read."""
        keys = [key.as_dict(private=True) for key in (self.signing, *self.opening)]
        return json.dumps({"node": self.node, "keys": keys}, indent=2) + "\n"

    def card(self, name: str, role: Literal["province", "city", "auditor"] = "province") -> Card:
        """Make the node's card."""
        keys = tuple(key.as_dict(private=False) for key in (self.signing, *self.opening))
        return Card(node=self.node, name=name, role=role, keys=keys)

    def sign(self, payload: bytes) -> str:
        """Sign a payload; the compact JWS without it (RFC 7515, appendix F)."""
        header = {"alg": _SIGNS[0], "kid": self.signing.kid}
        told = jws.serialize_compact(header, payload, self.signing, algorithms=_SIGNS)
        return jws.detach_content(told)

    def seal(self, personal: bytes) -> str:
        """Encrypt for this node itself."""
        return _encrypted(self.opening[0], personal)

    def decrypt(self, token: str) -> bytes:
        """Open what was encrypted for this node; Unprocessable where it was not."""
        for key in self.opening:
            try:
                opened = jwe.decrypt_compact(token, key, algorithms=_ENCRYPTS)
            except (JoseError, ValueError):
                continue
            if opened.plaintext is not None:
                return opened.plaintext
        raise Unprocessable("not-for-us", "it is not encrypted for this node")


class Peers:
    """The peers file: a JSON list of cards, read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        """Read from this path."""
        self._path = path
        self._seen: tuple[int, ...] = ()
        self._cards: Mapping[str, Card] = {}

    @property
    def cards(self) -> Mapping[str, Card]:
        """Tell every peer's card by its code; Unavailable where the file cannot be read."""
        try:
            # A clock's tick is long enough for two changes; each puts another file in the place.
            found = self._path.stat()
            changed = found.st_mtime_ns, found.st_ino, found.st_size
            if changed != self._seen:
                self._cards = read_cards(self._path.read_text(encoding="utf-8"))
                self._seen = changed
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as broken:
            raise Unavailable(f"the peers file {self._path} cannot be read") from broken
        return self._cards

    def verify(self, node: str, payload: bytes, signature: str) -> bool:
        """Tell whether a peer's key made this detached signature; False for a node that is no peer."""
        card = self.cards.get(node)
        if card is None:
            return False
        keys = KeySet.import_key_set({"keys": [key for key in card.keys if key["use"] == "sig"]})
        try:
            jws.deserialize_compact(signature, keys, algorithms=_SIGNS, payload=payload)
        except (JoseError, ValueError):
            return False
        return True

    def encrypt(self, node: str, personal: bytes) -> str:
        """Encrypt for a peer; Unprocessable for a node that is none (yet)."""
        card = self.cards.get(node)
        if card is None:
            # Parked, not waited for: what is for other peers goes on, and a replay sends it once there is a card.
            raise Unprocessable("unknown-peer", f"{node} is no peer: add its card")
        key = OKPKey.import_key(next(key for key in card.keys if key["use"] == "enc"))
        return _encrypted(key, personal)


def _encrypted(key: OKPKey, personal: bytes) -> str:
    header = {"alg": _ENCRYPTS[0], "enc": _ENCRYPTS[1], "kid": key.kid}
    return jwe.encrypt_compact(header, personal, key, algorithms=_ENCRYPTS)


def read_cards(text: str) -> dict[str, Card]:
    """Read a peers file; ValueError where it is not a JSON list of cards."""
    try:
        told = json.loads(text)
        if not isinstance(told, list):
            raise TypeError  # noqa: TRY301 - one way out for whatever is no list of cards
        found = [Card.model_validate(each) for each in told]
    except (ValueError, TypeError, RecursionError) as broken:
        raise ValueError(f"not a list of cards: {_why(broken)}") from broken
    return {card.node: card for card in found}


def write_cards(cards: Sequence[Card]) -> str:
    """Write a peers file."""
    found = [card.model_dump(mode="json") for card in sorted(cards, key=lambda card: card.node)]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _why(broken: Exception) -> str:
    return str(broken.errors()[0]["msg"]) if isinstance(broken, ValidationError) else "not JSON"


@dataclass(frozen=True)
class Federation:
    """What a node that shares stands on."""

    keys: NodeKeys
    peers: Peers

    @property
    def node(self) -> str:
        """Tell the node's own code."""
        return self.keys.node
