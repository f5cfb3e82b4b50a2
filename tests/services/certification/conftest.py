"""certification served on memory twins, and a client of it."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.support.certification import Served
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
