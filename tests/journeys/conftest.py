"""What journeys share: a node that meets no other one, on the parts of this run."""

from collections.abc import Iterator

import pytest

from deploy.embedded.settings import NodeSettings
from tests.support.real import Placed, RealParts


@pytest.fixture(scope="module")
def placed(real_parts: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placed]:
    """Place a node with a home, ports and parts of its own, and with no stranger's."""
    with real_parts.node(tmp_path_factory.mktemp("node") / "home") as node:
        yield node


@pytest.fixture(scope="module")
def settings(placed: Placed) -> NodeSettings:
    """Give the settings of that node."""
    return placed.settings
