"""The commands and their options; what a command does stands in a module of its own."""
# ruff: noqa: FBT002, PLC0415 - typer reads options as arguments; what a command needs is imported when it is called

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.benches import bench, simulate
from deploy.cli.lines import say
from deploy.cli.neighbours import node, peers, share
from deploy.cli.parked import parked
from deploy.cli.provinces import federation
from deploy.cli.topics import topics
from deploy.embedded.settings import is_text

_INTERRUPTED, _MISUSED = 130, 2
_FEWEST, _MOST = 8, 5_000
_DAY = 86_400

app = typer.Typer(
    name="corpu",
    help="A learning node: enrolment, progress, certification and notices of one province or city.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(parked, name="parked")
store = typer.Typer(help="The store's own affairs.", no_args_is_help=True)
app.add_typer(bench, name="bench")
app.add_typer(topics, name="topics")
engines = typer.Typer(help="Production engines on this machine.", no_args_is_help=True)
app.add_typer(engines, name="engines")
app.add_typer(store, name="store")
app.add_typer(node, name="node")
app.add_typer(peers, name="peers")
app.add_typer(share, name="share")
app.add_typer(federation, name="federation")

app.add_typer(simulate, name="simulate")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")]
Kafka = Annotated[
    str | None,
    typer.Option(help="The broker it runs: embedded (the default) or apache.", metavar="BROKER"),
]
Service = Annotated[str | None, typer.Option("--service", help="Only this service.")]


@app.command()
def demo(
    learners: Annotated[
        int, typer.Option(min=_FEWEST, max=_MOST, help="Seats of the cohort.")
    ] = 32,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the node running.")] = False,
    there: Annotated[
        bool, typer.Option("--there", help="Play on the running node, and leave its people there.")
    ] = False,
    as_json: AsJson = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the list and the certificates.")
    ] = None,
    kafka: Kafka = None,
) -> int:
    """Play a whole cohort on a node of its own, from the nomination list to the certificates."""
    from deploy.cli.playing import play_demo

    return play_demo(
        learners=learners, keep=keep, as_json=as_json, out=out, kafka=kafka, there=there
    )


@app.command()
def up(as_json: AsJson = False, kafka: Kafka = None) -> int:
    """Run a node until Ctrl-C."""
    from deploy.cli.node import run_node

    return run_node(as_json=as_json, kafka=kafka)


@app.command()
def down() -> int:
    """Stop the node that runs in the background, e.g. after `demo --keep`."""
    from deploy.cli.node import stop_node

    return stop_node()


@app.command()
def status(as_json: AsJson = False) -> int:
    """Tell how the running node is: processes, memory, and what waits."""
    from deploy.cli.node import tell_status

    return tell_status(as_json=as_json)


@app.command()
def token(
    role: Annotated[list[str], typer.Option(help="A role; may be given several times.")],
    subject: Annotated[str, typer.Option(help="Who the token is for.")] = "corpu-token",
    agency: Annotated[str | None, typer.Option(help="The person's agency, e.g. 35.73.")] = None,
    learner: Annotated[str | None, typer.Option(help="The person's learner id.")] = None,
    nip: Annotated[
        str | None, typer.Option(help="The person's NIP, in place of a learner id.")
    ] = None,
    node: Annotated[
        str | None, typer.Option(help="The person's node, if it is another one.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 366, help="How long it holds.")] = 8,
) -> int:
    """Print an access token of the node's own issuer."""
    from deploy.cli.node import print_token

    return print_token(
        role, subject=subject, agency=agency, learner=learner, nip=nip, node=node, hours=hours
    )


@app.command()
def audit(
    as_json: AsJson = False,
    wait: Annotated[
        float, typer.Option(min=0, max=_DAY, help="Seconds to wait until no fact is on its way.")
    ] = 30,
) -> int:
    """Compare the four stores and name every disagreement."""
    from deploy.cli.operating import tell_audit

    return tell_audit(as_json=as_json, wait=wait)


@app.command()
def erase(
    nip: Annotated[str, typer.Argument(help="The person's NIP.")],
    basis: Annotated[
        str | None, typer.Option(help="On whose request, or by which rule (UU 27/2022).")
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option(help="Another word to look for; may be given several times.")
    ] = None,
    scan_only: Annotated[
        bool, typer.Option("--scan-only", help="Erase nothing, only look.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Erase a person's data on this node and every node that has them as a guest, and prove it by a scan."""
    from deploy.cli.erasing import erase as erase_person

    return erase_person(nip, basis, also=also or (), scan_only=scan_only, as_json=as_json)


@app.command()
def replay(service: Service = None, as_json: AsJson = False) -> int:
    """Have services state every fact they keep again, with the same ids."""
    from deploy.cli.operating import state_again

    return state_again(service, as_json=as_json)


@store.command("init")
def store_init() -> int:
    """Make the replica set that MONGO_URI names, where it is none yet."""
    from deploy.cli.storing import make_replica_set

    return make_replica_set()


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Where it goes.")],
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Copy the node's keys too.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Copy the four stores into one file, while the node runs or not."""
    from deploy.cli.storing import take_backup

    return take_backup(target, with_keys=with_keys, as_json=as_json)


@app.command()
def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What `./corpu backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Empty the stores first.")] = False,
    with_keys: Annotated[
        bool,
        typer.Option("--with-keys", help="Put the node's keys back too, where there are none."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Put a backup back into the stores of a node that is stopped."""
    from deploy.cli.storing import put_back

    return put_back(path, replace=replace, with_keys=with_keys, as_json=as_json)


@engines.command("install")
def engines_install(as_json: AsJson = False) -> int:
    """Get Apache Kafka and MirrorMaker 2 by Maven, once."""
    from deploy.cli.engines import install_engines

    return install_engines(as_json=as_json)


@engines.command("list")
def engines_list(as_json: AsJson = False) -> int:
    """Tell which engines are installed."""
    from deploy.cli.engines import list_engines

    return list_engines(as_json=as_json)


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
    add_help_option=False,
)
def test(
    context: typer.Context,
    parts: Annotated[
        str | None, typer.Option(help="Real parts: embedded, apache or docker (default: the best).")
    ] = None,  # noqa: PT028 - a command, and no test
) -> int:
    """Run the tests; other arguments go to pytest."""
    from deploy.cli.gates import run_tests

    return run_tests([*(("--parts", parts) if parts else ()), *context.args])


@app.command()
def check() -> int:
    """Hold the source to the house rules: lint, format, types, layers, generated contracts."""
    from deploy.cli.gates import run_checks

    return run_checks()


@app.command()
def faults(
    budget: Annotated[float, typer.Option(min=1, max=_DAY, help="Seconds to spend, about.")] = 240,
    as_json: AsJson = False,
) -> int:
    """Kill services on both sides of every durable operation, and show that nothing is lost."""
    from deploy.cli.playing import report
    from deploy.faults.run import run

    return report(run(budget, say), as_json=as_json)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; whatever goes wrong is one line and an exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if strange := next((each for each in given if not is_text(each)), None):
        say(f"{strange!a} is not text in UTF-8")
        return _MISUSED
    try:
        return int(app(given, prog_name="corpu", standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except typer.TyperException as wrong:
        said = wrong.format_message()
        if said.startswith("Usage:"):
            sys.stderr.write(f"{said}\n")
        else:
            say(said)
        return wrong.exit_code
    except Exception as failure:  # noqa: BLE001 - the one place that turns failures into lines
        from deploy.cli.ending import ending_of

        line, status = ending_of(failure)
        if line:
            say(line)
        return status
