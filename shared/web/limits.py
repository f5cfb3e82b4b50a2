"""How large a request may be: more is refused before it is read."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.problems import problem

_LONGEST = 20


class BodyLimit:
    """Refuses a body above `limit` bytes with 413, by its declared and by its real length."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        """Guard an application."""
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on while its body stays within the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next(
            (value for name, value in scope["headers"] if name == b"content-length"), b"0"
        )
        refusal = problem(413, "body-too-large", f"at most {self._limit} bytes are taken here")
        # By its digits first: of thousands of them Python makes no number.
        if not declared.isdigit() or len(declared) > _LONGEST or int(declared) > self._limit:
            await refusal(scope, receive, send)
            return
        seen = 0
        started = over = False

        async def counted() -> Message:
            nonlocal seen, over
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                over = True
                return {"type": "http.disconnect"}
            return message

        async def guarded(message: Message) -> None:
            nonlocal started
            if over:
                return
            started = True
            await send(message)

        try:
            await self._app(scope, counted, guarded)
        except Exception:
            if not over:
                raise
        if over and not started:
            await refusal(scope, receive, send)
