"""What the command line says: results on standard output, everything else on standard error."""

import json
import sys
from typing import Any


def say(line: str) -> None:
    """Say one line to the person at the terminal, whatever is named in it."""
    sys.stderr.write(f"corpu: {' '.join(line.splitlines())}\n")
    sys.stderr.flush()


def tell(line: str = "") -> None:
    """Write one line of a result."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tell_json(result: Any) -> None:  # noqa: ANN401 - any JSON
    """Write a result as one line of JSON, for a program."""
    tell(json.dumps(result, ensure_ascii=False, separators=(",", ":")))


def table(headings: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Write a result as columns, for a person."""
    texts = [headings, *(tuple(_plain(str(cell)) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(headings))]
    for row in texts:
        tell("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _plain(cell: str) -> str:
    """Show what would move a terminal's cursor or colours, which others may have written, as an escape."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in cell)
