"""Results that are kept in docs/benchmarks, one file of JSON for each benchmark: the newest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.embedded.settings import ROOT

FOLDER = ROOT / "docs/benchmarks"


def keep(result: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """Keep a result in the place of the last of its kind."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{result.get('bench') or result.get('simulation') or 'chain'}.json"
    told = json.dumps(dict(result), indent=1, ensure_ascii=False)
    file.write_text(f"{told}\n", encoding="utf-8")
    return file


def read(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """Read the last result of a kind; None where there is none."""
    try:
        told: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return told


def figure(name: str, contestant: str, what: str, folder: Path = FOLDER) -> float | None:
    """Tell the median of one figure as last kept; None where it never was."""
    found = (read(name, folder) or {}).get("contestants", {}).get(contestant, {}).get(what)
    return None if found is None else float(found["median"])
