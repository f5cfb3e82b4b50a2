"""Apache Kafka and MongoDB as their makers ship them: containers, by testcontainers."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event

import docker
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container as Wrapped
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deploy.embedded.parts import Probe, kafka_answers, mongo_answers
from deploy.embedded.settings import LOOPBACK, NodeError, free_port
from tests.support.parts import answering, mongo_uri

KAFKA_IMAGE = os.environ.get("KAFKA_IMAGE") or "apache/kafka:4.3.1"  # noqa: TID251 - tests have no settings
MONGO_IMAGE = os.environ.get("MONGO_IMAGE") or "mongo:8"  # noqa: TID251 - tests have no settings
_ASKING, _PULLING, _PATIENCE = 5, 600, 120.0
_POLL = 0.1
_ALREADY = 23

# The container that ends others is one image more; each of ours ends with its test.
testcontainers_config.ryuk_disabled = True


def get_images() -> None:
    """See that a Docker engine answers and has the images, or gets them; NodeError where it does not."""
    try:
        _look()
        client = docker.from_env(timeout=_ASKING)
        try:
            client.ping()
            missing = [each for each in (KAFKA_IMAGE, MONGO_IMAGE) if not _has(client, each)]
        finally:
            client.close()
    except (DockerException, OSError) as away:
        raise NodeError(f"no Docker engine answers ({type(away).__name__})") from away
    for image in missing:
        _pull(image)


def _look() -> None:
    """Knock at the engine's socket ourselves, for the client leaves one open where nobody answers."""
    kind, _, path = docker.utils.parse_host(os.environ.get("DOCKER_HOST")).partition("://")  # noqa: TID251
    if kind == "http+unix":
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)


def _has(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True


def _pull(image: str) -> None:
    client = docker.from_env(timeout=_PULLING)
    try:
        client.images.pull(image)
    except DockerException as refused:
        raise NodeError(f"the Docker engine cannot get {image}: {refused}") from refused
    finally:
        client.close()


class Container:
    """A part that is a container: killed, begun again and paused as a process is."""

    def __init__(self, container: DockerContainer, port: int, answers: Probe) -> None:
        """Stand for a container that was made and started once."""
        self.port = port
        self._answers = answers
        self._container = container

    @property
    def _wrapped(self) -> Wrapped:
        return self._container.get_wrapped_container()

    def start(self) -> None:
        """Start it and wait until it answers; RuntimeError if it never does."""
        self._wrapped.start()
        self.wait()

    def wait(self) -> None:
        """Wait until it answers; RuntimeError if it never does."""
        pause = Event()
        for _ in range(int(_PATIENCE / _POLL)):
            if answering(self._answers, self.port):
                return
            pause.wait(_POLL)
        said = self._wrapped.logs(tail=20).decode(errors="replace")
        raise RuntimeError(f"{self._container.image} does not answer: {said}")

    def stop(self) -> None:
        """End it by SIGKILL and wait until it is gone."""
        self._wrapped.kill()
        self._wrapped.wait()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it keep its connections and answer nothing for as long as the block lasts."""
        self._wrapped.pause()
        try:
            yield
        finally:
            self._wrapped.unpause()


@contextmanager
def kafka() -> Iterator[Container]:
    """Run a broker that is reached at a free port of this machine."""
    port = free_port()
    told = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{LOOPBACK}:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
        "KAFKA_BROKER_SESSION_TIMEOUT_MS": "3000",
        "KAFKA_HEAP_OPTS": "-Xmx256m",
    }
    with _running(KAFKA_IMAGE, told, (), (9092, port), kafka_answers) as container:
        yield container


@contextmanager
def mongo() -> Iterator[Container]:
    """Run a replica set of one, reached directly at a free port of this machine."""
    port = free_port()
    command = ("mongod", "--replSet", "rs0", "--bind_ip_all")
    with _running(MONGO_IMAGE, {}, command, (27017, port), mongo_answers) as container:
        _initiate(mongo_uri(container))
        yield container


@contextmanager
def _running(
    image: str, told: dict[str, str], command: Sequence[str], ports: tuple[int, int], answers: Probe
) -> Iterator[Container]:
    inside, outside = ports
    container = DockerContainer(image).with_envs(**told).with_bind_ports(inside, outside)
    if command:
        container = container.with_command(list(command))
    with container:
        running = Container(container, outside, answers)
        running.wait()
        yield running


def _initiate(uri: str) -> None:
    """Make the replica set, and wait until its one member may be written to."""
    pause = Event()
    with MongoClient[dict[str, object]](uri, timeoutMS=5_000) as client:
        try:
            member = {"_id": 0, "host": "localhost:27017"}
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
        except OperationFailure as refused:
            if refused.code != _ALREADY:
                raise
        for _ in range(int(_PATIENCE / _POLL)):
            try:
                if client.admin.command("hello")["isWritablePrimary"]:
                    return
            except PyMongoError:
                pass
            pause.wait(_POLL)
    raise RuntimeError(f"{uri} does not become a primary")
