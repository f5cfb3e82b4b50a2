"""The page's decisions, tried where they run: in a browser, and in node where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from deploy.embedded.settings import ROOT
from tests.support.serving import listening

HERE = Path(__file__).parent
PLAYER = ROOT / "services/progress/player"
_RUN = """async () => {
    const {cases} = await import("/cases/cases.mjs");
    const failed = [];
    for (const [name, run] of Object.entries(cases)) {
        try { await run(); } catch (why) { failed.push(`${name}: ${why.message}`); }
    }
    return [Object.keys(cases).length, failed];
}"""
_AT_LEAST = 25


@pytest.mark.asyncio(loop_scope="module")
async def test_every_case_holds_in_a_browser(browser: Browser) -> None:
    """Beats, queue, answers and words are as the cases say."""
    app = FastAPI()
    app.add_api_route("/", lambda: HTMLResponse("<!doctype html>"))
    app.mount("/module", StaticFiles(directory=PLAYER))
    app.mount("/cases", StaticFiles(directory=HERE))

    async with listening(app) as node:
        page = await browser.new_page()
        await page.goto(node)
        count, failed = await page.evaluate(_RUN)
        await page.close()

    assert failed == []
    assert count >= _AT_LEAST


def test_every_case_holds_in_node() -> None:
    """The same cases hold without a browser."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the cases run in a browser only")
    ran = subprocess.run(
        [node, "--test", HERE / "node.mjs"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
