"""What a fact is, and the register of all of them."""

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from shared.kernel.errors import Unprocessable

TOPICS = ("enrolment", "progress", "certification", "learners")
ATTENDANCE = "attendance"
"""The topic of heartbeats from live sessions: not facts, but packed records without headers."""
SHARE = "share"
"""The topic of what is said to other nodes only: it travels on `share.<node>` and `share.all`."""
EVERYBODY = "all"
"""The addressee of what is offered to every node."""
CATALOGUE: dict[str, type["Fact"]] = {}

_GRAMMAR = re.compile(r"id\.corpu\.[a-z]+(_[a-z]+)*\.v[1-9][0-9]*")


def _utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError as beyond:
        raise ValueError("beyond the calendar in UTC") from beyond


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""An instant in UTC; one told in another zone is turned into it."""


class Value(BaseModel):
    """A part of a fact or of a rule; immutable, and strict about unknown fields where people type it."""

    # JSON knows no infinity: what could not be written may not be read either. And an error may come
    # to a log, where no input belongs.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True
    )


class Fact(Value):
    """Something that happened, told in the past tense and never changed.

    `at` is when it happened (UTC), not when it was told.
    """

    type: ClassVar[str]
    topic: ClassVar[str]
    tombstone: ClassVar[bool] = False
    """Whether it travels without data, so that compaction removes what was told under its key before."""

    at: Instant

    def __init_subclass__(cls, *, type: str = "", topic: str = "") -> None:  # noqa: A002 - CloudEvents' word
        """Enter the fact in the catalogue; a wire name off the grammar fails at import."""
        super().__init_subclass__()
        if not type and not topic:
            return
        if not _GRAMMAR.fullmatch(type) or topic not in (*TOPICS, SHARE) or type in CATALOGUE:
            message = f"{cls.__name__}: {type!r} on {topic!r} is off the grammar or taken"
            raise TypeError(message)
        cls.type, cls.topic = type, topic
        CATALOGUE[type] = cls

    @property
    def subject(self) -> str:
        """Tell what it happened to: a learner, a programme, a node."""
        raise NotImplementedError

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the nodes that it concerns besides the one that states it, or EVERYBODY."""
        return ()

    @classmethod
    def read(cls, data: bytes | str) -> Self:
        """Read the fact from its JSON; fields of a newer writer are ignored, a broken one is Unprocessable."""
        try:
            return cls.model_validate_json(data, extra="ignore")
        except ValueError as broken:
            raise Unprocessable("broken-data", f"{cls.type}: {_first_line(broken)}") from broken

    def write(self) -> str:
        """Write the fact as JSON, the bytes that travel and that are kept."""
        return self.model_dump_json()


class LearnerFact(Fact):
    """Something that happened to one learner; `learner_id` is a pseudonym.

    `home_node` keeps the learner's lifelong record: it hears what other nodes state. It is "" where
    only the stating node is concerned.
    """

    learner_id: str
    home_node: str = ""

    @property
    def subject(self) -> str:
        """Tell the learner."""
        return self.learner_id

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the learner's home."""
        return (self.home_node,) if self.home_node else ()


def _first_line(broken: ValueError) -> str:
    """Name the fields at fault without repeating their contents, which might be personal."""
    errors = getattr(broken, "errors", None)
    if errors is None:
        return "not JSON"
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'value'}: {e['type']}"
        for e in errors(include_input=False, include_url=False)[:3]
    )


def name_of(type_: str) -> str:
    """Tell the name without its version: `id.corpu.enrolled.v2` is `id.corpu.enrolled`."""
    return type_.rpartition(".v")[0]
