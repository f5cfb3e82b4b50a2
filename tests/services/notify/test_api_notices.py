"""What became of notices, for those who run a cohort, the node or an audit."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from services.notify.domain.notices import notice_id
from tests.support import notify as say
from tests.support.notify import AYU, BAGUS, COHORT
from tests.support.notify_desk import MemoryLetters, Node, node
from tests.support.serving import clock, serving

TYPES = [
    "waitlisted", "nomination_refused", "enrolled", "withdrawn", "rescheduled", "phase_completed",
    "programme_completed", "phase_at_risk", "graduation_decided", "certified",
    "certificate_signed", "certificate_superseded", "certificate_revoked",
]  # fmt: skip


@pytest.fixture
def notify() -> Node:
    """Give notify, with nothing heard and no mail server."""
    return node(clock())


@pytest.fixture
async def client(notify: Node) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of it."""
    async with serving(notify.app) as client:
        yield client


async def test_an_organiser_sees_how_many_were_told(
    client: httpx2.AsyncClient, notify: Node
) -> None:
    """By type, of one cohort or of all."""
    await notify.hear(*say.each_once(AYU), *say.each_once(BAGUS), *say.each_once(AYU, "other"))
    headers = notify.issuer.bearer("organiser")

    one = (await client.get("/notices/summary", params={"cohort": COHORT}, headers=headers)).json()
    whole = (await client.get("/notices/summary", headers=headers)).json()

    assert dict.fromkeys(TYPES, 2) == one["notices"]
    assert (26, 39, 0) == (one["total"], whole["total"], one["undelivered"])


async def test_an_agencys_organiser_sees_its_own_figures(
    client: httpx2.AsyncClient, notify: Node
) -> None:
    """Another agency's organiser counts nothing of them."""
    await notify.hear(*say.each_once())
    totals = [
        (await client.get("/notices/summary", headers=headers)).json()["total"]
        for headers in (
            notify.issuer.bearer("organiser", agency=say.AGENCY),
            notify.issuer.bearer("organiser", agency="35.72"),
        )
    ]

    assert [13, 0] == totals


async def test_letters_that_failed_are_listed_and_tried_again() -> None:
    """An operator sees the reason, and lets a letter go again once it is mended."""
    notify = node(clock(), letters := MemoryLetters())
    fact = say.certified()
    headers = notify.issuer.bearer("operator")
    async with serving(notify.app) as client:
        await notify.hear(say.card(email=""), fact)
        failed = await until_undelivered(client, headers)
        everywhere = await client.get("/notices/undelivered", headers=headers)
        await notify.hear(say.card(version=2))
        again = await client.post(f"/notices/{notice_id(fact)}/mail", headers=headers)
        await notify.app.state.parts.works.relay.sweep()
        while not letters.taken:
            await until_undelivered(client, headers, count=0)

    assert 1 == len(everywhere.json()["items"])
    assert [("no-address", COHORT)] == [(each["reason"], each["cohort_id"]) for each in failed]
    assert (202, "pending", "") == (
        again.status_code,
        again.json()["mail"],
        again.json()["reason"],
    )


async def until_undelivered(
    client: httpx2.AsyncClient, headers: dict[str, str], count: int = 1
) -> list[dict[str, Any]]:
    """Wait until so many letters have failed."""
    while True:
        answer = await client.get(
            "/notices/undelivered", params={"cohort": COHORT}, headers=headers
        )
        items: list[dict[str, Any]] = answer.json()["items"]
        if len(items) == count:
            return items


async def test_learners_see_no_figures(client: httpx2.AsyncClient, notify: Node) -> None:
    """These are for who runs a cohort or the node."""
    answers = [
        await client.get(path, headers=notify.learner())
        for path in ("/notices/summary", "/notices/undelivered")
    ]

    assert [403, 403] == [answer.status_code for answer in answers]


async def test_an_audit_finds_each_certificates_notice(
    client: httpx2.AsyncClient, notify: Node
) -> None:
    """Rows come in id order, page by page, and name the certificate where there is one."""
    await notify.hear(*say.each_once())
    rows: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        asked = {"after": after, "limit": "5"}
        headers = notify.issuer.bearer("auditor")
        page = (await client.get("/operations/audit", params=asked, headers=headers)).json()
        rows += page["items"]
        after = page["next"]

    assert sorted(row["id"] for row in rows) == [row["id"] for row in rows]
    assert set(TYPES) == {row["type"] for row in rows}
    (row,) = (row for row in rows if row["type"] == "certified")
    fact = say.certified()
    assert {
        "id": notice_id(fact),
        "learner_id": AYU,
        "type": "certified",
        "enrolment_id": fact.enrolment_id,
        "subject_number": "35/2024/PKA/00001",
    } == row
    assert 4 == sum("subject_number" in row for row in rows)


async def test_every_route_says_who_may_use_it(client: httpx2.AsyncClient) -> None:
    """Without a token, every route but the public ones answers 401."""
    document = (await client.get("/openapi.json")).json()
    asked = [
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if path not in {"/livez", "/readyz", "/.well-known/corpu.json"}
    ]
    statuses = {(await client.request(method, path)).status_code for method, path in asked}

    assert len(asked) > 10
    assert {401} == statuses
