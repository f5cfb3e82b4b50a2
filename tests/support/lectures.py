"""A written stand-in for a node's live sessions, as its player page sees them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from services.progress.api.player import Shown, router_for
from shared.kernel.clock import SystemClock
from shared.web.problems import add_problems, problem

SESSION = "kuliah-umum"
TITLE = "Kuliah umum: transformasi digital pelayanan publik"
MINUTE = 60


@dataclass
class Hall:
    """A session that anybody with a token may join, with whatever trouble a test wants.

    Beats come each `beat_seconds`, so that a test need not wait for half a minute.
    """

    stream: dict[str, Any]
    addresses: tuple[str, ...] = ()
    beat_seconds: int = 1
    lifetime: int = 600
    counted: int = 0
    threshold: int = 45
    state: str = "closed"
    """How the session stands, as who was told that it is over may ask."""
    refusal: tuple[int, str, dict[str, object]] | None = None
    """What joining answers instead: status, slug, further members."""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """What the next beats are answered: status and headers; then 204 again."""
    joins: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    beats: list[tuple[str, int]] = field(default_factory=list)
    """Ticket and number of each beat that was taken."""
    came: list[tuple[float, int]] = field(default_factory=list)
    """When each beat came, taken or not, in seconds that nobody sets, and its number."""

    @property
    def asked(self) -> int:
        """Tell how many beats came, taken or not."""
        return len(self.came)

    @property
    def numbers(self) -> list[int]:
        """Tell the numbers taken, in the order in which they came."""
        return [number for _, number in self.beats]

    def app(self) -> FastAPI:
        """Make the application that a browser talks to."""
        app = FastAPI()
        add_problems(app)
        app.include_router(router_for(self._find))
        app.add_api_route("/live/sessions/{session_id}/join", self._join, methods=["POST"])
        app.add_api_route("/live/sessions/{session_id}/mine", self._mine)
        app.add_api_route("/live/beats", self._beat, methods=["POST"])
        return app

    async def _find(self, _: Request, __: str) -> Shown:
        return Shown(youtube=self.stream["kind"] == "youtube", addresses=self.addresses)

    async def _join(self, request: Request) -> Response:
        self.joins.append(await request.json())
        self.tokens.append(_bearer(request))
        if self.refusal is not None:
            status, slug, extra = self.refusal
            return problem(status, slug, slug, extra)
        now = int(SystemClock().now().timestamp())
        origin = now - now % MINUTE - 10 * MINUTE
        return JSONResponse(
            {
                "ticket": f"ticket-{len(self.joins)}", "expires_at": _iso(now + self.lifetime),
                "joined_at": _iso(now), "beat_seconds": self.beat_seconds, "stream": self.stream,
                "title": TITLE, "starts_at": _iso(origin), "ends_at": _iso(origin + 60 * MINUTE),
                "origin": _iso(origin), "threshold_percent": 75,
                "threshold_minutes": self.threshold, "minutes_counted": self.counted,
                "beats": "/live/beats",
            }
        )  # fmt: skip

    async def _mine(self) -> dict[str, Any]:
        return {
            "minutes_counted": self.counted, "threshold_minutes": self.threshold,
            "met": self.counted >= self.threshold, "planned_minutes": 60, "state": self.state,
            "replay_minutes": 0,
        }  # fmt: skip

    async def _beat(self, request: Request, n: int) -> Response:
        self.came.append((time.monotonic(), n))
        if self.answers:
            status, headers = self.answers.pop(0)
            return Response(status_code=status, headers=headers)
        self.beats.append((_bearer(request), n))
        return Response(status_code=204)


def rising(numbers: Sequence[int]) -> bool:
    """Tell whether numbers rise, none of them twice."""
    return list(numbers) == sorted(set(numbers))


def _bearer(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


def _iso(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).isoformat()
