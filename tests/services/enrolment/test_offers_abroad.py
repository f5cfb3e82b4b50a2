"""Offers as another node hears of them: listed, taken back, and programmes adopted from them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio

from services.enrolment.domain.cohort import Cohort, CohortDraft
from services.enrolment.domain.programme import ProgrammeDraft
from shared.events.offers import ProgrammeOffered
from tests.support.copies import tell_abroad
from tests.support.enrolment import (
    COURSE,
    LATER,
    NOW,
    SESSIONS,
    Served,
    changed,
    cohort_body,
    served_at,
)
from tests.support.federation import Province, mirror, provinces

AGREEMENT: dict[str, Any] = {
    "number": "119/041/PKS/2024",
    "parties": [{"node": "35"}, {"node": "62"}],
    "valid_from": "2024-01-01",
    "valid_until": "2024-12-31",
    "legal_basis": "UU 27/2022",
    "purpose": "Pelatihan ASN",
}


def _offered(number: int, *, later: int = 0, **changes: object) -> ProgrammeOffered:
    told = {
        "at": NOW + timedelta(minutes=number + later), "node": "35", "code": "DUA", "version": 1,
        "offer": number, "syllabus": COURSE,
    }  # fmt: skip
    return ProgrammeOffered.model_validate({**told, **changes})


@dataclass(frozen=True)
class Two:
    """Two nodes, each with its enrolment served, and a mirror between them."""

    jatim: Province
    kalteng: Province
    host: Served
    home: Served

    async def mirror(self, *, from_zero: bool = False) -> None:
        """Bring to the one what the other shares, and let it be heard."""
        await self.host.settled()
        await self.jatim.engine.bus.quiet()
        await self.host.settled()
        mirror(self.jatim, self.kalteng, from_zero=from_zero)
        await self.kalteng.engine.bus.quiet()

    async def offers(self, kind: str, query: str = "") -> list[dict[str, Any]]:
        """List what the home has heard of."""
        listed: list[dict[str, Any]] = (
            await self.home.ask("GET", f"/offers/{kind}{query}", "learner")
        ).json()["items"]
        return listed


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Serve enrolment at East Java and Central Kalimantan."""
    jatim, kalteng = provinces(tmp_path, "35", "62")
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(served_at(jatim))
        home = await stack.enter_async_context(served_at(kalteng))
        yield Two(jatim, kalteng, host, home)


async def _sound(answers: Sequence[httpx2.Response]) -> None:
    for each in answers:
        assert each.status_code < 300, each.text


async def _begin(two: Two) -> None:
    until = {"nominations_until": "2024-08-31", "seats_for_guests": 1, "agreements": ["pks"]}
    await _sound(
        [
            await two.host.ask("PUT", "/agreements/pks", json=AGREEMENT),
            await two.host.ask("PUT", "/programmes/DUA/1", json=COURSE),
            await two.host.ask("POST", "/programmes/DUA/1/publication"),
            await two.host.ask("POST", "/programmes/DUA/1/offer"),
            await two.host.ask("PUT", "/cohorts/dua-i", json=cohort_body()),
            await two.host.ask("POST", "/cohorts/dua-i/opening"),
            await two.host.ask("POST", "/cohorts/dua-i/offer", json=until),
        ]
    )
    await two.mirror()


async def test_offers_reach_the_other_node(two: Two) -> None:
    """The whole syllabus, and what there is to know of the cohort; mirrored again nothing changes."""
    await _begin(two)
    programmes, cohorts = await two.offers("programmes"), await two.offers("cohorts")
    await two.mirror(from_zero=True)
    shown = (await two.host.ask("GET", "/cohorts/dua-i")).json()

    assert [("35/DUA.1", "35", True)] == [(e["id"], e["node"], e["open"]) for e in programmes]
    assert ProgrammeDraft.model_validate(COURSE) == ProgrammeDraft.model_validate(
        programmes[0]["syllabus"]
    )
    assert [("35/dua-i", 1, ["119/041/PKS/2024"], "2024-08-31", 50, ["administrator", "pengawas"])] == [
        (
            e["id"], e["seats_for_guests"], e["agreements"], e["nominations_until"], e["jp"],
            e["eligible"]["position_levels"],
        )
        for e in cohorts
    ]  # fmt: skip
    assert (programmes, cohorts) == (await two.offers("programmes"), await two.offers("cohorts"))
    assert [] == await two.offers("programmes", "?node=31")
    assert 1 == len(await two.offers("cohorts", "?node=35"))
    assert {"number": 1, "open": True, "nominations_until": "2024-08-31", "seats_for_guests": 1,
            "agreements": ["pks"]} == shown["offer"]  # fmt: skip


async def test_what_is_taken_back_is_offered_no_longer(two: Two) -> None:
    """It is listed to whoever asks for it, and can be adopted no more."""
    await _begin(two)
    await _sound(
        [
            await two.host.ask("DELETE", "/programmes/DUA/1/offer"),
            await two.host.ask("DELETE", "/cohorts/dua-i/offer"),
        ]
    )
    await two.mirror()
    adoption = {"node": "35", "code": "DUA", "version": 1}
    refused = await two.home.ask("POST", "/programmes/adoption", json=adoption)

    assert ([], []) == (await two.offers("programmes"), await two.offers("cohorts"))
    assert [(2, None)] == [
        (each["offer"], each["syllabus"])
        for each in await two.offers("programmes", "?taken_back=true")
    ]
    assert (409, "offer-withdrawn") == (
        refused.status_code,
        refused.json()["type"].rpartition(":")[2].rpartition("/")[2],
    )


async def test_new_dates_of_an_offered_cohort_arrive(two: Two) -> None:
    """Whoever prepares nominations sees them without asking."""
    await _begin(two)
    await two.host.ask(
        "PUT", "/cohorts/dua-i/calendar", json={"calendar": LATER, "sessions": SESSIONS}
    )
    await two.mirror()

    offered = (await two.offers("cohorts"))[0]
    assert (2, 2, "2024-05-01") == (
        offered["offer"],
        offered["calendar_version"],
        offered["calendar"][0]["periods"][0]["starts"],
    )


async def test_an_adopted_programme_cites_its_origin(two: Two) -> None:
    """As a draft of one's own, which may change until it is published; a second time is the same."""
    await _begin(two)
    adoption = {"node": "35", "code": "DUA", "version": 1, "as_version": 3}
    adopted = await two.home.ask("POST", "/programmes/adoption", json=adoption)
    body = changed(COURSE, title="Pelatihan Dua Fase Kalteng")
    await _sound([adopted, await two.home.ask("PUT", "/programmes/DUA/3", json=body)])
    again = await two.home.ask("POST", "/programmes/adoption", json=adoption)
    await _sound([await two.home.ask("POST", "/programmes/DUA/3/publication")])
    shown = (await two.home.ask("GET", "/programmes/DUA/3", "learner")).json()
    taken = changed(COURSE, title="x")
    await _sound([await two.home.ask("PUT", "/programmes/DUA/4", json=taken)])
    refused = [
        await two.home.ask("POST", "/programmes/adoption", json={**adoption, **other})
        for other in ({"as_version": 4}, {"code": "NONE"}, {"node": "00"}, {"version": 0})
    ]

    origin = {"node": "35", "code": "DUA", "version": 1}
    assert (origin, "draft", "") == tuple(
        adopted.json()[name] for name in ("origin", "status", "owner")
    )
    assert (201, "Pelatihan Dua Fase Kalteng") == (again.status_code, again.json()["title"])
    assert (origin, "published") == (shown["origin"], shown["status"])
    assert [409, 404, 422, 422] == [each.status_code for each in refused]


async def test_a_cohort_of_an_adopted_programme_says_so_in_its_plan(two: Two) -> None:
    """So that the certificate can cite it; offered on, the programme keeps its origin."""
    await _begin(two)
    adoption = {"node": "35", "code": "DUA", "version": 1}
    await _sound(
        [
            await two.home.ask("POST", "/programmes/adoption", json=adoption),
            await two.home.ask("POST", "/programmes/DUA/1/publication"),
            await two.home.ask("POST", "/programmes/DUA/1/offer"),
        ]
    )
    work = two.home.app.state.parts.works.open()
    programme = await work.programmes.get("DUA.1")
    draft = CohortDraft.model_validate(cohort_body())
    plan = Cohort("k").write(draft, owner="", host_node="62").open(programme).plan(programme)

    assert plan.origin == programme.origin
    assert ("35", "DUA") == (plan.origin.node, plan.origin.code) if plan.origin else False
    await two.home.settled()
    told = [each.fact() for each in two.kalteng.engine.bus.messages("enrolment")]
    assert {programme.origin} == {e.origin for e in told if isinstance(e, ProgrammeOffered)}


async def test_a_node_offers_only_its_own(two: Two) -> None:
    """What a peer tells in another's name is parked."""
    lie = _offered(9, node="33")
    await tell_abroad(two.jatim, two.kalteng, lie, _offered(1))

    parked = two.home.engine.stores["enrolment"].snapshot()["parked"]
    assert ["not-the-senders"] == [each["reason"] for each in parked.values()]
    assert ["35/DUA.1"] == [each["id"] for each in await two.offers("programmes")]


async def test_an_offer_needs_agreements_that_hold(two: Two) -> None:
    """One that is named must be recorded, in force and about the programme."""
    await _begin(two)
    other = changed(AGREEMENT, programmes=["PKP"], number="2")
    over = changed(AGREEMENT, valid_until="2024-06-30", number="3")
    await _sound(
        [
            await two.host.ask("PUT", "/agreements/other", json=other),
            await two.host.ask("PUT", "/agreements/over", json=over),
        ]
    )
    answers = [
        await two.host.ask(
            "POST", "/cohorts/dua-i/offer",
            json={"nominations_until": "2024-08-31", "agreements": [name]},
        )
        for name in ("other", "over", "none")
    ]  # fmt: skip

    assert [
        (422, "programme-not-covered"), (422, "agreement-expired"), (422, "no-agreement"),
    ] == [(each.status_code, each.json()["type"].split("/")[-1].split(":")[-1]) for each in answers]  # fmt: skip
