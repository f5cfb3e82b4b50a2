"""MirrorMaker 2 as one part: ready once a heartbeat has gone through each of its flows."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.parts import Part, Probe
from deploy.engines.installing import Engine
from deploy.engines.kafka import write_properties
from deploy.engines.wire import length

HEAP_MB = 160


def mirror(
    engine: Engine,
    folder: Path,
    properties: Mapping[str, str],
    *,
    name: str = "mirror",
    answers: Probe | None = None,
    heap_mb: int = HEAP_MB,
    log: Path | None = None,
) -> Part:
    """Describe a MirrorMaker 2 process from what `connect-mirror-maker.properties` would hold.

    It is ready when each enabled flow, e.g. `35->62.enabled`, has carried a heartbeat to its
    target since it was started. That is read without TLS and users; `answers` replaces it.
    """
    file = folder / "mirror.properties"
    beats = Heartbeats(properties)

    async def prepare() -> None:
        write_properties(file, {**DEFAULTS, **_at_once(properties), **properties})
        beats.forget()

    return Part(
        name,
        engine.argv("org.apache.kafka.connect.mirror.MirrorMaker", str(file), heap_mb=heap_mb),
        # It listens nowhere.
        0,
        answers or beats.carried,
        log or folder / f"{name}.log",
        folder,
        prepare=prepare,
        grace=20.0,
    )


DEFAULTS = {
    # Two small clusters of one broker each; larger ones say otherwise.
    "replication.factor": "1",
    "checkpoints.topic.replication.factor": "1",
    "heartbeats.topic.replication.factor": "1",
    "offset-syncs.topic.replication.factor": "1",
    "offset.storage.replication.factor": "1",
    "status.storage.replication.factor": "1",
    "config.storage.replication.factor": "1",
    "emit.heartbeats.enabled": "true",
    "emit.heartbeats.interval.seconds": "1",
    # New topics are mirrored soon after they are made.
    "refresh.topics.interval.seconds": "5",
    "sync.topic.acls.enabled": "false",
}


class Heartbeats:
    """Watches the mirrored heartbeats at the target of each flow."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        """Read the enabled flows and where their targets are."""
        separator = properties.get("replication.policy.separator", ".")
        self._watched = {
            (*_address(properties, target), f"{source}{separator}heartbeats")
            for source, target in flows(properties)
        }
        self._before: dict[tuple[str, int, str], int] = {}

    def forget(self) -> None:
        """Begin again: only heartbeats from now on count."""
        self._before.clear()

    async def carried(self, host: str, port: int) -> bool:
        """Tell whether every flow carried a heartbeat since this was first asked."""
        del host, port
        now: dict[tuple[str, int, str], int] = {}
        for place in self._watched:
            # A target that is away is one that nothing was carried to.
            with contextlib.suppress(OSError, EOFError):
                now[place] = await length(*place)
        self._before = now | self._before
        return all(
            now.get(place, -1) > max(0, self._before.get(place, 0)) for place in self._watched
        )


def flows(properties: Mapping[str, str]) -> list[tuple[str, str]]:
    """Tell the enabled flows, each as its source and target."""
    ends = [
        key.removesuffix(".enabled").split("->")
        for key, value in properties.items()
        if "->" in key and key.endswith(".enabled") and value == "true"
    ]
    return [(source.strip(), target.strip()) for source, target in ends]


def _at_once(properties: Mapping[str, str]) -> dict[str, str]:
    """Let a mirror that comes back take its work up at once: there is no other to wait for."""
    clusters = (each.strip() for each in properties.get("clusters", "").split(","))
    return {f"{cluster}.scheduled.rebalance.max.delay.ms": "0" for cluster in clusters if cluster}


def _address(properties: Mapping[str, str], cluster: str) -> tuple[str, int]:
    """Tell the first bootstrap address of a cluster."""
    host, _, port = properties[f"{cluster}.bootstrap.servers"].split(",")[0].rpartition(":")
    return host.strip(), int(port)
