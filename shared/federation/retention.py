"""What a node seals for itself alone: kept under a legal basis, and read by nobody in its daily work."""

import os
from dataclasses import dataclass
from pathlib import Path

from shared.federation.keys import NodeKeys
from shared.kernel.errors import Unavailable

KEY_FILE = "retention.private.json"
"""Beside the pseudonym key, at a node that has no keys to share with."""


@dataclass(frozen=True)
class Retention:
    """Seals text for the node's own key: the one of its card or, where it has none, one made for this."""

    node: str
    node_keys: Path | None
    pseudonym_key: Path

    def seal(self, text: str) -> str:
        """Encrypt; Unavailable while there is no key, and none can be made."""
        return self._keys(make=True).seal(text.encode())

    def open(self, sealed: str) -> str:
        """Decrypt; Unprocessable where it was sealed for another key."""
        return self._keys(make=False).decrypt(sealed).decode()

    def _keys(self, *, make: bool) -> NodeKeys:
        path = self.node_keys or self.pseudonym_key.parent / KEY_FILE
        try:
            if make and self.node_keys is None and not path.exists():
                _write(path, NodeKeys.make(self.node).written())
            return NodeKeys.read(path)
        except (OSError, ValueError) as broken:
            raise Unavailable(f"the key in {path} cannot be read or made") from broken


def _write(path: Path, text: str) -> None:
    """Write a file that only the node can read, as a whole; who was first made it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
