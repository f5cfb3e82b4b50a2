"""The audit of a running node: rows read page by page, once no fact is on its way."""

import re
from collections.abc import Iterable

from deploy.audit.books import Books, Disagreement
from deploy.audit.rules import compare
from deploy.client import SERVICES, Voice, until

_QUIET_EVERY = 0.4
_QUIET_LOOKS = 5
_COUNTERS = re.compile(rb"^corpu_facts_(?:stated|handled|parked)_total.*$", re.MULTILINE)


async def read_books(auditor: Voice) -> Books:
    """Read the audit rows of the four services; Declined where one does not answer."""
    books = Books()
    for service in SERVICES:
        async for row in auditor.pages(service, "/operations/audit"):
            books.enter(service, row)
    return books


async def quiet(operator: Voice, *, within: float, every: float = _QUIET_EVERY) -> None:
    """Wait until no fact is on its way; TimeoutError after so many seconds.

    Between two hops nothing lags for an instant, so several looks in a row must find no change.
    """
    looks = 0
    before: object = None

    async def rests() -> bool:
        nonlocal looks, before
        now = [await _stirs(operator, service) for service in SERVICES]
        still = all(not waiting for waiting, _ in now)
        looks = looks + 1 if still and now == before else int(still)
        before = now
        return looks >= _QUIET_LOOKS

    await until("no fact is on its way", rests, within=within, every=every)


async def _stirs(operator: Voice, service: str) -> tuple[int, Iterable[bytes]]:
    """Tell how many facts wait in a service, and its counters of facts."""
    status = await operator.get(service, "/operations/status")
    counters = sorted(_COUNTERS.findall(await operator.node.nobody().read(service, "/metrics")))
    return status["unpublished"] + sum(status["lag"].values()), counters


async def audit(operator: Voice, *, wait: float = 0.0) -> tuple[Books, list[Disagreement]]:
    """Compare the four stores, after waiting up to so many seconds until the node is quiet."""
    if wait:
        await quiet(operator, within=wait)
    books = await read_books(operator)
    return books, compare(books)
