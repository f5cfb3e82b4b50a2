"""Whatever is wrong is answered as a problem document with a stable type, and never with a traceback."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from starlette.types import Message

from shared.kernel.errors import Unavailable
from tests.support.box_service import Served, served

LARGE = 200_000_000


def _problem(answer: object) -> tuple[int, str]:
    status, body = answer.status_code, answer.json()  # type: ignore[attr-defined]  # the client's answer
    assert "application/problem+json" == answer.headers["content-type"]  # type: ignore[attr-defined]
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert status == body["status"]
    return status, body["type"].removeprefix("urn:corpu:problem:")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "malformed-json")),
        (b"\xff\xfe", (400, "malformed-json")),
        (b"[" * 100_000, (400, "bad-request")),
        (b"", (422, "invalid-request")),
        (b"[]", (422, "invalid-request")),
        (b'{"label": 3}', (422, "invalid-request")),
        (b'{"label": ""}', (422, "invalid-request")),
        (b'{"label": "a", "count": "many"}', (422, "invalid-request")),
        (b'{"label": "a", "colour": "red"}', (422, "invalid-request")),
        (b'{"label": "\\ud800"}', (422, "invalid-request")),
        (b'{"label": "a", "\\ud800": 1}', (422, "invalid-request")),
        (b'{"label": "a", "' + b"x" * 100_000 + b'": 1}', (422, "invalid-request")),
        (b'{"label": "a", "count": NaN}', (422, "invalid-request")),
        (b'{"label": "a", "count": 9223372036854775808}', (422, "not-storable")),
    ],
)
async def test_a_body_that_does_not_fit_is_told_so(
    service: Served, body: bytes, expected: tuple[int, str]
) -> None:
    """Malformed, of the wrong type, with unknown fields or beyond all bounds: short, and nothing is kept."""
    answer = await service.ask(
        "POST", "/boxes", content=body, headers={"Content-Type": "application/json"}
    )

    assert expected == _problem(answer)
    assert len(answer.content) < 2_000
    assert [] == (await service.ask("GET", "/boxes")).json()["items"]


async def test_errors_say_where_and_never_repeat_what_was_sent(service: Served) -> None:
    """A person's data does not come back in an error, nor into a log."""
    answer = await service.ask("POST", "/boxes", json={"label": ["198501012010012001"]})

    assert [{"where": "body.label", "what": "Input should be a valid string"}] == answer.json()[
        "errors"
    ]
    assert "198501012010012001" not in answer.text


async def test_refusals_carry_their_further_members(service: Served) -> None:
    """What a use case adds stands beside the type."""
    answer = await service.ask("POST", "/boxes/refused")

    assert (409, "no-room") == _problem(answer)
    assert 0 == answer.json()["shelves"]


async def test_a_defect_tells_nothing_about_itself(service: Served) -> None:
    """Its traceback is logged and not answered."""
    answer = await service.client.get("/defect")

    assert (500, "defect") == _problem(answer)
    assert "ZeroDivision" not in answer.text


async def test_unknown_places_are_problems_too(service: Served) -> None:
    """So are methods that a place does not have."""
    assert (404, "not-found") == _problem(await service.client.get("/nowhere"))
    assert (405, "method-not-allowed") == _problem(await service.client.delete("/boxes"))
    assert (404, "unknown-boxes") == _problem(await service.ask("GET", "/boxes/unknown"))


async def test_a_store_that_is_away_asks_for_patience(service: Served) -> None:
    """The answer is 503 with a time after which to try again."""

    async def away(name: str) -> None:
        raise Unavailable(f"{name} meets a store that is away")

    service.engine.store.before = away

    answer = await service.ask("GET", "/boxes")

    assert (503, "unavailable") == _problem(answer)
    assert "2" == answer.headers["retry-after"]


async def test_a_declared_200_mb_is_refused_unread(service: Served) -> None:
    """The body limit looks at what is announced before it reads anything."""
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(200):
            read += 1
            yield b"x" * 1_000_000

    answer = await service.ask(
        "POST", "/boxes/photo", content=body(), headers={"Content-Length": str(LARGE)}
    )

    assert ((413, "body-too-large"), 0) == (_problem(answer), read)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/boxes", "application/json"), ("/boxes/photo", "multipart/form-data; boundary=b")],
)
async def test_a_streamed_200_mb_is_refused_midway(service: Served, path: str, kind: str) -> None:
    """Without a declared length it is cut off as soon as it is too much, whatever it claims to be."""
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        for _ in range(200):
            read += 1
            yield b"x" * 1_000_000

    answer = await service.ask("POST", path, content=body(), headers={"Content-Type": kind})

    assert (413, "body-too-large") == _problem(answer)
    assert read < 20
    assert 0 == service.counts.made


@pytest.mark.parametrize("length", ["many", "-1", "1e3", "0x10", "9" * 5_000])
async def test_a_length_that_is_none_is_refused(service: Served, length: str) -> None:
    """What cannot be believed is not read."""
    answer = await service.ask("POST", "/boxes", content=b"{}", headers={"Content-Length": length})

    assert (413, "body-too-large") == _problem(answer)


@pytest.mark.parametrize("path", ["/boxes", "/boxes/photo"])
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}])
async def test_a_line_that_breaks_in_the_middle_of_a_body_is_no_defect(
    service: Served, path: str, key: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever hangs up while sending changes nothing, and leaves no error in the log."""
    headers = {
        **service.issuer.bearer("organiser"),
        **key,
        "Content-Type": "multipart/form-data; boundary=b",
    }
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
        "query_string": b"", "server": ("corpu.test", 80), "client": ("test", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    messages: list[Message] = [{"type": "http.request", "body": b"--b\r\n", "more_body": True}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        assert message.get("status", 400) == 400

    await service.app(scope, receive, send)

    assert (0, []) == (service.counts.made, [each for each in caplog.records if each.exc_info])


async def test_a_body_at_the_limit_passes() -> None:
    """The limit is a setting, and exact."""
    async with served(CORPU_MAX_BODY=1_000) as service:
        body = json.dumps({"label": "a"}).encode()
        answers = [
            await service.ask(
                "POST",
                "/boxes",
                content=body.ljust(size),
                headers={"Content-Type": "application/json"},
            )
            for size in (1_000, 1_001)
        ]

    assert [201, 413] == [each.status_code for each in answers]


async def test_a_list_comes_in_pages(service: Served) -> None:
    """Asking again with `after` until `next` is null gives every entry once."""
    labels = [f"box-{number}" for number in range(5)]
    for label in labels:
        await service.ask("POST", "/boxes", json={"label": label})

    seen, sizes, after = [], [], ""
    while after is not None:
        found = (await service.ask("GET", "/boxes", params={"after": after})).json()
        seen += found["items"]
        sizes.append(len(found["items"]))
        after = found["next"]

    assert ([2, 2, 1], labels) == (sizes, sorted(seen))


@pytest.mark.parametrize(
    "asked", [{"limit": 0}, {"limit": 1001}, {"limit": "all"}, {"after": "x" * 201}]
)
async def test_a_page_has_bounds(service: Served, asked: dict[str, object]) -> None:
    """No client can ask for everything at once."""
    assert (422, "invalid-request") == _problem(await service.ask("GET", "/boxes", params=asked))


async def test_a_list_is_of_ones_own_scope(service: Served) -> None:
    """An agency's nominator sees the agency's boxes, and makes none for another's."""
    for label, agency in (("ours", "35.73"), ("theirs", "35.78")):
        await service.ask("POST", "/boxes", json={"label": label, "agency": agency})
    nominator = {"claims": {"agency": "35.73"}}

    listed = await service.ask("GET", "/boxes", "nominator", **nominator)
    made = await service.ask(
        "POST", "/boxes", "nominator", json={"label": "x", "agency": "35.78"}, **nominator
    )

    assert ["ours"] == listed.json()["items"]
    assert (403, "out-of-scope") == _problem(made)


async def test_many_at_once_are_each_answered(service: Served) -> None:
    """Fifty who change one thing at the same time all succeed, one after another."""
    answers = await asyncio.gather(
        *(
            service.ask("POST", "/boxes", json={"label": "one", "count": number})
            for number in range(20)
        )
    )

    assert {201} == {each.status_code for each in answers}


def test_unavailable_says_what_is_away() -> None:
    """The detail of a 503 is one sentence for a person."""
    assert "the store is away" == str(Unavailable("the store is away"))
