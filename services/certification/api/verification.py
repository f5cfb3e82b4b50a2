"""Verification by anybody: what was certified and whether it holds, as a page and as JSON."""

import base64
import hashlib
import ipaddress
import re
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from services.certification.papers.statement import Statement, state_what
from services.certification.papers.words import LANGUAGES, Language, day, reason, score, span
from services.certification.store import CertificationWork, find_by_code
from shared.kernel.clock import local_date
from shared.kernel.errors import NotFound
from shared.store.works import Works
from shared.web.identity import public
from shared.web.parts import works
from shared.web.problems import MEDIA_TYPE, PROBLEMS, problem
from shared.web.strictness import lenient

_TOO_OFTEN: dict[int | str, dict[str, Any]] = {
    429: {
        "description": "Too Many Requests",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
_NETWORK = 64
_STATEMENT = {"$ref": "#/components/schemas/Statement"}
_NO_SUCH: dict[str, Any] = {
    **PROBLEMS[404],
    "content": {**PROBLEMS[404]["content"], "text/html": {"schema": {"type": "string"}}},
}

_AS_PAGE: dict[str, Any] = {
    "response_class": HTMLResponse,
    "responses": {200: {"content": {"application/json": {"schema": _STATEMENT}}}, 404: _NO_SUCH},
    "dependencies": [lenient()],
}
"""How the page is told of: it is asked for by HEAD too, as messengers do with links to which they add parameters."""

router = APIRouter(
    prefix="/verify",
    tags=["verification"],
    responses={**PROBLEMS, **_TOO_OFTEN},
    dependencies=[public()],
)
Code = Annotated[
    str, Path(max_length=64, description="The code at the end of a verification address")
]
_Works = Annotated[Works[CertificationWork], Depends(works)]


@router.head("/{code}.json")
@router.get("/{code}.json")
async def verify_as_json(request: Request, opened: _Works, code: Code) -> Statement:
    """Tell what was certified, and whether it is live, a draft, superseded or revoked."""
    if too_often := _refuse_flood(request):
        return too_often  # type: ignore[return-value]  # FastAPI passes a response on as it is
    return _known(await _find(request, opened, code))


@router.head("/{code}", **_AS_PAGE)
@router.get("/{code}", **_AS_PAGE)
async def verify(
    request: Request, opened: _Works, code: Code, lang: Annotated[Language | None, Query()] = None
) -> Response:
    """Show what was certified as a page; as JSON to whoever accepts JSON and no page."""
    if too_often := _refuse_flood(request):
        return too_often
    accepts = request.headers.get("accept", "")
    found = await _find(request, opened, code)
    if "json" in accepts and "html" not in accepts:
        return JSONResponse(_known(found).model_dump(mode="json"), headers={"Vary": "Accept"})
    language = lang or preferred(request.headers.get("accept-language", ""))
    return _page(found, language, 200 if found else 404)


def _refuse_flood(request: Request) -> Response | None:
    client = request.client
    if request.app.state.throttle.admits(neighbourhood(client.host if client else "")):
        return None
    refusal = problem(429, "too-often", "this address asks too often; try again in a minute")
    refusal.headers["Retry-After"] = "60"
    return refusal


async def _find(request: Request, opened: Works[CertificationWork], code: str) -> Statement | None:
    work = opened.open()
    dossier = await find_by_code(work, code.lower())
    terms = dossier.known_terms if dossier else None
    if dossier is None or terms is None:
        return None
    certificate = next(each for each in dossier.certificates if each.code == code.lower())
    card = await work.cards.of(dossier.learner_id)
    today = local_date(request.app.state.clock.now(), terms.host_node)
    named = card.at(certificate.at)
    return state_what(dossier, terms, certificate, named, work.public_url, today)


def _known(found: Statement | None) -> Statement:
    if found is None:
        raise NotFound("unknown-certificate", "no certificate is known under this code")
    return found


def preferred(accepted: str) -> Language:
    """Tell the language that a browser asks for first among ours; Indonesian where it asks for neither."""
    asked = [part.strip()[:2].lower() for part in accepted.split(",")]
    return next((language for part in asked for language in LANGUAGES if language == part), "id")


def _page(statement: Statement | None, language: Language, status: int) -> Response:
    template, policy = _template()
    body = template.render(
        statement=statement, lang=language, day=day, span=span, reason=reason, score=score
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "no-cache",
        "Content-Language": language,
        "Vary": "Accept, Accept-Language",
    }
    return HTMLResponse(body, status, headers=headers)


@lru_cache(1)
def _template() -> tuple[Any, str]:
    """Load the page with the policy that lets nothing but its own style in."""
    # Imported here because an idle node need not carry it.
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415

    text = files(__package__).joinpath("verification.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(
        hashlib.sha256((style[1] if style else "").encode()).digest()
    ).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return environment.from_string(text), policy


def neighbourhood(address: str) -> str:
    """Tell what counts as one asker: an IPv4 address, or the /64 network that one IPv6 user holds."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        # A socket for both families shows everybody's IPv4 address inside one and the same /64.
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _NETWORK), strict=False))
    return address
