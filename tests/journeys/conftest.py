"""What journeys share: settings of a node that meets no other one."""

import pytest

from deploy.embedded.settings import NodeSettings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> NodeSettings:
    """Give the settings of a node with a home and ports of its own, and of no stranger's parts."""
    return NodeSettings.read({}).elsewhere(tmp_path_factory.mktemp("node") / "home")
