"""The client waits out an absent service, repeats safely, and tells a refusal in one line."""

import asyncio
from collections.abc import Callable, Iterator

import httpx2
import pytest

from deploy.client import Declined, NodeClient, together, until

Answer = httpx2.Response | Exception


def node(
    answer: Callable[[httpx2.Request], httpx2.Response], *, patience: float = 5.0
) -> NodeClient:
    """Make a client for a node whose only service answers so."""
    transport = httpx2.MockTransport(answer)
    return NodeClient({"progress": "http://p"}, patience, {"progress": transport})


def in_turn(
    *answers: Answer,
) -> tuple[Callable[[httpx2.Request], httpx2.Response], list[httpx2.Request]]:
    """Answer one request after the other so, and keep them."""
    left: Iterator[Answer] = iter(answers)
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        told = next(left)
        if isinstance(told, Exception):
            raise told
        return told

    return answer, asked


async def test_a_service_that_is_away_is_asked_again() -> None:
    """A refused connection and a 503 are waited for, and the answer is the service's."""
    answer, asked = in_turn(
        httpx2.ConnectError("refused"), httpx2.Response(503), httpx2.Response(200, json={"said": 1})
    )

    async with node(answer) as client:
        told = await client.speaking("token").get("progress", "/status", limit=2)

    assert told == {"said": 1}
    assert [str(each.url) for each in asked] == ["http://p/status?limit=2"] * 3
    assert asked[0].headers["authorization"] == "Bearer token"


async def test_a_repeated_post_carries_the_same_key_and_bytes() -> None:
    """A file that is sent again after an absence is the same request to the byte."""
    answer, asked = in_turn(httpx2.Response(503), httpx2.Response(201, json={}))

    async with node(answer) as client:
        await client.speaking("token").upload(
            "progress", "/rosters", "a.xlsx", b"list", agency="35"
        )

    assert asked[0].read() == asked[1].read()
    assert asked[0].headers["idempotency-key"] == asked[1].headers["idempotency-key"]


async def test_two_posts_carry_two_keys() -> None:
    """Each call is one of its own, also where the body is the same."""
    answer, asked = in_turn(httpx2.Response(200, json={}), httpx2.Response(204))

    async with node(answer) as client:
        voice = client.speaking("token")
        told = [
            await voice.post("progress", "/x", {"a": 1}),
            await voice.post("progress", "/x", {"a": 1}),
        ]

    assert told == [{}, None]
    assert asked[0].headers["idempotency-key"] != asked[1].headers["idempotency-key"]


async def test_a_post_that_may_be_repeated_carries_no_key() -> None:
    """Whoever posts what does no harm twice leaves the service nothing to remember."""
    answer, asked = in_turn(httpx2.Response(200, json={}))

    async with node(answer) as client:
        await client.speaking("token").post("progress", "/evidence", {}, keyed=False)

    assert "idempotency-key" not in asked[0].headers


async def test_patience_ends() -> None:
    """A service that stays away is declined with the reason, once patience is at its end."""

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    async with node(refuse, patience=0.2) as client:
        with pytest.raises(Declined, match="does not answer at http://p") as declined:
            await client.nobody().get("progress", "/livez")

    assert (declined.value.status, declined.value.slug) == (0, "away")


async def test_a_problem_is_told_in_one_line() -> None:
    """A problem document becomes its detail, its first error and its slug."""
    problem = {
        "type": "urn:corpu:problem:invalid-request", "title": "Invalid request", "status": 422,
        "detail": "the request does not fit", "errors": [{"where": "body.seats", "what": "too few"}],
    }  # fmt: skip
    answer, _ = in_turn(httpx2.Response(422, json=problem))

    async with node(answer) as client:
        with pytest.raises(Declined) as declined:
            await client.speaking("token").put("progress", "/x", {})

    line = "progress: the request does not fit: body.seats too few (invalid-request)"
    assert str(declined.value) == line
    assert (declined.value.status, declined.value.slug) == (422, "invalid-request")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"detail": 1}'])
async def test_an_answer_that_is_no_problem_is_named_by_its_status(body: bytes) -> None:
    """Whatever a proxy may answer in place of a service is told by its status."""
    answer, _ = in_turn(httpx2.Response(418, content=body))

    async with node(answer) as client:
        with pytest.raises(Declined, match="progress: answers 418"):
            await client.speaking("token").delete("progress", "/x")


async def test_a_paged_list_is_walked_to_its_end() -> None:
    """Pages are asked for until there is no next one."""
    answer, asked = in_turn(
        httpx2.Response(200, json={"items": [{"id": "a"}, {"id": "b"}], "next": "b"}),
        httpx2.Response(200, json={"items": [{"id": "c"}], "next": None}),
    )

    async with node(answer) as client:
        found = [
            each["id"] async for each in client.nobody().pages("progress", "/list", cohort="x")
        ]

    assert found == ["a", "b", "c"]
    assert [each.url.params["after"] for each in asked] == ["", "b"]
    assert [each.url.params["cohort"] for each in asked] == ["x", "x"]


async def test_a_condition_is_waited_for() -> None:
    """Waiting ends as soon as the condition holds."""
    looks = iter([False, False, True])

    async def holds() -> bool:
        return next(looks)

    await until("it holds", holds, within=5, every=0.001)

    assert list(looks) == []


async def test_a_condition_that_never_holds_is_named() -> None:
    """Waiting in vain says for what, and for how long."""

    async def never() -> bool:
        return False

    with pytest.raises(TimeoutError, match="waited 0 s in vain until the moon is blue"):
        await until("the moon is blue", never, within=0, every=0.001)


async def test_work_is_done_together_within_a_bound() -> None:
    """No more than so many run at once, and results come in the order of what was given."""
    running = most = 0

    async def double(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number * 2

    told = await together(double, range(10), at_once=3)

    assert told == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert most == 3


async def test_the_first_failure_ends_all() -> None:
    """What one of many raises is raised as it is, and the others are ended."""

    async def fail(number: int) -> int:
        await asyncio.sleep(0)
        raise Declined("progress", 409, "busy", f"number {number}")

    with pytest.raises(Declined, match="number 0"):
        await together(fail, range(3), at_once=1)
