"""Bars with their range, as a small SVG file."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_LABEL, _ROOM, _ROW, _VALUE = 290, 380, 24, 110
_OURS, _OTHERS = "#123f6d", "#9fb3c8"


class Bar(NamedTuple):
    """One bar: its label, its median and its range."""

    label: str
    median: float
    least: float
    most: float
    ours: bool = False


def draw(title: str, bars: Sequence[Bar]) -> str:
    """Draw bars on a logarithmic scale, each with its range as a line and its median in figures."""
    low = 10 ** math.floor(math.log10(min(bar.least for bar in bars)))
    high = 10 ** math.ceil(math.log10(max(bar.most for bar in bars)))
    decades = max(1.0, math.log10(high / low))

    def along(value: float) -> float:
        return round(math.log10(max(value, low) / low) / decades * _ROOM, 1)

    height = 34 + _ROW * len(bars) + 22
    width = _LABEL + _ROOM + _VALUE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img"',
        f' aria-label="{escape(title)}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    for decade in range(round(decades) + 1):
        value = low * 10**decade
        x = _LABEL + along(value)
        lines.append(f'<path d="M{x} 30V{height - 20}" stroke="#e3e8ee"/>')
        lines.append(
            f'<text x="{x}" y="{height - 6}" text-anchor="middle" fill="#555">{value:g}</text>'
        )
    for number, bar in enumerate(bars):
        y = 34 + _ROW * number
        end, least, most = along(bar.median), along(bar.least), along(bar.most)
        fill = _OURS if bar.ours else _OTHERS
        lines += [
            f'<text x="{_LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect x="{_LABEL}" y="{y + 3}" width="{max(1.0, end)}" height="16" fill="{fill}"/>',
            f'<path d="M{_LABEL + least} {y + 11}H{_LABEL + most}" stroke="#000" stroke-width="1.5"/>',
            f'<text x="{_LABEL + most + 6}" y="{y + 15}">{bar.median:.4g}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
