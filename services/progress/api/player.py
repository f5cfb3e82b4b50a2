"""The player page of a live session: a shell that anybody may load, and the files it is made of."""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse

from services.progress.store import ProgressWork
from shared.kernel.errors import NotFound
from shared.store.works import Works
from shared.web.identity import public
from shared.web.parts import works
from shared.web.problems import PROBLEMS
from shared.web.strictness import lenient

PAGE = "watch.html"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_PLAIN = "text/plain; charset=utf-8"
_MEDIA = tuple(each.partition(";")[0] for each in (*_TYPES.values(), _PLAIN))
_SMALL = 600
"""Bytes below which packing a file saves nothing."""
_YOUTUBE = "https://www.youtube.com"
_FRAME = "https://www.youtube-nocookie.com"
_SCHEMES = frozenset({"http", "https"})
_Short = Annotated[str, Path(min_length=1, max_length=64)]


@dataclass(frozen=True)
class Shown:
    """What a session's page must be let reach: YouTube's player, or the addresses of a stream."""

    youtube: bool = False
    addresses: tuple[str, ...] = ()


Find = Callable[[Request, str], Awaitable[Shown]]
"""Tells what a session shows; of one that is not known, nothing."""


@dataclass(frozen=True)
class _File:
    content: bytes
    packed: bytes | None
    media_type: str


def router_for(find: Find, hosts: Iterable[str] = ()) -> APIRouter:
    """Make the routes of the page; `hosts` are origins beside a stream's own from which its pieces come."""
    router = APIRouter(responses=PROBLEMS, tags=["player"], dependencies=[public(), lenient()])
    more = tuple(hosts)

    @router.head("/live/{session_id}/watch", response_class=HTMLResponse)
    @router.get("/live/{session_id}/watch", response_class=HTMLResponse)
    async def watch(
        request: Request, session_id: Annotated[str, Path(min_length=1, max_length=100)]
    ) -> Response:
        """Show the page that plays a session; whoever watches brings their token in the address's fragment."""
        shown = await find(request, session_id)
        edition, content = _page()
        headers = {
            "Content-Security-Policy": policy(shown, more),
            # YouTube plays for nobody who hides where its player is; the path stays ours.
            "Referrer-Policy": "strict-origin",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            "X-Robots-Tag": "noindex",
            # The same for everybody, so that a cache in front may answer when thousands arrive in one minute.
            "Cache-Control": "public, max-age=30",
            "ETag": f'"{edition}"',
        }
        return HTMLResponse(content, headers=headers)

    @router.get(
        "/live/player/{edition}/{name}",
        response_class=Response,
        responses={200: {"content": {each: {"schema": {"type": "string"}} for each in _MEDIA}}},
    )
    async def part(request: Request, edition: _Short, name: _Short) -> Response:
        """Give one of the page's files, to be kept for good under the edition's own address."""
        kept = _files().get(name)
        if kept is None or name == PAGE:
            raise NotFound("unknown-file", "the player has no such file")
        packs = "gzip" in request.headers.get("accept-encoding", "")
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Vary": "Accept-Encoding",
            # While nodes are upgraded one may be asked for the other's edition; what it has must not stay.
            "Cache-Control": "public, max-age=31536000, immutable"
            if edition == _edition()
            else "no-store",
        }
        if packs and kept.packed is not None:
            headers["Content-Encoding"] = "gzip"
            return Response(kept.packed, headers=headers, media_type=kept.media_type)
        return Response(kept.content, headers=headers, media_type=kept.media_type)

    return router


async def shown_of(request: Request, session_id: str) -> Shown:
    """Tell what a session of this node shows; a page has nothing else of it before somebody has joined."""
    opened: Works[ProgressWork] = works(request)
    session = await opened.open().live_sessions.of(session_id)
    stream = session.stream
    addresses = (stream.url, stream.captions, stream.audio_only, session.replay_url)
    return Shown(stream.kind == "youtube", addresses)


def policy(shown: Shown, hosts: tuple[str, ...]) -> str:
    """Tell what the page may load: its own files, and beside them what this session's stream needs."""
    streams = " ".join(dict.fromkeys([*_origins(shown.addresses), *hosts]))
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' {_YOUTUBE}" if shown.youtube else "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": f"'self' {streams}",
        # hls.js plays from memory, and makes its captions' tracks from an empty document.
        "media-src": f"'self' blob: data: {streams}",
        "frame-src": f"{_FRAME} {_YOUTUBE}" if shown.youtube else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}".rstrip() for name, value in rules.items())


def _origins(addresses: Iterable[str]) -> Iterable[str]:
    for address in addresses:
        try:
            split = urlsplit(address)
            # As browsers spell it, and as a header can say it.
            place = split.netloc.encode("idna").decode()
        except ValueError:
            continue
        # Whatever is no plain origin could end one rule of the policy and begin another, or mean any host.
        if split.scheme in _SCHEMES and split.hostname and not set(place) & set(" ;,'\"@*"):
            yield f"{split.scheme}://{place}"


@lru_cache(1)
def _files() -> dict[str, _File]:
    """Read the page's files once, and pack those that are worth it."""
    folder = files("services.progress").joinpath("player")
    found = {}
    for each in sorted(folder.iterdir(), key=lambda one: one.name):
        content = each.read_bytes()
        packed = gzip.compress(content, 9, mtime=0) if len(content) > _SMALL else None
        media_type = _TYPES.get(each.name.rpartition(".")[2], _PLAIN)
        found[each.name] = _File(content, packed, media_type)
    return found


@lru_cache(1)
def _edition() -> str:
    """Name this edition of the page by what its files hold."""
    digest = hashlib.sha256()
    for name, each in _files().items():
        digest.update(f"{name}\n{len(each.content)}\n".encode())
        digest.update(each.content)
    return digest.hexdigest()[:16]


@lru_cache(1)
def _page() -> tuple[str, str]:
    edition = _edition()
    return edition, _files()[PAGE].content.decode().replace("EDITION", edition)
