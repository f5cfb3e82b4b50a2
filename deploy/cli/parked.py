"""`parked`: the commands about messages that could not be handled."""
# ruff: noqa: FBT002, PLC0415 - typer reads options as arguments; what a command needs is imported when it is called

from typing import Annotated

import typer

parked = typer.Typer(help="Messages that could not be handled.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")]
Service = Annotated[str | None, typer.Option("--service", help="Only this service.")]


@parked.command("list")
def parked_list(service: Service = None, as_json: AsJson = False) -> int:
    """List parked messages."""
    from deploy.cli.operating import list_parked

    return list_parked(service, as_json=as_json)


@parked.command("show")
def parked_show(key: Annotated[str, typer.Argument(metavar="ID")]) -> int:
    """Show one parked message whole."""
    from deploy.cli.operating import show_parked

    return show_parked(key)


@parked.command("replay")
def parked_replay(key: Annotated[str, typer.Argument(metavar="ID")]) -> int:
    """Handle a parked message again."""
    from deploy.cli.operating import replay_parked

    return replay_parked(key)


@parked.command("drop")
def parked_drop(key: Annotated[str, typer.Argument(metavar="ID")]) -> int:
    """Drop a parked message for good."""
    from deploy.cli.operating import drop_parked

    return drop_parked(key)
