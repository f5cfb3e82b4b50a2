"""`federation demo`, `faults`, `cut` and `erase`: two provinces on this machine, and what came of them."""
# ruff: noqa: FBT002, PLC0415 - typer reads options as arguments; what a command needs is imported when it is called

from typing import Annotated

import typer

from deploy.cli.lines import say

federation = typer.Typer(help="Two provinces on this machine, linked.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")]
Own = Annotated[int, typer.Option(min=2, max=200, help="Learners of the host's province.")]
Guests = Annotated[int, typer.Option(min=2, max=100, help="Learners of the other province.")]


@federation.command("demo")
def federation_demo(own: Own = 30, guests: Guests = 10, as_json: AsJson = False) -> int:
    """Play a cohort of two provinces on two nodes with a broker and a mirror each."""
    from deploy.cli.playing import report
    from deploy.embedded.settings import NodeSettings
    from deploy.federation.demo import run

    return report(run(NodeSettings.read(), say, own=own, guests=guests), as_json=as_json)


@federation.command("faults")
def federation_faults(own: Own = 30, guests: Guests = 10, as_json: AsJson = False) -> int:
    """Play it calmly, then with kills, losses, repeats and lies, and compare what is left."""
    from deploy.cli.playing import report
    from deploy.embedded.settings import NodeSettings
    from deploy.federation.faults import run

    return report(run(NodeSettings.read(), say, own=own, guests=guests), as_json=as_json)


@federation.command("cut")
def federation_cut(
    seconds: Annotated[
        float, typer.Option(min=1, max=86_400, help="Seconds without a link, at least.")
    ] = 30,
    own: Own = 30,
    guests: Guests = 10,
    as_json: AsJson = False,
) -> int:
    """Cut the link for a while, and measure how long both take to converge."""
    from deploy.cli.playing import report
    from deploy.embedded.settings import NodeSettings
    from deploy.federation.cut import run

    told = run(NodeSettings.read(), say, seconds=seconds, own=own, guests=guests)
    return report(told, as_json=as_json)


@federation.command("erase")
def federation_erase(own: Own = 4, guests: Guests = 3, as_json: AsJson = False) -> int:
    """Teach guests, erase one of them at home, and prove at both nodes that nothing names the person."""
    from deploy.cli.playing import report
    from deploy.embedded.settings import NodeSettings
    from deploy.federation.erasing import run

    return report(run(NodeSettings.read(), say, own=own, guests=guests), as_json=as_json)
