"""The fault run: each service is killed on both sides of every durable operation that it performs.

A round teaches one small cohort while every service is armed with one fault; whoever dies is started
again by the node's supervisor. Rounds go on until every point that a service passes has killed it, or
the budget ends. Then the broker and the store are killed too, and the four stores tell what is left.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from deploy.audit import Disagreement, audit
from deploy.client import SERVICES, NodeClient, Voice, until
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.settings import NodeSettings
from deploy.embedded.tokens import issue
from deploy.faults import drill
from deploy.faults.doors import all_points, all_unguarded
from deploy.faults.ledger import Ledger, read_ledger

SIDES = ("before", "after")
_IN_A_NEW_BROKER = frozenset({"bus.remember"})
_AT_START = frozenset({"store.open", "store.remove", *_IN_A_NEW_BROKER})
"""Points that every start passes, so that no cohort need be taught to meet them."""

_PATIENCE = 120.0


@dataclass
class _Run:
    """One fault run under way."""

    node: EmbeddedNode
    voices: drill.Voices
    client: NodeClient
    say: Callable[[str], None]
    ends: float
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    passed: dict[str, Counter[str]] = field(default_factory=dict)
    covered: set[str] = field(default_factory=set)

    async def teach(self) -> None:
        """Teach one cohort to its end."""
        await drill.teach(self.voices, self.rounds)
        self.rounds += 1

    async def look(self) -> None:
        """Note which points each service has passed, so that none is asked of who never passes it."""
        for service in SERVICES:
            status = await self.voices.operator.get(service, "/operations/status")
            self.passed.setdefault(service, Counter()).update(status["durable"])

    def left(self) -> dict[str, list[str]]:
        """Tell by service which faults it has not met yet."""
        return {
            service: [
                f"{point}:{side}"
                for point in sorted(
                    self.passed.get(service, ()), key=lambda each: (each in _AT_START, each)
                )
                for side in SIDES
                if f"{service} {point}:{side}" not in self.covered
            ]
            for service in SERVICES
        }

    async def strike(self, faults: dict[str, str]) -> None:
        """Let each of these services meet its fault while a cohort is taught; count who died of it."""
        parts = {service: self.node.parts[service] for service in faults}
        starts = {service: part.starts for service, part in parts.items()}
        armed = {service: f"{fault}:1" for service, fault in faults.items()}
        if any(_point(fault) in _IN_A_NEW_BROKER for fault in faults.values()):
            await self.node.restart("broker", faults=armed)
        else:
            await asyncio.gather(*(self.node.restart(service, faults=armed) for service in faults))
        if not all(_point(fault) in _AT_START for fault in faults.values()):
            await self.teach()
        await self.node.ready(within=_PATIENCE)
        for service, fault in faults.items():
            # One start was the arming; a second one means that the fault struck and it was started again.
            if parts[service].starts > starts[service] + 1:
                self.covered.add(f"{service} {fault}")
                self.kills[service] += 1
        await self.look()

    async def kill_part(self, name: str) -> None:
        """Kill broker or store while a cohort is taught."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self.teach())
            await until("the cohort is under way", self._under_way, within=_PATIENCE)
            await self.node.kill(name)
        self.kills[name] += 1
        await self.node.ready(within=_PATIENCE)

    async def _under_way(self) -> bool:
        status = await self.voices.operator.get("enrolment", "/operations/status")
        return bool(sum(status["durable"].values()))


def _point(fault: str) -> str:
    return fault.rpartition(":")[0]


def run(budget: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Run for at most about `budget` seconds and report; `passed` tells whether all promises held."""
    missing = all_unguarded()
    if missing:
        return {"passed": False, "unguarded": missing}
    with tempfile.TemporaryDirectory(prefix="corpu-faults-") as folder:
        return asyncio.run(_run(Path(folder), budget, say))


async def _run(home: Path, budget: float, say: Callable[[str], None]) -> dict[str, Any]:
    began = time.monotonic()
    settings = NodeSettings.read().elsewhere(home)
    async with (
        EmbeddedNode(settings, say=say) as node,
        NodeClient({name: node.addresses[name] for name in SERVICES}, patience=_PATIENCE) as client,
    ):

        def voice(*roles: str, agency: str | None = None) -> Voice:
            token = issue(home, subject=roles[0], roles=roles, node=settings.node, agency=agency)
            return client.speaking(token)

        people = drill.Voices(
            voice("organiser"), voice("endorser", agency=drill.AGENCY), voice("operator", "auditor")
        )
        running = _Run(node, people, client, say, began + budget)
        await drill.prepare(people)
        await running.teach()
        await running.look()
        await _strike_all(running)
        for part in ("broker", "store"):
            say(f"the {part} is killed while a cohort runs")
            await running.kill_part(part)
        _, disagreements = await audit(people.operator, wait=_PATIENCE)
        databases = {name: settings.of(name)["MONGO_DATABASE"] for name in SERVICES}
        ledger = await asyncio.to_thread(
            read_ledger, node.addresses["store"] + "/?directConnection=true", databases
        )
    return _report(running, ledger, disagreements, time.monotonic() - began)


async def _strike_all(running: _Run) -> None:
    """Strike in rounds, each service with its next fault, until none is left or the budget ends."""
    while any(left := running.left().values()):
        for faults in zip_longest(*left):
            if time.monotonic() > running.ends:
                running.say("the budget has ended before every fault was met")
                return
            armed = {
                service: fault for service, fault in zip(SERVICES, faults, strict=True) if fault
            }
            told = ", ".join(f"{service} {fault}" for service, fault in armed.items())
            running.say(f"cohort {running.rounds}: {told}")
            await running.strike(armed)


def _report(
    running: _Run, ledger: Ledger, disagreements: list[Disagreement], seconds: float
) -> dict[str, Any]:
    cohorts = running.rounds
    expected = {
        "id.corpu.enrolled.v1": cohorts * (drill.SEATS + drill.WITHDRAWN),
        "id.corpu.withdrawn.v1": cohorts * drill.WITHDRAWN,
        "id.corpu.phase_completed.v1": cohorts * drill.SEATS * drill.PHASES,
        "id.corpu.programme_completed.v1": cohorts * drill.SEATS,
        "id.corpu.graduation_decided.v1": cohorts * drill.SEATS,
        "id.corpu.certified.v1": cohorts * drill.SEATS,
    }
    lost = sum(max(0, count - ledger.facts[type_]) for type_, count in expected.items()) + len(
        ledger.holes
    )
    surplus = sum(max(0, ledger.facts[type_] - count) for type_, count in expected.items())
    repeated = len(ledger.repeated) + surplus
    left = [f"{service} {fault}" for service, faults in running.left().items() for fault in faults]
    never = sorted(
        set(all_points()) - {point for passed in running.passed.values() for point in passed}
    )
    return {
        "passed": not (lost or repeated or disagreements or left or never),
        "points": sorted(running.covered),
        "points_left": left,
        "points_never_passed": never,
        "kills": dict(running.kills),
        "cohorts": cohorts,
        "lost": lost,
        "repeated_effects": repeated,
        "repeated": ledger.repeated[:10],
        "facts": dict(ledger.facts),
        "audit": {"disagreements": [asdict(each) for each in disagreements]},
        "seconds": round(seconds, 1),
    }
