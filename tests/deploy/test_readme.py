"""What newcomers and operators read is true: its links lead somewhere, and its commands exist."""

import re
import shlex

import pytest
import typer

from deploy.cli.app import app
from deploy.embedded.settings import ROOT

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/operating.md")
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
# In a code block, in a line of text or as the operator's container runs it.
_COMMAND = re.compile(
    r"(?:^\./corpu |`\./corpu |^docker compose run --rm operator )([^`\n]+)", re.MULTILINE
)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """A file that a page names is there."""
    place = (ROOT / page).parent
    named = _LINK.findall((ROOT / page).read_text(encoding="utf-8"))

    assert [] == [each for each in named if not (place / each).exists()]


@pytest.mark.parametrize(
    "line",
    [
        line
        for page in PAGES[:1] + PAGES[-1:]
        for line in _COMMAND.findall((ROOT / page).read_text(encoding="utf-8"))
    ],
)
def test_every_command_is_understood(line: str) -> None:
    """A line that begins with `./corpu` names a command, with options that it takes."""
    command = typer.main.get_command(app)
    words = shlex.split(line)
    context = command.make_context("corpu", [*words, "--help"], resilient_parsing=True)
    while isinstance(command, typer.core.TyperGroup):
        name, found, words = command.resolve_command(context, words)
        assert found is not None, name
        command, context = found, typer.Context(found, parent=context, info_name=name)

    command.make_parser(context).parse_args(words)


def test_the_launcher_is_named_as_it_is_called() -> None:
    """Whatever tells somebody to run a command names it `./corpu`, so that it can be copied."""
    sources = (
        path for part in ("deploy", "services", "shared") for path in (ROOT / part).rglob("*.py")
    )
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sources
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"`corpu [a-z]", line)
    ]

    assert [] == wrong
