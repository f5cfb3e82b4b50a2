"""A fact with its place in its aggregate's story, as it is kept and as it travels.

On the wire it is a CloudEvents 1.0 event in the Kafka protocol binding's binary mode: the record's
value is the JSON data, its headers carry `ce_*` and `traceparent`, its key is the learner id.
"""

import json
from datetime import datetime
from typing import Any, NamedTuple, Self

from shared.events.fact import CATALOGUE, SHARE, Fact, name_of
from shared.kernel.errors import Unprocessable
from shared.kernel.ids import fact_id

Headers = list[tuple[str, bytes]]
_REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time",
             "ce_aggregate", "ce_seq", "ce_epoch")  # fmt: skip
UNKNOWN = ("unknown-type", "newer-version")
"""Why a fact is not read that a newer release may know."""


class Message(NamedTuple):
    """One stated fact: `seq` counts its aggregate's facts without a gap, `epoch` its store's restorations.

    A tuple, for the spine makes one for every record that it reads.
    """

    id: str
    type: str
    source: str
    subject: str
    time: str
    aggregate: str
    seq: int
    epoch: int
    data: str
    traceparent: str = ""
    to: str = ""
    """The node, or EVERYBODY, that a copy is for; `seq` then counts what that addressee is sent."""
    signature: str = ""
    """A copy's detached signature; made when it leaves, never kept."""

    @classmethod
    def of(
        cls, fact: Fact, *, source: str, aggregate: str, seq: int, epoch: int, traceparent: str = "",
        to: str = "",
    ) -> Self:  # fmt: skip
        """State a fact as the `seq`-th of its aggregate; with `to` as a copy for that addressee only."""
        return cls(
            id=fact_id(source, aggregate, epoch, seq),
            type=fact.type,
            source=source,
            subject=fact.subject,
            time=fact.at.isoformat(),
            aggregate=aggregate,
            seq=seq,
            epoch=epoch,
            data="" if fact.tombstone else fact.write(),
            traceparent=traceparent,
            to=to,
        )

    @property
    def topic(self) -> str:
        """Tell the topic that carries facts of this type, or copies for this addressee."""
        if self.to:
            return f"{SHARE}.{self.to}"
        return CATALOGUE[self.type].topic

    def kept(self) -> dict[str, Any]:
        """Write the message as it is kept; Message(**kept) reads it."""
        kept = self._asdict()
        del kept["signature"]
        if not self.to:
            del kept["to"]
        return kept

    def fact(self) -> Fact:
        """Read the fact; an unknown type, a newer version or broken data is Unprocessable."""
        known = CATALOGUE.get(self.type)
        if known is None:
            name = name_of(self.type)
            newer = any(name_of(other) == name for other in CATALOGUE)
            raise Unprocessable(UNKNOWN[newer], f"this node knows no {self.type}")
        fact = known.read(_attributes(self) if known.tombstone else self.data)
        if fact.subject != self.subject:
            raise Unprocessable(
                "broken-data", f"{self.type}: the subject is another than the data's"
            )
        return fact

    @property
    def value(self) -> bytes | None:
        """Tell the record's value; None for a tombstone."""
        return self.data.encode() if self.data else None

    def to_headers(self) -> Headers:
        """Write the record's headers."""
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.id.encode()),
            ("ce_type", self.type.encode()),
            ("ce_source", self.source.encode()),
            ("ce_subject", self.subject.encode()),
            ("ce_time", self.time.encode()),
            ("ce_aggregate", self.aggregate.encode()),
            ("ce_seq", b"%d" % self.seq),
            ("ce_epoch", b"%d" % self.epoch),
            ("content-type", b"application/json"),
        ]
        if self.traceparent:
            headers.append(("traceparent", self.traceparent.encode()))
        if self.to:
            headers += [("ce_to", self.to.encode()), ("signature", self.signature.encode())]
        return headers

    @classmethod
    def from_record(cls, headers: Any, value: bytes | None) -> Self:  # noqa: ANN401 - drivers differ
        """Read a record; a missing or broken header is Unprocessable with reason `broken-header`."""
        found = dict(headers)
        missing = [name for name in _REQUIRED if name not in found]
        if missing:
            raise Unprocessable("broken-header", f"missing {', '.join(missing)}")
        try:
            if found["ce_specversion"] != b"1.0" or _naive(found["ce_time"]):
                raise ValueError  # noqa: TRY301 - one way out for every header that is off
            return cls(
                id=found["ce_id"].decode(),
                type=found["ce_type"].decode(),
                source=found["ce_source"].decode(),
                subject=found["ce_subject"].decode(),
                time=found["ce_time"].decode(),
                aggregate=found["ce_aggregate"].decode(),
                seq=int(found["ce_seq"]),
                epoch=int(found["ce_epoch"]),
                data=_text(value or b"", found["ce_type"]),
                traceparent=found.get("traceparent", b"").decode(),
                to=found.get("ce_to", b"").decode(),
                signature=found.get("signature", b"").decode(),
            )
        except (ValueError, AttributeError, TypeError) as broken:
            # A header without any value arrives as None.
            raise Unprocessable(
                "broken-header", "a header is not what CloudEvents asks"
            ) from broken

    def happened(self) -> datetime:
        """Tell when the fact happened, in UTC."""
        return datetime.fromisoformat(self.time)


def _attributes(message: Message) -> str:
    """Write a tombstone's data, which is all in its attributes."""
    return json.dumps({"learner_id": message.subject, "at": message.time})


def _naive(time: bytes) -> bool:
    """Tell whether a time lacks its zone; raises ValueError for what is no time."""
    return datetime.fromisoformat(time.decode()).tzinfo is None


def _text(value: bytes, type_: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as broken:
        raise Unprocessable("broken-data", f"{type_.decode()}: not UTF-8") from broken
