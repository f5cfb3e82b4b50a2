"""`check` and `test`: the two commands that stand between a change and its acceptance."""

import subprocess
import sys
from collections.abc import Sequence

from deploy.cli.lines import say
from deploy.embedded.settings import ROOT

_TOOL = (sys.executable, "-m")
_CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lint", (*_TOOL, "ruff", "check", ".")),
    ("format", (*_TOOL, "ruff", "format", "--check", ".")),
    ("types", (*_TOOL, "mypy")),
    (
        "layers",
        (sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"),
    ),
    ("contracts", (*_TOOL, "deploy.contracts", "--check")),
)


def run_checks() -> int:
    """Run every check, also after one has failed, and name those that failed."""
    failed = []
    for name, command in _CHECKS:
        say(f"check: {name}")
        if _run(command):
            failed.append(name)
    if failed:
        say(f"not clean: {', '.join(failed)}")
    return int(bool(failed))


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest, on as many processes as there are cores unless the arguments say otherwise."""
    chosen = any(
        each.startswith(("-n", "--numprocesses", "--dist", "--pdb", "-p")) for each in arguments
    )
    spread = () if chosen else ("-n", "auto", "--dist", "loadgroup")
    return _run((*_TOOL, "pytest", *spread, *arguments))


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - our own words
