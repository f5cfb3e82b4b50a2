"""`audit`, `replay` and `parked`: what operators ask of a running node's services."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote

from deploy.audit import audit
from deploy.cli.lines import table, tell, tell_json
from deploy.client import Declined, NodeClient, Voice
from deploy.embedded.settings import SERVICES, NodeError, NodeSettings
from deploy.embedded.tokens import issue
from deploy.running import Running, found

T = TypeVar("T")
_NOT_FOUND = 404
_LONGEST_ID = 300
_PATIENCE = 10.0


def as_operator(client: NodeClient, settings: NodeSettings, running: Running) -> Voice:
    """Speak as the node's operator and auditor."""
    return client.speaking(
        issue(
            running.home, subject="corpu", roles=("operator", "auditor"), node=settings.node,
            issuer=settings.issuer, audience=settings.audience,
        )
    )  # fmt: skip


def ask(question: Callable[[Voice], Awaitable[T]]) -> T:
    """Put a question to the running node."""
    settings = NodeSettings.read()
    running = found(settings)

    async def asked() -> T:
        reached = {name: running.addresses[name] for name in SERVICES}
        async with NodeClient(reached, patience=_PATIENCE) as client:
            return await question(as_operator(client, settings, running))

    return asyncio.run(asked())


def tell_audit(*, as_json: bool, wait: float) -> int:
    """Tell every disagreement; exit status 1 where there is one."""
    books, found_ones = ask(lambda operator: audit(operator, wait=wait))
    if as_json:
        tell_json(
            {"checked": books.sizes, "disagreements": [each.as_json() for each in found_ones]}
        )
        return int(bool(found_ones))
    tell("compared " + ", ".join(f"{count} {name}" for name, count in books.sizes.items()))
    if found_ones:
        table(
            ("disagreement", "of", ""),
            [(each.kind, each.subject, each.detail) for each in found_ones],
        )
    else:
        tell("the four stores agree")
    return int(bool(found_ones))


def state_again(service: str | None, *, as_json: bool) -> int:
    """Have services state their kept facts again, and tell how many these were."""
    names = _chosen(service)

    async def restate(operator: Voice) -> dict[str, int]:
        return {name: (await operator.post(name, "/operations/replay"))["stated"] for name in names}

    stated = ask(restate)
    if as_json:
        tell_json({"stated": stated})
    else:
        table(("service", "facts stated again"), list(stated.items()))
    return 0


def list_parked(service: str | None, *, as_json: bool) -> int:
    """List what is parked, by service."""
    names = _chosen(service)

    async def listed(operator: Voice) -> list[dict[str, Any]]:
        return [
            {"service": name, **each}
            for name in names
            async for each in operator.pages(name, "/operations/parked")
        ]

    messages = ask(listed)
    if as_json:
        tell_json({"parked": messages})
    elif messages:
        columns = ("service", "id", "subscription", "reason", "detail")
        table(columns, [tuple(each[column] for column in columns) for each in messages])
    else:
        tell("nothing is parked")
    return 0


def show_parked(key: str) -> int:
    """Show one parked message, as JSON since it is one."""
    tell_json(ask(lambda operator: _where_it_is(key, operator.get)))
    return 0


def replay_parked(key: str) -> int:
    """Handle one parked message again; Declined tells why it still cannot be."""
    ask(
        lambda operator: _where_it_is(key, lambda name, path: operator.post(name, f"{path}/replay"))
    )
    tell("handled")
    return 0


def drop_parked(key: str) -> int:
    """Drop one parked message for good."""
    ask(lambda operator: _where_it_is(key, operator.delete))
    tell("dropped")
    return 0


async def _where_it_is(key: str, ask: Callable[[str, str], Awaitable[T]]) -> T:
    """Ask the services in turn until one knows the message; what cannot be an id is asked of none."""
    for name in SERVICES if 0 < len(key) <= _LONGEST_ID else ():
        try:
            return await ask(name, f"/operations/parked/{quote(key, safe='')}")
        except Declined as declined:
            if declined.status != _NOT_FOUND:
                raise
    raise NodeError(f"no service has parked a message {key[:_LONGEST_ID]!r}")


def _chosen(service: str | None) -> tuple[str, ...]:
    """Tell which services are meant; NodeError for one that does not exist."""
    if service is None:
        return SERVICES
    if service not in SERVICES:
        raise NodeError(f"no service is called {service}; there are {', '.join(SERVICES)}")
    return (service,)
