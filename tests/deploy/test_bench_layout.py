"""What a lecture needs follows from what was measured by arithmetic that can be done by hand."""

from dataclasses import replace

import pytest

from deploy.bench.layout import Measured, Plan, needed

PLAN = Plan(
    viewers=3_000_000, minutes=120, partitions=50, replication=3, pods=10, linger_seconds=0.01,
    flush_seconds=5.0,
)  # fmt: skip
MEASURED = Measured(
    read_us_a_record=2.0,
    fold_us_a_beat=1.0,
    drain_us_a_merge=4.0,
    write_us_a_merge=16.0,
    store_us_a_merge=50.0,
    merges_a_beat=0.5,
    bytes_a_beat=20.0,
    memory_bytes_a_viewer=100.0,
)


def test_everybody_beats_twice_a_minute() -> None:
    """Three million viewers send a hundred thousand beats a second, and their second devices more."""
    assert 100_000 == PLAN.beats_a_second
    assert 120_000 == replace(PLAN, devices=1.2).beats_a_second


def test_many_pods_and_partitions_leave_little_to_pack() -> None:
    """At 50,000 commits a second hardly two beats share a record; ten times the linger packs ten times as many."""
    assert 2.3 == pytest.approx(PLAN.beats_a_record, abs=0.05)
    assert 20 == pytest.approx(replace(PLAN, linger_seconds=0.1).beats_a_record, abs=0.1)
    assert 1 == replace(PLAN, viewers=30).beats_a_record


def test_cores_are_the_sum_of_reading_folding_and_writing() -> None:
    """Each record is read, each beat folded, each merge drained and written."""
    told = needed(PLAN, MEASURED, edge_requests_a_cpu_second=20_000)

    records = PLAN.commits_a_second
    assert (records * 2 + 100_000 * 1 + 50_000 * 20) / 1e6 == pytest.approx(
        told["fold_cores_busy"], abs=0.01
    )
    assert 50_000 == told["store_writes_per_second"]
    assert 5.0 == told["edge_cores_busy"]
    assert 2 * told["broker_bytes_in_per_second"] == pytest.approx(
        told["broker_bytes_replicated_per_second"], abs=2
    )
    assert 100.0 * 500_000 == told["fold_memory_bytes"]


def test_an_edge_that_was_never_measured_is_not_guessed() -> None:
    """Without a figure there is none."""
    told = needed(PLAN, MEASURED, None)

    assert told["edge_cores_busy"] is None
    assert told["edge_cores_planned"] is None
