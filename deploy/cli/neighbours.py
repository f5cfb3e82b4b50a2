"""`node`, `peers` and `share`: the commands of a node among others, and their options."""
# ruff: noqa: FBT002, PLC0415 - typer reads options as arguments; what a command needs is imported when it is called

from pathlib import Path
from typing import Annotated

import typer

node = typer.Typer(help="This node among others: its keys and its card.", no_args_is_help=True)
peers = typer.Typer(help="The nodes that this one shares with.", no_args_is_help=True)
share = typer.Typer(help="Copies as a file, where no link carries them.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")]


@node.command("init")
def node_init(
    name: Annotated[str, typer.Option(help="What others call the node, e.g. Provinsi Jawa Timur.")],
    role: Annotated[
        str, typer.Option(help="province, city, or auditor: reads what is offered.")
    ] = "province",
) -> int:
    """Make the node's keys, once, and write its card for others."""
    from deploy.cli.federating import make_keys

    return make_keys(name, role)


@peers.command("add")
def peers_add(
    card: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="The card, or where it is shown.")
    ],
    fingerprint: Annotated[
        str, typer.Option(help="What the peer told you by another way; asked for a URL.")
    ] = "",
) -> int:
    """Take another node for a peer, or its newer card."""
    from deploy.cli.federating import add_peer

    return add_peer(card, fingerprint)


@peers.command("list")
def peers_list(as_json: AsJson = False) -> int:
    """List the peers with their keys' fingerprints."""
    from deploy.cli.federating import list_peers

    return list_peers(as_json=as_json)


@peers.command("status")
def peers_status(as_json: AsJson = False) -> int:
    """Tell how every peer stands with this node: what lacks, what is silent, what alarms."""
    from deploy.cli.federating import tell_peers

    return tell_peers(as_json=as_json)


@peers.command("acknowledge")
def peers_acknowledge(code: Annotated[str, typer.Argument(metavar="NODE")]) -> int:
    """Take back the alarms about a peer's topics, once somebody has looked."""
    from deploy.cli.federating import acknowledge

    return acknowledge(code)


@share.command("export")
def share_export(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copies go.")],
    to: Annotated[str, typer.Option(help="The node that they are for.")],
) -> int:
    """Write every copy for a peer, and what is offered to all, into a file."""
    from deploy.cli.federating import export_copies

    return export_copies(path, to)


@share.command("import")
def share_import(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What a peer exported.")],
    as_json: AsJson = False,
) -> int:
    """Take the copies in a file that a peer exported; once or many times is the same."""
    from deploy.cli.federating import import_copies

    return import_copies(path, as_json=as_json)
