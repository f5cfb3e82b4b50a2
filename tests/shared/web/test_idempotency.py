"""A POST with an `Idempotency-Key` has its effect once, however often it is sent."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.kernel.errors import Unavailable
from shared.web.idempotency import ANSWERS, KEPT_FOR, forget_old_answers
from tests.support.box_service import Served, served

BODY = {"label": "one"}


async def _post(service: Served, key: str = "k", path: str = "/boxes", **sent: Any) -> Any:  # noqa: ANN401 - the client's own
    if path.partition("?")[0] == "/boxes":
        sent.setdefault("json", BODY)
    return await service.ask("POST", path, headers={"Idempotency-Key": key}, **sent)


async def test_a_repeat_gets_the_first_answer_again(service: Served) -> None:
    """Status and body are the same, a header says that it is a repeat, and nothing is done again."""
    first = await _post(service)
    second = await _post(service)

    assert (201, 201, 1) == (first.status_code, second.status_code, service.counts.made)
    assert (first.content, "true") == (second.content, second.headers["idempotent-replayed"])
    assert "idempotent-replayed" not in first.headers


async def test_without_a_key_every_request_is_its_own(service: Served) -> None:
    """Only a key asks for the first answer."""
    for _ in range(2):
        await service.ask("POST", "/boxes", json=BODY)

    assert 2 == service.counts.made


async def test_another_body_under_the_same_key_is_refused(service: Served) -> None:
    """A key stands for one request."""
    await _post(service)

    answer = await _post(service, json={"label": "two"})

    assert (422, "urn:corpu:problem:idempotency-key-reused") == (
        answer.status_code, answer.json()["type"],
    )  # fmt: skip


async def test_a_key_belongs_to_one_person_one_path_and_one_query(service: Served) -> None:
    """Nobody gets another's answer."""
    await _post(service)
    other = await _post(service, claims={"sub": "another"})
    query = await _post(service, path="/boxes?shelf=1")
    elsewhere = await _post(service, path="/boxes/lid")

    assert [201, 201, 204] == [other.status_code, query.status_code, elsewhere.status_code]
    assert 4 == service.counts.made


async def test_an_answer_without_a_body_is_kept_as_well(service: Served) -> None:
    """204 is repeated as 204."""
    answers = [await _post(service, path="/boxes/lid") for _ in range(2)]

    assert ([204, 204], 1) == ([each.status_code for each in answers], service.counts.made)


async def test_an_upload_may_be_sent_again_under_a_new_boundary(service: Served) -> None:
    """Clients make a new boundary at every attempt; what is uploaded is what counts."""
    first, second, other = [
        await _post(service, path="/boxes/photo", files={"file": ("x", content)})
        for content in (b"abc", b"abc", b"abd")
    ]

    assert ("3", "3", "true") == (first.text, second.text, second.headers["idempotent-replayed"])
    assert 422 == other.status_code


async def test_an_answer_in_pieces_is_not_kept(service: Served) -> None:
    """A stream is made anew."""
    answers = [await _post(service, path="/boxes/stream") for _ in range(2)]

    assert (["ab", "ab"], 2) == ([each.text for each in answers], service.counts.made)


async def test_a_refusal_is_not_kept(service: Served) -> None:
    """What was refused may be granted the next time."""
    for _ in range(2):
        assert 409 == (await _post(service, path="/boxes/refused")).status_code

    assert 2 == service.counts.made


async def test_a_crash_before_the_answer_is_kept_repeats_nothing(service: Served) -> None:
    """The use case is idempotent itself: done again, it leaves what it left before."""
    writes = 0

    async def crash(name: str) -> None:
        nonlocal writes
        writes += name == "write"
        if writes == 2:
            raise Unavailable("the store is away")

    service.engine.store.before = crash
    crashed = await _post(service)
    service.engine.store.before = None

    again = await _post(service)

    assert (503, 201) == (crashed.status_code, again.status_code)
    assert ["one"] == (await service.ask("GET", "/boxes")).json()["items"]


async def test_two_at_once_have_one_effect(service: Served) -> None:
    """Both are answered alike, and what is kept is one answer."""
    first, second = await asyncio.gather(_post(service), _post(service))

    assert (201, 201) == (first.status_code, second.status_code)
    assert 1 == await service.engine.store.inner.count(ANSWERS, {})


@pytest.mark.parametrize("keys", [[""], [" "], ["x" * 201], ["k", "l"], ["k", "k"]])
async def test_a_key_has_bounds(service: Served, keys: list[str]) -> None:
    """One key of one to two hundred characters: under which of two an answer is kept, nobody could know."""
    headers = [*service.issuer.bearer("organiser").items()]
    headers += [("Idempotency-Key", key) for key in keys]
    answer = await service.client.post("/boxes", json=BODY, headers=headers)

    assert (422, "urn:corpu:problem:bad-idempotency-key") == (
        answer.status_code,
        answer.json()["type"],
    )
    assert 0 == service.counts.made


async def test_a_false_token_gets_nobodys_answer(service: Served) -> None:
    """Who asks is verified before any kept answer is looked at."""
    await _post(service)

    assert 401 == (await _post(service, token="x")).status_code
    without = await service.client.post("/boxes", json=BODY, headers={"Idempotency-Key": "k"})
    assert 401 == without.status_code


async def test_an_answer_is_for_the_same_person_in_the_same_roles(service: Served) -> None:
    """Who may do less now, or has the same name elsewhere, is judged anew."""
    await _post(service)
    others: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "fewer roles": (("learner",), {}),
        "another node": (("organiser",), {"node": "73"}),
    }
    for roles, claims in others.values():
        answer = await _post(service, token=service.issuer.token(*roles, **claims))

        assert 403 == answer.status_code


async def test_old_answers_are_forgotten(service: Served) -> None:
    """After a week a key is free again."""
    await _post(service)
    works = service.app.state.parts.works
    now = service.clock.now()

    kept = await forget_old_answers(works, now + KEPT_FOR - timedelta(seconds=1))
    gone = await forget_old_answers(works, now + KEPT_FOR + timedelta(seconds=1))

    assert (0, 1) == (kept, gone)


async def test_a_service_that_starts_asks_for_patience() -> None:
    """A key changes nothing about it."""
    async with served() as service:
        service.app.state.parts = None

        assert 503 == (await _post(service)).status_code
