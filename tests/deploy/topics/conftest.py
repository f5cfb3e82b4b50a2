"""A secured Apache Kafka, started once for all tests that ask for it."""

from collections.abc import Iterator

import pytest

from deploy.embedded.settings import NodeError, NodeSettings
from deploy.engines.installing import engine
from deploy.topics.secured import Secured
from tests.support.real import RealParts
from tests.support.secured import secured_broker


@pytest.fixture(scope="session")
def installed(real_parts: RealParts) -> NodeSettings:
    """Give the settings under which Apache Kafka is installed; skip where it is not, or not asked for."""
    settings = NodeSettings.read()
    if real_parts.name == "embedded":
        pytest.skip("the embedded broker knows neither TLS nor users: --parts apache has them")
    try:
        engine(settings)
    except NodeError as missing:
        pytest.skip(str(missing))
    return settings


@pytest.fixture(scope="session")
def own(installed: NodeSettings) -> Iterator[Secured]:
    """Give the broker, with the file applied for node 35 and its peer 62."""
    with secured_broker(installed) as broker:
        yield broker
