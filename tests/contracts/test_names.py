"""The house rules about names, docstrings and sizes that no linter holds."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("shared", "services", "deploy", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
BANNED = {"util", "utils", "common", "manager", "helper", "helpers", "base", "misc"}
LONGEST, LONGEST_TEST = 320, 480
_ENDS = (".", "?", "!", ":")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _trees(*folders: str) -> list[tuple[Path, ast.Module]]:
    wanted = folders or ("shared", "services", "deploy", "tests")
    return [
        (path.relative_to(ROOT), ast.parse(path.read_text("utf-8")))
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] in wanted
    ]


def _words(name: str) -> set[str]:
    """Split a name, whether `snake_case` or `CamelCase`, into its words."""
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in name)
    return set(spaced.replace("_", " ").lower().split())


def _public(tree: ast.Module) -> list[tuple[str, Documented]]:
    """List the module, its public classes and functions, and the public methods of those classes."""
    found: list[tuple[str, Documented]] = [("module", tree)]
    parents: list[tuple[str, ast.Module | ast.ClassDef]] = [("", tree)]
    while parents:
        prefix, parent = parents.pop()
        for node in parent.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_"):
                continue
            found.append((prefix + node.name, node))
            if isinstance(node, ast.ClassDef):
                parents.append((f"{prefix}{node.name}.", node))
    return found


def test_no_file_or_folder_has_an_empty_name() -> None:
    """A name says what is inside; these say nothing."""
    named = {part for path in SOURCES for part in path.relative_to(ROOT).with_suffix("").parts}

    assert set() == {part for part in named if _words(part) & BANNED}


def test_no_class_has_an_empty_name() -> None:
    """Neither the banned words, nor the suffix Event, for a fact is a past participle."""
    classes = {
        f"{path}: {node.name}"
        for path, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and (_words(node.name) & BANNED or node.name.endswith("Event"))
    }

    assert set() == classes


@pytest.mark.parametrize("folder", ["shared", "services", "deploy", "tests"])
def test_a_docstring_begins_with_one_sentence(folder: str) -> None:
    """Everything public has one, and its first line is one whole sentence; more follows after a blank line."""
    faults: list[str] = []
    for path, tree in _trees(folder):
        for name, node in _public(tree):
            lines = (ast.get_docstring(node) or "").splitlines()
            if not lines:
                faults.append(f"{path}: {name} has none")
            elif not lines[0].endswith(_ENDS) or (len(lines) > 1 and lines[1].strip()):
                faults.append(f"{path}: {name}: {lines[0]}")

    assert [] == faults


def test_no_module_outgrows_its_room() -> None:
    """A storey that passes about three hundred lines becomes a package of the same name."""
    sizes = {str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n") for path in SOURCES}

    assert {} == {
        path: size
        for path, size in sizes.items()
        if size > (LONGEST_TEST if path.startswith("tests/") else LONGEST)
    }


def test_every_package_says_what_it_is() -> None:
    """No folder of source lacks its `__init__.py` with a docstring."""
    folders = {path.parent for path in SOURCES if path.relative_to(ROOT).parts[0] != "tests"}

    assert [] == sorted(
        str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()
    )


def test_tests_are_sentences() -> None:
    """Every test's docstring states the behaviour that it holds to."""
    silent = [
        f"{path}: {node.name}"
        for path, tree in _trees("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert [] == silent
