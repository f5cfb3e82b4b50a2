"""`parked`: the commands about messages that could not be handled."""
# ruff: noqa: FBT002 - typer reads options as arguments

from typing import Annotated

import typer

parked = typer.Typer(help="Messages that could not be handled.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")]
Service = Annotated[str | None, typer.Option("--service", help="Only this service.")]


@parked.command("list")
def parked_list(service: Service = None, as_json: AsJson = False) -> int:
    """List parked messages."""
    from deploy.cli.operating import list_parked  # noqa: PLC0415

    return list_parked(service, as_json=as_json)


@parked.command("show")
def parked_show(key: Annotated[str, typer.Argument(metavar="ID")]) -> int:
    """Show one parked message whole."""
    from deploy.cli.operating import show_parked  # noqa: PLC0415

    return show_parked(key)


@parked.command("replay")
def parked_replay(key: Annotated[str, typer.Argument(metavar="ID")]) -> int:
    """Handle a parked message again."""
    from deploy.cli.operating import replay_parked  # noqa: PLC0415

    return replay_parked(key)


@parked.command("drop")
def parked_drop(key: Annotated[str, typer.Argument(metavar="ID")]) -> int:
    """Drop a parked message for good."""
    from deploy.cli.operating import drop_parked  # noqa: PLC0415

    return drop_parked(key)
