"""A guest is erased by their home, and both nodes prove that nothing they can still serve names the person.

Everything is asked as an operator would, by `./corpu erase` itself; another guest, who stays, is looked
for in the same way, so that a scan that finds nobody would be noticed.
"""

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.audit import audit, quiet
from deploy.client import Declined, until
from deploy.demo.names import Civilian
from deploy.demo.stage import Stage
from deploy.embedded.settings import ROOT, NodeSettings
from deploy.federation import state
from deploy.federation.cast import Cast, cast
from deploy.federation.demo import Say, Watch, compared, converged, memory, staged, workplace
from deploy.federation.provinces import HOME, HOST, Provinces
from deploy.federation.story import Story

OWN, GUESTS = 4, 3
_BASIS = "surat permohonan 800/12/2026"
_PATIENCE = 150.0
_COMMAND_SECONDS = 400.0
_NOT_FOUND = 404
Told = dict[str, Any]


@dataclass(frozen=True)
class Commands:
    """`./corpu erase` on one of two running nodes."""

    both: Provinces

    async def erase(self, code: str, person: Civilian) -> Told:
        """Erase a person at a node; what names them is given, for a node that was told has forgotten it."""
        return await self._run(code, person, "--basis", _BASIS, *self._also(person))

    async def look(self, code: str, person: Civilian) -> Told:
        """Look for a person at a node, and change nothing."""
        return await self._run(code, person, "--scan-only", *self._also(person))

    def _also(self, person: Civilian) -> list[str]:
        words = (person.name, person.email, person.phone)
        return [part for word in words if word for part in ("--also", word)]

    async def _run(self, code: str, person: Civilian, *options: str) -> Told:
        settings = self.both.settings[code]
        command = [
            sys.executable,
            "-P",
            "-m",
            "deploy.cli",
            "erase",
            person.nip,
            *options,
            "--json",
        ]
        environment = {
            **settings.environment,
            "CORPU_HOME": str(settings.home),
            "CORPU_NODE": settings.node,
            "CORPU_KAFKA": settings.kafka,
            "CORPU_ENGINES": str(settings.engines),
            "PYTHONPATH": str(ROOT),
        }
        ended = await asyncio.to_thread(
            subprocess.run,
            command,
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=_COMMAND_SECONDS,
        )
        if not ended.stdout:
            raise RuntimeError(f"erase at {code} said nothing: {ended.stderr[-2_000:]}")
        return {**json.loads(ended.stdout), "exit": ended.returncode}


def run(
    settings: NodeSettings, say: Say, *, own: int = OWN, guests: int = GUESTS
) -> dict[str, Any]:
    """Play the story, erase one guest at both nodes, and report; `passed` tells whether all held."""
    with workplace(say) as folder:
        return asyncio.run(_run(folder, settings, say, cast(own, guests)))


async def _run(folder: Path, settings: NodeSettings, say: Say, people: Cast) -> dict[str, Any]:
    watch = Watch(say)
    async with Provinces(folder, settings, say=say) as both:
        await watch.reached("two nodes, two brokers and two mirrors are up")
        async with staged(both, people, folder / "papers", patience=_PATIENCE) as story:
            await story.play()
            await converged(story)
            await watch.reached("a cohort with guests is taught and certified")
            told = await _erase(Commands(both), story, watch)
            rss = memory(both)
    return {**told, "rss_mb": rss, "steps": watch.steps, "seconds": watch.seconds}


async def _erase(commands: Commands, story: Story, watch: Watch) -> dict[str, Any]:
    person, other = story.cast.guests[:2]
    (learner,) = story.ids([person])
    nodes = {HOST: story.host, HOME: story.home}
    before = {code: await commands.look(code, person) for code in nodes}
    await watch.reached("looked for the person at both")
    at_home = await commands.erase(HOME, person)
    await watch.reached(f"erased at {HOME}")
    await until("the order is heeded", lambda: _is_gone(story.host, learner), within=_PATIENCE)
    # Enrolment heeds it first; the other services hear of it from there.
    await quiet(story.host.operator, within=_PATIENCE)
    ordered = await commands.look(HOST, person)
    await watch.reached(f"the order has come to {HOST}")
    at_host = await commands.erase(HOST, person)
    await watch.reached(f"erased at {HOST}")
    after = {code: await commands.look(code, person) for code in nodes}
    control = {code: await commands.look(code, other) for code in nodes}
    paper = await _paper(story, learner)
    wrong = {
        code: [each.as_json() for each in (await audit(stage.operator, wait=_PATIENCE))[1]]
        for code, stage in nodes.items()
    }
    parked = {code: dict(await state.parked(stage.operator)) for code, stage in nodes.items()}
    alike = await compared(story)
    await watch.reached("audited")
    held = {
        "both named the person before": all(_counted(each) for each in before.values()),
        "the host was told to follow": HOST in at_home["nodes"],
        # What a tombstone ends lies in `learners` until the host's broker cleans it.
        "the host's stores follow by themselves": not _found(ordered, "store "),
        "nothing names the person any more": not any(
            _counted(each) for each in (at_home, at_host, *after.values())
        ),
        "the commands say so": not (at_home["exit"] or at_host["exit"]),
        "the scan finds who stays": all(
            _found(each, sort) for each in control.values() for sort in ("topic ", "store ")
        ),
        "the certificate is kept, its holder's name sealed": (
            at_host["kept"]["certificates"] > 0 and paper["valid"] and paper["erased"]
        ),
        "guest_records_equal": alike["equal"] == alike["guests"],
        "audits clean": not any(wrong.values()),
        "nothing parked": not any(parked.values()),
    }
    return {
        "passed": all(held.values()),
        "failed": [name for name, holds in held.items() if not holds],
        "before": {code: _short(each) for code, each in before.items()},
        "at_home": _short(at_home),
        "at_host_by_order": _short(ordered),
        "at_host": _short(at_host),
        "after": {code: _short(each) for code, each in after.items()},
        "control": {code: _short(each) for code, each in control.items()},
        "certificate": paper,
        "audit": wrong,
        "parked": parked,
    }


async def _is_gone(stage: Stage, learner: str) -> bool:
    """Tell whether a node knows no more who a learner is."""
    try:
        await stage.organiser.get("enrolment", f"/learners/{learner}")
    except Declined as declined:
        if declined.status != _NOT_FOUND:
            raise
        return True
    return False


async def _paper(story: Story, learner: str) -> dict[str, Any]:
    """Read what anybody is told of the person's certificate."""
    path = f"/certificates/{story.enrolments[learner]}"
    held = await story.host.organiser.get("certification", path)
    code = held["verify_url"].rpartition("/")[2]
    shown = await story.host.client.nobody().get("certification", f"/verify/{code}.json")
    return {name: shown[name] for name in ("state", "valid", "name", "erased", "retention_basis")}


def _counted(told: Told) -> int:
    return int(told["scan"]["found"])


def _found(told: Told, sort: str) -> int:
    """Count what was found in places of one sort: topic, store or file."""
    return sum(count for place, count in told["scan"]["where"].items() if place.startswith(sort))


def _short(told: Told) -> dict[str, Any]:
    scan = told["scan"]
    return {
        **{name: scan[name] for name in ("records", "documents", "files", "found", "where")},
        "certificates": told["kept"]["certificates"],
        "closed_segments_may_hold_until": told["closed_segments_may_hold_until"],
    }
