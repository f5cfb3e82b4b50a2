"""A node's backup, more work, and its return: on real parts, as an operator would do it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from deploy.audit import audit
from deploy.client import SERVICES, NodeClient, until
from deploy.demo.run import play, tokens_of
from deploy.demo.stage import Stage
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.settings import NodeError, NodeSettings
from deploy.running import note
from deploy.stores.backup import back_up
from deploy.stores.restore import restore

pytestmark = [pytest.mark.real, pytest.mark.journey, pytest.mark.slow]
SEATS = 8
PATIENCE = 120.0


@dataclass(frozen=True)
class Run:
    """A node that runs, and a stage on it."""

    settings: NodeSettings
    stage: Stage

    async def reissue(self, enrolment: str) -> None:
        """Have a certificate superseded, which states facts."""
        await self.stage.organiser.post(
            "certification", f"/certificates/{enrolment}/reissue", {"reason": "a name was misspelt"}
        )

    async def settled(self) -> list[dict[str, Any]]:
        """Wait until no fact is on its way, and tell every disagreement of the stores."""
        _, found = await audit(self.stage.operator, wait=PATIENCE)
        return [each.as_json() for each in found]

    async def stated(self) -> set[str]:
        """Tell the ids of all facts that certification has stated."""
        told = self.settings.of("certification")
        async with AsyncMongoClient[dict[str, Any]](told["MONGO_URI"]) as client:
            dossiers = await client[told["MONGO_DATABASE"]]["dossiers"].find().to_list()
        return {fact["id"] for each in dossiers for fact in each.get("stated", [])}

    async def epochs(self) -> set[int]:
        """Tell the epochs of the four stores."""
        return {
            (await self.stage.operator.get(name, "/operations/status"))["epoch"]
            for name in SERVICES
        }

    async def certificates(self) -> dict[str, Any]:
        """Tell every certificate of the node, but for the address that it is verified at."""
        return {
            each["enrolment_id"]: {
                key: each[key] for key in each.keys() - {"revisions", "verify_url"}
            }
            async for each in self.stage.organiser.pages("certification", "/certificates")
        }


@asynccontextmanager
async def _running(settings: NodeSettings, out: Path) -> AsyncIterator[Run]:
    async with EmbeddedNode(settings, say=print) as node:
        note(settings.home, node.addresses)
        reached = {name: node.addresses[name] for name in SERVICES}
        async with NodeClient(reached, patience=PATIENCE) as client:
            yield Run(settings, Stage(client, tokens_of(settings), out, patience=PATIENCE))


async def test_a_restored_node_goes_on_where_its_backup_was(
    settings: NodeSettings, tmp_path: Path
) -> None:
    """What came later is gone, what comes now is told apart from it, and the stores agree."""
    async with _running(settings, tmp_path) as run:
        await play(run.stage, SEATS)
        before = await run.certificates()
        taken = await back_up(settings, tmp_path / "node.zip", with_keys=True)
        first = min(before)
        held = await run.stated()
        await run.reissue(first)
        assert await run.settled() == []
        lost = await run.stated() - held
        with pytest.raises(NodeError, match="runs"):
            await restore(settings, taken.path, replace=True)

    with pytest.raises(NodeError, match="not empty"):
        await restore(settings, taken.path)
    done = await restore(settings, taken.path, replace=True)

    async with _running(settings, tmp_path) as run:
        assert await run.settled() == []
        assert before == await run.certificates()
        assert {done.epoch} == await run.epochs()
        await run.reissue(first)
        assert await run.settled() == []
        fresh = await run.stated() - held
        assert len(lost) == len(fresh) > 0
        assert lost.isdisjoint(fresh)


async def test_a_node_moves_to_a_new_home(settings: NodeSettings, tmp_path: Path) -> None:
    """A backup with its keys, taken of a node at rest, makes the same node elsewhere."""
    async with _running(settings, tmp_path) as run:
        before = await run.certificates()
    taken = await back_up(settings, tmp_path / "rest.zip", with_keys=True)
    names = {f"{each.upper()}_MONGO_DATABASE": f"moved_{each}" for each in SERVICES}
    moved = replace(settings, environment={**settings.environment, **names}).elsewhere(
        tmp_path / "elsewhere"
    )
    await restore(moved, taken.path, with_keys=True)

    async with _running(moved, tmp_path) as run:
        assert await run.settled() == []
        assert before == await run.certificates()

        async def nothing_waits() -> bool:
            told = [await run.stage.operator.get(name, "/operations/status") for name in SERVICES]
            return not any(each["unpublished"] for each in told)

        await until("every fact was stated again", nothing_waits, within=PATIENCE)
