"""A profile's shares are counted where the innermost known frame stands."""

from pathlib import Path

import pytest

from deploy.bench.profile import add, shares


def test_each_sample_counts_for_its_innermost_known_place() -> None:
    """Unknown callees are their known caller's; what is small, and a service's start, is left out."""
    stacks = [
        "run (asyncio/base_events.py:1);deliver (shared/bus/delivery.py:9);loads (json/decoder.py:1) 60",
        "run (asyncio/base_events.py:1);getmany (aiokafka/consumer/fetcher.py:2) 39",
        "start (threading.py:1) 1",
        "run (services/certification/app.py:1);create_app (services/certification/app.py:2) 500",
    ]

    assert [("the spine: bus", 0.6), ("aiokafka: the rest", 0.39)] == shares(stacks)


def test_nothing_sampled_is_no_profile() -> None:
    """An empty file is an error and not an empty table."""
    with pytest.raises(ValueError, match="nothing was sampled"):
        shares([])


def test_a_newer_profile_takes_the_older_ones_place(tmp_path: Path) -> None:
    """One table for each thing that was profiled."""
    told = add("a", ["f (services/x.py:1) 1"], tmp_path)

    assert [{"what": "a", "shares": [("the service: domain and handlers", 1.0)]}] == told[
        "profiles"
    ]
