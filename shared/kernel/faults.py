"""Fault points: every durable operation passes one before and one after it takes hold.

A process that was armed with `POINT:before|after:N` kills itself with SIGKILL at its N-th
passage, which is how `./corpu faults` proves that no crash loses or repeats anything.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

passages: Counter[str] = Counter()
"""How often this process passed each point, so that a run can tell which points it covered."""


class _Armed:
    """The one strike that this process waits for."""

    mark = ""
    left = 0


def arm(spec: str) -> None:
    """Arm this process: `store.keep:before:3` strikes at the third such passage; "" disarms."""
    if not spec:
        _Armed.mark, _Armed.left = "", 0
        return
    mark, _, count = spec.rpartition(":")
    _Armed.mark, _Armed.left = mark, int(count)


def _pass(mark: str) -> None:
    if mark != _Armed.mark:
        return
    _Armed.left -= 1
    if _Armed.left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def durable(point: str) -> Iterator[None]:
    """Mark one durable operation, so that the process can be made to die on either side of it."""
    passages[point] += 1
    _pass(f"{point}:before")
    yield
    _pass(f"{point}:after")
