"""`up`, `down`, `status` and `token`: the node itself."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

from deploy.cli.lines import say, table, tell, tell_json
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.settings import SERVICES, NodeError, NodeSettings
from deploy.running import Process, Running, found, note, processes
from shared.kernel.regions import is_agency, is_region

HEARTBEATS = (
    "The broker keeps everything in memory: "
    "durable heartbeats need a broker with a disk (`./corpu up --kafka apache`, or KAFKA_BOOTSTRAP)."
)
_MEGABYTE = 1_000_000
_STOP_SECONDS = 30.0
_LOOK_SECONDS = 0.05
# A service that has not answered by then is not ready, whatever it would say.
_LOOK_AT_MOST = 10.0


def run_node(*, as_json: bool, kafka: str | None = None) -> int:
    """Run a node until a signal ends it."""
    asyncio.run(_run(NodeSettings.read().on(kafka), as_json=as_json))
    return 0


async def _run(settings: NodeSettings, *, as_json: bool) -> None:
    started = time.monotonic()
    if not as_json:
        say(f"starting a node in {settings.home}")
    async with EmbeddedNode(settings, say=say) as node:
        seconds = round(time.monotonic() - started, 1)
        note(settings.home, node.addresses)
        running = Running(settings.home, os.getpid(), node.addresses)
        shown = _shown(running, processes(running.pid))
        if as_json:
            tell_json({**shown, "seconds": seconds})
        else:
            _tell_processes(shown)
            tell(f"ready after {seconds} s; Ctrl-C stops it")
        await node.forever()


def stop_node() -> int:
    """Stop the running node and wait until it is gone."""
    running = found(NodeSettings.read())
    if running.pid == 0:
        raise NodeError("CORPU_ADDRESSES names a node that somebody else runs: stop it there")
    os.kill(running.pid, signal.SIGTERM)
    ends = time.monotonic() + _STOP_SECONDS
    while _lives(running.pid):
        if time.monotonic() > ends:
            raise NodeError(
                f"the node (process {running.pid}) has not ended after {_STOP_SECONDS:.0f} s"
            )
        # Nothing tells when a process is gone that is not our child.
        Event().wait(_LOOK_SECONDS)
    tell(f"the node in {running.home} has ended")
    return 0


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def tell_status(*, as_json: bool) -> int:
    """Tell how the running node is; exit status 1 where a service is not ready."""
    settings = NodeSettings.read()
    running = found(settings)
    services = asyncio.run(_ask(settings, running))
    ready = all(each["ready"] for each in services.values())
    durable = all(each.get("broker_durable", True) for each in services.values())
    shown = {
        **_shown(running, processes(running.pid)),
        "ready": ready,
        "broker_durable": durable,
        "services": services,
    }
    if not durable:
        shown["note"] = HEARTBEATS
    if as_json:
        tell_json(shown)
        return int(not ready)
    _tell_processes(shown)
    tell()
    columns = ("ready", "outbox", "lag", "parked", "why")
    rows: list[tuple[object, ...]] = [
        (name, *(each.get(key, "") for key in columns)) for name, each in services.items()
    ]
    table(("service", "ready", "outbox", "lag", "parked", ""), rows)
    tell()
    tell("The broker keeps its records on disk." if durable else HEARTBEATS)
    return int(not ready)


async def _ask(settings: NodeSettings, running: Running) -> dict[str, dict[str, Any]]:
    """Ask each service how it is; one that does not answer is not ready, for this reason."""
    from deploy.cli.operating import as_operator  # noqa: PLC0415 - `up` carries no HTTP client
    from deploy.client import Declined, NodeClient  # noqa: PLC0415

    told: dict[str, dict[str, Any]] = {}
    async with NodeClient(
        {name: running.addresses[name] for name in SERVICES}, patience=0, answer=_LOOK_AT_MOST
    ) as client:
        operator = as_operator(client, settings, running)
        for name in SERVICES:
            try:
                await client.nobody().get(name, "/readyz")
                status = await operator.get(name, "/operations/status")
            except Declined as declined:
                told[name] = {"ready": False, "why": declined.detail}
                continue
            told[name] = {
                "ready": True,
                "outbox": status["unpublished"],
                "lag": sum(status["lag"].values()),
                "lag_by_subscription": status["lag"],
                "parked": status["parked"],
                "broker_durable": status["broker_durable"],
                "epoch": status["epoch"],
            }
    return told


def _shown(running: Running, listed: Sequence[Process]) -> dict[str, Any]:
    return {
        "home": str(running.home),
        "addresses": dict(running.addresses),
        "processes": {
            each.name: {"pid": each.pid, "rss_mb": _megabytes(each.rss)} for each in listed
        },
        "rss_mb": _megabytes(sum(each.rss for each in listed)),
    }


def _megabytes(size: int) -> float:
    return round(size / _MEGABYTE, 1)


def _tell_processes(shown: Mapping[str, Any]) -> None:
    rows: list[tuple[object, ...]] = [
        (name, each["pid"], each["rss_mb"], shown["addresses"].get(name, ""))
        for name, each in shown["processes"].items()
    ]
    table(("process", "pid", "MB", "address"), [*rows, ("total", "", shown["rss_mb"], "")])


def print_token(
    roles: Sequence[str], *, subject: str, agency: str | None, learner: str | None, nip: str | None,
    node: str | None, hours: float,
) -> int:  # fmt: skip
    """Print a token; NodeError for a role that does not exist."""
    from deploy.embedded.tokens import issue  # noqa: PLC0415 - `up` carries no cryptography
    from shared.kernel.ids import learner_id, read_pseudonym_key  # noqa: PLC0415
    from shared.web.identity import ROLES  # noqa: PLC0415

    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise NodeError(f"no role is called {unknown[0]}; there are {', '.join(ROLES)}")
    settings = NodeSettings.read()
    if wrong := _wrong_claim(subject, agency=agency, learner=learner, nip=nip, node=node):
        raise NodeError(wrong)
    try:
        home = found(settings).home
    except NodeError:
        home = settings.home
    if nip is not None:
        key_file = Path(replace(settings, home=home).of("enrolment")["CORPU_PSEUDONYM_KEY_FILE"])
        try:
            learner = learner_id(digits_of(nip), read_pseudonym_key(key_file))
        except ValueError as broken:
            raise NodeError(str(broken)) from broken
    token = issue(
        home,
        subject=subject,
        roles=roles,
        node=node or settings.node,
        agency=agency,
        learner_id=learner,
        lifetime=timedelta(hours=hours),
        issuer=settings.issuer,
        audience=settings.audience,
    )
    tell(token)
    return 0


def _wrong_claim(
    subject: str, *, agency: str | None, learner: str | None, nip: str | None, node: str | None
) -> str:
    """Tell what no service would take in a token; "" where all is well."""
    if not subject.strip():
        return "--subject is empty: say who the token is for"
    if learner is not None and nip is not None:
        return "give --learner or --nip, not both"
    if learner is not None and not re.fullmatch(r"[0-9a-f]{32}", learner):
        return f"a learner id has 32 hex digits, and {learner!r} has not"
    if agency is not None and not is_agency(agency):
        return f"an agency is a region code such as 35.73, or an office in one, not {agency!r}"
    if node is not None and not is_region(node):
        return f"a node is a region code such as 35 or 35.73, not {node!r}"
    return ""


def digits_of(nip: str) -> str:
    """Read a number as people write it; ValueError where it has not 18 digits."""
    digits = re.sub(r"[ .\-]", "", nip)
    if not re.fullmatch(r"[0-9]{18}", digits):
        raise ValueError(f"a NIP has 18 digits, and {nip!r} has not")
    return digits
