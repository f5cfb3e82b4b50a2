"""Attendance as the page tells it: only what somebody really watches, all of it, and nothing twice."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import hide
from tests.support.lectures import Hall, rising
from tests.support.visits import Visiting
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]
QUIET_SECONDS = 3.0
"""So long no beat may come where three would, were the page to count."""


async def _more(hall: Hall, count: int = 2) -> None:
    """Wait for so many more beats."""
    least = len(hall.beats) + count
    await until(lambda: len(hall.beats) >= least)


async def _stays_silent(hall: Hall, page: Page) -> None:
    """Let time pass, in which what was taken before may still arrive, and then nothing."""
    await page.wait_for_timeout(1_000)
    before = hall.asked
    await page.wait_for_timeout(QUIET_SECONDS * 1_000)
    assert hall.asked == before


async def test_beats_come_while_the_stream_plays(visiting: Visiting) -> None:
    """Nothing is sent before somebody presses play; then number after number, under the ticket."""
    async with visiting() as there:
        page = await there.open()
        await page.wait_for_timeout(1_500)
        assert there.hall.asked == 0
        await page.locator("#start").click()
        await _more(there.hall, 4)

        assert rising(there.hall.numbers)
        assert {ticket for ticket, _ in there.hall.beats} == {"ticket-1"}
        assert len(there.hall.joins) == 1


async def test_a_pause_sends_nothing_and_says_so(visiting: Visiting) -> None:
    """While the stream is paused no beat is sent; afterwards numbers go on by the clock."""
    async with visiting() as there:
        page = await there.watch()
        await _more(there.hall)
        await page.locator("#video").evaluate("video => video.pause()")
        await expect(page.locator("#standing")).to_contain_text("dijeda")
        await _stays_silent(there.hall, page)
        last = there.hall.numbers[-1]
        await page.locator("#video").evaluate("video => video.play()")
        await _more(there.hall)

        assert there.hall.numbers[-1] >= last + QUIET_SECONDS
        assert rising(there.hall.numbers)


async def test_a_hidden_page_sends_nothing(visiting: Visiting) -> None:
    """Behind another tab the stream may go on, and counts for nobody."""
    async with visiting() as there:
        page = await there.watch()
        await _more(there.hall)
        await hide(page, hidden=True)
        await _stays_silent(there.hall, page)
        assert await page.locator("#video").evaluate("video => !video.paused")
        await hide(page, hidden=False)
        await _more(there.hall)


async def test_an_ended_stream_sends_nothing(visiting: Visiting) -> None:
    """Whoever leaves the page open after the end gathers no minutes."""
    async with visiting() as there:
        page = await there.watch()
        await page.locator("#video").evaluate("video => { video.currentTime = video.duration - 1 }")
        await expect(page.locator("#standing")).to_contain_text("selesai")

        await _stays_silent(there.hall, page)


async def test_who_speaks_on_after_the_end_is_still_heard(visiting: Visiting) -> None:
    """A session that is over stops the counting; the stream goes on until it ends or is paused."""
    async with visiting() as there:
        there.hall.lifetime, there.hall.counted = 5, 50
        page = await there.watch()
        there.hall.refusal = (409, "session-over", {})
        await expect(page.locator("#standing")).to_contain_text("berakhir")
        assert await page.locator("#video").evaluate("video => !video.paused")
        await _stays_silent(there.hall, page)
        await page.locator("#video").evaluate("video => video.pause()")

        await expect(page.locator("#noticeTitle")).to_have_text("Sesi telah berakhir")
        await expect(page.locator("#counted")).to_have_text("50 dari 60 menit terhitung")


async def test_a_session_that_goes_on_after_its_end_counts_again(visiting: Visiting) -> None:
    """The page that was told of the end joins again by itself, and the stream that played on counts."""
    async with visiting() as there:
        there.hall.lifetime, there.hall.state = 5, "ended"
        page = await there.watch()
        there.hall.refusal = (409, "session-over", {})
        await expect(page.locator("#standing")).to_contain_text("berakhir")
        there.hall.refusal, there.hall.state, before = None, "live", len(there.hall.joins)
        # A network that comes back is a reason to look at once, and nobody waits for minutes here.
        await page.evaluate("dispatchEvent(new Event('online'))")
        await _more(there.hall)

        await expect(page.locator("#standing")).to_have_class("standing good")
        assert len(there.hall.joins) > before


async def test_what_was_watched_offline_is_sent_later_in_order(visiting: Visiting) -> None:
    """Without a network beats wait, the page says so, and each arrives once, oldest first."""
    async with visiting() as there:
        page = await there.watch()
        await _more(there.hall)
        # What plays on meanwhile is what was loaded before.
        await until(lambda: _ahead(page))
        await there.context.set_offline(offline=True)
        await expect(page.locator("#network")).to_contain_text("3 laporan")
        before = len(there.hall.beats)
        await there.context.set_offline(offline=False)
        await _more(there.hall, 5)
        await expect(page.locator("#network")).to_have_text("Jaringan baik")

        # A page that is held up may pass over a beat, but never sends one twice or out of order.
        sent = there.hall.numbers
        assert sent == sorted(set(sent))
        assert before + 3 <= len(sent)
        assert len(there.hall.joins) == 1


async def _ahead(page: Page) -> bool:
    script = "video => video.buffered.length && video.buffered.end(0) - video.currentTime > 12"
    return bool(await page.locator("#video").evaluate(script))


async def test_a_busy_server_is_given_the_time_it_asks_for(visiting: Visiting) -> None:
    """After 429 nothing is sent for as long as asked; then the same beat comes first."""
    async with visiting() as there:
        page = await there.watch()
        await _more(there.hall)
        asked = there.hall.asked
        there.hall.answers = [(429, {"Retry-After": "4"})]
        await until(lambda: there.hall.asked > asked)
        await expect(page.locator("#network")).to_contain_text("Server sibuk")
        await until(lambda: there.hall.asked > asked + 1)

        # By the server's own times, however late they are looked at here.
        (refused, number), (again, same) = there.hall.came[asked : asked + 2]
        assert again - refused >= 3.9
        assert number == same
        await _more(there.hall)


async def test_a_ticket_that_no_longer_holds_is_renewed(visiting: Visiting) -> None:
    """After 401 the page joins again by itself, with the same device, and goes on."""
    async with visiting() as there:
        await there.watch()
        await _more(there.hall)
        there.hall.answers = [(401, {})]
        await until(lambda: len(there.hall.joins) == 2)
        await until(lambda: there.hall.beats[-1][0] == "ticket-2")

        assert there.hall.joins[0] == there.hall.joins[1]


async def test_a_ticket_is_renewed_as_time_goes(visiting: Visiting) -> None:
    """A ticket is replaced by the next one without a word, and no beat is lost over it."""
    async with visiting() as there:
        there.hall.lifetime = 6
        page = await there.watch()
        await until(lambda: len(there.hall.joins) >= 3)

        await expect(page.locator("#lost")).to_be_hidden()
        assert len({ticket for ticket, _ in there.hall.beats}) >= 2


async def test_a_person_who_is_signed_out_is_told_and_may_come_back(visiting: Visiting) -> None:
    """A token that ends stops the counting and not the stream; the link, opened again, brings another."""
    async with visiting() as there:
        page = await there.watch()
        there.hall.refusal = (401, "token-expired", {})
        there.hall.answers = [(401, {})]
        await expect(page.locator("#standing")).to_contain_text("Masa masuk")
        assert await page.locator("#video").evaluate("video => !video.paused")
        there.hall.refusal = None
        await page.goto(f"{there.address}#token=baru")
        await _more(there.hall)

        assert there.hall.tokens[-1] == "baru"
        assert page.url == there.address


async def test_two_tabs_do_no_harm(visiting: Visiting) -> None:
    """Both send under tickets of their own for the same device."""
    async with visiting() as there:
        await there.watch()
        await there.watch(await there.another())
        await until(lambda: {ticket for ticket, _ in there.hall.beats} == {"ticket-1", "ticket-2"})

        assert there.hall.joins[0]["device"] == there.hall.joins[1]["device"]


async def test_a_reload_loses_nothing(visiting: Visiting) -> None:
    """Token and device stay with the tab, and what waited is sent by the page that follows."""
    async with visiting() as there:
        page = await there.watch()
        await _more(there.hall)
        there.hall.answers = [(503, {"Retry-After": "60"})]
        await expect(page.locator("#network")).to_contain_text("2 laporan")
        last = there.hall.numbers[-1]
        await page.reload()
        await until(lambda: there.hall.numbers[-1] >= last + 2)

        assert there.hall.beats[-1][0] == "ticket-1"
        assert there.hall.joins[0] == there.hall.joins[1]
        assert set(there.hall.tokens) == {"rahasia"}


async def test_youtube_counts_while_its_player_plays(visiting: Visiting) -> None:
    """Beats follow the state that YouTube's player tells."""
    hall = Hall({"kind": "youtube", "url": "https://youtu.be/dQw4w9WgXcQ"})
    async with visiting(hall) as there:
        await there.context.route("https://www.youtube.com/iframe_api", _fulfil_player)
        page = await there.open()
        await page.wait_for_function("globalThis.fake")
        told: dict[str, Any] = await page.evaluate(
            "({id: fake.given.videoId, host: fake.given.host})"
        )
        await page.evaluate("fake.tell(1)")
        await _more(hall)
        await page.evaluate("fake.tell(2)")
        await expect(page.locator("#standing")).to_contain_text("dijeda")
        await _stays_silent(hall, page)

        assert told == {"id": "dQw4w9WgXcQ", "host": "https://www.youtube-nocookie.com"}
        await expect(page.locator("#start")).to_be_hidden()


async def _fulfil_player(route: Any) -> None:  # noqa: ANN401 - playwright's
    """Stand in for YouTube's script: a player whose state a test tells."""
    await route.fulfill(
        content_type="text/javascript",
        body="""
        class Player {
            constructor(box, given) {
                this.given = given; this.state = -1; this.since = 0; globalThis.fake = this;
                setTimeout(() => given.events.onReady());
            }
            tell(state) {
                this.state = state; this.since = performance.now();
                this.given.events.onStateChange({data: state});
            }
            getCurrentTime() { return this.state === 1 ? (performance.now() - this.since) / 1000 : 0; }
            destroy() {}
        }
        globalThis.YT = {Player};
        onYouTubeIframeAPIReady();
        """,
    )
