"""An audit begins when no fact is on its way between the services."""

from collections.abc import Iterable

import httpx2
import pytest

from deploy.audit import quiet
from deploy.client import SERVICES, NodeClient

LOOKS = 7
"""So many in a row must find no change."""


class Stirring:
    """Four services of which one still has something to do, look after look."""

    def __init__(
        self, *lags: int, handled: Iterable[int] = (), away: int = 0, parked: Iterable[int] = ()
    ) -> None:
        """Tell these lags in turn, the last one for ever, and so many facts handled and parked.

        `away` looks meet no store.
        """
        self._lags = list(lags)
        self._parked = list(parked)
        self._handled = list(handled)
        self._away = away
        self.looks = 0

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as a service does."""
        if request.url.path == "/metrics":
            count = self._handled.pop(0) if self._handled else 9
            line = f'corpu_facts_handled_total{{subscription="a",type="b"}} {count}.0\n'
            return httpx2.Response(
                200, text=f"# HELP\n{line}process_cpu_seconds_total {self.looks}\n"
            )
        self.looks += 1
        lag = self._lags.pop(0) if len(self._lags) > 1 else self._lags[0]
        unpublished = None if self.looks <= self._away else 0
        parked = self._parked.pop(0) if self._parked else 0
        told = {"unpublished": unpublished, "parked": parked, "lag": {"a": lag}}
        return httpx2.Response(200, json=told)

    def still(self, _: httpx2.Request) -> httpx2.Response:
        """Answer as a service does that rests."""
        return httpx2.Response(200, json={"unpublished": 0, "parked": 0, "lag": {}})

    def client(self) -> NodeClient:
        """Make a client for the four of them."""
        doors = {"notify": httpx2.MockTransport(self.answer)}
        still = httpx2.MockTransport(self.still)
        return NodeClient(
            {name: f"http://{name}" for name in SERVICES},
            transports={name: doors.get(name, still) for name in SERVICES},
        )


async def test_quiet_is_what_several_looks_find_unchanged() -> None:
    """A lag that is 0 for one look between two hops is not taken for quiet."""
    stirring = Stirring(3, 0, 2, 0)

    async with stirring.client() as client:
        await quiet(client.speaking("token"), within=10, every=0.001)

    assert stirring.looks == 3 + LOOKS


async def test_facts_that_go_by_unseen_are_not_quiet() -> None:
    """Though nothing lags at any look, counters that move tell that facts are on their way."""
    stirring = Stirring(0, handled=(1, 2, 3))

    async with stirring.client() as client:
        await quiet(client.speaking("token"), within=10, every=0.001)

    assert stirring.looks == 3 + LOOKS


async def test_what_is_taken_up_again_is_not_quiet() -> None:
    """A copy that waited for a card is no lag, and moves no counter; what it led to may be on its way."""
    stirring = Stirring(0, parked=(1, 1))

    async with stirring.client() as client:
        await quiet(client.speaking("token"), within=10, every=0.001)

    assert stirring.looks == 2 + LOOKS


async def test_a_store_that_is_away_is_not_quiet() -> None:
    """Nobody knows what waits there, so it is waited for like a fact that is on its way."""
    stirring = Stirring(0, away=2)

    async with stirring.client() as client:
        await quiet(client.speaking("token"), within=10, every=0.001)

    assert stirring.looks == 2 + LOOKS


async def test_a_node_that_never_rests_is_told() -> None:
    """Waiting for quiet ends with words where a fact is on its way for ever."""
    async with Stirring(1).client() as client:
        with pytest.raises(TimeoutError, match="until no fact is on its way"):
            await quiet(client.speaking("token"), within=0.05, every=0.001)
