"""The decision records: numbered without holes, in one form, and cited only where they exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs/decisions/README.md"
DECISIONS = sorted({*INDEX.parent.glob("*.md")} - {INDEX})
_NAME = re.compile(r"(\d{4})-[a-z0-9]+(-[a-z0-9]+)*\.md")
_CITATION = re.compile(r"ADR-(\d+)")
_SUFFIXES = frozenset({".py", ".md", ".toml", ".in", ".yaml", ".yml", ".sh"})
_OURS = ("deploy", "docs", "requirements", "services", "shared", "tests")
_A_PAGE = 70


def _headings(record: Path) -> list[str]:
    return re.findall(r"^## (.+)$", record.read_text(encoding="utf-8"), re.MULTILINE)


def _texts() -> Iterator[Path]:
    for place in _OURS:
        yield from (each for each in (ROOT / place).rglob("*") if each.suffix in _SUFFIXES)
    yield from (each for each in ROOT.glob("*") if each.suffix in _SUFFIXES or each.name == "corpu")


def test_numbers_have_no_holes() -> None:
    """Records are numbered from 0000, the template, each number once."""
    numbers = [found[1] for each in DECISIONS if (found := _NAME.fullmatch(each.name))]

    assert [f"{number:04}" for number in range(len(DECISIONS))] == numbers


@pytest.mark.parametrize("record", DECISIONS, ids=lambda record: record.stem)
def test_a_record_has_the_templates_form(record: Path) -> None:
    """A record has its number in its title, the template's headings in order, and fits a page."""
    lines = record.read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith(f"# {record.name[:4]}. ")
    assert re.match(
        r"(Accepted|Proposed|Replaced by ADR-\d{4}) \(\d{4}-\d\d-\d\d\)\.$", lines[2]
    ) or (record == DECISIONS[0])
    assert _headings(DECISIONS[0]) == _headings(record)
    assert len(lines) <= _A_PAGE


def test_the_index_tells_every_record() -> None:
    """The index has one line for each record but the template, in their order: title, link and status."""
    told = [line for line in INDEX.read_text(encoding="utf-8").splitlines() if line[:1] == "-"]

    assert [_in_one_line(each) for each in DECISIONS[1:]] == told


def _in_one_line(record: Path) -> str:
    title, _, status, *_ = record.read_text(encoding="utf-8").splitlines()
    return f"- [{title.removeprefix('# ')}]({record.name}) {status}"


def test_only_existing_records_are_cited() -> None:
    """Whatever cites a record by its number finds it."""
    known = {each.name[:4] for each in DECISIONS[1:]}
    unknown = [
        f"{path.relative_to(ROOT)}: ADR-{number}"
        for path in _texts()
        for number in _CITATION.findall(path.read_text(encoding="utf-8"))
        if number not in known
    ]

    assert [] == unknown
