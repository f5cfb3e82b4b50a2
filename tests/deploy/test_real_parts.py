"""A run of tests chooses its real parts once, says which, and gets them."""

import pytest

from deploy.embedded.settings import NodeError, NodeSettings
from deploy.engines.installing import jars
from tests.support import real
from tests.support.parts import answering, kafka_bootstrap, mongo_uri
from tests.support.real import DockerParts, EmbeddedParts


def test_the_parts_that_were_asked_for_are_taken() -> None:
    """The embedded ones are always to be had, and need neither Java nor Docker."""
    chosen = real.choose("embedded")

    assert ("embedded", True, False) == (chosen.name, chosen.forgets, chosen.idempotent)
    assert real.told(chosen).startswith("parts: embedded broker and store")


def test_apache_kafka_that_is_not_installed_is_not_replaced_by_something_else() -> None:
    """Who asks for parts that are not there is told so, and gets no others."""
    if jars(NodeSettings.read()) is not None:
        assert "apache" == real.choose("apache").name
        return
    with pytest.raises(NodeError, match=r"is not installed: run `\./corpu engines install`"):
        real.choose("apache")


def test_without_a_choice_the_best_ones_are_taken() -> None:
    """Docker's go before Apache Kafka by Maven, and both before the embedded ones."""
    assert ("docker", "apache", "embedded") == real.NAMES
    assert real.choose(None).name in real.NAMES


@pytest.fixture(scope="module")
def containers() -> DockerParts:
    """Give Docker's parts; skip where there are none."""
    try:
        return DockerParts()
    except NodeError as missing:
        pytest.skip(f"needs Docker: {missing}")


@pytest.mark.slow
def test_a_broker_of_docker_comes_back_with_its_records(containers: DockerParts) -> None:
    """A container answers at its address, hangs, is killed and is begun again as a process is."""
    with containers.broker() as broker:
        assert kafka_bootstrap(broker).endswith(str(broker.port))
        broker.stop()
        broker.start()


@pytest.mark.slow
def test_a_store_of_docker_is_a_replica_set(containers: DockerParts) -> None:
    """MongoDB's image becomes a replica set of one, reached directly."""
    with containers.store() as store:
        assert "directConnection=true" in mongo_uri(store)
        with store.hanging():
            pass


def test_what_does_not_listen_does_not_answer() -> None:
    """A probe of a port with nobody behind it tells no."""

    async def refused(host: str, port: int) -> bool:
        raise ConnectionRefusedError(host, port)

    assert not answering(refused, 1)
    assert EmbeddedParts.forgets
