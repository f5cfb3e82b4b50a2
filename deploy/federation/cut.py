"""The link between two provinces is cut for a while: each goes on with its own people, and they converge."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.audit import audit
from deploy.client import Voice
from deploy.demo.stage import Stage
from deploy.embedded.settings import NodeSettings
from deploy.faults import drill
from deploy.federation.cast import HOME_CITY, HOST_CITY, Cast, cast
from deploy.federation.demo import (
    GUESTS,
    OWN,
    Say,
    Watch,
    compared,
    converged,
    memory,
    staged,
    workplace,
)
from deploy.federation.provinces import HOME, HOST, Provinces
from deploy.federation.story import Story

_PATIENCE = 150.0
_SECONDS = 30.0
_CUT_AT, _TAUGHT_AT = "wave 2", "taught"
_SCHOOLS = {HOST: (41, HOST_CITY), HOME: (71, HOME_CITY)}
"""A cohort of each node's own while the link is cut, numbered so that no person is in both."""


@dataclass
class Cut:
    """The link's absence: from one point of the story until after its end."""

    both: Provinces
    story: Story
    watch: Watch
    at_least: float
    began: float = 0.0

    async def reached(self, point: str) -> None:
        """Cut the link where that is due, and have both teach cohorts of their own meanwhile."""
        await self.watch.reached(point)
        if point == _CUT_AT:
            await self.both.cut(HOST, HOME)
            self.began = time.monotonic()
            await self.watch.reached("the link is cut both ways")
        elif point == _TAUGHT_AT:
            stages = {HOST: self.story.host, HOME: self.story.home}
            await asyncio.gather(
                *(_teach_own(stage, *_SCHOOLS[code]) for code, stage in stages.items())
            )
            await self.watch.reached("each node taught and certified a cohort of its own")

    async def heal(self) -> dict[str, Any]:
        """Link both ways again, and measure until both hold the same."""
        await asyncio.sleep(max(0.0, self.at_least - (time.monotonic() - self.began)))
        told = await compared(self.story)
        cut_for, again = time.monotonic() - self.began, time.monotonic()
        await self.both.relink(HOST, HOME)
        await converged(self.story, within=_PATIENCE)
        seconds = time.monotonic() - again
        await self.watch.reached("converged")
        now = await compared(self.story)
        return {
            "cut_seconds": round(cut_for, 1),
            "behind_while_cut": told["guests"] - told["equal"],
            "converged_in_seconds": round(seconds, 1),
            "guest_records_equal": now["equal"] == now["guests"],
        }


def run(
    settings: NodeSettings, say: Say, *, seconds: float = _SECONDS, own: int = OWN,
    guests: int = GUESTS,
) -> dict[str, Any]:  # fmt: skip
    """Cut the link in the middle of the story for at least so many seconds, and report."""
    with workplace(say) as folder:
        return asyncio.run(_run(folder, settings, say, cast(own, guests), seconds))


async def _run(
    folder: Path, settings: NodeSettings, say: Say, people: Cast, seconds: float
) -> dict[str, Any]:
    watch = Watch(say)
    async with (
        Provinces(folder, settings, say=say) as both,
        staged(both, people, folder / "papers", patience=_PATIENCE) as story,
    ):
        await watch.reached("two nodes, two brokers and two mirrors are up")
        cut = Cut(both, story, watch, seconds)
        story.reached = cut.reached
        await story.play()
        told = await cut.heal()
        own = {HOST: await _certified(story.host, HOST), HOME: await _certified(story.home, HOME)}
        wrong = {
            code: [each.as_json() for each in (await audit(stage.operator, wait=_PATIENCE))[1]]
            for code, stage in ((HOST, story.host), (HOME, story.home))
        }
        rss = memory(both)
    held = {
        "guests' home was behind while cut": told["behind_while_cut"] == len(people.guests),
        "each certified its own meanwhile": all(count == drill.SEATS for count in own.values()),
        "guest_records_equal": told["guest_records_equal"],
        "audits clean": not any(wrong.values()),
    }
    return {
        "passed": all(held.values()),
        "failed": [name for name, holds in held.items() if not holds],
        **told,
        "own_certified_while_cut": own,
        "audit": wrong,
        "rss_mb": rss,
        "steps": watch.steps,
        "seconds": watch.seconds,
    }


async def _teach_own(stage: Stage, number: int, agency: str) -> None:
    """Enrol, teach and certify a small cohort of a node's own people."""
    voices = drill.Voices(stage.organiser, stage.endorser, stage.operator)
    await drill.prepare(voices)
    await drill.teach(voices, number, agency)


async def _certified(stage: Stage, code: str) -> int:
    """Count the certificates of a node's own small cohort."""
    voice: Voice = stage.organiser
    cohort = f"drill-{_SCHOOLS[code][0]:04d}"
    pages = voice.pages("certification", "/certificates", cohort=cohort)
    return len({each["enrolment_id"] async for each in pages})
