"""Figures of several rounds: median and range, what they are divided by, and what they were measured on."""

import platform
import statistics
from collections.abc import Iterable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

from shared.kernel.clock import SystemClock

Spread = dict[str, float]
"""`median`, `least` and `most` of some rounds."""


def spread(values: Iterable[float], digits: int = 2) -> Spread:
    """Tell median and range; ValueError where there is no value."""
    found = sorted(values)
    if not found:
        raise ValueError("nothing was measured")
    return {
        "median": round(statistics.median(found), digits),
        "least": round(found[0], digits),
        "most": round(found[-1], digits),
    }


def spreads(rounds: Iterable[Mapping[str, float]]) -> dict[str, Spread]:
    """Tell median and range of each figure of some rounds."""
    told = list(rounds)
    return {name: spread(each[name] for each in told) for name in told[0]}


def ratio(above: Spread, below: Spread) -> float:
    """Divide one median by another."""
    return round(above["median"] / below["median"], 2)


def aim(
    what: str, value: float, *, at_most: float | None = None, at_least: float | None = None
) -> dict[str, Any]:
    """Set what was measured beside what it should be."""
    met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
    bounds = {"at_most": at_most, "at_least": at_least}
    return {
        "what": what,
        "measured": value,
        **{name: bound for name, bound in bounds.items() if bound is not None},
        "met": met,
    }


def circumstances(
    parts: Mapping[str, str], releases: Mapping[str, str], packages: Iterable[str]
) -> dict[str, Any]:
    """Tell when, on what machine and with which releases of these packages something is measured."""
    return {
        "at": SystemClock().now().astimezone(UTC).isoformat(timespec="minutes"),
        "machine": _machine(),
        "parts": dict(parts),
        "versions": {
            "python": platform.python_version(),
            **{name: releases[name] for name in packages if name in releases},
        },
    }


def _machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()}, {platform.system()}"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    named = models[0] if models else platform.machine()
    return f"{len(models) or 1} cores of {named}, {platform.system()} {platform.release()}"
