"""What the page is made of and what it may load."""

import gzip
import hashlib
import re
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request

from deploy.embedded.settings import ROOT
from services.progress.api.player import Shown, policy, router_for
from shared.web.problems import add_problems
from tests.support.serving import listening

PLAYER = ROOT / "services/progress/player"
STREAM = "https://siaran.example.id:8443/kuliah/master.m3u8"


async def _find(_: Request, session_id: str) -> Shown:
    return Shown(addresses=(STREAM,)) if session_id == "s1" else Shown()


def _app() -> FastAPI:
    app = FastAPI()
    add_problems(app)
    app.include_router(router_for(_find))
    return app


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """Give somebody who asks for the page and its files."""
    transport = httpx2.ASGITransport(app=_app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://corpu.test") as asking:
        yield asking


async def _parts(client: httpx2.AsyncClient) -> list[str]:
    page = await client.get("/live/s1/watch")
    named = re.findall(r'(?:src|href)="\.\./(player/[^"]+)"', page.text)
    assert named
    return [f"/live/{each}" for each in named]


def test_what_others_wrote_is_what_they_published() -> None:
    """hls.js and its licence are byte for byte what their digests say."""
    lines = (PLAYER / "vendored.sha256").read_text(encoding="ascii").splitlines()
    digests = {name: digest for digest, name in map(str.split, lines)}

    assert set(digests) == {"hls.min.mjs", "hls.LICENSE"}
    for name, digest in digests.items():
        assert hashlib.sha256((PLAYER / name).read_bytes()).hexdigest() == digest


def test_our_own_files_name_no_other_host() -> None:
    """But for YouTube's player, a page needs nothing from anywhere else."""
    own = [each for each in PLAYER.iterdir() if not each.name.startswith("hls.")]
    named = {host for each in own for host in re.findall(r"https?://([\w.-]+)", each.read_text())}

    assert named == {"www.youtube.com", "www.youtube-nocookie.com", "www.w3.org"}


async def test_the_page_lets_in_itself_and_its_stream_only(client: httpx2.AsyncClient) -> None:
    """Scripts and styles are the page's own; pieces come from the stream's origin and no other."""
    page = await client.get("/live/s1/watch")
    unknown = await client.get("/live/s2/watch")

    rules = page.headers["content-security-policy"]
    assert page.status_code == httpx2.codes.OK
    assert "script-src 'self';" in rules
    assert "connect-src 'self' https://siaran.example.id:8443;" in rules
    assert "frame-src 'none'" in rules
    assert "example.id" not in unknown.headers["content-security-policy"]
    assert unknown.text == page.text
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "public, max-age=30"
    assert "<script>" not in page.text
    assert "style=" not in page.text


async def test_a_link_to_the_page_may_be_asked_for_its_head_first() -> None:
    """As messengers do: all that the answer begins with, and no page."""
    async with listening(_app()) as address, httpx2.AsyncClient(base_url=address) as public:
        whole, head = await public.get("/live/s1/watch"), await public.head("/live/s1/watch")

    assert (httpx2.codes.OK, b"") == (head.status_code, head.content)
    for name in ("content-length", "content-type", "content-security-policy", "etag"):
        assert whole.headers[name] == head.headers[name]


def test_youtube_is_let_in_where_it_plays() -> None:
    """A session on YouTube may run its player, and no other may."""
    rules = policy(Shown(youtube=True), ())

    assert "script-src 'self' https://www.youtube.com;" in rules
    assert "frame-src https://www.youtube-nocookie.com https://www.youtube.com;" in rules
    assert "youtube" not in policy(Shown(), ())


@pytest.mark.parametrize(
    "address",
    [
        "https://a.test;script-src *",
        "https://a.test, b",
        "javascript:alert(1)",
        "https://user@a.test/",
        "//a.test",
        "https://*/a",
        "https://[a/b",
        "https://a..test/",
        "https://\u2100.test/",
        "",
    ],
)
def test_an_odd_address_opens_nothing(address: str) -> None:
    """No address of a stream can bend the policy."""
    assert policy(Shown(addresses=(address,)), ()) == policy(Shown(), ())


def test_a_host_of_other_letters_is_spelt_as_browsers_do() -> None:
    """A header could not say it otherwise, and the page would not open."""
    rules = policy(Shown(addresses=("https://b\u00fccher.\u4f8b\u3048.test:8443/a.m3u8",)), ())

    assert "connect-src 'self' https://xn--bcher-kva.xn--r8jz45g.test:8443;" in rules


def test_an_operator_may_name_more_origins() -> None:
    """A stream whose pieces lie elsewhere plays once its operator has said where."""
    rules = policy(Shown(addresses=(STREAM, STREAM)), ("https://cdn.test",))

    assert "connect-src 'self' https://siaran.example.id:8443 https://cdn.test;" in rules


async def test_every_file_is_kept_for_good_under_its_edition(client: httpx2.AsyncClient) -> None:
    """The page names its files under an address that changes with them."""
    for place in await _parts(client):
        answer = await client.get(place)

        assert answer.status_code == httpx2.codes.OK, place
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.content == (PLAYER / place.rpartition("/")[2]).read_bytes()


async def test_another_edition_is_served_and_not_kept(client: httpx2.AsyncClient) -> None:
    """A page of a node that is being upgraded still gets its files."""
    answer = await client.get("/live/player/0123456789abcdef/main.js")

    assert answer.status_code == httpx2.codes.OK
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_files_are_packed_for_who_unpacks(client: httpx2.AsyncClient, coding: str) -> None:
    """A slow line carries a third of hls.js, and whoever cannot unpack gets it plain."""
    place = next(each for each in await _parts(client) if each.endswith("main.js"))
    place = place.replace("main.js", "hls.min.mjs")
    request = client.build_request("GET", place, headers={"Accept-Encoding": coding})
    answer = await client.send(request, stream=True)
    content = b"".join([chunk async for chunk in answer.aiter_raw()])

    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"
    plain = gzip.decompress(content) if coding == "gzip" else content
    assert plain == (PLAYER / "hls.min.mjs").read_bytes()
    assert (len(content) < len(plain) / 3) is (coding == "gzip")


@pytest.mark.parametrize("name", ["secret.js", "watch.html", "..%2Fstore.py", "%2e%2e"])
async def test_no_other_file_is_given(client: httpx2.AsyncClient, name: str) -> None:
    """Only the page's own files are read."""
    answer = await client.get(f"/live/player/x/{name}")

    assert answer.status_code == httpx2.codes.NOT_FOUND
