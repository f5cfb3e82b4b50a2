"""The chain benchmark: enrolled, six phases, certified, noticed, on the real parts.

One warm-up, then a leg on an almost empty store with the plain consumer beside it on the same topics, and
after it the bare one, which is the floor of these drivers; then the stores are filled up and the same leg
runs again. After each leg the final state is verified.
"""

import asyncio
import json
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.audit import audit, quiet
from deploy.bench import school
from deploy.bench.filling import drop, fill
from deploy.bench.meter import HANDLED, STATED, Reading, counted
from deploy.client import SERVICES, NodeClient, Voice, until
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.settings import ROOT, NodeSettings
from deploy.embedded.tokens import issue

_WARM_UP = 100
_PATIENCE = 3_600.0
_QUIET = 300.0
_MICRO = 1e6
_LOOK = 2.0
_OPENS, _CERTIFIES = "progress.open-records", "certification.certify-when-complete"
_TELLS = "notify.tell-people"
CERTIFIED = "id.corpu.certified.v1"
_A_LEARNER = {
    "id.corpu.enrolled.v1": 1,
    "id.corpu.phase_completed.v1": school.PHASES,
    "id.corpu.programme_completed.v1": 1,
    CERTIFIED: 1,
}


@dataclass
class _Bench:
    """One benchmark under way."""

    node: EmbeddedNode
    client: NodeClient
    organiser: Voice
    endorser: Voice
    operator: Voice
    say: Callable[[str], None]
    taught: int = 0

    async def reading(self) -> Reading:
        """Read all meters."""
        return await Reading.now(self.node.pids, self.node.addresses)

    async def count(self, service: str, name: str, label: str) -> Counter[str]:
        """Read one meter of one service."""
        return await counted(self.node.addresses[service], name, label)

    async def leg(self, learners: int, *, audited: bool = True) -> dict[str, Any]:
        """Teach one cohort and tell what each service paid for it, once its state is verified.

        Filled-up stores cannot be audited, for the filling was never stated: there counts alone verify.
        """
        before, began = await self.reading(), time.perf_counter()
        known = before.handled["progress"][_OPENS] + learners
        certified = before.stated["certification"][CERTIFIED] + learners
        told = before.handled["notify"][_TELLS] + sum(_A_LEARNER.values()) * learners
        enrolments = await school.enrol(self.organiser, self.endorser, self.taught, learners)

        async def all_known() -> bool:
            return (await self.count("progress", HANDLED, "subscription"))[_OPENS] >= known

        async def all_certified() -> bool:
            return (await self.count("certification", STATED, "type"))[CERTIFIED] >= certified

        async def all_told() -> bool:
            return (await self.count("notify", HANDLED, "subscription"))[_TELLS] >= told

        await school.teach(self.organiser, enrolments, all_known)
        await until("all are certified", all_certified, within=_PATIENCE, every=_LOOK)
        await until("all are told", all_told, within=_PATIENCE, every=_LOOK)
        self.taught += learners
        await quiet(self.operator, within=_QUIET)
        seconds, after = time.perf_counter() - began, await self.reading()
        disagreements = (await audit(self.operator))[1] if audited else []
        handled = {name: after.handled_since(before, name) for name in SERVICES}
        stated = {type_: after.stated_since(before, type_) for type_ in _A_LEARNER}
        expected = {type_: count * learners for type_, count in _A_LEARNER.items()}
        verified = not disagreements and stated == expected and len(enrolments) == learners
        return {
            "verified": verified,
            "stated": stated,
            "disagreements": [str(each) for each in disagreements[:5]],
            "facts_handled": handled,
            "cpu_us_per_fact": {
                name: round(after.cpu_since(before, name) / max(1, handled[name]) * _MICRO, 1)
                for name in SERVICES
            },
            "certification_us_per_fact": round(
                after.cpu_since(before, "certification")
                / max(
                    1,
                    after.handled["certification"][_CERTIFIES]
                    - before.handled["certification"][_CERTIFIES],
                )
                * _MICRO,
                1,
            ),
            "parts_cpu_seconds": {
                name: round(after.cpu_since(before, name), 2)
                for name in after.cpu
                if name not in SERVICES
            },
            "facts_per_second": round(sum(handled.values()) / seconds, 1),
            "seconds": round(seconds, 1),
        }


def run(learners: int, stored: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark with `learners` a leg, the second one at `stored` enrolments, and report."""
    with tempfile.TemporaryDirectory(prefix="corpu-bench-") as folder:
        return asyncio.run(_run(Path(folder), learners, stored, say))


async def _run(
    home: Path, learners: int, stored: int, say: Callable[[str], None]
) -> dict[str, Any]:
    settings = NodeSettings.read().elsewhere(home).apart(home.name)
    databases = {name: settings.of(name)["MONGO_DATABASE"] for name in SERVICES}
    async with (
        EmbeddedNode(settings, say=say) as node,
        NodeClient({name: node.addresses[name] for name in SERVICES}, patience=_PATIENCE) as client,
    ):

        def voice(*roles: str, agency: str | None = None) -> Voice:
            token = issue(home, subject=roles[0], roles=roles, node=settings.node, agency=agency)
            return client.speaking(token)

        organiser = voice("organiser")
        endorser, operator = voice("endorser", agency=school.AGENCY), voice("operator", "auditor")
        bench = _Bench(node, client, organiser, endorser, operator, say)
        await school.publish(organiser)
        say(f"warm-up with {_WARM_UP} learners")
        await bench.leg(_WARM_UP)
        say(f"{learners} learners, with the plain consumer beside")
        store, broker = (
            settings.of("certification")["MONGO_URI"],
            settings.of("certification")["KAFKA_BOOTSTRAP"],
        )
        plain = await _start_consumer("plain", store, broker, home.name, _WARM_UP + learners)
        first = await bench.leg(learners)
        beside = await _end(plain)
        bare = await _end(
            await _start_consumer("bare", store, broker, home.name, _WARM_UP + learners)
        )
        say(f"filling the stores to {stored} enrolments")
        filled = await asyncio.to_thread(fill, store, databases, stored - bench.taught)
        say(f"{learners} learners more at {bench.taught + filled} stored enrolments")
        second = await bench.leg(learners, audited=False)
        await asyncio.to_thread(drop, store, home.name)
    plain_us = beside["cpu_seconds"] / max(1, beside["handled"]) * _MICRO
    ours_us = first["certification_us_per_fact"]
    return {
        "learners": learners,
        "cpu_us_per_fact": first["cpu_us_per_fact"],
        "facts_per_second": first["facts_per_second"],
        "plain_cpu_us_per_fact": round(plain_us, 1),
        "bare_cpu_us_per_fact": round(bare["cpu_seconds"] / max(1, bare["handled"]) * _MICRO, 1),
        "ratio_plain_over_ours": round(plain_us / ours_us, 2),
        "cost_growth": {
            name: round(second["cpu_us_per_fact"][name] / first["cpu_us_per_fact"][name], 3)
            for name in SERVICES
        },
        "stored_enrolments": filled + bench.taught,
        "verified": first["verified"]
        and second["verified"]
        and beside["stored"] == _WARM_UP + learners,
        "legs": [first, second],
        "plain": beside,
        "machine": f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}",
        "parts": "embedded stand-ins: these figures are neither Kafka's nor MongoDB's",
    }


async def _start_consumer(
    name: str, store: str, broker: str, apart: str, expected: int
) -> asyncio.subprocess.Process:
    """Start one of the consumers that ours is measured against."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.load.{name}", "--bootstrap", broker, "--uri", store,
        "--database", f"{apart}_{name}", "--expected", str(expected),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _end(consumer: asyncio.subprocess.Process) -> dict[str, Any]:
    """Wait for a consumer to finish the same work."""
    try:
        async with asyncio.timeout(_PATIENCE):
            told, _ = await consumer.communicate()
    finally:
        if consumer.returncode is None:
            consumer.kill()
    answer: dict[str, Any] = json.loads(told)
    return answer
