"""Notices across provinces: the home tells its people and their agency, the host tells no guest."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.notify.domain.wording import PHRASES, report
from shared.bus.parking import PARKED
from shared.events.fact import Fact
from tests.support import notify as say
from tests.support.copies import tell_abroad
from tests.support.federation import Province, provinces
from tests.support.notify import AYU, BAGUS
from tests.support.notify_desk import Node, node
from tests.support.serving import clock, serving

_KOTA = "62.71"


@dataclass
class Place:
    """One province's notify with a client of it."""

    province: Province
    notify: Node
    client: httpx2.AsyncClient

    async def ask(self, path: str, *roles: str, **claims: object) -> httpx2.Response:
        """Ask as somebody of this node."""
        bearer = self.notify.issuer.bearer(*roles, **{"node": self.province.node, **claims})
        return await self.client.get(path, headers=bearer)

    async def inbox(self, learner: str = AYU) -> list[Any]:
        """Read somebody's inbox."""
        found: list[Any] = (await self.ask("/inbox", "learner", learner_id=learner)).json()["items"]
        return found

    async def parked(self) -> list[str]:
        """Tell why copies were parked."""
        found = await self.province.engine.stores["notify"].find(PARKED, {"status": "parked"})
        return sorted(each["reason"] for each in found)


@dataclass
class Two:
    """Jatim (35), the host, and Kalteng (62), the home of its guests."""

    host: Place
    home: Place

    async def told(self, *facts: Fact) -> None:
        """Have the host's services state facts, at home and abroad."""
        await self.host.notify.hear(*facts)
        await tell_abroad(self.host.province, self.home.province, *facts)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two provinces; Ayu of Kalteng is a guest at Jatim."""
    async with AsyncExitStack() as stack:
        places = []
        for province in provinces(tmp_path, "35", "62"):
            notify = node(clock(), province=province)
            client = await stack.enter_async_context(serving(notify.app))
            places.append(Place(province, notify, client))
        host, home = places
        await home.notify.hear(say.card(agency=_KOTA))
        await host.notify.hear(say.card(agency=_KOTA, home_node="62"))
        yield Two(host, home)


def _guests(*facts: Fact, home: str = "62") -> list[Any]:
    about = {"home_node": home, "agency": _KOTA}
    return [each.model_copy(update=about) for each in facts]


async def test_a_guest_is_told_at_home_and_only_there(two: Two) -> None:
    """Everything that concerns a person, once."""
    facts = _guests(*say.each_once())
    await two.told(*facts, *facts)

    assert len(facts) == len(await two.home.inbox())
    assert [] == await two.host.inbox()
    summary = (await two.host.ask("/notices/summary", "organiser")).json()
    assert 0 == summary["total"]


async def test_the_home_agency_reads_what_became_of_its_people(two: Two) -> None:
    """By name, newest first; another agency reads nothing of it, and what was seen stays unread for the person."""
    await two.told(*_guests(*say.each_once()))
    path = f"/agencies/{_KOTA}/notices"

    found = (await two.home.ask(path, "nominator", agency=_KOTA)).json()["items"]
    assert ("Ayu Lestari, S.Sos.", "certificate_revoked") == (found[0]["name"], found[0]["type"])
    assert "Sertifikat nomor 35/2024/PKA/00001 dicabut" in found[0]["text"]
    english = (await two.home.ask(f"{path}?language=en&limit=1", "endorser", agency=_KOTA)).json()
    assert "Certificate number" in english["items"][0]["text"]
    older = (await two.home.ask(f"{path}?after={english['next']}", "organiser")).json()
    assert len(found) - 1 == len(older["items"])
    assert [] == (await two.home.ask(path, "nominator", agency="62.72")).json()["items"]

    bearer = two.home.notify.issuer.bearer("nominator", node="62", agency=_KOTA)
    body = {"ids": [found[0]["id"], found[1]["id"]]}
    marked = await two.home.client.post(f"{path}/seen", json=body, headers=bearer)
    assert {"seen": 2} == marked.json()
    digest = (await two.home.ask(f"{path}/digest", "nominator", agency=_KOTA)).json()
    assert (13, 11, 1) == (digest["total"], digest["unseen"], digest["notices"]["certified"])
    unseen = (await two.home.ask(f"{path}?seen=false", "nominator", agency=_KOTA)).json()["items"]
    assert found[2:] == unseen
    seen = (await two.home.ask(f"{path}?seen=true", "nominator", agency=_KOTA)).json()["items"]
    assert 2 == len(seen)
    assert all(each["unread"] for each in await two.home.inbox())
    elsewhere = await two.home.client.post(
        "/agencies/62.72/notices/seen",
        json=body,
        headers=two.home.notify.issuer.bearer("organiser", node="62"),
    )
    assert {"seen": 0} == elsewhere.json()


async def test_a_node_speaks_of_its_own_cohorts_only(two: Two) -> None:
    """What it says of another's is parked, and of its own people it need not tell us."""
    (strange,) = _guests(say.enrolled())
    await tell_abroad(
        two.host.province,
        two.home.province,
        strange.model_copy(update={"enrolment_id": "of another"}),
        *_guests(say.withdrawn(BAGUS), home="35"),
        *_guests(say.withdrawn(BAGUS)),
    )

    assert ["not-their-enrolment", "unknown-learner"] == await two.home.parked()
    assert [] == await two.home.inbox(BAGUS)


async def test_who_was_ours_once_stays_known(two: Two) -> None:
    """What a host tells the old home after a move is kept for the person, whichever card came first."""
    cards = [say.card(BAGUS), say.card(BAGUS, version=2, home_node="35")]
    await two.home.notify.hear(*reversed(cards))
    await tell_abroad(two.host.province, two.home.province, *_guests(say.withdrawn(BAGUS)))

    assert [] == await two.home.parked()
    assert 1 == len(await two.home.inbox(BAGUS))


@pytest.mark.parametrize("language", ["id", "en"])
def test_an_agency_reads_every_notice_in_both_languages(language: Any) -> None:  # noqa: ANN401
    """Every template has its line."""
    phrases = PHRASES[language]

    assert phrases.templates.keys() == phrases.desk.keys()
    words = {"cohort": "PKA II", "reasons": ["no-seat"]}
    assert phrases.reasons["no-seat"] in report("nomination_refused", words, language)
