"""Somebody's browser at a hall: opens a session as its link does, and plays it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.support.lectures import SESSION, Hall
from tests.support.serving import listening


@dataclass
class Visit:
    """One person's browser at a hall."""

    hall: Hall
    node: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Tell where the session is watched."""
        return f"{self.node}/live/{SESSION}/watch"

    async def open(self, page: Page | None = None) -> Page:
        """Open the session as its link does, and wait until the page has joined."""
        page = page or self.page
        await page.goto(f"{self.address}#token=rahasia")
        await expect(page.locator("#title")).not_to_have_text("CorpU")
        return page

    async def watch(self, page: Page | None = None) -> Page:
        """Open the session and play it."""
        page = await self.open(page)
        await page.locator("#start").click()
        await expect(page.locator("#standing")).to_have_class("standing good")
        return page

    async def another(self) -> Page:
        """Open another tab of the same browser."""
        page = await self.context.new_page()
        listen(page, self.complaints)
        return page


def listen(page: Page, complaints: list[str]) -> None:
    """Note what must never happen: an error of the page's own, or something that its policy refused."""
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: (
            complaints.append(line.text) if "Content Security Policy" in line.text else None
        ),
    )


Visiting = Callable[..., AbstractAsyncContextManager[Visit]]
"""Opens a hall and sends somebody there."""


@asynccontextmanager
async def visit(browser: Browser, hall: Hall, **context: Any) -> AsyncIterator[Visit]:  # noqa: ANN401 - playwright's
    """Send somebody to a hall; at the end nothing may have been complained of."""
    async with listening(hall.app()) as node:
        given = {"locale": "id-ID", "timezone_id": "Asia/Jakarta", **context}
        opened = await browser.new_context(**given)
        there = Visit(hall, node, opened, await opened.new_page())
        listen(there.page, there.complaints)
        try:
            yield there
        finally:
            await opened.close()
        assert there.complaints == []
