"""The inbox and preferences, as people ask for them."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from services.notify.domain.notices import notice_id
from tests.support import notify as say
from tests.support.notify import AYU, BAGUS
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


async def test_the_inbox_is_read_newest_first(notify: Node, client: httpx2.AsyncClient) -> None:
    """Every fact about the person is there, in words, and nobody else's is."""
    await notify.hear(*say.each_once(AYU), *say.each_once(BAGUS))

    answer = (await client.get("/inbox", headers=notify.learner())).json()

    assert TYPES[::-1] == [item["type"] for item in answer["items"]]
    assert answer["next"] is None
    first = answer["items"][0]
    assert "Sertifikat dicabut: 35/2024/PKA/00001" == first["subject"]
    assert "Alasan: terbit karena kekeliruan" in first["text"]
    assert ("2024-07-12T02:27:00Z", True, "id") == (first["at"], first["unread"], first["language"])


async def test_the_inbox_comes_in_pages(notify: Node, client: httpx2.AsyncClient) -> None:
    """Each page goes on where the one before ended, until there is none."""
    await notify.hear(*say.each_once())
    seen, after = [], ""
    while True:
        asked = {"limit": "5", "after": after}
        page = (await client.get("/inbox", params=asked, headers=notify.learner())).json()
        seen.append([item["type"] for item in page["items"]])
        if page["next"] is None:
            break
        after = page["next"]

    assert [TYPES[:-6:-1], TYPES[-6:-11:-1], TYPES[2::-1]] == seen


async def test_reading_a_notice_makes_it_read(notify: Node, client: httpx2.AsyncClient) -> None:
    """It leaves the unread ones and joins the read ones, once."""
    facts = say.each_once()
    await notify.hear(*facts)
    key, headers = notice_id(facts[2]), notify.learner()

    once = await client.post(f"/inbox/{key}/read", headers=headers)
    twice = await client.post(f"/inbox/{key}/read", headers=headers)
    unread = await client.get("/inbox", params={"unread": "true"}, headers=headers)
    read = await client.get("/inbox", params={"unread": "false"}, headers=headers)

    assert [{"unread": 12}] * 2 == [once.json(), twice.json()]
    assert 12 == len(unread.json()["items"])
    assert [key] == [item["id"] for item in read.json()["items"]]


async def test_everything_is_read_at_once(notify: Node, client: httpx2.AsyncClient) -> None:
    """Also more than one write takes, and only the person's own."""
    mine = [fact for n in range(20) for fact in say.each_once(AYU, f"cohort-{n}")]
    await notify.hear(*mine, *say.each_once(BAGUS))
    before = await client.get("/inbox/unread", headers=notify.learner())

    after = await client.post("/inbox/read-all", headers=notify.learner())
    others = await client.get("/inbox/unread", headers=notify.learner(BAGUS))

    assert {"unread": 260} == before.json()
    assert {"unread": 0} == after.json()
    assert {"unread": 13} == others.json()


async def test_a_notice_is_shown_in_the_language_asked_for(
    notify: Node, client: httpx2.AsyncClient
) -> None:
    """The one asked for goes before the chosen one, and that before the card's."""
    fact = say.certified()
    await notify.hear(say.card(language="en"), fact)
    path, headers = f"/inbox/{notice_id(fact)}", notify.learner()

    of_the_card = await client.get(path, headers=headers)
    choice = {"inbox": True, "email": True, "language": "id"}
    await client.put("/preferences", json=choice, headers=headers)
    chosen = await client.get(path, headers=headers)
    asked = await client.get(path, params={"language": "en"}, headers=headers)

    assert ["en", "id", "en"] == [each.json()["language"] for each in (of_the_card, chosen, asked)]
    assert "Certificate issued: Leadership for Administrators" == asked.json()["subject"]
    assert say.URL == asked.json()["words"]["verify_url"]


async def test_anothers_notice_does_not_exist(notify: Node, client: httpx2.AsyncClient) -> None:
    """Neither to see nor to mark."""
    fact = say.certified(BAGUS)
    await notify.hear(fact)

    seen = await client.get(f"/inbox/{notice_id(fact)}", headers=notify.learner())
    marked = await client.post(f"/inbox/{notice_id(fact)}/read", headers=notify.learner())

    assert [404, 404] == [seen.status_code, marked.status_code]
    assert "urn:corpu:problem:unknown-notices" == seen.json()["type"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/inbox"), ("GET", "/inbox/unread"), ("GET", "/inbox/x"), ("POST", "/inbox/x/read"),
        ("POST", "/inbox/read-all"), ("GET", "/inbox/stream"), ("GET", "/preferences"),
    ],
)  # fmt: skip
async def test_only_learners_have_an_inbox(
    method: str, path: str, notify: Node, client: httpx2.AsyncClient
) -> None:
    """No token, another role, and a learner without an id are each told so."""
    nobody = await client.request(method, path)
    organiser = await client.request(method, path, headers=notify.issuer.bearer("organiser"))
    nameless = await client.request(method, path, headers=notify.issuer.bearer("learner"))

    assert [401, 403, 403] == [each.status_code for each in (nobody, organiser, nameless)]
    assert "urn:corpu:problem:no-learner" == nameless.json()["type"]


async def test_a_guest_reads_their_own_inbox_here(notify: Node, client: httpx2.AsyncClient) -> None:
    """A learner of another node finds what this node told them."""
    await notify.hear(say.enrolled())

    answer = await client.get("/inbox/unread", headers=notify.learner(node="62"))

    assert {"unread": 1} == answer.json()


# preferences


async def test_who_never_chose_is_told_everywhere(client: httpx2.AsyncClient, notify: Node) -> None:
    """Inbox and e-mail by default; the answer tells which of them the node has."""
    answer = await client.get("/preferences", headers=notify.learner())

    default = {"inbox": True, "email": True, "language": None, "available": ["inbox"]}
    assert default == answer.json()


async def test_a_node_with_a_mail_server_offers_e_mail() -> None:
    """Both channels are there to choose from."""
    notify = node(clock(), MemoryLetters())
    async with serving(notify.app) as client:
        answer = await client.get("/preferences", headers=notify.learner())

    assert ["inbox", "email"] == answer.json()["available"]


async def test_a_choice_holds_for_oneself_only(client: httpx2.AsyncClient, notify: Node) -> None:
    """What Ayu chose changes nothing for Bagus."""
    choice = {"inbox": False, "email": False, "language": "en"}

    put = await client.put("/preferences", json=choice, headers=notify.learner())
    again = await client.get("/preferences", headers=notify.learner())
    other = await client.get("/preferences", headers=notify.learner(BAGUS))

    assert {**choice, "available": ["inbox"]} == put.json()
    assert put.json() == again.json()
    assert other.json()["inbox"]


async def test_without_the_inbox_nothing_counts_as_unread(
    client: httpx2.AsyncClient, notify: Node
) -> None:
    """The record stays, and comes back as unread with the inbox."""
    await notify.hear(*say.each_once())
    headers = notify.learner()
    counts = []
    for inbox in (False, True):
        await client.put("/preferences", json={"inbox": inbox, "email": True}, headers=headers)
        counts.append((await client.get("/inbox/unread", headers=headers)).json()["unread"])
    listed = (await client.get("/inbox", headers=headers)).json()["items"]

    assert [0, 13] == counts
    assert 13 == len(listed)


@pytest.mark.parametrize(
    "choice",
    [
        {}, {"inbox": True}, {"inbox": True, "email": True, "language": "jv"},
        {"inbox": True, "email": True, "fax": True}, {"inbox": "perhaps", "email": True}, [],
    ],
)  # fmt: skip
async def test_a_choice_that_is_none_is_refused(
    choice: object, client: httpx2.AsyncClient, notify: Node
) -> None:
    """As a problem document, and nothing is kept."""
    answer = await client.put("/preferences", json=choice, headers=notify.learner())

    assert 422 == answer.status_code
    assert "urn:corpu:problem:invalid-request" == answer.json()["type"]
    assert {} == notify.engine.stores["notify"].snapshot().get("preferences", {})
