"""Fixtures that any test may ask for: a real store and a real broker, started once, when first asked for."""

from collections.abc import Iterator

import pytest

from tests.support import parts


@pytest.fixture(scope="session")
def mongo() -> Iterator[str]:
    """Give the address of a real store: MONGO_URI's, else the embedded one's."""
    if uri := parts.given("MONGO_URI"):
        yield uri
        return
    with parts.mongo_process() as process:
        yield parts.mongo_uri(process)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Give the address of a real broker: KAFKA_BOOTSTRAP's, else the embedded one's."""
    if bootstrap := parts.given("KAFKA_BOOTSTRAP"):
        yield bootstrap
        return
    with parts.kafka_process() as process:
        yield parts.kafka_bootstrap(process)
