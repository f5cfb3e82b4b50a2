"""What newcomers and operators read is true: its links lead somewhere, and its commands exist."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from deploy.cli.app import app
from deploy.embedded.settings import ROOT
from shared.store.scope import Scope
from shared.web.identity import ROLES, Person, scope_of
from tests.support.access import routes_of
from tests.support.node import memory_node

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/operating.md",
    "docs/first-cohort.md",
    "docs/roles-and-words.md",
    "docs/national-lecture.md",
    "docs/decisions/README.md",
)
TOLD_TOGETHER = {"CHANGELOG.md"}
"""Pages that write several commands in one, as `peers add|list`."""
_QUOTED = re.compile(r"`([a-z_-]+)`")
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
        for page in PAGES
        if page not in TOLD_TOGETHER
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


@dataclass(frozen=True)
class Told:
    """What the page of roles tells of one role: which services it asks, and what its token needs."""

    asks: frozenset[str]
    needs: frozenset[str]


def _roles_told() -> dict[str, Told]:
    """Read the table of roles; a row may tell of several."""
    page = (ROOT / "docs/roles-and-words.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    return {
        role: Told(frozenset(row[2].split(", ")), frozenset(_QUOTED.findall(row[3])))
        for row in rows
        if len(row) == len(("role", "may", "asks", "token needs"))
        for role in _QUOTED.findall(row[0])
    }


async def test_each_role_asks_the_services_that_admit_it(tmp_path: Path) -> None:
    """The page names every role once, with the services that have a route for it besides what every role may."""
    everyone = frozenset(ROLES)
    async with memory_node(tmp_path) as node:
        routes = [each for name, app in node.apps.items() for each in routes_of(name, app)]
    some = [(each.service, each.admits) for each in routes if each.admits not in {None, everyone}]
    asks = {role: {service for service, admits in some if role in (admits or ())} for role in ROLES}

    assert {role: told.asks for role, told in _roles_told().items()} == asks


def test_each_role_needs_in_its_token_what_gives_it_a_reach() -> None:
    """What the page says a token needs is what the role reaches nothing without."""
    claims = {"agency": "35.73", "learner_id": "a" * 32}
    needs = {}
    for role in ROLES:
        alone = scope_of(Person("sub", frozenset({role}), "35"), frozenset({role}), "35")
        having = {
            claim
            for claim, value in claims.items()
            if scope_of(
                Person("sub", frozenset({role}), "35", **{claim: value}), frozenset({role}), "35"
            )
            != Scope()
        }
        needs[role] = having if alone == Scope() else set()

    assert {role: told.needs for role, told in _roles_told().items()} == needs
