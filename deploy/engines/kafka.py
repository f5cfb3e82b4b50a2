"""Apache Kafka as one part of a node: a single KRaft process that is broker and controller."""

import asyncio
import base64
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.embedded.parts import Part, kafka_answers
from deploy.embedded.settings import LOOPBACK, NodeError
from deploy.engines.installing import Engine
from shared.kernel.ids import fresh

HEAP_MB = 256
_ASCII = 128


def broker(  # noqa: PLR0913 - what a broker may differ in
    engine: Engine,
    folder: Path,
    port: int,
    controller_port: int,
    *,
    name: str = "broker",
    properties: Mapping[str, str] | None = None,
    formatting: Sequence[str] = (),
    heap_mb: int = HEAP_MB,
    log: Path | None = None,
) -> Part:
    """Describe a broker that keeps its records in `folder`/data and survives SIGKILL with all it acknowledged.

    `properties` are added to, or replace, those of `server_properties`; `formatting` are further
    words for `kafka.tools.StorageTool format`, which runs once, before the first start.
    """
    file = folder / "server.properties"
    settled = server_properties(folder, port, controller_port) | dict(properties or {})

    async def prepare() -> None:
        write_properties(file, settled)
        if not (Path(settled["log.dirs"]) / "meta.properties").exists():
            await _format(engine, file, formatting)

    return Part(
        name,
        engine.argv("kafka.Kafka", str(file), heap_mb=heap_mb),
        port,
        kafka_answers,
        log or folder / f"{name}.log",
        folder,
        prepare=prepare,
        more_ports={"controller": controller_port},
        grace=20.0,
    )


def server_properties(folder: Path, port: int, controller_port: int) -> dict[str, str]:
    """Tell the settings of a single broker on this machine, without TLS, users and ACLs."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,"
            "SASL_PLAINTEXT:SASL_PLAINTEXT"
        ),
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(folder / "data"),
        # A misspelt topic is a defect to be told of, not a topic.
        "auto.create.topics.enable": "false",
        # There is one broker, so each internal topic has one replica.
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "offsets.topic.num.partitions": "10",
        "transaction.state.log.num.partitions": "10",
        # Nobody gains by waiting for more members of a group that has one.
        "group.initial.rebalance.delay.ms": "0",
        # After SIGKILL it is let in again only once its controller has given its former life up.
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        # What was acknowledged outlives SIGKILL at once, and a power failure after a second.
        "log.flush.interval.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }


def write_properties(file: Path, properties: Mapping[str, str]) -> None:
    """Write a Java properties file that only its owner may read, for it may hold passwords."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.chmod(0o600)
    lines = (f"{key}={_escaped(value)}\n" for key, value in properties.items())
    file.write_text("".join(lines), encoding="ascii")


def _escaped(value: str) -> str:
    """Escape a value as java.util.Properties reads it."""
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    words = (word for (word,) in struct.iter_unpack(">H", text.encode("utf-16-be")))
    text = "".join(chr(word) if word < _ASCII else f"\\u{word:04x}" for word in words)
    return f"\\{text}" if text.startswith(" ") else text


async def _format(engine: Engine, file: Path, formatting: Sequence[str]) -> None:
    """Format the empty folder for a new cluster."""
    words = ("format", f"--cluster-id={_cluster_id()}", f"--config={file}", *formatting)
    process = await asyncio.create_subprocess_exec(
        *engine.argv("kafka.tools.StorageTool", *words, heap_mb=128),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={},
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise NodeError(f"the broker's folder {file.parent} cannot be formatted: {last}")


def _cluster_id() -> str:
    """Make an id as Kafka writes them: 16 bytes in 22 characters."""
    raw = bytes.fromhex(fresh().replace("-", ""))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
