"""Facts that nodes tell each other about the sharing itself; they travel on `share.<node>` only."""

from pydantic import Field

from shared.events.fact import SHARE, Fact, Value

BUCKETS = 64
"""Into so many groups the aggregates that are shared with a node are divided to be compared."""


class Ends(Value):
    """From where to where one partition of the topic could be read when heads were told."""

    start: int
    end: int


class HeadsTold(Fact, type="id.corpu.heads_told.v1", topic=SHARE):
    """How far the copies for one node have come: a digest of the heads of each bucket of aggregates.

    `told` counts the tellings of one service within its epoch. A bucket's digest is the sum, modulo
    2**64 and in hex, of the first eight bytes of SHA-256 over `aggregate:seq`; empty ones are left out.
    """

    node: str
    service: str
    to: str
    told: int
    heads: dict[str, str]
    aggregates: int
    partitions: dict[str, Ends] = Field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Tell the node that tells."""
        return self.node


class RestatementAsked(Fact, type="id.corpu.restatement_asked.v1", topic=SHARE):
    """A node lacks copies in these buckets of a service and asks for them again."""

    node: str
    of: str
    service: str
    buckets: tuple[int, ...]

    @property
    def subject(self) -> str:
        """Tell the node that asks."""
        return self.node

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the node that is asked."""
        return (self.of,)
