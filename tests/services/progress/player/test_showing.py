"""What the page shows, in both languages, to whoever sees, hears or types."""

import asyncio
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browser import barriers
from tests.support.lectures import TITLE, Hall
from tests.support.visits import Visiting
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]
WIDTHS = (320, 768, 1280)
STARTS = "2030-12-01T02:00:00+00:00"


async def test_a_token_leaves_the_address_at_once(visiting: Visiting) -> None:
    """The person's token is in no address, no history and no request's address."""
    async with visiting() as there:
        asked: list[str] = []
        there.page.on("request", lambda request: asked.append(request.url))
        page = await there.open()

        assert page.url == there.address
        assert there.hall.tokens == ["rahasia"]
        assert [each for each in asked if "rahasia" in each.partition("#")[0]] == []
        assert "rahasia" not in await page.evaluate("JSON.stringify({...localStorage})")


async def test_a_node_needs_no_other_host(visiting: Visiting) -> None:
    """Only the node and the stream's own origin are asked for anything."""
    async with visiting() as there:
        asked: set[str] = set()
        there.page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        await there.watch()

        origins = {urlsplit(each).netloc for each in (there.node, *there.hall.addresses)}
        assert asked - {""} == origins


@pytest.mark.parametrize(
    ("locale", "language", "words", "other"),
    [
        ("id-ID", "id", "Mulai menonton", "English"),
        ("en-GB", "en", "Start watching", "Bahasa Indonesia"),
        ("nl-NL", "id", "Mulai menonton", "English"),
    ],
)
async def test_the_browsers_language_is_spoken(
    visiting: Visiting, locale: str, language: str, words: str, other: str
) -> None:
    """The page speaks the language that is asked for, else Indonesian, and says which it is."""
    async with visiting(locale=locale) as there:
        page = await there.open()

        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(page.locator("#start")).to_have_text(words)
        await expect(page.locator("#language")).to_have_text(other)
        await expect(page.locator("#time")).to_contain_text("–")


async def test_a_language_once_chosen_is_remembered(visiting: Visiting) -> None:
    """The switch changes every word at once, and the next visit too."""
    async with visiting() as there:
        page = await there.open()
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_role("button", name="Start watching")).to_be_visible()
        await expect(page.locator("#counted")).to_have_text("0 of 60 minutes counted")
        await page.reload()

        await expect(page.get_by_role("button", name="Start watching")).to_be_visible()
        await expect(page.get_by_role("heading", name=TITLE)).to_be_visible()


async def test_minutes_and_threshold_are_words_and_a_bar(visiting: Visiting) -> None:
    """What counts is text, a bar, and is told aloud at each quarter."""
    async with visiting() as there:
        there.hall.counted, there.hall.threshold = 44, 45
        page = await there.open()
        bar = page.get_by_role("progressbar")
        await expect(page.locator("#missing")).to_have_text("Masih perlu 1 menit")
        assert await bar.evaluate("bar => bar.value / bar.max") == pytest.approx(44 / 45)
        there.hall.counted = 45
        there.hall.lifetime = 4
        await page.reload()
        await expect(page.locator("#missing")).to_have_text("Syarat kehadiran terpenuhi")

        assert await bar.evaluate("bar => bar.value / bar.max") == 1
        await expect(bar).to_have_accessible_name("45 dari 60 menit terhitung")


async def test_a_quarter_reached_is_told_aloud(visiting: Visiting) -> None:
    """A screen reader hears of progress when it is worth it, and not each minute."""
    async with visiting() as there:
        there.hall.counted, there.hall.threshold, there.hall.lifetime = 10, 40, 4
        page = await there.watch()
        there.hall.counted = 20

        # The page counts on by itself, so a minute may have ended meanwhile.
        await expect(page.locator("#aloud")).to_contain_text(re.compile(r"2[01] dari 60 menit"))


async def test_captions_are_shown_when_asked_for(visiting: Visiting) -> None:
    """The stream's captions are offered in their languages and shown on demand."""
    async with visiting() as there:
        page = await there.watch()
        await page.get_by_label("Teks").select_option(label="English")
        cue = (
            "video => [...video.textTracks].find(each => each.mode === 'showing')?.cues?.[0]?.text"
        )

        await until(lambda: page.locator("#video").evaluate(cue), equals="English")


async def test_captions_may_be_a_file_of_their_own(visiting: Visiting) -> None:
    """A node that names a caption file has it offered too."""
    async with visiting() as there:
        base = there.hall.stream["url"].rpartition("/")[0]
        there.hall.stream["captions"] = [{"url": f"{base}/id.vtt", "language": "id", "label": "CC"}]
        page = await there.watch()
        await page.get_by_label("Teks").select_option(label="CC")
        cue = (
            "video => [...video.textTracks].find(each => each.mode === 'showing')?.cues?.[0]?.text"
        )

        await until(lambda: page.locator("#video").evaluate(cue), equals="Bahasa Indonesia")


async def test_audio_alone_can_be_chosen_and_left_again(visiting: Visiting) -> None:
    """The rung without pictures goes on where the pictures were, and back."""
    async with visiting() as there:
        page = await there.watch()
        video, quality = page.locator("#video"), page.get_by_label("Kualitas")
        await until(lambda: video.evaluate("video => video.currentTime > 2"))
        await quality.select_option("audio")
        await until(lambda: video.evaluate("video => video.videoWidth"), equals=0)
        await until(lambda: video.evaluate("video => video.currentTime > 3"))
        await expect(page.locator("#only")).to_have_text("Suara saja")
        rungs = await quality.locator("option").all_inner_texts()
        await quality.select_option(label="90p")
        await until(lambda: video.evaluate("video => video.videoHeight"), equals=90)

        assert rungs == ["Otomatis", "180p", "90p", "Suara saja (hemat data)"]
        assert await video.evaluate("video => !video.paused && video.currentTime > 3")
        await expect(quality).to_have_value(re.compile(r"\d"))


async def test_it_works_by_the_keyboard_alone(visiting: Visiting) -> None:
    """Tab reaches the language, the button to start and the player, and Enter starts it."""
    async with visiting() as there:
        page = await there.open()
        reached = []
        for _ in range(3):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.id"))
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#standing")).to_have_class("standing good")

        assert reached == ["language", "start", "video"]
        await expect(page.locator("#video")).to_be_focused()


async def test_who_comes_early_is_let_in_when_it_starts(visiting: Visiting) -> None:
    """Before its start a session says when it begins, and the page joins once it may."""
    async with visiting() as there:
        there.hall.refusal = (409, "not-live", {"starts_at": STARTS})
        await there.page.goto(f"{there.address}#token=x")
        await expect(there.page.locator("#noticeTitle")).to_have_text("Belum dimulai")
        await expect(there.page.locator("#noticeWhen")).to_contain_text(
            "1 Desember 2030, 09.00 WIB"
        )
        there.hall.refusal = None
        await there.page.get_by_role("button", name="Coba lagi").click()

        await expect(there.page.locator("#start")).to_be_visible()


async def test_a_session_that_is_over_tells_what_counted(visiting: Visiting) -> None:
    """After its end the page shows the minutes, and the recording where there is one."""
    async with visiting() as there:
        there.hall.refusal, there.hall.counted = (409, "session-over", {"replay": True}), 50
        await there.page.goto(f"{there.address}#token=x")
        await expect(there.page.locator("#counted")).to_have_text("50 dari 60 menit terhitung")
        there.hall.refusal = None
        await there.page.get_by_role("button", name="Tonton rekaman").click()
        await expect(there.page.locator("#kind")).to_have_text("Rekaman")
        await expect(there.page.locator("#start")).to_be_visible()

        assert there.hall.joins[-1] == {**there.hall.joins[0], "replay": True, "position": 0}


@pytest.mark.parametrize(
    ("refusal", "title"),
    [
        ((404, "unknown-session", {}), "Sesi tidak ditemukan"),
        ((403, "not-enrolled", {}), "Anda belum terdaftar"),
        ((401, "token-expired", {}), "Masa masuk Anda berakhir"),
        ((503, "unavailable", {}), "Server sedang sibuk"),
    ],
)
async def test_a_refusal_is_told_in_words(
    visiting: Visiting, refusal: tuple[int, str, dict[str, object]], title: str
) -> None:
    """Whoever is not let in reads why, and what to do."""
    async with visiting() as there:
        there.hall.refusal = refusal
        await there.page.goto(f"{there.address}#token=x")

        await expect(there.page.locator("#noticeTitle")).to_have_text(title)
        assert await barriers(there.page) == []


@pytest.mark.parametrize("lost", ["main.js", "words.js", "hls.min.mjs"])
async def test_a_file_that_does_not_come_is_asked_for_again(visiting: Visiting, lost: str) -> None:
    """A network that fails while the page loads costs a moment, and not the lecture."""
    async with visiting() as there:
        await there.context.route(f"**/{lost}", lambda route: route.abort(), times=1)
        await there.watch()

        assert there.hall.tokens == ["rahasia"]


async def test_a_stream_that_is_closed_before_it_opens_loads_nothing(visiting: Visiting) -> None:
    """What plays a stream may come when the session is over already."""
    let_go = asyncio.Event()
    asked: list[str] = []

    async def hold(route: Route) -> None:
        await let_go.wait()
        await route.continue_()

    async with visiting() as there:
        there.hall.lifetime = 3
        await there.context.route("**/hls.min.mjs", hold)
        page = await there.open()
        there.hall.refusal = (409, "session-over", {})
        await expect(page.locator("#noticeTitle")).to_have_text("Sesi telah berakhir")
        page.on("request", lambda request: asked.append(request.url))
        let_go.set()
        await page.wait_for_timeout(1_500)

    assert not [each for each in asked if ".m3u8" in each]


async def test_a_video_player_that_is_kept_out_is_told_of(visiting: Visiting) -> None:
    """Where a network lets nobody load YouTube's player the page says so, and does not begin again and again."""
    hall = Hall({"kind": "youtube", "url": "https://youtu.be/dQw4w9WgXcQ"})
    async with visiting(hall) as there:
        await there.context.route("https://www.youtube.com/**", lambda route: route.abort())
        page = await there.open()
        await expect(page.locator("#noticeTitle")).to_contain_text("Pemutar video")
        await page.wait_for_timeout(4_000)

        assert len(hall.joins) == 1


async def test_without_a_token_nothing_is_asked(visiting: Visiting) -> None:
    """Whoever opens the page without a link of their own is told where to find it."""
    async with visiting() as there:
        await there.page.goto(there.address)

        await expect(there.page.locator("#noticeTitle")).to_have_text("Buka lewat tautan Anda")
        assert there.hall.joins == []


async def test_a_meeting_opens_in_its_own_application(visiting: Visiting) -> None:
    """A meeting's link is a button, beside how its attendance is taken; nothing is counted here."""
    hall = Hall({"kind": "meeting", "url": "https://meet.example.id/abc"})
    async with visiting(hall) as there:
        page = await there.open()
        link = page.get_by_role("link", name="Buka pertemuan")

        await expect(link).to_have_attribute("href", "https://meet.example.id/abc")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        await expect(page.locator("#noticeText")).to_contain_text("laporan aplikasi pertemuan")
        await expect(page.locator("#attendance")).to_be_hidden()
        assert await barriers(page) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out(
    visiting: Visiting, tmp_path: Path, width: int, scheme: str
) -> None:
    """No serious barrier by axe's rules and no sideways scrolling, at any width, in either language and scheme."""
    size = {"width": width, "height": 720}
    async with visiting(viewport=size, color_scheme=scheme) as there:
        page = await there.watch()
        for language in ("id", "en"):
            await expect(page.locator("html")).to_have_attribute("lang", language)
            await page.screenshot(path=tmp_path / f"{width}-{scheme}-{language}.png")
            assert await barriers(page) == []
            assert await _overflow(page) <= 0
            await page.locator("#language").click()


async def test_nothing_moves_for_who_wants_no_motion(visiting: Visiting) -> None:
    """With reduced motion asked for, nothing is animated."""
    async with visiting(reduced_motion="reduce") as there:
        page = await there.open()
        moving = """() => [...document.querySelectorAll("body *:not(track)")].filter(each => {
            const style = getComputedStyle(each);
            return parseFloat(style.transitionDuration) > 0 || style.animationName !== "none";
        }).map(each => each.outerHTML.slice(0, 80))"""

        assert await page.evaluate(moving) == []


async def _overflow(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))
