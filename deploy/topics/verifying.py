"""Whether a broker keeps to the file: the whole matrix of principals, topics and operations."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy.embedded.settings import NodeError, NodeSettings
from deploy.engines.installing import KAFKA
from deploy.topics.applying import apply
from deploy.topics.cluster import KafkaCluster
from deploy.topics.declared import Declared
from deploy.topics.secured import Secured
from deploy.topics.session import session
from deploy.topics.trying import Matrix, attempt_all, prepare
from shared.bus.kafka.security import Security

STRANGER = "stranger"
"""A user whom the broker knows and the file does not."""


async def verify_own(
    settings: NodeSettings, wanted: Declared, say: Callable[[str], None]
) -> dict[str, Any]:
    """Start a secured Apache Kafka, apply the file to it and try everything there, for real."""
    users = [name for name in wanted.principals if name not in wanted.super_users]
    with TemporaryDirectory(prefix="corpu-topics-") as place:
        planned = Secured.planned(settings, Path(place), [*users, STRANGER])
        say(f"starting Apache Kafka {KAFKA.version} with TLS, SCRAM users and an authorizer")
        async with planned.running() as own:
            async with session(own.by_certificate, own.as_admin) as admin:
                made = await apply(wanted, KafkaCluster(admin))
                again = await apply(wanted, KafkaCluster(admin), only_look=True)
                await prepare(admin, wanted)
            matrix = Matrix()
            for user in [*users, STRANGER]:
                async with session(own.bootstrap, own.by_password(user)) as speaking:
                    matrix.tried += await attempt_all(user, speaking, wanted, for_real=True)
            for user in sorted(wanted.super_users):
                async with session(own.by_certificate, own.as_admin) as speaking:
                    matrix.tried += await attempt_all(user, speaking, wanted, for_real=True)
    return {
        **_result(matrix),
        "broker": f"Apache Kafka {KAFKA.version}",
        "changes": len(made.changes),
        "changes_when_applied_again": len(again.changes),
    }


async def verify_given(
    bootstrap: str, security: Security, wanted: Declared, passwords: Mapping[str, str]
) -> dict[str, Any]:
    """Try everything on a cluster in use, without leaving a trace, as those whose passwords are given."""
    matrix = Matrix()
    for user, password in passwords.items():
        known = replace(security, username=user, password=password)
        async with session(bootstrap, known) as speaking:
            matrix.tried += await attempt_all(user, speaking, wanted, for_real=False)
    untried = [name for name in wanted.principals if name not in passwords]
    return {**_result(matrix), "broker": bootstrap, "untried": untried}


def read_passwords(folder: Path, wanted: Declared) -> dict[str, str]:
    """Read a password for each principal that has a file of its name; NodeError where nobody has."""
    known = [*wanted.principals, STRANGER]
    found = {name: folder / name for name in known if (folder / name).is_file()}
    if not found:
        raise NodeError(f"{folder} has no file named after a principal: {', '.join(known)}")
    return {name: file.read_text(encoding="utf-8").rstrip("\r\n") for name, file in found.items()}


def _result(matrix: Matrix) -> dict[str, Any]:
    told = matrix.as_json()
    wrong = told["unexpected_allows"] + told["unexpected_denials"] + told["unclear"]
    return {"verified": bool(told["checked"]) and not wrong, **told}
