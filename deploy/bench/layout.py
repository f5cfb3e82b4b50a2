"""What a lecture of any size needs, by arithmetic from what was measured on a sample: pure, and told apart from it."""

from dataclasses import dataclass
from typing import Any

BEAT_SECONDS = 30
_RECORD_BYTES = 82
"""What Kafka adds to a record that is alone in its batch: 61 bytes of batch header, and the record's own fields."""
_MINUTE = 60
_MICRO = 1e-6
_SPARE = 0.7
"""The share of a core that is planned for: the rest is for peaks and for catching up."""


@dataclass(frozen=True)
class Plan:
    """How a lecture is laid out: viewers, the topic's partitions and replicas, edge pods, linger, flush interval."""

    viewers: int
    minutes: int
    partitions: int
    replication: int
    pods: int
    linger_seconds: float
    flush_seconds: float
    devices: float = 1.0
    """Devices of a viewer, on average."""

    @property
    def beats_a_second(self) -> float:
        """Tell how many beats arrive each second."""
        return self.viewers * self.devices / BEAT_SECONDS

    @property
    def commits_a_second(self) -> float:
        """Tell how many records are written each second: one for each pod, partition and linger, if it has a beat."""
        most = self.pods * self.partitions / self.linger_seconds
        # Beats meet commits as balls meet boxes: some boxes stay empty.
        return most * (1 - (1 - 1 / most) ** self.beats_a_second) if most > 1 else 1.0

    @property
    def beats_a_record(self) -> float:
        """Tell how many beats are packed into a record."""
        return max(1.0, self.beats_a_second / self.commits_a_second)


@dataclass(frozen=True)
class Measured:
    """What was measured on a sample of shards, by the record, the beat or the merge."""

    read_us_a_record: float
    fold_us_a_beat: float
    drain_us_a_merge: float
    write_us_a_merge: float
    store_us_a_merge: float
    merges_a_beat: float
    bytes_a_beat: float
    memory_bytes_a_viewer: float


def needed(
    plan: Plan, measured: Measured, edge_requests_a_cpu_second: float | None
) -> dict[str, Any]:
    """Tell the cores, bytes and writes that a lecture needs each second, all of it arithmetic."""
    beats = plan.beats_a_second
    merges = beats * measured.merges_a_beat
    fold = (
        plan.commits_a_second * measured.read_us_a_record
        + beats * measured.fold_us_a_beat
        + merges * (measured.drain_us_a_merge + measured.write_us_a_merge)
    ) * _MICRO
    into = beats * measured.bytes_a_beat + plan.commits_a_second * _RECORD_BYTES
    edge = None if edge_requests_a_cpu_second is None else beats / edge_requests_a_cpu_second
    return {
        "beats_per_second": round(beats),
        "records_per_second": round(plan.commits_a_second),
        "beats_per_record": round(plan.beats_a_record, 2),
        "fold_us_per_beat": round(fold / beats / _MICRO, 2),
        "fold_cores_busy": round(fold, 2),
        "fold_cores_planned": -(-fold // _SPARE) if fold > _SPARE else 1.0,
        "edge_cores_busy": None if edge is None else round(edge, 2),
        "edge_cores_planned": None if edge is None else max(1.0, -(-edge // _SPARE)),
        "broker_bytes_in_per_second": round(into),
        "broker_bytes_replicated_per_second": round(into * (plan.replication - 1)),
        "broker_bytes_out_per_second": round(into),
        "topic_bytes_for_the_lecture": round(into * plan.replication * plan.minutes * _MINUTE),
        "store_writes_per_second": round(merges),
        "stand_in_store_cores_busy": round(merges * measured.store_us_a_merge * _MICRO, 2),
        "fold_memory_bytes": round(
            measured.memory_bytes_a_viewer * min(plan.viewers, beats * plan.flush_seconds)
        ),
    }
