"""The commands about the cluster's topics; what they do stands in `declaring`, imported when it is called."""
# ruff: noqa: FBT002, PLC0415, PLR0913, PLR0917 - a connection has so many sides, and typer reads them as arguments

from pathlib import Path
from typing import Annotated

import typer

topics = typer.Typer(help="The cluster's topics, and who may do what there.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")]
Bootstrap = Annotated[
    str | None, typer.Option(help="Brokers, host:port,… (or KAFKA_BOOTSTRAP).", metavar="ADDRESSES")
]
Protocol = Annotated[
    str | None,
    typer.Option(
        "--security-protocol", metavar="PROTOCOL",
        help="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL (or KAFKA_SECURITY_PROTOCOL).",
    ),
]  # fmt: skip
CaFile = Annotated[
    Path | None, typer.Option(help="Who vouches for the brokers (or KAFKA_CA_FILE).")
]
Certificate = Annotated[
    Path | None,
    typer.Option(help="Certificate that names the principal (or KAFKA_CERTIFICATE_FILE)."),
]
Key = Annotated[Path | None, typer.Option(help="Its key (or KAFKA_KEY_FILE).")]
Mechanism = Annotated[
    str | None, typer.Option(help="SCRAM-SHA-256 or SCRAM-SHA-512 (or KAFKA_SASL_MECHANISM).")
]
User = Annotated[str | None, typer.Option("--username", help="User name (or KAFKA_USERNAME).")]
PasswordFile = Annotated[
    Path | None, typer.Option(help="File with the password (or KAFKA_PASSWORD_FILE).")
]
NodeCode = Annotated[
    str | None, typer.Option("--node", help="The node's code (or CORPU_NODE).", metavar="CODE")
]
Peer = Annotated[
    list[str] | None,
    typer.Option(help="A peer's code; may be given several times (or the peers file).", metavar="CODE"),
]  # fmt: skip
Declaration = Annotated[
    Path | None, typer.Option("--file", help="Another file than deploy/topics/topics.toml.")
]


@topics.command("apply")
def topics_apply(
    bootstrap: Bootstrap = None,
    protocol: Protocol = None,
    ca_file: CaFile = None,
    certificate_file: Certificate = None,
    key_file: Key = None,
    mechanism: Mechanism = None,
    username: User = None,
    password_file: PasswordFile = None,
    node: NodeCode = None,
    peer: Peer = None,
    replication: Annotated[
        int | None, typer.Option(min=1, max=7, help="Replicas, in place of the file's own number.")
    ] = None,
    file: Declaration = None,
    topics_only: Annotated[
        bool,
        typer.Option("--topics-only", help="Leave rights alone: brokers without an authorizer."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Make the topics and rights what the file declares, as the cluster's administrator.

    What is so already is left alone. Partitions never become fewer, and those of `learners` stay as they are.
    """
    from deploy.cli.declaring import Wanted, apply_topics

    return apply_topics(
        Wanted(node, peer or (), replication, file),
        {
            "KAFKA_BOOTSTRAP": bootstrap,
            "KAFKA_SECURITY_PROTOCOL": protocol,
            "KAFKA_CA_FILE": ca_file,
            "KAFKA_CERTIFICATE_FILE": certificate_file,
            "KAFKA_KEY_FILE": key_file,
            "KAFKA_SASL_MECHANISM": mechanism,
            "KAFKA_USERNAME": username,
            "KAFKA_PASSWORD_FILE": password_file,
        },
        dry_run=dry_run,
        topics_only=topics_only,
        as_json=as_json,
    )


@topics.command("verify")
def topics_verify(
    bootstrap: Bootstrap = None,
    protocol: Protocol = None,
    ca_file: CaFile = None,
    mechanism: Mechanism = None,
    passwords: Annotated[
        Path | None,
        typer.Option(help="Folder with a file for each principal, named as it is: its password."),
    ] = None,
    node: NodeCode = None,
    peer: Peer = None,
    file: Declaration = None,
    as_json: AsJson = False,
) -> int:
    """Try every principal on every topic, and tell what ends otherwise than the file says.

    With --passwords the given brokers are tried, and nothing is changed there. With no broker given, an
    Apache Kafka with TLS, users and the file's rights is started for this (needs `./corpu engines install`).
    """
    from deploy.cli.declaring import Wanted, verify_topics

    return verify_topics(
        Wanted(node, peer or (), None, file),
        {
            "KAFKA_BOOTSTRAP": bootstrap,
            "KAFKA_SECURITY_PROTOCOL": protocol,
            "KAFKA_CA_FILE": ca_file,
            "KAFKA_SASL_MECHANISM": mechanism,
        },
        passwords=passwords,
        as_json=as_json,
    )
