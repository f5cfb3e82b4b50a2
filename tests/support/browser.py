"""A real Chromium, driven by playwright."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 30_000
_BAD = frozenset({"serious", "critical"})


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run a browser; skips where none is installed."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("chromium is not installed: nothing can be tried in a browser")
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found)
        try:
            yield browser
        finally:
            await browser.close()


async def hide(page: Page, *, hidden: bool) -> None:
    """Have a page hidden or shown, as another tab in front of it does.

    The driver keeps every page in front, so the page is told instead.
    """
    await page.evaluate(
        """hidden => {
            const state = {value: hidden ? "hidden" : "visible", configurable: true};
            Object.defineProperty(document, "visibilityState", state);
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


async def barriers(page: Page) -> list[str]:
    """Tell what keeps people out of a page, seriously or worse, by axe's rules: rule and place."""
    found: list[dict[str, Any]] = (await Axe().run(page)).response["violations"]
    return [
        f"{each['id']}: {node['target']}"
        for each in found
        if each["impact"] in _BAD
        for node in each["nodes"]
    ]
