"""The locked requirements: with hashes, the longer list holding the shorter, no index named."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
_PIN = re.compile(
    r"^(\S+==[^\\\n]+?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def _pins(name: str) -> Mapping[str, str]:
    return dict(_PIN.findall((REQUIREMENTS / name).read_text()))


@pytest.mark.parametrize("name", ["run.txt", "test.txt"])
def test_every_requirement_is_pinned_with_its_hashes(name: str) -> None:
    """No line of a locked file lacks its hashes."""
    lines = (REQUIREMENTS / name).read_text().splitlines()
    requirements = [line for line in lines if line and line[0] not in " #"]

    assert len(requirements) == len(_pins(name))
    assert (
        len(requirements)
        > len((REQUIREMENTS / name).with_suffix(".in").read_text().split("\n")) / 2
    )


def test_what_tests_need_holds_what_runs() -> None:
    """The same release runs in tests and in service."""
    assert _pins("run.txt").items() <= _pins("test.txt").items()


@pytest.mark.parametrize("name", ["run.in", "run.txt", "test.in", "test.txt"])
def test_no_index_is_named(name: str) -> None:
    """A site with its own mirror installs unchanged."""
    text = (REQUIREMENTS / name).read_text()

    assert [] == re.findall(r"https?://|--(?:index|extra-index|find-links|trusted)\S*", text)
