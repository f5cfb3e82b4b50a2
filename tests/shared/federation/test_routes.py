"""Operators see how peers stand, and carry copies as a file where no link does."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shared.federation.keys import Card, read_cards, write_cards
from shared.kernel.clock import SetClock
from shared.web.parts import Parts
from shared.web.service import create_service
from shared.web.settings import ServiceSettings
from tests.shared.federation.conftest import Opened, blueprint
from tests.support.federation import Province, provinces
from tests.support.serving import AUDIENCE, ISSUER, Issuer, MemoryEngine, serving


async def no_rows(*_: object) -> list[dict[str, Any]]:
    """Tell no audit rows."""
    return []


@dataclass
class Served:
    """One province's service behind HTTP."""

    opened: Opened
    http: httpx2.AsyncClient
    operator: dict[str, str]

    async def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Ask as the operator."""
        return (await self.http.get(path, headers=self.operator)).raise_for_status().json()

    async def copies_for(self, to: str) -> list[dict[str, Any]]:
        """Export every copy for a node."""
        found, after = [], ""
        while after is not None:
            page = await self.get(f"/operations/shares?to={to}&after={after}")
            found += page["copies"]
            after = page["next"]
        return found

    async def hand_over(self, node: str, copies: list[dict[str, Any]]) -> httpx2.Response:
        """Import copies of a node."""
        return await self.http.post(
            "/operations/copies", headers=self.operator, json={"node": node, "copies": copies}
        )


@pytest.fixture
async def served(tmp_path: Path, now: SetClock) -> AsyncIterator[tuple[Served, Served]]:
    """Serve Jatim and Kalteng."""
    issuer, found = Issuer(now), []
    async with AsyncExitStack() as stack:
        for province in provinces(tmp_path, "35", "62"):
            settings = province.settings(
                ServiceSettings, CORPU_ISSUER=ISSUER, CORPU_AUDIENCE=AUDIENCE
            )
            app = create_service(
                blueprint(), (), no_rows, settings=settings, engine=province.engine, clock=now,
                keys=issuer,
            )  # fmt: skip
            http = await stack.enter_async_context(serving(app))
            parts: Parts[Any] = app.state.parts
            operator = issuer.bearer("operator", node=province.node)
            found.append(Served(Opened(province, parts), http, operator))
        host, home = found
        await home.opened.label()
        yield host, home


Both = tuple[Served, Served]


async def test_the_card_is_shown_to_everybody(served: Both) -> None:
    """Anybody can fetch a node's card, which holds public keys only."""
    host, _ = served

    card = Card.model_validate((await host.http.get("/.well-known/corpu.json")).json())

    assert (card.node, card.name) == ("35", "Jawa Timur")
    assert all("d" not in key for key in card.keys)


async def test_copies_as_a_file_come_to_the_same(served: Both) -> None:
    """What a file carries is accepted as the link's copies are, and counts once however often it comes."""
    host, home = served
    await host.opened.free(1, 1, 2)
    copies = await host.copies_for("62")

    first = (await home.hand_over("35", copies)).json()
    again = (await home.hand_over("35", copies)).json()

    assert first == {"accepted": 3, "repeated": 0, "parked": 0}
    assert again == {"accepted": 0, "repeated": 3, "parked": 0}
    assert (await home.opened.box()).count == 3


async def test_an_altered_file_is_parked(served: Both) -> None:
    """A copy that was touched on its way is parked, the others are taken."""
    host, home = served
    await host.opened.free(1, 2)
    copies = await host.copies_for("62")
    copies[0]["value"] = copies[0]["value"].replace("e1", "e9").replace("e2", "e9")

    told = (await home.hand_over("35", copies)).json()

    assert (told["accepted"], told["parked"]) == (1, 1)
    assert [each.reason for each in await home.opened.parked()] == ["bad-signature"]


async def test_a_file_from_somebody_else_is_parked(served: Both) -> None:
    """Copies that another hands over than who made them are not believed."""
    host, home = served
    await host.opened.free(1)

    told = (await home.hand_over("12", await host.copies_for("62"))).json()

    assert told["accepted"] == 0
    assert {each.reason for each in await home.opened.parked()} == {"wrong-prefix"}


async def test_an_unknown_region_hands_nothing_over(served: Both) -> None:
    """A code that names no region is refused before anything is read."""
    _, home = served

    answer = await home.hand_over("00", [])

    assert answer.status_code == 404
    assert answer.json()["type"].endswith("unknown-peer")


async def test_peers_are_told_with_how_they_stand(served: Both) -> None:
    """The operator sees each peer with what was accepted and repeated, and how its services stand."""
    host, home = served
    await host.opened.free(1)
    await home.hand_over("35", await host.copies_for("62"))

    (peer,) = await home.get("/operations/peers")

    assert (peer["node"], peer["name"], peer["accepted"]) == ("35", "Jawa Timur", 1)
    assert [(each["source"], each["gaps"], each["alarm"]) for each in peer["sources"]] == [
        ("35/enrolment/62", 0, "")
    ]


async def test_an_alarm_can_be_acknowledged(served: Both) -> None:
    """Acknowledging is the operator's; it answers with nothing."""
    _, home = served
    path = "/operations/peers/35/acknowledgement"

    assert (await home.http.post(path, headers=home.operator)).status_code == 204
    assert (await home.http.post(path)).status_code == 401


async def test_an_alarm_about_a_node_that_is_no_peer_is_not_acknowledged(served: Both) -> None:
    """Whoever mistypes the code must not think that somebody has looked."""
    _, home = served
    answer = await home.http.post("/operations/peers/36/acknowledgement", headers=home.operator)

    assert (404, "urn:corpu:problem:unknown-peer") == (answer.status_code, answer.json()["type"])


async def test_a_node_without_keys_says_so(now: SetClock) -> None:
    """A node that was never introduced to others shares nothing and says what to do."""
    issuer = Issuer(now)
    settings = ServiceSettings.model_validate(
        {"CORPU_NODE": "35", "CORPU_ISSUER": ISSUER, "CORPU_AUDIENCE": AUDIENCE}
    )
    app = create_service(
        blueprint(), (), no_rows, settings=settings, engine=MemoryEngine(), clock=now, keys=issuer
    )
    async with serving(app) as http:
        answer = await http.get("/operations/peers", headers=issuer.bearer("operator"))

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("not-sharing")


async def test_a_peers_file_that_is_broken_is_refused_whole(tmp_path: Path) -> None:
    """A file that is no list of cards is refused whole; a card with a private key is none."""
    province: Province = provinces(tmp_path, "35")[0]
    card = province.keys.card("Jawa Timur")
    private = {**card.keys[0], "d": "secret"}

    for text in ("{}", "nonsense", "[1]", "[{}]"):
        with pytest.raises(ValueError, match=r"card|JSON|Expecting"):
            read_cards(text)
    with pytest.raises(ValueError, match="public keys only"):
        Card(node="35", name="x", keys=(private, card.keys[1]))

    assert read_cards(write_cards([card])) == {"35": card}
    assert replace(province.keys, node="62").card("x").node == "62"
