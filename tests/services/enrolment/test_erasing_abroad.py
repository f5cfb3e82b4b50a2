"""Erasure between nodes: the home orders, the host follows, and nothing of before comes back."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.enrolment.handlers.erasing import heed_order
from services.enrolment.handlers.finishing import finish_erasures
from services.enrolment.handlers.guests import take_nomination
from services.enrolment.handlers.moving import receive_move
from services.enrolment.handlers.rosters import judge_roster
from services.enrolment.store import KeptStatements
from shared.events.enrolment import ErasureOrdered
from shared.kernel.errors import Unprocessable
from tests.services.enrolment.test_erasing import BASIS, finish, kept, refused, told
from tests.services.enrolment.test_guests import RECEPTION, moves, nominated
from tests.support.abroad import Node, agree, exchange, nominate, offer, people, place, served_nodes
from tests.support.enrolment import NOW, TODAY, Desk, nip, person


def ordered(**changes: object) -> ErasureOrdered:
    """Tell that 62 wants a guest's data erased."""
    usual: dict[str, Any] = {
        "learner_id": person(), "at": NOW, "home_node": "62", "basis": BASIS, "nodes": ("35",),
    }  # fmt: skip
    return ErasureOrdered(**{**usual, **changes})


@pytest.mark.parametrize("order", ["first", "last"])
async def test_a_nomination_of_before_the_order_leaves_nothing(order: str) -> None:
    """In whichever order they come, and however often."""
    desk = Desk()
    await desk.begin()
    steps = [
        partial(take_nomination, RECEPTION, nominated(at=NOW - timedelta(days=1)), "62"),
        partial(heed_order, ordered(), "62"),
    ]
    for step in steps if order == "last" else reversed(steps):
        await desk.works.run(step)
        await desk.works.run(step)

    await finish(desk)
    (roster,) = await desk.works.open().rosters.find({})
    judged = await judge_roster(roster.id, TODAY, desk.works)

    assert ("", "refused") == (judged.rows[0].name, judged.results["1"].status)
    assert "Tamu" not in kept(desk)
    assert [] == desk.told(ErasureOrdered)


async def test_a_move_of_before_the_order_brings_nobody() -> None:
    """What a former home told before it ordered the erasure is not taken in."""
    desk = Desk()
    await desk.works.run(partial(heed_order, ordered(), "62"))

    await desk.works.run(partial(receive_move, RECEPTION, moves(), "62"))

    assert "" == (await desk.learner()).name


@pytest.mark.parametrize(
    ("fact", "sender", "ours"),
    [(ordered(), "31", False), (ordered(home_node="62"), "62", True)],
)
async def test_only_the_home_orders(fact: ErasureOrdered, sender: str, *, ours: bool) -> None:
    """Neither another node, nor anybody about one of our own."""
    desk = Desk()
    if ours:
        await refused(desk)

    with pytest.raises(Unprocessable, match="not-their-learner"):
        await desk.works.run(partial(heed_order, fact, sender))


async def test_the_host_follows_its_guests_home(tmp_path: Path) -> None:
    """Erased at home once the host has decided, the guest is erased there too; the results stay."""
    async with served_nodes(tmp_path, "35", "62") as (host, home):
        await agree(host, home)
        await offer(host)
        await exchange(host, home)
        await nominate(home, people(1, 2))
        await exchange(host, home)
        path, body = f"/learners/{person()}/erasure", {"basis": BASIS}
        learning = await home.served.ask("POST", path, "operator", json=body)
        await home.ask(
            "POST",
            f"/enrolments/{place(1)}/withdrawal",
            json={"reason": "pindah", "on": "2024-07-19"},
        )
        await exchange(host, home)

        await home.ask("POST", path, "operator", json=body)
        for _ in range(3):
            await _erase_at(home)
            await exchange(host, home)
            await _erase_at(host)
            await exchange(host, home)
        done = await home.ask("POST", path, "operator", json=body)

        assert 409 == learning.status_code
        assert ([person()], True, ["35"]) == (
            done["learner_ids"], done["finished"], done["nodes"],
        )  # fmt: skip
        for node in (home, host):
            kept_there = repr(node.province.engine.stores["enrolment"].snapshot())
            assert "p1@palangkaraya.go.id" not in kept_there
            assert nip(1) not in kept_there
            assert "p2@palangkaraya.go.id" in kept_there
            assert [] == await node.parked()
        shared = home.province.engine.stores["enrolment"].snapshot()["shares"]
        personal = {
            each.subject
            for share in shared.values()
            for each in share["stated"]
            if "personal" in each.data and '"personal":""' not in each.data
        }
        assert {person(2)} == personal


async def _erase_at(node: Node) -> None:
    works = node.served.app.state.parts.works
    today = replace(TODAY, now=node.served.clock.now(), node=node.code)
    await finish_erasures(today, works, KeptStatements(works), told)
