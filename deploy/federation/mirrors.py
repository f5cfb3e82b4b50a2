"""The link between two provinces: MirrorMaker 2, run by the receiving side, which only reads at the other."""

from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.parts import Part
from deploy.embedded.settings import LOOPBACK
from deploy.engines.installing import Engine
from deploy.engines.mirror import mirror
from deploy.engines.wire import length
from shared.events.fact import EVERYBODY, SHARE

HEAP_MB = 128
_WORKER = {
    # After a crash it mirrors again what it carried since it last noted its place: repeats.
    "offset.flush.interval.ms": "2000",
    # Its plug-ins name themselves; looking for them in every jar costs seconds and memory.
    "plugin.discovery": "service_load",
    "offset.storage.partitions": "1",
    "status.storage.partitions": "1",
    # Nobody shares its work, so nobody is waited for.
    "scheduled.rebalance.max.delay.ms": "0",
}
"""What the one worker of a mirror is told, at the top for itself and once more for its target."""


def link(
    engine: Engine,
    folder: Path,
    brokers: Mapping[str, int],
    *,
    receiver: str,
    partitions: int,
    generation: int = 1,
) -> Part:
    """Describe the mirror that a province runs; `brokers` tells both provinces' ports by their codes.

    It is ready once it has carried something since it was started: services tell their heads
    every few seconds, so a link that works is never silent. A later generation remembers nothing
    of what an earlier one carried.
    """
    (source,) = brokers.keys() - {receiver}
    carried = _Carried(brokers[receiver], f"{source}.{SHARE}.{EVERYBODY}", partitions)

    async def answers(host: str, port: int) -> bool:
        del host, port
        return await carried.more()

    part = mirror(
        engine,
        folder,
        properties(brokers, source=source, receiver=receiver, generation=generation),
        name=f"mirror-{receiver}",
        answers=answers,
        heap_mb=HEAP_MB,
    )
    described = part.prepare

    async def prepare() -> None:
        if described is not None:
            await described()
        carried.forget()

    part.prepare = prepare
    return part


def properties(
    brokers: Mapping[str, int], *, source: str, receiver: str, generation: int = 1
) -> dict[str, str]:
    """Write MirrorMaker 2's settings: only what is addressed to the receiver or to all is copied.

    Nothing is written at the source: no heartbeats, no checkpoints, no offset syncs, no internal topics.
    """
    flow = f"{source}->{receiver}"
    back = f"{receiver}->{source}"
    again = f".{generation}" if generation > 1 else ""
    return {
        "clusters": f"{source},{receiver}",
        **{f"{node}.bootstrap.servers": f"{LOOPBACK}:{port}" for node, port in brokers.items()},
        f"{flow}.enabled": "true",
        f"{flow}.topics": rf"{SHARE}\.{receiver.replace('.', chr(92) + '.')},{SHARE}\.{EVERYBODY}",
        f"{flow}.groups": "",
        f"{back}.enabled": "false",
        # The other way is the other side's to run; even a heartbeat would be a write over there.
        "emit.heartbeats.enabled": "false",
        # Nobody reads at both places, so no group's offsets are translated.
        "emit.checkpoints.interval.seconds": "3600",
        "sync.group.offsets.enabled": "false",
        "offset-syncs.topic.location": "target",
        "sync.topic.acls.enabled": "false",
        # How long copies are kept here is this side's decision.
        "sync.topic.configs.enabled": "false",
        "replication.factor": "1",
        f"{receiver}.offset.storage.topic": f"mm2-offsets.{source}{again}.internal",
        "refresh.topics.interval.seconds": "2",
        "tasks.max": "1",
        "consumer.auto.offset.reset": "earliest",
        **{
            f"{prefix}{key}": value
            for prefix in ("", f"{receiver}.")
            for key, value in _WORKER.items()
        },
    }


class _Carried:
    """Watches a mirrored topic grow."""

    def __init__(self, port: int, topic: str, partitions: int) -> None:
        """Watch at a broker's port."""
        self._port = port
        self._topic = topic
        self._partitions = partitions
        self._before: int | None = None

    def forget(self) -> None:
        """Begin again: only what comes from now on counts."""
        self._before = None

    async def more(self) -> bool:
        """Tell whether anything came since this was first asked."""
        ends = [
            await length(LOOPBACK, self._port, self._topic, number)
            for number in range(self._partitions)
        ]
        now = sum(max(0, end) for end in ends)
        if self._before is None:
            self._before = now
        return now > self._before
