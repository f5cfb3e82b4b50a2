"""certification served on memory twins, and a client of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from tests.support.certificates_abroad import BUDI, SITI, Node, Two
from tests.support.certification import Served, recorded
from tests.support.federation import provinces
from tests.support.serving import serving


@pytest.fixture
def served() -> Served:
    """Give certification, with nothing heard."""
    return Served()


@pytest.fixture
async def client(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of it."""
    async with serving(served.app) as client:
        yield client


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two provinces; Siti of Kalteng is known in both, Budi at Jatim."""
    async with AsyncExitStack() as stack:
        nodes = []
        for province in provinces(tmp_path, "35", "62"):
            served = Served(province)
            client = await stack.enter_async_context(serving(served.app))
            nodes.append(Node(province, served, client))
        jatim, kalteng = nodes
        await kalteng.served.hear(recorded(learner_id=SITI, agency="62.71"))
        await jatim.served.hear(recorded(learner_id=SITI, agency="62.71", home_node="62"))
        await jatim.served.hear(recorded(learner_id=BUDI))
        yield Two(jatim, kalteng)
