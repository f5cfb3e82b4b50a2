"""A small service, served in memory."""

from collections.abc import AsyncIterator

import pytest

from tests.support.box_service import Served, served


@pytest.fixture
async def service() -> AsyncIterator[Served]:
    """Give the service."""
    async with served() as opened:
        yield opened
