"""A small fold with which the spine is tested: records name a box and a bit of it."""

from collections.abc import Iterator, Sequence

from shared.bus.folding import Merges
from shared.bus.subscription import Record
from shared.events.fact import ATTENDANCE
from shared.kernel.errors import Unprocessable
from shared.store.port import Merge
from tests.support.boxes import BOXES


def said(box: str, bit: int) -> bytes:
    """Write what a record of this fold holds."""
    return f"{box}:{bit}".encode()


class BitsFold:
    """Folds bits into boxes, two boxes a merge; what has no number cannot be folded."""

    topics = (ATTENDANCE,)
    pattern = ""

    def __init__(self, name: str = "boxes.fold-bits") -> None:
        """Hold nothing yet."""
        self.name = name
        self.folded = 0
        self.held: dict[str, int] = {}

    @property
    def size(self) -> int:
        """Tell how many boxes changed."""
        return len(self.held)

    def take(self, records: Sequence[Record]) -> list[tuple[Record, Unprocessable]]:
        """Fold records."""
        unfit: list[tuple[Record, Unprocessable]] = []
        for record in records:
            box, _, bit = (record.value or b"").decode().partition(":")
            if not bit.isdigit():
                unfit.append((record, Unprocessable("no-bit", box)))
                continue
            self.held[box] = self.held.get(box, 0) | 1 << int(bit)
            self.folded += 1
        return unfit

    def drain(self) -> Iterator[Merges]:
        """Give out what changed."""
        held, self.held = self.held, {}
        changed = sorted(held.items())
        for start in range(0, len(changed), 2):
            some = changed[start : start + 2]
            yield BOXES, [Merge(box, bits={"notes.0": bits}) for box, bits in some]
