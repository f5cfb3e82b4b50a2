"""Certificates as PDF files: ours in turn with other makers, by the CPU second, each one's last read back."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.bench import peers
from deploy.bench.contest import by_name
from deploy.bench.figures import circumstances
from deploy.embedded.settings import ROOT, NodeError, NodeSettings

OURS = "corpu (typst)"
_PAGES = 2
_MICRO = 1e6
_PACKAGES = ("weasyprint", "reportlab", "segno")


def run(
    count: int, rounds: int, settings: NodeSettings, say: Callable[[str], None]
) -> dict[str, Any]:
    """Have everybody print so many certificates, so many times, and report."""
    python = peers.python(say)
    words = _call(settings, [sys.executable, "-m", "tests.load.certificates", "words"])
    makers: Mapping[str, Sequence[str]] = {
        OURS: (sys.executable, "-m", "tests.load.certificates", "print"),
        "WeasyPrint": (python, "-m", "tests.load.peers.printing", "--maker", "weasyprint"),
        "reportlab": (python, "-m", "tests.load.peers.printing", "--maker", "reportlab"),
    }
    found = []
    with tempfile.TemporaryDirectory(prefix="corpu-bench-") as folder:
        out = Path(folder) / "certificate.pdf"
        for _ in range(rounds):
            for name, argv in makers.items():
                more = ["--count", str(count), "--out", str(out)]
                told = _call(settings, [*argv, *more], json.dumps(words))
                reader = (
                    sys.executable,
                    "-m",
                    "tests.load.certificates",
                    "read",
                    "--out",
                    str(out),
                )
                read = _call(settings, reader)
                each = told["cpu_seconds"] / count
                figures = {"own_us": each * _MICRO, "events_per_second": 1 / each, "bytes": read["bytes"]}  # fmt: skip
                say(f"{name}: {1 / each:.1f} a CPU second")
                wrong = complaints(read, {**words, "number": told["number"]})
                found.append({"name": name, "figures": figures, "wrong": wrong})
    contestants = by_name(found)
    return {
        "bench": "certificates",
        "count": count,
        "rounds": rounds,
        "contestants": contestants,
        "aims": [],
        "verified": all(each["verified"] for each in contestants.values()),
        "circumstances": circumstances({}, peers.releases(), _PACKAGES),
    }


def complaints(read: Mapping[str, Any], words: Mapping[str, Any]) -> list[str]:
    """Name what a printed certificate lacks of what it should say."""
    said = ("number", "name", "nip", "programme", "cohort", "signatory", "cites", "score")
    lacking = [name for name in said if "".join(str(words[name]).split()) not in read["text"]]
    pages = [] if read["pages"] == _PAGES else [f"it has {read['pages']} pages"]
    return [*pages, *(f"it does not say the {name}" for name in lacking)]


def _call(settings: NodeSettings, argv: Sequence[str], given: str = "") -> Any:  # noqa: ANN401 - any JSON
    environment = {**settings.environment, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    ended = subprocess.run(  # noqa: S603 - our own words
        argv, env=environment, cwd=ROOT, input=given, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        last = ended.stderr.strip().rpartition("\n")[2]
        raise NodeError(f"{' '.join(argv[1:4])} ended with {ended.returncode}: {last}")
    return json.loads(ended.stdout)
