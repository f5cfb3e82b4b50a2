"""What tests of the player page share: a browser, a stream, and a hall that plays it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.browser import chromium
from tests.support.lectures import Hall
from tests.support.serving import listening
from tests.support.streams import MASTER, make_stream, origin_of_streams
from tests.support.visits import Visit, Visiting, visit


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give a browser."""
    async with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a stream of forty seconds."""
    folder = tmp_path_factory.mktemp("streams")
    make_stream(folder, seconds=40)
    return folder


@pytest_asyncio.fixture(loop_scope="module")
async def visiting(browser: Browser, streams: Path) -> AsyncIterator[Visiting]:
    """Give what sends somebody to a hall, one that plays the stream unless another is given."""
    async with listening(origin_of_streams(streams)) as origin:

        def send(hall: Hall | None = None, **context: Any) -> AbstractAsyncContextManager[Visit]:  # noqa: ANN401 - playwright's
            usual = Hall({"kind": "hls", "url": f"{origin}/{MASTER}"}, (origin,))
            return visit(browser, hall or usual, **context)

        yield send
