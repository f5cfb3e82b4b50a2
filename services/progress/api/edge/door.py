"""The door for heartbeats: raw ASGI, outermost in the application, so that a beat pays for nothing else.

A beat is answered with 204 once every in-sync replica of the broker has it, and never otherwise.
"""

from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from typing import Annotated, Any

from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, FailFast, Field, TypeAdapter, ValidationError
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.progress.api.edge.commits import Commits, Landed, Overfull
from services.progress.domain.beats import room_of
from services.progress.domain.ticket import BEAT_SECONDS
from services.progress.ports import Tickets
from shared.events.fact import ATTENDANCE
from shared.kernel.clock import Clock
from shared.kernel.errors import Invalid, Refusal, TooLarge, Unauthenticated, Unavailable
from shared.web.parts import Parts
from shared.web.problems import problem
from shared.web.strictness import take_only
from shared.web.throttle import Throttle

BEATS, BATCH = "/live/beats", "/live/beats/batch"
MOST_ITEMS = 1_000
_LARGEST_BEAT, _LARGEST_BATCH = 1_000, 2_000_000
_DIGITS = 6
_PACE = "24 per 10 minutes"
"""Pieces of a replay from one viewer: as many as are played in that time, and some that are sent again."""
_BEARER = b"bearer "
_TAKEN: Message = {"type": "http.response.start", "status": 204, "headers": []}
_END: Message = {"type": "http.response.body", "body": b""}
_ANSWERED = Counter("corpu_beats_answered", "Beats by the status of their answer", ["status"])
_ACKNOWLEDGED = _ANSWERED.labels("204")


class Beat(BaseModel):
    """The body of a beat that does not say its number in the address."""

    model_config = ConfigDict(extra="forbid")

    n: int


class Item(Beat):
    """One beat of a batch."""

    ticket: str


# An end is made at the first fault: to note a million of them would keep everybody else waiting for seconds.
_ITEMS = TypeAdapter(Annotated[list[Item], Field(max_length=MOST_ITEMS), FailFast()])


class BeatsDoor:
    """Takes heartbeats, and passes every other request on."""

    def __init__(
        self, app: ASGIApp, parts: Callable[[], Parts[Any] | None], tickets: Callable[[], Tickets],
        clock: Clock, *, late: float, linger: float, most: int,
    ) -> None:  # fmt: skip
        """Stand before an application; beats come at most `late` seconds late."""
        self._app = app
        self._parts = parts
        self._tickets = tickets
        self._clock = clock
        self._late = late
        self._linger = linger
        self._most = most
        self._commits: Commits | None = None
        self._pace = Throttle(_PACE)
        self._doors: dict[str, Callable[[Scope, Receive, Send], Awaitable[None]]] = {
            BEATS: self._one,
            BATCH: self._many,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a beat or a batch of them, or pass the request on."""
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        await (door or self._app)(scope, receive, send)

    async def _one(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            token = _bearer(scope)
            number = await _number(scope, receive)
            await self._add(await self._opened(), token, number)
        except (Refusal, Overfull, Unavailable) as why:
            refused = _refusal(why)
            _ANSWERED.labels(str(refused.status_code)).inc()
            await refused(scope, receive, send)
            return
        _ACKNOWLEDGED.inc()
        await send(_TAKEN)
        await send(_END)

    async def _many(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _only_posts(scope)
            _take_only(scope["query_string"], ())
            items = _items(await _body(receive, _LARGEST_BATCH))
            commits = await self._opened()
        except (Refusal, Unavailable) as why:
            await _refusal(why)(scope, receive, send)
            return
        answers: list[Landed | Exception] = []
        for item in items:
            try:
                answers.append(self._add(commits, item.ticket.encode(), item.n))
            except (Refusal, Overfull, Unavailable) as why:
                answers.append(why)
        results = [await _result(each) for each in answers]
        for each in results:
            _ANSWERED.labels(str(each["status"])).inc()
        await JSONResponse({"items": results})(scope, receive, send)

    def _add(self, commits: Commits, token: bytes, number: int) -> Landed:
        now = self._clock.now().timestamp()
        ticket = self._tickets().read(token, now)
        minute = ticket.minute(number, now, self._late)
        room = room_of(ticket.session_id, replay=ticket.replay)
        # A ticket plays no faster than time goes, and neither do many of the same viewer.
        if ticket.replay and not self._pace.admits(f"{ticket.session_id}/{ticket.learner_id}"):
            raise _TooFast("replay-too-fast", "a replay is watched no faster than time goes")
        return commits.add(bytes.fromhex(ticket.learner_id), room, minute)

    async def _opened(self) -> Commits:
        """Tell the commits on the service's bus; Unavailable while its parts are being opened."""
        parts = self._parts()
        if parts is None:
            raise Unavailable("the service is starting and waits for its store and broker")
        bus = parts.bus
        if self._commits is None or self._commits.bus is not bus:
            partitions = await bus.partitions(ATTENDANCE)
            # Somebody else may have been first meanwhile.
            if self._commits is None or self._commits.bus is not bus:
                self._commits = Commits(bus, partitions, linger=self._linger, most=self._most)
        return self._commits


def _bearer(scope: Scope) -> bytes:
    """Tell the token that a request carries."""
    _only_posts(scope)
    for name, value in scope["headers"]:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            token: bytes = value[len(_BEARER) :].strip()
            return token
    raise Unauthenticated("no-ticket", "this needs the ticket of a live session as bearer token")


def _only_posts(scope: Scope) -> None:
    if scope["method"] != "POST":
        raise _NotAllowed("method-not-allowed", "beats are sent by POST")


class _NotAllowed(Refusal):
    """The door takes no such request."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class _TooFast(Refusal):
    """More of a replay is claimed than can have been watched in the time."""

    status = HTTPStatus.TOO_MANY_REQUESTS


async def _number(scope: Scope, receive: Receive) -> int:
    """Tell a beat's number, from the query `n=17` or the body `{"n": 17}`."""
    query: bytes = scope["query_string"]
    if query[:2] == b"n=":
        digits = query[2:]
        if len(digits) <= _DIGITS and digits.isdigit():
            return int(digits)
    _take_only(query, {"n"})
    if query:
        raise Invalid("beat-impossible", "beats are counted from 0")
    try:
        return Beat.model_validate_json(await _body(receive, _LARGEST_BEAT), strict=True).n
    except ValidationError as wrong:
        raise Invalid("beat-impossible", "a beat says its number: ?n=17") from wrong


def _take_only(query: bytes, known: Collection[str]) -> None:
    if query:
        take_only([name for name, _ in QueryParams(query).multi_items()], known)


async def _body(receive: Receive, most: int) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most:
            raise TooLarge("body-too-large", f"at most {most} bytes are taken here")
        more = message.get("more_body", False)
    return body


def _items(body: bytes) -> list[Item]:
    """Read a batch: a JSON array, or one object a line."""
    try:
        if not body.lstrip().startswith(b"["):
            body = b"[%s]" % b",".join(line for line in body.splitlines() if line.strip())
        return _ITEMS.validate_json(body, strict=True)
    except ValidationError as wrong:
        if wrong.errors(include_input=False)[0]["type"] == "too_long":
            raise TooLarge(
                "batch-too-large", f"at most {MOST_ITEMS} beats are taken at once"
            ) from wrong
        raise Invalid("malformed-batch", "a batch is beats with ticket and n each") from wrong


async def _result(answer: Landed | Exception) -> dict[str, Any]:
    """Tell what became of one beat of a batch."""
    if isinstance(answer, Landed):
        try:
            await answer
        except Unavailable as away:
            answer = away
        else:
            return {"status": 204}
    told: dict[str, Any] = _problem(answer)
    return told


def _problem(why: Exception) -> dict[str, Any]:
    match why:
        case Refusal():
            status, slug, detail = why.status, why.slug, why.detail
        case Overfull():
            status, slug, detail = 429, "too-many-beats", "too many beats wait already: try again"
        case _:
            status, slug, detail = 503, "unavailable", str(why)
    return {"status": int(status), "type": f"urn:corpu:problem:{slug}", "detail": detail}


def _refusal(why: Exception) -> Response:
    told = _problem(why)
    answer = problem(told["status"], told["type"].rpartition(":")[2], told["detail"])
    if told["status"] == HTTPStatus.TOO_MANY_REQUESTS:
        answer.headers["Retry-After"] = str(BEAT_SECONDS if isinstance(why, _TooFast) else 1)
    if told["status"] == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = "POST"
    return answer
