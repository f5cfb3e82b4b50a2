"""A real store that is away is told from a question that is wrong."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from shared.kernel.errors import Unavailable
from shared.store.mongo import open_mongo
from shared.store.port import Change, Store
from tests.support.boxes import BOXES, KINDS, messages
from tests.support.parts import Standing, mongo_uri
from tests.support.real import RealParts
from tests.support.waiting import until

# The driver leaves a socket to the collector when a server goes away while it connects.
pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
_QUICK = 1.0
"""Seconds: little where nobody answers, and enough for a store on a machine that has much else to do."""


@pytest.fixture(scope="module")
def process(real_parts: RealParts) -> Iterator[Standing]:
    """Give a store of this module's own, for it is stopped and made to hang."""
    with real_parts.store() as process:
        yield process


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect what the driver left, within the test that it belongs to."""
    yield
    gc.collect()


@pytest.fixture
async def mine(process: Standing) -> AsyncIterator[Store]:
    """Give the store, opened with little patience."""
    async with open_mongo(mongo_uri(process), "away", KINDS, timeout=_QUICK) as store:
        yield store


def _operations(store: Store) -> list[Callable[[], Awaitable[object]]]:
    clear = [(("boxes", "a"), [messages("a", 1)[0].id])]
    return [
        store.ping,
        lambda: store.load(BOXES, ["a"]),
        lambda: store.find(BOXES, {}),
        lambda: store.count(BOXES, {}),
        lambda: store.write([Change(BOXES, "z", 0, {"count": 1})]),
        lambda: store.pending(BOXES, ["a"]),
        lambda: store.clear(clear),
        lambda: store.unpublished(BOXES, 1),
        lambda: store.stated(BOXES, "", 1),
        lambda: store.remove(BOXES, {"_id": "nobody"}),
    ]


async def test_a_store_that_ended_is_unavailable_until_it_is_back(
    process: Standing, mine: Store
) -> None:
    """Every operation says so; afterwards what was acknowledged is still there."""
    await mine.write([Change(BOXES, "a", 0, {"count": 7}, messages("a", 1))])
    process.stop()

    # Side by side, for each of them waits as long as the store's patience lasts.
    done = [operation() for operation in _operations(mine)]
    told = await asyncio.gather(*done, return_exceptions=True)
    assert {Unavailable} == {type(each) for each in told}

    process.start()
    await until(lambda: _count(mine), equals=7)
    assert list(messages("a", 1)) == await mine.pending(BOXES, ["a"])


async def test_a_store_that_hangs_is_unavailable_until_it_answers(
    process: Standing, mine: Store
) -> None:
    """A server that holds its connections and says nothing is away as well."""
    await mine.ping()

    with process.hanging():
        # A signal takes effect a moment after it was sent.
        await until(lambda: _answers(mine), equals=False)

    await until(lambda: _answers(mine))


async def test_a_store_away_at_the_start_is_unavailable(process: Standing) -> None:
    """Opening it fails within its patience, and can be tried again."""
    process.stop()

    with pytest.raises(Unavailable):
        async with open_mongo(mongo_uri(process), "away", KINDS, timeout=_QUICK):
            pass

    process.start()
    async with open_mongo(mongo_uri(process), "away", KINDS) as store:
        await store.ping()


async def _count(store: Store) -> int | None:
    try:
        found = await store.load(BOXES, ["a"])
    except Unavailable:
        return None
    return int(found["a"]["count"])


async def _answers(store: Store) -> bool:
    try:
        await store.ping()
    except Unavailable:
        return False
    return True
