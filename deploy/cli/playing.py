"""`demo` with its progress bars and table, and the reports of benchmark and fault run."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.cli.lines import say, tell_json
from deploy.demo.run import Demo, Finished, run
from deploy.embedded.settings import NodeSettings
from deploy.running import found

_TITLES = {
    "enrolled": "enrolled now",
    "waitlisted_promoted": "promoted from the waitlist",
    "withdrawn": "withdrawn",
    "phases_completed": "phases completed",
    "graduated": "graduated",
    "certified": "certified",
    "parked": "messages parked",
}


class Bars:
    """Progress bars on standard error."""

    def __init__(self, progress: Progress) -> None:
        """Draw with this."""
        self._progress = progress

    def begin(self, what: str, total: int) -> Callable[[int], None]:
        """Draw one more bar; what is given back moves it on."""
        bar = self._progress.add_task(what, total=total)
        return lambda steps: self._progress.advance(bar, steps)


def play_demo(
    *, learners: int, keep: bool, as_json: bool, out: Path | None, kafka: str | None = None,
    there: bool = False,
) -> int:  # fmt: skip
    """Play the demo and tell what came of it; exit status 1 where that is no whole cohort."""
    settings = NodeSettings.read().on(kafka)
    if there:
        demo = Demo.on(found(settings), learners=learners, out=out, settings=settings)
    else:
        demo = Demo.planned(learners=learners, keep=keep, out=out, settings=settings)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def aside(line: str) -> None:
            progress.console.print(f"corpu: {line}", markup=False, highlight=False)

        finished = asyncio.run(run(demo, Bars(progress), aside))
    if as_json:
        tell_json(finished.as_json())
    else:
        _tell(finished)
    short = finished.outcome.shortfalls(learners)
    for line in short:
        say(line)
    return int(bool(short))


def _tell(finished: Finished) -> None:
    """Print a table per learner, the totals, and where to look."""
    console, totals = Console(), finished.outcome.totals
    learners = Table(
        "learner", "phases", "score", "predicate", "certificate", title=totals["cohort"]
    )
    for line in finished.outcome.lines:
        learners.add_row(line.name, line.phases, line.score, line.predicate, line.number)
    console.print(learners)
    figures = Table("total", "", show_header=False)
    for name, title in _TITLES.items():
        figures.add_row(title, str(totals[name]))
    for name, counted in (
        ("refused", totals["refused"]),
        ("notice", totals["notices"]),
        ("fact", totals["facts"]),
    ):
        for kind, count in counted.items():
            figures.add_row(f"{name}: {kind}", str(count))
    console.print(figures)
    _tell_audit(console, totals["audit"])
    console.print(
        f"The list and the certificates are in {finished.out}", highlight=False, soft_wrap=True
    )
    console.print(f"It took {finished.seconds} s", highlight=False)
    if finished.addresses:
        console.print(
            f"\nThe node in {finished.home} goes on running until ./corpu down:",
            highlight=False,
            soft_wrap=True,
        )
        for name, address in finished.addresses.items():
            console.print(f"  {name:14} {address}", highlight=False)


def _tell_audit(console: Console, audit: Mapping[str, Any]) -> None:
    found = audit["disagreements"]
    if not found:
        console.print("Audit: the four stores agree")
        return
    disagreements = Table("disagreement", "of", "", title=f"Audit: {len(found)} disagreements")
    for each in found:
        disagreements.add_row(each["kind"], each["subject"], each["detail"])
    console.print(disagreements)


def report(result: Mapping[str, Any], *, as_json: bool) -> int:
    """Tell a report; exit status 1 where it says `passed` or `verified` and means no."""
    if as_json:
        tell_json(result)
    else:
        Console().print_json(data=dict(result))
    return int(not all(result.get(key, True) for key in ("passed", "verified")))
