"""Which real parts a run of tests uses, and how it gets them: embedded ones, Apache Kafka, or Docker's."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import pytest

from deploy.embedded import parts as embedded
from deploy.embedded.parts import Part
from deploy.embedded.settings import ROOT, NodeError, NodeSettings, free_port, port_setting
from deploy.engines import kafka
from deploy.engines.installing import KAFKA, Engine, engine
from tests.support.parts import (
    Process,
    Standing,
    given,
    kafka_bootstrap,
    kafka_process,
    mongo_process,
    mongo_uri,
    standing,
)

_JAVA = ("PATH", "JAVA_HOME", "CORPU_ENGINES")


@dataclass(frozen=True)
class Placed:
    """A node of its own: its settings, and those of its parts that it does not run itself."""

    settings: NodeSettings
    standing: Mapping[str, Standing] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Tell what a command line is told so that it runs this node."""
        ports = {port_setting(part): str(port) for part, port in self.settings.ports.items()}
        home = {"CORPU_HOME": str(self.settings.home), "PYTHONPATH": str(ROOT)}
        return {"PATH": os.environ["PATH"], **self.settings.environment, **home, **ports}  # noqa: TID251


class RealParts(Protocol):
    """The parts that a run of tests stands on."""

    name: str
    line: str
    idempotent: bool
    """Whether its broker knows idempotent producers."""
    forgets: bool
    """Whether its broker comes back empty."""

    def broker(self) -> AbstractContextManager[Standing]:
        """Run a broker of one's own for as long as the block lasts."""

    def store(self) -> AbstractContextManager[Standing]:
        """Run a store of one's own for as long as the block lasts."""

    def node(self, home: Path) -> AbstractContextManager[Placed]:
        """Place a node with a home, ports and parts of its own."""

    def late(self, settings: NodeSettings) -> Sequence[Part]:
        """Describe the store and the broker that a node of these settings could be given later."""


class EmbeddedParts:
    """The stand-ins of the wheels: nothing to install, and a broker that forgets."""

    name = "embedded"
    line = "embedded broker and store"
    idempotent = False
    forgets = True

    @contextmanager
    def broker(self) -> Iterator[Standing]:
        """Run the embedded broker."""
        with kafka_process() as process:
            yield process

    @contextmanager
    def store(self) -> Iterator[Standing]:
        """Run the embedded store."""
        with mongo_process() as process:
            yield process

    @contextmanager
    def node(self, home: Path) -> Iterator[Placed]:
        """Place a node that runs the embedded parts."""
        yield Placed(NodeSettings.read({}).elsewhere(home))

    def late(self, settings: NodeSettings) -> Sequence[Part]:
        """Describe the parts that a node of these settings would run."""
        home, ports = settings.home, settings.ports
        return (embedded.store(home, ports["store"]), embedded.broker(home, ports["broker"]))


class ApacheParts(EmbeddedParts):
    """Apache Kafka by Maven, beside the embedded store, for there is no MongoDB to be had so."""

    name = "apache"
    line = f"Apache Kafka {KAFKA.version} by Maven, embedded store"
    idempotent = True
    forgets = False

    def __init__(self) -> None:
        """Find the engine; NodeError where it is not installed."""
        self.environment = {key: os.environ[key] for key in _JAVA if key in os.environ}  # noqa: TID251
        self.engine: Engine = engine(NodeSettings.read(self.environment))

    @contextmanager
    def broker(self) -> Iterator[Standing]:
        """Run a broker of Apache Kafka in a folder of its own."""
        with TemporaryDirectory(prefix="corpu-kafka-") as folder:
            part = kafka.broker(self.engine, Path(folder, "broker"), free_port(), free_port())
            yield from standing(Process(part))

    @contextmanager
    def node(self, home: Path) -> Iterator[Placed]:
        """Place a node that runs Apache Kafka."""
        told = {**self.environment, "CORPU_KAFKA": "apache"}
        yield Placed(NodeSettings.read(told).elsewhere(home))

    def late(self, settings: NodeSettings) -> Sequence[Part]:
        """Describe the parts that a node of these settings would run."""
        home, ports = settings.home, settings.ports
        broker = kafka.broker(self.engine, home / "broker", ports["broker"], ports["controller"])
        return (embedded.store(home, ports["store"]), broker)


class DockerParts:
    """Apache Kafka's and MongoDB's own images, by testcontainers."""

    name = "docker"
    idempotent = True
    forgets = False

    def __init__(self) -> None:
        """Find Docker and the images; NodeError where one of these cannot be had."""
        from tests.support import containers  # noqa: PLC0415 - most runs need no Docker client

        containers.get_images()
        self._containers = containers
        self.line = f"{containers.KAFKA_IMAGE} and {containers.MONGO_IMAGE} by Docker"

    @contextmanager
    def broker(self) -> Iterator[Standing]:
        """Run a container of Apache Kafka."""
        with self._containers.kafka() as container:
            yield container

    @contextmanager
    def store(self) -> Iterator[Standing]:
        """Run a container of MongoDB that is a replica set of one."""
        with self._containers.mongo() as container:
            yield container

    @contextmanager
    def node(self, home: Path) -> Iterator[Placed]:
        """Place a node on containers of its own."""
        with self.broker() as broker, self.store() as store:
            told = {"KAFKA_BOOTSTRAP": kafka_bootstrap(broker), "MONGO_URI": mongo_uri(store)}
            settings = NodeSettings.read(told).elsewhere(home)
            yield Placed(settings, {"broker": broker, "store": store})

    def late(self, settings: NodeSettings) -> Sequence[Part]:
        """Skip: a container's address is known once it runs, and the node's settings come first."""
        del settings
        pytest.skip("a container that comes late has no address before")


_KINDS: Mapping[str, Callable[[], RealParts]] = {
    "docker": DockerParts,
    "apache": ApacheParts,
    "embedded": EmbeddedParts,
}
"""The best ones first."""
NAMES = tuple(_KINDS)


def choose(asked: str | None) -> RealParts:
    """Find the parts that were asked for, or the best ones that there are; NodeError where there are none."""
    kinds = _KINDS.values() if asked is None else [_KINDS[asked]]
    why = ""
    for kind in kinds:
        try:
            return kind()
        except NodeError as missing:
            why = str(missing)
    raise NodeError(why)


def told(parts: RealParts) -> str:
    """Tell in one line which parts a run of tests uses."""
    named = [
        f"{name}={value}" for name in ("KAFKA_BOOTSTRAP", "MONGO_URI") if (value := given(name))
    ]
    return f"parts: {parts.line}" + (f"; for the twins {', '.join(named)}" if named else "")
