"""What the OpenAPI document says of the edge, which FastAPI does not know."""

from typing import Any

from fastapi import FastAPI

from services.progress.api.edge.door import BATCH, BEATS, MOST_ITEMS, Item
from shared.web.problems import MEDIA_TYPE

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_SECURED: list[dict[str, list[str]]] = [{"LiveTicket": []}]
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 999_999}


def describe_beats(app: FastAPI) -> None:
    """Add the paths of the edge to an application's OpenAPI document."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        document["paths"].setdefault(BEATS, {"post": _one()})
        document["paths"].setdefault(BATCH, {"post": _many()})
        parts = document["components"]
        parts["schemas"].setdefault("Beat", Item.model_json_schema())
        parts.setdefault("securitySchemes", {}).setdefault(
            "LiveTicket",
            {
                "type": "http",
                "scheme": "bearer",
                "description": "The ticket that joining a session gave",
            },
        )
        return document

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _one() -> dict[str, Any]:
    return {
        "summary": "Say that a viewer is there",
        "description": "Beat `n` claims the minute of the join time plus 30 seconds times `n`; repeating it "
        "changes nothing. 204 means that every in-sync replica of the broker has it.",
        "operationId": "beat",
        "security": _SECURED,
        "parameters": [
            {
                "name": "n",
                "in": "query",
                "required": False,
                "schema": _NUMBER,
                "description": "or in the body",
            }
        ],
        "requestBody": {
            "required": False,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"n": _NUMBER},
                        "required": ["n"],
                        "additionalProperties": False,
                    }
                }
            },
        },
        "responses": {
            "204": {"description": "It is kept"},
            **_refused(401, "No ticket, or one that does not hold any more"),
            **_refused(405, "Beats are sent by POST"),
            **_refused(413, "The body is too large"),
            **_refused(422, "A number that cannot be: too early, too late, outside the session"),
            **_refused(429, "Too many wait: send it again", retry=True),
            **_refused(503, "The broker is away: send it again", retry=True),
        },
    }


def _many() -> dict[str, Any]:
    result = {
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {"type": "integer"},
            "type": {"type": "string"},
            "detail": {"type": "string"},
        },
    }
    return {
        "summary": "Hand in the beats of many viewers",
        "description": f"For gateways: at most {MOST_ITEMS}, as an array or one a line; each is answered by itself, "
        "with the status that it would have had alone.",
        "operationId": "beats",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/Beat"},
                        "maxItems": MOST_ITEMS,
                    }
                }
            },
        },
        "responses": {
            "200": {
                "description": "What became of each, in order",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["items"],
                            "properties": {"items": {"type": "array", "items": result}},
                        }
                    }
                },
            },
            **_refused(405, "Beats are sent by POST"),
            **_refused(413, "The batch is too large"),
            **_refused(422, "This is no batch"),
            **_refused(503, "The service is starting: send it again", retry=True),
        },
    }


def _refused(status: int, why: str, *, retry: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = {"description": why, "content": _PROBLEM}
    if retry:
        told["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return {str(status): told}
