"""Verification by anybody, without a token."""

import base64
import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from services.certification.api.verification import neighbourhood, preferred
from services.certification.papers.words import day, reason, score, span
from shared.events.enrolment import LearnerErased
from shared.federation.retention import Retention
from shared.web.throttle import Throttle
from tests.support.certification import (
    AUTOMATIC,
    COMPLETED,
    PUBLIC_URL,
    Served,
    completed,
    decided,
    enrolled,
    plan,
    recorded,
)
from tests.support.serving import NOW, listening, serving

STORY = (enrolled(), completed(), decided(), recorded())


async def paths(served: Served, client: httpx2.AsyncClient) -> list[str]:
    """Tell where each revision of e1's certificate is verified."""
    shown = (await client.get("/certificates/e1", headers=served.organiser())).json()
    return [each["verify_url"].removeprefix(PUBLIC_URL) for each in shown["revisions"]]


async def sign(served: Served, client: httpx2.AsyncClient) -> None:
    """Sign e1's certificate."""
    body = {"signed_on": "2024-07-12", "signed_by": "Dr. Ratna Dewi"}
    await client.post("/certificates/e1/signature", json=body, headers=served.organiser())


async def test_a_draft_does_not_verify(served: Served, client: httpx2.AsyncClient) -> None:
    """Until it is signed it is not valid, and says so."""
    await served.hear(*STORY)
    (path,) = await paths(served, client)
    told = (await client.get(f"{path}.json")).json()

    assert (told["state"], told["valid"]) == ("draft", False)
    assert "belum ditandatangani" in (await client.get(path)).text


async def test_a_live_certificate_tells_what_was_certified(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """So that whoever holds an edited PDF sees the difference."""
    await served.hear(*STORY)
    await sign(served, client)
    (path,) = await paths(served, client)
    told = (await client.get(f"{path}.json")).json()

    assert (told["state"], told["valid"], told["expired"]) == ("live", True, False)
    assert told["name"] == "Siti Aminah, S.E."
    assert (told["number"], told["jp"], told["final_score"]) == ("35/PKA/2024/00001", 60, 87.0)
    assert told["programme"]["code"] == "PKA"
    assert told["predicate"] == {"code": "memuaskan", "title": "Memuaskan", "title_en": "Very good"}
    assert (told["starts_on"], told["ends_on"], told["issued_on"]) == (
        "2024-03-09",
        "2024-07-11",
        "2024-07-11",
    )
    assert told["signed_on"] == "2024-07-12"
    assert told["verify_url"] == PUBLIC_URL + path
    assert "198501012010012001" not in str(told)


async def test_the_page_says_the_same_in_two_languages(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """By the address, else by what the browser asks for, else in Indonesian."""
    await served.hear(*STORY)
    await sign(served, client)
    (path,) = await paths(served, client)
    indonesian = await client.get(path)
    asked = await client.get(path, headers={"Accept-Language": "en-GB,en;q=0.8,id;q=0.5"})
    chosen = await client.get(f"{path}?lang=en")

    for words in (
        "Berlaku.",
        "Siti Aminah, S.E.",
        "35/PKA/2024/00001",
        "60 JP",
        "87,00",
        "9 Maret 2024",
    ):
        assert words in indonesian.text
    for words in (
        "Valid.",
        "Siti Aminah, S.E.",
        "35/PKA/2024/00001",
        "60 JP",
        "87.00",
        "9 March 2024",
    ):
        assert words in chosen.text
    assert '<html lang="id">' in indonesian.text
    assert chosen.text == asked.text
    assert "198501012010012001" not in indonesian.text


async def test_a_superseded_certificate_leads_to_the_new_one(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """The old paper is not valid, and the page knows the way."""
    await served.hear(*STORY)
    await served.hear(completed(revision=2, scores={"seminar": 95.0, "attitude": 95.0}))
    old, new = await paths(served, client)
    told = (await client.get(f"{old}.json")).json()
    page = (await client.get(old)).text

    assert (told["state"], told["valid"]) == ("superseded", False)
    assert told["superseded_by"] == {"number": "35/PKA/2024/00002", "verify_url": PUBLIC_URL + new}
    assert told["final_score"] == 87.0
    assert f'href="{PUBLIC_URL}{new}"' in page
    assert "koreksi hasil pelatihan" in page
    assert (await client.get(f"{new}.json")).json()["supersedes"] == "35/PKA/2024/00001"


async def test_a_revoked_certificate_tells_the_reason(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """What a person wrote is shown as it is, and is never markup."""
    await served.hear(
        enrolled(), completed(), decided(), recorded(name="<script>alert(1)</script>")
    )
    body = {"reason": "<img src=x onerror=alert(2)>"}
    await client.post("/certificates/e1/revocation", json=body, headers=served.organiser())
    (path,) = await paths(served, client)
    told = (await client.get(f"{path}.json")).json()
    page = (await client.get(path)).text

    assert (told["state"], told["reason"], told["ended_on"]) == (
        "revoked",
        body["reason"],
        "2024-07-20",
    )
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;img src=x" in page


async def test_a_certificate_may_expire(served: Served, client: httpx2.AsyncClient) -> None:
    """It stays genuine and is no longer valid, from the day after its last."""
    await served.hear(enrolled(plan=plan({**AUTOMATIC, "valid_years": 1})), completed())
    (path,) = await paths(served, client)
    served.clock.instant = COMPLETED + timedelta(days=365)
    last_day = (await client.get(f"{path}.json")).json()
    served.clock.instant = COMPLETED + timedelta(days=366)
    day_after = (await client.get(f"{path}.json")).json()

    assert (last_day["valid"], last_day["valid_until"], last_day["name"]) == (
        True,
        "2025-07-10",
        None,
    )
    assert (day_after["state"], day_after["valid"], day_after["expired"]) == ("live", False, True)
    assert "Masa berlaku telah berakhir" in (await client.get(path)).text


async def test_an_unknown_code_is_not_known(served: Served, client: httpx2.AsyncClient) -> None:
    """As a page, and as a problem document for programs."""
    del served
    page = await client.get("/verify/ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    problem = await client.get("/verify/ABCDEFGHIJKLMNOPQRSTUVWXYZ.json")
    by_header = await client.get("/verify/x", headers={"Accept": "application/json"})

    assert (page.status_code, problem.status_code, by_header.status_code) == (404, 404, 404)
    assert "Tidak dikenal" in page.text
    assert problem.json()["type"] == "urn:corpu:problem:unknown-certificate"


async def test_a_link_from_a_messenger_opens(served: Served, client: httpx2.AsyncClient) -> None:
    """What it adds is for others; a program's own address takes nothing that it does not know."""
    await served.hear(*STORY)
    (path,) = await paths(served, client)
    plain = await client.get(f"{path}?lang=en")

    assert plain.text == (await client.get(f"{path}?fbclid=x&lang=en&utm_source=wa")).text
    assert 422 == (await client.get(f"{path}.json?fbclid=x")).status_code


async def test_a_link_may_be_asked_for_its_head_first(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """As messengers and link checkers do: all that a page's answer begins with, and no page."""
    await served.hear(*STORY)
    (path,) = await paths(served, client)
    async with listening(served.app) as address, httpx2.AsyncClient(base_url=address) as public:
        for place in (path, f"{path}.json", "/verify/unknown", "/verify/unknown.json"):
            whole, head = await public.get(place), await public.head(place)
            told = {name: text for name, text in whole.headers.items() if name != "date"}

            assert (whole.status_code, b"") == (head.status_code, head.content)
            assert told == {name: text for name, text in head.headers.items() if name != "date"}


async def test_a_code_is_read_in_capitals_too(served: Served, client: httpx2.AsyncClient) -> None:
    """Somebody may type it."""
    await served.hear(*STORY)
    (path,) = await paths(served, client)
    answer = await client.get("/verify/" + path.removeprefix("/verify/").upper())

    assert answer.status_code == 200


async def test_a_program_gets_json_by_asking_for_it(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """A browser accepts pages too, and gets one."""
    await served.hear(*STORY)
    (path,) = await paths(served, client)
    program = await client.get(path, headers={"Accept": "application/json"})
    browser = await client.get(path, headers={"Accept": "text/html,application/json;q=0.9"})

    assert program.json()["number"] == "35/PKA/2024/00001"
    assert browser.headers["content-type"].startswith("text/html")


async def test_the_page_lets_nothing_in_from_elsewhere(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """Its policy allows its own style, by its hash, and nothing else; it holds no foreign address."""
    await served.hear(*STORY)
    (path,) = await paths(served, client)
    answer = await client.get(path)
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)

    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy
    assert not re.search(r"<script|<link|<img|style=|src=", answer.text)
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_one_address_may_not_ask_without_end() -> None:
    """Beyond the rate it is told to wait."""
    served = Served(CORPU_VERIFY_RATE="2 per hour")
    async with serving(served.app) as client:
        answers = [await client.get(f"/verify/x{ending}") for ending in ("", ".json", "", ".json")]

    assert [answer.status_code for answer in answers] == [404, 404, 429, 429]
    assert answers[3].json()["type"] == "urn:corpu:problem:too-often"
    assert answers[3].headers["retry-after"] == "60"


def test_each_address_is_counted_by_itself() -> None:
    """One that asks too often keeps nobody else from asking."""
    throttle = Throttle("1 per hour")

    assert throttle.admits("10.0.0.1")
    assert not throttle.admits("10.0.0.1")
    assert throttle.admits("10.0.0.2")


@pytest.mark.parametrize(
    ("address", "asker"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("testclient", "unknown"),
    ],
)
def test_a_whole_network_of_one_user_counts_as_one(address: str, asker: str) -> None:
    """Whoever holds a /64 holds more addresses than any memory."""
    assert asker == neighbourhood(address)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "id"),
        ("fr", "id"),
        ("en-GB,en;q=0.8", "en"),
        ("fr,id;q=0.8,en;q=0.5", "id"),
        ("EN", "en"),
    ],
)
def test_the_browser_is_given_its_language(accepted: str, language: str) -> None:
    """The first that we speak, else Indonesian."""
    assert language == preferred(accepted)


def test_dates_scores_and_reasons_in_words() -> None:
    """In both languages; what a person wrote stays as it is."""
    first, last = COMPLETED.date() - timedelta(days=1), COMPLETED.date()

    assert day(last, "id") == "10 Juli 2024"
    assert span(first, last, "en") == "9 July 2024 to 10 July 2024"
    assert span(last, last, "id") == span(None, last, "id") == "10 Juli 2024"
    assert (score(87.0, 2, "id"), score(87.0, 0, "en")) == ("87,00", "87")
    assert reason("withdrawn", "en") == "the learner withdrew"
    assert reason("nama salah", "en") == "nama salah"


async def test_an_erased_holder_is_named_no_more(tmp_path: Path) -> None:
    """The page says so, with the basis on which the rest is kept; the name is sealed and not printed."""
    key = tmp_path / "pseudonym.hex"
    served = Served(CORPU_PSEUDONYM_KEY_FILE=key)
    async with serving(served.app) as client:
        await served.hear(*STORY)
        await sign(served, client)
        (path,) = await paths(served, client)
        await served.hear(LearnerErased(learner_id="l1", at=NOW))
        await served.hear(recorded(version=2))

        told = (await client.get(f"{path}.json")).json()
        page = (await client.get(f"{path}?lang=en")).text
        printed = await client.get("/certificates/e1/pdf", headers=served.organiser())

    assert (True, None, True) == (told["valid"], told["name"], told["erased"])
    assert "erased at the holder" in page
    assert told["retention_basis"] in page
    assert (409, "urn:corpu:problem:holder-erased") == (printed.status_code, printed.json()["type"])
    kept = served.engine.stores["certification"].snapshot()["cards"]["l1"]
    assert "Siti" not in repr(kept)
    opened = [Retention("35", None, key).open(each["sealed"]) for each in kept["names"]]
    assert ["Siti Aminah, S.E."] * 2 == [json.loads(each)["name"] for each in opened]


async def test_whom_nothing_was_certified_leaves_no_name(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """Where there is no certificate there is nothing to keep, not even sealed."""
    await served.hear(recorded(), LearnerErased(learner_id="l1", at=NOW))
    assert 404 == (await client.get("/verify/unknown.json")).status_code

    (named,) = served.engine.stores["certification"].snapshot()["cards"]["l1"]["names"]

    assert ("", "", "") == (named["name"], named["nip"], named["sealed"])
