"""What a language must say for notices to be told in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Language = Literal["id", "en"]


@dataclass(frozen=True, slots=True)
class Template:
    """A subject and paragraphs with the words of a notice in braces."""

    subject: str
    paragraphs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Phrases:
    """All phrases of one language; templates by a notice's type, a variant after a full stop.

    `desk` are the lines, by type or variant, in which a person's agency reads the same.
    """

    templates: Mapping[str, Template]
    desk: Mapping[str, str]
    reasons: Mapping[str, str]
    months: Sequence[str]
    decimal: str
    salutation: str
    stranger: str
    closing: str
    scheduled: str
    unscheduled: str
