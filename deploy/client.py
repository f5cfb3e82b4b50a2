"""One HTTP client for a node's services: it waits out an absence and tells a refusal plainly."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self, TypeVar

import httpx2

from shared.kernel.ids import fresh

T = TypeVar("T")
G = TypeVar("G")
SERVICES = ("enrolment", "progress", "certification", "notify")
_AWAY = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_ANSWER_SECONDS = 120.0
_PAGE = 500
_SHARE_OF_WAITING = 0.15


class Declined(Exception):  # noqa: N818 - says what is the case
    """A service did not do what was asked; it reads as one line for a person.

    `status` is the HTTP status, 0 where the service is away; `slug` the stable last part of the
    problem's type.
    """

    def __init__(self, service: str, status: int, slug: str, detail: str) -> None:
        """Tell which service declined, and why."""
        self.service = service
        self.status = status
        self.slug = slug
        self.detail = detail
        super().__init__(f"{service}: {detail} ({slug})")


@dataclass
class NodeClient:
    """The HTTP side of one node; an absent service is waited for `patience` seconds, an answer for `answer`.

    `transports` by service replace the network, so that tests reach services in their own process.
    """

    addresses: Mapping[str, str]
    patience: float = 30.0
    transports: Mapping[str, httpx2.AsyncBaseTransport] = field(default_factory=dict)
    answer: float = _ANSWER_SECONDS
    _clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        """Open one connection pool for each service."""
        for service, address in self.addresses.items():
            client = httpx2.AsyncClient(
                base_url=address, timeout=self.answer, transport=self.transports.get(service)
            )
            self._clients[service] = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the pools."""
        await self._stack.aclose()

    def speaking(self, token: str) -> "Voice":
        """Speak with a person's token."""
        return Voice(self, token)

    def nobody(self) -> "Voice":
        """Speak without a token, as the public does."""
        return Voice(self, "")

    async def send(
        self, service: str, request: Callable[[httpx2.AsyncClient], httpx2.Request]
    ) -> httpx2.Response:
        """Send a request, again while the service is away; Declined for any but a success."""
        client = self._clients[service]
        made = request(client)
        # Read once: an idempotency key stands for these very bytes, boundaries and all.
        await made.aread()
        ends = time.monotonic() + self.patience
        pause = _FIRST_PAUSE
        while True:
            try:
                answer = await client.send(made)
            except httpx2.TransportError as away:
                declined = Declined(service, 0, "away", f"does not answer at {client.base_url}")
                declined.__cause__ = away
            else:
                if answer.is_success:
                    return answer
                declined = _declined(service, answer)
                if answer.status_code not in _AWAY:
                    raise declined
            if time.monotonic() + pause > ends:
                raise declined
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


@dataclass(frozen=True)
class Voice:
    """One person speaking to the services of a node; every method raises Declined."""

    node: NodeClient
    token: str

    async def get(self, service: str, path: str, **params: str | int) -> Any:  # noqa: ANN401 - any JSON
        """Ask for JSON."""
        return (await self._send(service, "GET", path, params=params)).json()

    async def read(self, service: str, path: str, **params: str | int) -> bytes:
        """Ask for a document's bytes."""
        return (await self._send(service, "GET", path, params=params)).content

    async def put(self, service: str, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
        """Put JSON in its place and read the answer."""
        return _json(await self._send(service, "PUT", path, json=body))

    async def post(
        self, service: str, path: str, body: object = None, *, keyed: bool = True
    ) -> Any:  # noqa: ANN401
        """Post JSON and read the answer; without an idempotency key where a repeat does no harm."""
        sent = {} if body is None else {"json": body}
        return _json(await self._send(service, "POST", path, keyed=keyed, **sent))

    async def upload(self, service: str, path: str, name: str, content: bytes, **form: str) -> Any:  # noqa: ANN401 - any JSON
        """Post a file as a browser's form does, under the field `file`, and read the answer."""
        return _json(
            await self._send(service, "POST", path, files={"file": (name, content)}, data=form)
        )

    async def delete(self, service: str, path: str) -> None:
        """Delete what is there."""
        await self._send(service, "DELETE", path)

    async def pages(
        self, service: str, path: str, **params: str | int
    ) -> AsyncIterator[dict[str, Any]]:
        """Walk a paged list to its end, entry by entry."""
        after = ""
        while True:
            page = await self.get(service, path, **{"limit": _PAGE, **params, "after": after})
            for each in page["items"]:
                yield each
            if page["next"] is None:
                return
            after = page["next"]

    async def _send(
        self,
        service: str,
        method: str,
        path: str,
        *,
        keyed: bool = True,
        **given: Any,  # noqa: ANN401 - whatever a request is built from
    ) -> httpx2.Response:
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if method == "POST" and keyed:
            headers["Idempotency-Key"] = fresh()
        return await self.node.send(
            service, lambda client: client.build_request(method, path, headers=headers, **given)
        )


def _json(answer: httpx2.Response) -> Any:  # noqa: ANN401 - any JSON
    return answer.json() if answer.content else None


def _declined(service: str, answer: httpx2.Response) -> Declined:
    """Turn a problem document into one line; whatever else answered is named by its status."""
    try:
        problem = answer.json()
        slug = str(problem["type"]).rpartition(":")[2]
        detail = str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return Declined(service, answer.status_code, "no-problem", f"answers {answer.status_code}")
    errors = problem.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        first = errors[0]
        detail += f": {first.get('where', '')} {first.get('what', '')}".rstrip()
    return Declined(service, answer.status_code, slug, detail)


async def until(
    what: str, holds: Callable[[], Awaitable[bool]], *, within: float, every: float = 0.1
) -> None:
    """Wait until a condition holds; TimeoutError names it after `within` seconds.

    It is asked every so many seconds, and the more rarely the longer it takes.
    """
    began = time.monotonic()
    while not await holds():
        waited = time.monotonic() - began
        if waited > within:
            raise TimeoutError(f"waited {within:.0f} s in vain until {what}")
        await asyncio.sleep(max(every, waited * _SHARE_OF_WAITING))


async def together(
    do: Callable[[G], Coroutine[Any, Any, T]], each_of: Iterable[G], *, at_once: int
) -> list[T]:
    """Do the same for each, so many at once, results in order; the first failure ends them all."""
    turn = asyncio.Semaphore(at_once)

    async def in_turn(one: G) -> T:
        async with turn:
            return await do(one)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(one)) for one in each_of]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
