"""The audit of a running node: rows read page by page, once no fact is on its way."""

import re
from collections.abc import Iterable

from deploy.audit.books import Books, Disagreement
from deploy.audit.rules import compare
from deploy.client import SERVICES, Voice, until

_QUIET_EVERY = 0.4
_QUIET_LOOKS = 7
"""Together longer than a reader may wait at a broker without hearing of a new record (a second), and than parked
copies wait until they are tried again (two)."""
_FROM_PEERS = ".from-peers"
_COUNTERS = re.compile(
    rb"^corpu_facts_(?:stated|handled|parked)_total(?!.*(?:heads_told|restatement_asked)).*$",
    re.MULTILINE,
)
"""What nodes tell each other about the sharing itself never rests, and changes nothing."""


async def read_books(auditor: Voice) -> Books:
    """Read the audit rows of the four services; Declined where one does not answer."""
    books = Books()
    for service in SERVICES:
        async for row in auditor.pages(service, "/operations/audit"):
            books.enter(service, row)
    return books


async def quiet(operator: Voice, *, within: float, every: float = _QUIET_EVERY) -> None:
    """Wait until no fact is on its way; TimeoutError after so many seconds.

    Between two hops nothing lags for an instant, so several looks in a row must find no change. Peers
    never fall silent: what they tell must have been read to its end at one of these looks.
    """
    looks = 0
    before: object = None
    read: set[str] = set()

    async def rests() -> bool:
        nonlocal looks, before, read
        found = {service: await _stirs(operator, service) for service in SERVICES}
        now = [counters for _, _, counters in found.values()]
        still = not any(waiting for waiting, _, _ in found.values())
        if not still or now != before:
            looks, read = 0, set()
        if still:
            looks += 1
            read |= {service for service, (_, from_peers, _) in found.items() if not from_peers}
        before = now
        return looks >= _QUIET_LOOKS and read == set(SERVICES)

    await until("no fact is on its way", rests, within=within, every=every)


async def _stirs(operator: Voice, service: str) -> tuple[int, int, Iterable[bytes]]:
    """Tell how many facts wait in a service, how many records from peers, and its counters of facts."""
    status = await operator.get(service, "/operations/status")
    lag = status["lag"]
    # While its store is away nobody knows what waits there.
    unpublished = 1 if status["unpublished"] is None else status["unpublished"]
    from_peers = sum(behind for name, behind in lag.items() if name.endswith(_FROM_PEERS))
    counters = sorted(_COUNTERS.findall(await operator.node.nobody().read(service, "/metrics")))
    # What waits for its learner's card is parked, and taken up again every two seconds without being counted.
    counters.append(b"parked %d" % (status["parked"] or 0))
    return unpublished + sum(lag.values()) - from_peers, from_peers, counters


async def audit(operator: Voice, *, wait: float = 0.0) -> tuple[Books, list[Disagreement]]:
    """Compare the four stores, after waiting up to so many seconds until the node is quiet."""
    if wait:
        await quiet(operator, within=wait)
    books = await read_books(operator)
    return books, compare(books)
