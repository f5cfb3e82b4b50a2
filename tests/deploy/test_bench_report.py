"""The benchmarks' report is written from what was kept, and says what misses its aim or was never measured."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from deploy.bench.bars import Bar, draw
from deploy.bench.figures import aim, ratio, spread, spreads
from deploy.bench.kept import figure, keep, read
from deploy.bench.report import write
from deploy.cli.benches import keeping

ROUNDS: list[dict[str, float]] = [
    {"own_us": 12.0, "broker_us": 3.0, "store_us": 1.0, "events_per_second": 5000.0},
    {"own_us": 14.0, "broker_us": 3.0, "store_us": 1.0, "events_per_second": 4000.0},
    {"own_us": 90.0, "broker_us": 3.0, "store_us": 1.0, "events_per_second": 4500.0},
]


def _result(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    told = {**spreads(ROUNDS), "verified": True, "wrong": []}
    return {
        "bench": "certification",
        "learners": 10,
        "rounds": 3,
        "contestants": {"corpu": told, "a <peer>": told},
        "aims": [aim("ours over theirs", 3.0, at_most=2.0)],
        "verified": True,
        "circumstances": {
            "at": "2026-11-30T00:00+00:00",
            "machine": "2 cores",
            "parts": {"store": "a stand-in, not MongoDB"},
            "versions": {"python": "3.11"},
        },
        **more,
    }


def test_a_report_tells_figures_aims_and_circumstances(tmp_path: Path) -> None:
    """Median, range, a missed aim, what it ran on, and the plot beside the page."""
    folder = tmp_path / "benchmarks"
    keep(_result(), folder)

    page = write(tmp_path / "benchmarks.md", folder).read_text()

    assert "| corpu | **14** (12 to 90) | **3** (3 to 3) | **1** (1 to 1) | **4,500**" in page
    assert "| ours over theirs | 3 | at most 2 | **no** |" in page
    assert "store: a stand-in, not MongoDB" in page
    assert "](benchmarks/certification.svg)" in page
    assert (folder / "certification.svg").exists()


def test_what_was_never_measured_is_said_to_be_missing(tmp_path: Path) -> None:
    """An empty folder makes a page without a figure."""
    page = write(tmp_path / "benchmarks.md", tmp_path / "benchmarks").read_text()

    assert 4 == page.count("Not measured yet.")


def test_a_result_that_is_not_right_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever ended in a wrong state gets into no report, and the exit status says so."""
    before = read("certification")

    status = keeping(_result(verified=False), keep=True, as_json=True)

    assert 1 == status
    assert before == read("certification")
    assert "is not kept" in capsys.readouterr().err


def test_bars_are_a_picture_of_every_contestant() -> None:
    """Each has its bar, its range and its median, whatever its name holds."""
    drawn = draw("µs", [Bar("a <b>", 10, 9, 12, ours=True), Bar("c", 900, 800, 1000)])
    picture = ET.fromstring(drawn)  # noqa: S314 - our own picture

    texts = [each.text for each in picture.iter() if each.text and each.text.strip()]
    assert {"µs", "a <b>", "10", "c", "900"} <= {*texts}


def test_a_kept_figure_is_found_again(tmp_path: Path) -> None:
    """The median stands where others ask for it, and nothing where it was never kept."""
    keep(_result(), tmp_path)

    assert 14.0 == figure("certification", "corpu", "own_us", tmp_path)
    assert figure("fold", "corpu", "own_us", tmp_path) is None
    assert figure("certification", "nobody", "own_us", tmp_path) is None


def test_ratios_are_of_medians_and_nothing_is_no_figure() -> None:
    """An outlier moves no ratio; a contest without rounds is an error, not a zero."""
    assert 2.0 == ratio(spread([2.0, 4.0, 90.0]), spread([2.0]))
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])


@pytest.mark.parametrize(
    ("value", "bounds", "met"),
    [
        (2.0, {"at_most": 2.0}, True),
        (2.1, {"at_most": 2.0}, False),
        (15.0, {"at_least": 15.0}, True),
        (14.9, {"at_least": 15.0}, False),
    ],
)
def test_an_aim_is_met_up_to_its_bound(value: float, bounds: dict[str, float], met: bool) -> None:  # noqa: FBT001 - a parameter
    """The bound itself still meets it."""
    assert met is aim("what", value, **bounds)["met"]


def test_whether_attendance_is_exact_is_told_with_what_disturbed_it(tmp_path: Path) -> None:
    """Viewers who differ come first, then repetitions, processes that were ended, and memory."""
    folder = tmp_path / "benchmarks"
    keep(
        {
            "bench": "exact", "viewers": 2000, "minutes": 20, "beats": 76000, "records": 160,
            "repeated_percent": 3.0, "late_percent": 3.0, "over_http": {"statuses": {"204": 400}},
            "processes": 3, "killed": 4, "ended_and_begun": 2, "seconds": 9.5, "differences": 7,
            "memory_mb": {"at_rest": 94, "most": 174},
            "circumstances": _result()["circumstances"],
        },
        folder,
    )  # fmt: skip

    page = write(tmp_path / "benchmarks.md", folder).read_text()

    assert "| viewers whose minutes differ | **7** of 2,000 |" in page
    assert "| fold processes at a time | 3 |" in page
    assert "| killed meanwhile by SIGKILL, and begun again | 4 times |" in page
    assert "| ended in order, and begun again | 2 times |" in page
    assert "94 and 174 MB" in page
