"""The fault run: each service is killed on both sides of every durable operation that it performs.

Small cohorts are taught while every service is armed with one fault after another: whoever dies is
started again by the node's supervisor, armed with its next one, until every point that a service passes
has killed it on both sides, or the budget ends. Then the broker and the store are killed too, and the
four stores tell what is left.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from deploy.audit import Disagreement, audit
from deploy.client import SERVICES, NodeClient, Voice, until
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.settings import LIVE_KEY, NodeSettings
from deploy.embedded.tokens import issue
from deploy.faults import drill
from deploy.faults.doors import all_points, all_unguarded
from deploy.faults.lecture import Lectures
from deploy.faults.ledger import Ledger, read_ledger
from services.progress.api.tickets import read_live_key

SIDES = ("before", "after")
_IN_A_NEW_BROKER = frozenset({"bus.remember"})
"""Points that a service passes once in a broker's life."""

_PATIENCE = 120.0
_FLUSH_SECONDS = "0.3"


@dataclass
class _Run:
    """One fault run under way."""

    node: EmbeddedNode
    voices: drill.Voices
    lectures: Lectures
    say: Callable[[str], None]
    ends: float
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    passed: dict[str, Counter[str]] = field(default_factory=dict)

    async def teach(self) -> None:
        """Teach one cohort to its end, with a lecture meanwhile."""
        await asyncio.gather(drill.teach(self.voices, self.rounds), self.lectures.hold(self.rounds))
        self.rounds += 1

    async def look(self) -> None:
        """Note which points each service has passed, so that none is asked of who never passes it."""
        for service in SERVICES:
            status = await self.voices.operator.get(service, "/operations/status")
            self.passed.setdefault(service, Counter()).update(status["durable"])

    def left(self, *, in_a_new_broker: bool) -> dict[str, list[str]]:
        """Tell by service which faults it has not met yet."""
        covered = set(self.covered)
        return {
            service: [
                f"{point}:{side}"
                for point in sorted(self.passed.get(service, ()))
                for side in SIDES
                if (point in _IN_A_NEW_BROKER) is in_a_new_broker
                and f"{service} {point}:{side}" not in covered
            ]
            for service in SERVICES
        }

    async def strike(self, remaining: dict[str, list[str]]) -> None:
        """Let the services meet these faults, one death after another, while cohorts are taught."""
        for service, faults in remaining.items():
            self.node.parts[service].faults[:] = [f"{fault}:1" for fault in faults]
        await self._arm(remaining)
        while (waiting := self._waiting()) and time.monotonic() < self.ends:
            await self.teach()
            await self.look()
            if self._waiting() == waiting:
                break
        for service in remaining:
            self.node.parts[service].faults.clear()
        await self.node.ready(within=_PATIENCE)

    async def _arm(self, remaining: dict[str, list[str]]) -> None:
        """Start anew whoever is to meet a fault; with a new broker, where only that passes the point."""
        if any(
            _point(fault) in _IN_A_NEW_BROKER for faults in remaining.values() for fault in faults
        ):
            await self.node.restart("broker")
        else:
            await asyncio.gather(
                *(self.node.restart(each) for each, faults in remaining.items() if faults)
            )

    def _waiting(self) -> list[str]:
        """List the faults that are still to strike."""
        parts = (self.node.parts[service] for service in SERVICES)
        return [fault for part in parts for fault in (part.armed, *part.faults) if fault]

    @property
    def covered(self) -> list[str]:
        """List who died of what."""
        return sorted(
            f"{service} {fault.rpartition(':')[0]}"
            for service in SERVICES
            for fault in self.node.parts[service].struck
        )

    async def kill_part(self, name: str) -> None:
        """Kill broker or store while a cohort is taught."""
        before = await self._done()

        async def under_way() -> bool:
            return await self._done() > before

        async with asyncio.TaskGroup() as both:
            both.create_task(self.teach())
            await until("the cohort is under way", under_way, within=_PATIENCE)
            await self.node.kill(name)
        self.kills[name] += 1
        await self.node.ready(within=_PATIENCE)

    async def _done(self) -> int:
        """Count the durable operations of enrolment, where every cohort begins."""
        status = await self.voices.operator.get("enrolment", "/operations/status")
        return sum(status["durable"].values())


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
    told = {**settings.environment, "CORPU_FLUSH_SECONDS": _FLUSH_SECONDS}
    settings = replace(settings, environment=told)
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
        lectures = Lectures(
            client, read_live_key(home / LIVE_KEY), node.addresses["store"] + "/?directConnection=true",
            settings.of("progress")["MONGO_DATABASE"], lambda: node.parts["broker"].starts,
            forgets=settings.kafka == "embedded",
        )  # fmt: skip
        running = _Run(node, people, lectures, say, began + budget)
        await drill.prepare(people)
        await running.teach()
        await running.look()
        for in_a_new_broker in (False, True):
            await running.strike(running.left(in_a_new_broker=in_a_new_broker))
        for part in ("broker", "store"):
            say(f"the {part} is killed while a cohort runs")
            await running.kill_part(part)
        _, disagreements = await audit(people.operator, wait=_PATIENCE)
        databases = {name: settings.of(name)["MONGO_DATABASE"] for name in SERVICES}
        ledger = await asyncio.to_thread(
            read_ledger, node.addresses["store"] + "/?directConnection=true", databases
        )
        surplus = await lectures.surplus()
    return _report(running, ledger, disagreements, surplus, time.monotonic() - began)


def _report(
    running: _Run, ledger: Ledger, disagreements: list[Disagreement], surplus: int, seconds: float
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
    more = sum(max(0, ledger.facts[type_] - count) for type_, count in expected.items())
    repeated = len(ledger.repeated) + more
    left = [
        f"{service} {fault}"
        for in_a_new_broker in (False, True)
        for service, faults in running.left(in_a_new_broker=in_a_new_broker).items()
        for fault in faults
    ]
    kills = running.kills + Counter(each.partition(" ")[0] for each in running.covered)
    never = sorted(
        set(all_points()) - {point for passed in running.passed.values() for point in passed}
    )
    minutes = {
        "acknowledged": sum(each.bit_count() for each in running.lectures.acknowledged.values()),
        "lost": sum(each.bit_count() for each in running.lectures.lost.values()),
        "surplus": surplus,
    }
    return {
        # A budget that ends early leaves points uncovered and says so; it breaks no promise.
        "passed": not (lost or repeated or disagreements or never or minutes["lost"] or surplus),
        "complete": not left,
        "points": running.covered,
        "points_left": left,
        "points_never_passed": never,
        "kills": dict(kills),
        "cohorts": cohorts,
        "lost": lost,
        "repeated_effects": repeated,
        "repeated": ledger.repeated[:10],
        "minutes": minutes,
        "facts": dict(ledger.facts),
        "audit": {"disagreements": [asdict(each) for each in disagreements]},
        "seconds": round(seconds, 1),
    }
