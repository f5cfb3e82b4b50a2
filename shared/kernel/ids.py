"""The only home of identifiers: pseudonyms, derived ids and fresh ones."""

import hashlib
import hmac
import uuid
from pathlib import Path

_NAMESPACE = uuid.UUID("6f1c9f3e-8a54-5d0e-9b77-2f8a35c0de62").bytes
_LEARNER_BYTES = 16
_KEY_BYTES = 32


def learner_id(nip: str, key: bytes) -> str:
    """Derive a learner's pseudonym, 32 hex digits, the same at every node that holds `key`."""
    return hmac.new(key, nip.encode(), hashlib.sha256).digest()[:_LEARNER_BYTES].hex()


def read_pseudonym_key(path: Path) -> bytes:
    """Read the federation's pseudonym key, 32 bytes in hex; raises ValueError for anything else."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        message = f"the pseudonym key in {path} must be {_KEY_BYTES} bytes in hex"
        raise ValueError(message)
    return key


def derived(*parts: str | int) -> str:
    """Derive an id that is the same whenever its parts are, so that a repeat finds what was made."""
    name = "\x1f".join(map(str, parts)).encode()
    # RFC 9562's version 5, written out: the spine derives an id for every fact, and uuid5 costs five times this.
    raw = bytearray(hashlib.sha1(_NAMESPACE + name, usedforsecurity=False).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x50
    raw[8] = raw[8] & 0x3F | 0x80
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def enrolment_id(learner: str, cohort: str, host: str) -> str:
    """Derive the one enrolment that a learner can hold in a cohort of a node, the same at every node."""
    return derived("enrolment", learner, f"{host}/{cohort}")


def fact_id(source: str, aggregate: str, epoch: int, seq: int) -> str:
    """Derive a fact's id from its place in its aggregate's story."""
    return derived(source, aggregate, epoch, seq)


def fresh() -> str:
    """Make an id that nothing else has."""
    return str(uuid.uuid4())
