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
_DECIDE = ("-n", "--numprocesses", "--dist", "--pdb", "--trace", "--collect-only", "--co")


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
    """Run pytest with these arguments, and tell its exit status."""
    return _run(pytest_command(arguments))


def pytest_command(arguments: Sequence[str]) -> list[str]:
    """Tell how pytest is called: on three processes, unless the arguments say how many or debug.

    Tests on real parts wait more than they work; in the order of their files no long one comes last.
    """
    decided = any(each.startswith(_DECIDE) for each in arguments)
    spread = () if decided else ("-n", "3", "--dist", "loadscope", "--no-loadscope-reorder")
    return [*_TOOL, "pytest", *spread, *arguments]


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - our own words
