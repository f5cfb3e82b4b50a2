"""What the tests of the embedded parts share: a home folder and settings with free ports."""

from pathlib import Path

import pytest

from deploy.embedded.settings import NodeSettings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a home folder as a node finds it at its second start."""
    home = tmp_path / "home"
    for folder in (home / "log", home / "store"):
        folder.mkdir(parents=True)
    return home


@pytest.fixture
def settings(home: Path) -> NodeSettings:
    """Give the settings of a node that meets no other one."""
    return NodeSettings.read({}).elsewhere(home)
