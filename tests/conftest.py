"""Fixtures that any test may ask for: real parts, chosen once for a run, and started when first asked for."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from deploy.embedded.settings import NodeError
from tests.support import parts, real
from tests.support.real import RealParts

# How long an example takes says how busy the machine is, and nothing of what is tried.
settings.register_profile("corpu", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("corpu")

_CHOSEN = pytest.StashKey[RealParts]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run say which real parts it wants."""
    parser.addoption(
        "--parts",
        choices=real.NAMES,
        help="the parts that tests marked `real` run on (default: the best ones present)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose once, so that the processes of one run agree."""
    try:
        chosen = real.choose(config.getoption("parts"))
    except NodeError as missing:
        raise pytest.UsageError(str(missing)) from missing
    config.stash[_CHOSEN] = chosen
    config.option.parts = chosen.name


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Say which parts were chosen, whatever else is said."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(real.told(session.config.stash[_CHOSEN]))


@pytest.fixture(scope="session")
def real_parts(pytestconfig: pytest.Config) -> RealParts:
    """Give the real parts of this run."""
    return pytestconfig.stash[_CHOSEN]


@pytest.fixture(scope="session")
def mongo(real_parts: RealParts) -> Iterator[str]:
    """Give the address of a real store: MONGO_URI's, else one that the run's parts have."""
    if uri := parts.given("MONGO_URI"):
        yield uri
        return
    with real_parts.store() as store:
        yield parts.mongo_uri(store)


@pytest.fixture(scope="session")
def kafka(real_parts: RealParts) -> Iterator[str]:
    """Give the address of a real broker: KAFKA_BOOTSTRAP's, else one that the run's parts have."""
    if bootstrap := parts.given("KAFKA_BOOTSTRAP"):
        yield bootstrap
        return
    with real_parts.broker() as broker:
        yield parts.kafka_bootstrap(broker)


@pytest.fixture(scope="session")
def idempotent(real_parts: RealParts) -> bool:
    """Tell whether the broker of `kafka` knows idempotent producers."""
    return parts.given("KAFKA_BOOTSTRAP") is not None or real_parts.idempotent
