"""Errors as problem+json (RFC 9457) with a stable type, and never a traceback."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.kernel.errors import Refusal, Unavailable

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_LONGEST = 200


class Problem(BaseModel):
    """A problem document; further members depend on the type."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


PROBLEMS = _documented(400, 401, 403, 404, 405, 409, 413, 415, 422, 503)
"""The responses that any route may give, for its OpenAPI document."""


def problem(
    status: int, slug: str, detail: str, extra: dict[str, object] | None = None
) -> JSONResponse:
    """Answer with a problem document of type `urn:corpu:problem:<slug>`."""
    body = {
        **(extra or {}),
        "type": f"urn:corpu:problem:{slug}",
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "2"
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def add_problems(app: FastAPI) -> None:
    """Answer every error of an application with a problem document."""

    @app.exception_handler(Refusal)
    async def _refused(_: Request, refusal: Refusal) -> JSONResponse:
        return problem(refusal.status, refusal.slug, refusal.detail, refusal.extra)

    @app.exception_handler(Unavailable)
    async def _away(_: Request, away: Unavailable) -> JSONResponse:
        return problem(503, away.slug, str(away))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, invalid: RequestValidationError) -> JSONResponse:
        # Inputs are not repeated: they may be personal, and they may be huge.
        errors: list[object] = [
            {"where": _short(".".join(map(str, error["loc"]))), "what": _short(error["msg"])}
            for error in invalid.errors()[:50]
        ]
        broken = any(error["type"] == "json_invalid" for error in invalid.errors())
        slug = "malformed-json" if broken else "invalid-request"
        return problem(400 if broken else 422, slug, "the request does not fit", {"errors": errors})

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        answer = problem(error.status_code, slug, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(ClientDisconnect)
    async def _gone(_: Request, __: ClientDisconnect) -> JSONResponse:
        # Nobody reads it; what matters is that a broken line is no defect of ours.
        return problem(400, "body-cut-off", "the line broke before the whole body was here")

    @app.exception_handler(Exception)
    async def _defect(_: Request, defect: Exception) -> JSONResponse:
        _log.error("a request met a defect", exc_info=defect)
        return problem(500, "defect", "this is our fault; it has been logged")


def _short(text: str) -> str:
    """Cut what a stranger may have named, and spell what no answer could be written in."""
    return text[:_LONGEST].encode("utf-8", "backslashreplace").decode()
