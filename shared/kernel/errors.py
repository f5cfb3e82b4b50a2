"""Errors told apart by what must happen next: refuse, wait or park."""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Refusal(Exception):  # noqa: N818 - it is a refusal, and answers with a stable type of that name
    """A request that cannot be granted; it changes nothing and answers as problem+json.

    `slug` is the stable last part of the problem's type, `detail` one sentence for a person,
    `extra` further members of the problem document (RFC 9457), e.g. `errors`.
    """

    status: ClassVar[int] = 422
    slug: str
    detail: str
    extra: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """Read as `slug: detail`."""
        return f"{self.slug}: {self.detail}"


class Invalid(Refusal):
    """The request is understood and breaks a rule."""


class NotFound(Refusal):
    """What is asked for does not exist, or not for this person."""

    status = 404


class Conflict(Refusal):
    """The request does not fit the present state."""

    status = 409


class Forbidden(Refusal):
    """The person is known and may not do this."""

    status = 403


class Unauthenticated(Refusal):
    """The person is not known: no token, or one that does not hold."""

    status = 401


class TooLarge(Refusal):
    """The request's body is larger than this door takes."""

    status = 413


class Unavailable(Exception):  # noqa: N818 - says what is the case
    """The store or the broker is away; the work is waited for, never skipped."""

    slug: ClassVar[str] = "unavailable"


class KeyLacking(Unavailable):
    """What a setting names as a key cannot be read, or not yet; it is waited for, and told to the operator."""

    slug = "key-lacking"


@dataclass
class Unprocessable(Exception):  # noqa: N818 - says what is the case
    """A message that can never be handled; it is parked with this reason."""

    reason: str
    detail: str

    def __str__(self) -> str:
        """Read as `reason: detail`."""
        return f"{self.reason}: {self.detail}"
