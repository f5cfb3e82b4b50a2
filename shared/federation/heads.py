"""How far the copies of an aggregate have come, at their source and at their addressee."""

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from shared.events.federation import BUCKETS
from shared.store.kind import LAST, Index, Kind

_WHOLE = 2**64


@dataclass(frozen=True)
class Intake:
    """Which copies of one aggregate have come from a peer: all up to `upto`, and some `ahead` of a gap.

    The id is `node/service/aggregate` as the peer names it. A higher epoch says that the peer's
    store was restored: what it counted on from there it counts anew.
    """

    id: str
    source: str = ""
    bucket: int = -1
    epoch: int = 0
    upto: int = 0
    ahead: tuple[int, ...] = ()
    gapped: bool = False

    def take(self, source: str, epoch: int, seq: int) -> Self:
        """Count a copy; the same value again for one that has come before."""
        known = self
        if epoch > self.epoch:
            upto = min(self.upto, seq - 1) if self.epoch else 0
            aggregate = self.id.removeprefix(f"{source}/").partition("/")[2]
            known = replace(
                self, source=source, bucket=bucket_of(aggregate), epoch=epoch, upto=upto, ahead=(),
                gapped=False,
            )  # fmt: skip
        if seq <= known.upto or seq in known.ahead:
            return known
        if epoch < self.epoch and seq > max(known.ahead, default=known.upto):
            # Told before the peer's store was restored, and not told by it any more.
            return known
        ahead, upto = sorted((*known.ahead, seq)), known.upto
        while ahead and ahead[0] == upto + 1:
            upto = ahead.pop(0)
        return replace(known, upto=upto, ahead=tuple(ahead), gapped=bool(ahead))


INTAKES = Kind(
    "intakes",
    Intake,
    indexes=(Index(("source", "bucket")), Index(("gapped",))),
    scope=None,
    stage=LAST,
)
"""Written after what the copies led to: a crash between repeats a copy, and never skips one."""


def bucket_of(aggregate: str) -> int:
    """Tell the bucket in which source and addressee compare an aggregate."""
    return zlib.crc32(aggregate.encode()) % BUCKETS


def digest(heads: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Digest aggregates and their heads by bucket, as `HeadsTold` tells them."""
    sums: dict[int, int] = defaultdict(int)
    for aggregate, seq in heads:
        told = hashlib.sha256(f"{aggregate}:{seq}".encode()).digest()[:8]
        sums[bucket_of(aggregate)] += int.from_bytes(told)
    return {str(bucket): f"{total % _WHOLE:016x}" for bucket, total in sorted(sums.items())}
