"""Has a node's stores answer while they are copied: the running ones, or the embedded one alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.embedded.home import claimed, readable
from deploy.embedded.parts import http_answers, store
from deploy.embedded.settings import SERVICES, NodeError, NodeSettings
from deploy.running import find


@asynccontextmanager
async def standing(settings: NodeSettings) -> AsyncIterator[None]:
    """Have the stores answer for as long as the block lasts, whether the node runs or not."""
    if not _has_embedded_store(settings) or find(settings.home) is not None:
        yield
        return
    if not (settings.home / "store").is_dir():
        raise NodeError(f"there is no node in {settings.home}")
    async with _alone(settings):
        yield


@asynccontextmanager
async def stopped(settings: NodeSettings) -> AsyncIterator[None]:
    """Have the stores answer while no service of the node writes; NodeError where one runs."""
    for service in SERVICES:
        if await _runs(settings, service):
            raise NodeError(
                f"{service} runs: stop the node's services before its stores are replaced"
            )
    if find(settings.home) is not None:
        raise NodeError(f"a node runs in {settings.home}: stop it with `./corpu down`, or Ctrl-C")
    if _has_embedded_store(settings):
        async with _alone(settings):
            yield
    else:
        yield


async def _runs(settings: NodeSettings, service: str) -> bool:
    address = settings.addresses.get(service, "").partition("://")[2].rstrip("/")
    host, _, port = address.partition(":")
    if not host:
        return False
    try:
        async with asyncio.timeout(5):
            await http_answers(host, int(port or "80"))
    except (OSError, TimeoutError, ValueError):
        return False
    return True


def _has_embedded_store(settings: NodeSettings) -> bool:
    return not all(settings.given(service, "MONGO_URI") for service in SERVICES)


@asynccontextmanager
async def _alone(settings: NodeSettings) -> AsyncIterator[None]:
    """Run the embedded store without the rest of the node."""
    with readable(settings.home):
        async with claimed(settings.home):
            part = store(settings.home, settings.ports["store"])
            await part.spawn()
            try:
                await part.ready()
                yield
            finally:
                await part.stop()
