"""POSTs with an `Idempotency-Key` are answered once: a repeat gets the first answer again."""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from shared.kernel.errors import Invalid, Unavailable
from shared.kernel.ids import derived
from shared.store.kind import Index, Kind
from shared.store.works import Works

KEPT_FOR = timedelta(days=7)
_LONGEST_KEY = 200
_LARGEST_ANSWER = 1_000_000


@dataclass(frozen=True)
class Answer:
    """What a POST with this key was answered."""

    id: str
    body_hash: str = ""
    status: int = 0
    media_type: str = ""
    body: str = ""
    at: datetime | None = None


ANSWERS = Kind("answers", Answer, indexes=(Index(("at",)),))


class IdempotentRoute(APIRoute):
    """A route whose POSTs honour `Idempotency-Key`.

    The key stands for one person, path and body: another body under the same key is refused. The use
    cases behind it are idempotent themselves, so a crash before the answer is kept repeats nothing.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route."""
        handle = super().get_route_handler()

        async def answered_once(request: Request) -> Response:
            keys = request.headers.getlist("idempotency-key")
            if request.method != "POST" or not keys:
                return await handle(request)
            if len(keys) > 1 or not 0 < len(keys[0].strip()) <= _LONGEST_KEY:
                why = f"there is one key, of 1 to {_LONGEST_KEY} characters"
                raise Invalid("bad-idempotency-key", why)
            return await _once(request, keys[0], handle)

        return answered_once


async def _once(
    request: Request, key: str, handle: Callable[[Request], Awaitable[Response]]
) -> Response:
    if request.app.state.parts is None:
        raise Unavailable("the service is starting and waits for its store and broker")
    works: Works[Any] = request.app.state.parts.works
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return await handle(request)
    person = await request.app.state.verifier.person(token)
    # Roles are a part of it: who may do less now, or comes from elsewhere, is judged anew.
    who = (person.subject, person.node, person.agency or "", person.learner_id or "")
    may = ",".join(sorted(person.roles))
    answer_id = derived("answer", *who, may, request.url.path, request.url.query, key)
    body_hash = _hash(await request.body(), request.headers.get("content-type", ""))
    kept = await works.open().aggregates(ANSWERS).of(answer_id)
    if kept.status:
        if kept.body_hash != body_hash:
            raise Invalid("idempotency-key-reused", "this key was used for another request")
        content = base64.b64decode(kept.body)
        headers = {"Idempotent-Replayed": "true"}
        return Response(content, kept.status, headers=headers, media_type=kept.media_type)
    response = await handle(request)
    # A stream has no body to keep; its use case is idempotent all the same.
    body = getattr(response, "body", None)
    if body is not None and len(body) <= _LARGEST_ANSWER:
        now = request.app.state.clock.now()
        media_type = response.headers.get("content-type", "")
        text = base64.b64encode(bytes(body)).decode()
        await _keep(
            works, Answer(answer_id, body_hash, response.status_code, media_type, text, now)
        )
    return response


def _hash(body: bytes, content_type: str) -> str:
    """Hash a body; a form's boundary is left out, for a client makes a new one at every attempt."""
    _, _, boundary = content_type.partition("boundary=")
    plain = boundary.split(";")[0].strip().strip('"').encode()
    return hashlib.sha256(body.replace(plain, b"") if plain else body).hexdigest()


async def _keep(works: Works[Any], answer: Answer) -> None:
    async def keep(work: Any) -> None:  # noqa: ANN401 - any service's unit of work
        answers = work.aggregates(ANSWERS)
        if not (await answers.of(answer.id)).status:
            answers.keep(answer)

    await works.run(keep)


async def forget_old_answers(works: Works[Any], now: datetime) -> int:
    """Remove answers older than KEPT_FOR and tell how many."""
    cut = (now - KEPT_FOR).isoformat().replace("+00:00", "Z")
    return await works.frame.store.remove(ANSWERS, {"at": {"$lt": cut}})
