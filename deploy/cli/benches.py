"""`bench` and `simulate`: the commands and their options; results are told, and kept where that is asked."""
# ruff: noqa: FBT002, PLC0415 - typer reads options as arguments; what a command needs is imported when it is called

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from deploy.cli.lines import say, tell
from deploy.embedded.settings import NodeSettings

bench = typer.Typer(help="Benchmarks.", no_args_is_help=True)
live = typer.Typer(help="Benchmarks of live attendance.", no_args_is_help=True)
bench.add_typer(live, name="live")
simulate = typer.Typer(help="What a larger size would need.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")]
Keep = Annotated[
    bool, typer.Option("--keep", help="Keep the result in docs/benchmarks, for `bench report`.")
]


@bench.command("chain")
def bench_chain(
    learners: Annotated[int, typer.Option(min=1, help="Learners a leg.")] = 5000,
    stored: Annotated[
        int, typer.Option(min=0, help="Enrolments stored before the second leg.")
    ] = 100_000,
    keep: Keep = False,
    as_json: AsJson = False,
) -> int:
    """Measure the chain from enrolled to noticed, beside a plain one-message-at-a-time consumer."""
    from deploy.bench.chain import run

    return keeping(run(learners, stored, say), keep=keep, as_json=as_json)


@bench.command("report")
def bench_report() -> int:
    """Write docs/benchmarks.md from the results that were kept."""
    from deploy.bench.report import write

    tell(f"wrote {write()}")
    return 0


@bench.command("certification")
def bench_certification(
    learners: Annotated[int, typer.Option(min=100, help="Learners, of eight facts each.")] = 2000,
    rounds: Annotated[int, typer.Option(min=1, help="Times that everybody drains.")] = 3,
    keep: Keep = False,
    as_json: AsJson = False,
) -> int:
    """Measure the certification step on filled topics, in turn with what else could do it."""
    from deploy.bench.certification import run

    return keeping(run(learners, rounds, NodeSettings.read(), say), keep=keep, as_json=as_json)


@live.command("fold")
def bench_live_fold(
    viewers: Annotated[int, typer.Option(min=100, help="Viewers of the lecture.")] = 20_000,
    minutes: Annotated[int, typer.Option(min=5, max=600, help="Minutes that it takes.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="Times that everybody drains.")] = 3,
    keep: Keep = False,
    as_json: AsJson = False,
) -> int:
    """Measure the fold of heartbeats, one a record and packed, in turn with what else could do it."""
    from deploy.bench.fold import run

    return keeping(
        run(viewers, minutes, rounds, NodeSettings.read(), say), keep=keep, as_json=as_json
    )


@live.command("exact")
def bench_live_exact(
    viewers: Annotated[int, typer.Option(min=100, help="Viewers of the lecture.")] = 200_000,
    minutes: Annotated[int, typer.Option(min=2, max=600, help="Minutes that it takes.")] = 20,
    http: Annotated[int, typer.Option(min=4, help="Beats through the real edge.")] = 20_000,
    strikes: Annotated[int, typer.Option(min=1, help="Fold processes that are ended.")] = 6,
    keep: Keep = False,
    as_json: AsJson = False,
) -> int:
    """Prove that attendance is exact, whatever is repeated, late, out of order, rebalanced or killed."""
    from deploy.bench.exact import run

    result = run(viewers, minutes, http, strikes, NodeSettings.read(), say)
    return keeping(result, keep=keep, as_json=as_json)


@live.command("edge")
def bench_live_edge(
    count: Annotated[int, typer.Option(min=5_000, help="Heartbeats of a round.")] = 60_000,
    connections: Annotated[int, typer.Option(min=1, help="Connections at once.")] = 512,
    rounds: Annotated[int, typer.Option(min=1, help="Times that everybody is measured.")] = 3,
    keep: Keep = False,
    as_json: AsJson = False,
) -> int:
    """Measure the edge's requests by the CPU second, in turn with FastAPI and `send_and_wait`."""
    from deploy.bench.edge import run

    result = run(count, connections, rounds, NodeSettings.read(), say)
    return keeping(result, keep=keep, as_json=as_json)


@bench.command("certificates")
def bench_certificates(
    count: Annotated[int, typer.Option(min=1, help="Certificates that each prints.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="Times that everybody prints.")] = 3,
    keep: Keep = False,
    as_json: AsJson = False,
) -> int:
    """Measure how many certificates are printed by the CPU second, in turn with other makers."""
    from deploy.bench.certificates import run

    return keeping(run(count, rounds, NodeSettings.read(), say), keep=keep, as_json=as_json)


@simulate.command("lecture")
def simulate_lecture(  # noqa: PLR0913, PLR0917 - the layout's own options
    learners: Annotated[int, typer.Option(min=1_000, help="Viewers.")] = 5_000_000,
    minutes: Annotated[int, typer.Option(min=2, max=1_440, help="Minutes it takes.")] = 120,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of the topic.")] = 48,
    pods: Annotated[int, typer.Option(min=1, help="Processes of the edge.")] = 24,
    linger: Annotated[
        float, typer.Option(min=0.001, max=1, help="The edge's linger in seconds.")
    ] = 0.01,
    flush: Annotated[float, typer.Option(min=0.1, max=60, help="The fold's interval in s.")] = 5.0,
    shards: Annotated[int, typer.Option(min=1, help="Partitions that are simulated.")] = 2,
    sample: Annotated[int, typer.Option(min=2, help="Minutes that are simulated.")] = 6,
    keep: Keep = False,
    as_json: AsJson = False,
) -> int:
    """Run the real fold on a virtual clock for a sample of a lecture, and tell what the whole would need."""
    from deploy.bench.layout import Plan
    from deploy.bench.lecture import simulate as run

    plan = Plan(learners, minutes, partitions, 3, pods, linger, flush)
    result = run(plan, shards, sample, NodeSettings.read(), say)
    return keeping(result, keep=keep, as_json=as_json)


def keeping(result: Mapping[str, Any], *, keep: bool, as_json: bool) -> int:
    """Tell a result and keep it; what is not verified is not kept, and its exit status is 1."""
    from deploy.bench.kept import keep as keep_result
    from deploy.cli.playing import report

    if keep and not result.get("verified", False):
        say("the final state was not right, so the result is not kept")
    elif keep:
        say(f"kept as {keep_result(result)}")
    return report(result, as_json=as_json)
