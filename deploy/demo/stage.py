"""What the demo stands on: a node's client, tokens for whoever speaks, and somebody who watches."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deploy.client import NodeClient, Voice
from deploy.demo.cast import CITY
from deploy.embedded.settings import NodeError


class Tokens(Protocol):
    """Issues access tokens of the node."""

    def __call__(
        self, *roles: str, subject: str, agency: str | None = None, learner_id: str | None = None
    ) -> str:
        """Sign a token for a person with these roles."""
        ...


class Watch(Protocol):
    """Follows the work, e.g. with progress bars."""

    def begin(self, what: str, total: int) -> Callable[[int], None]:
        """Begin a piece of work of so many steps; what is given back hears of each step done."""
        ...


class NobodyWatches:
    """Follows nothing."""

    def begin(self, what: str, total: int) -> Callable[[int], None]:
        """Take note of nothing."""
        del what, total
        return lambda _: None


@dataclass(frozen=True)
class Stage:
    """A node to play on; `patience` is for how many seconds anything is waited for.

    `agency` is the personnel agency that nominates.
    """

    client: NodeClient
    tokens: Tokens
    out: Path
    watch: Watch = field(default_factory=NobodyWatches)
    patience: float = 60.0
    agency: str = CITY

    def keep(self, name: str, content: bytes) -> Path:
        """Write a paper below the demo's folder, whole; NodeError names the one that cannot be written."""
        file = self.out / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError as refused:
            with suppress(OSError):
                file.unlink()
            raise NodeError(f"{file} cannot be written: {refused.strerror}") from refused
        return file

    @property
    def organiser(self) -> Voice:
        """Speak as the training agency's organiser."""
        return self.client.speaking(self.tokens("organiser", subject="penyelenggara"))

    @property
    def operator(self) -> Voice:
        """Speak as the node's operator."""
        return self.client.speaking(self.tokens("operator", "auditor", subject="operator"))

    @property
    def nominator(self) -> Voice:
        """Speak as the city's personnel agency."""
        return self.client.speaking(
            self.tokens("nominator", subject="pengusul", agency=self.agency)
        )

    @property
    def endorser(self) -> Voice:
        """Speak as the officer of that agency who signs its lists."""
        return self.client.speaking(
            self.tokens("endorser", subject="pejabat-pengesah", agency=self.agency)
        )

    def companion(self, role: str, learner_id: str) -> Voice:
        """Speak as one mentor, coach or examiner."""
        return self.client.speaking(
            self.tokens(role, subject=f"{role}-{learner_id[:8]}", learner_id=learner_id)
        )
