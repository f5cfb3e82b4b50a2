"""The demo of two provinces: the whole story on two nodes, and what each holds in the end."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from deploy.audit import audit, quiet
from deploy.client import until
from deploy.demo.names import Civilian
from deploy.demo.run import tokens_of
from deploy.demo.stage import Stage
from deploy.embedded.node import Interrupted
from deploy.embedded.settings import PSEUDONYM_KEY, NodeSettings
from deploy.federation import state
from deploy.federation.cast import HOME_CITY, HOST_CITY, Cast, cast
from deploy.federation.leaks import Watched, echoes, scan
from deploy.federation.provinces import HOME, HOST, NAMES, Provinces
from deploy.federation.story import Story
from deploy.running import resident
from shared.kernel.ids import read_pseudonym_key

OWN, GUESTS = 30, 10
_PATIENCE = 150.0
_MEGABYTE = 1_000_000
Say = Callable[[str], None]


class Watch:
    """Measures the steps, and says each."""

    def __init__(self, say: Say) -> None:
        """Begin now."""
        self._say = say
        self._began = self._last = time.monotonic()
        self.steps: dict[str, float] = {}

    async def reached(self, point: str) -> None:
        """Note how long it took to get here since the last point."""
        now = time.monotonic()
        self.steps[point] = round(now - self._last, 1)
        self._last = now
        self._say(f"{point} ({self.steps[point]} s)")

    @property
    def seconds(self) -> float:
        """Tell how long it took so far."""
        return round(time.monotonic() - self._began, 1)


@asynccontextmanager
async def staged(
    both: Provinces, people: Cast, out: Path, *, patience: float = _PATIENCE
) -> AsyncIterator[Story]:
    """Put a story on two running provinces."""
    key = read_pseudonym_key(both.settings[HOST].home / PSEUDONYM_KEY)
    async with both.client(HOST) as host, both.client(HOME) as home:
        stages = {
            code: Stage(
                client, tokens_of(both.settings[code]), out, patience=patience, agency=agency
            )
            for code, client, agency in ((HOST, host, HOST_CITY), (HOME, home, HOME_CITY))
        }
        yield Story(stages[HOST], stages[HOME], people, key)


def run(
    settings: NodeSettings, say: Say, *, own: int = OWN, guests: int = GUESTS
) -> dict[str, Any]:
    """Run the demo on two nodes of its own, and report; `passed` tells whether all held."""
    with workplace(say) as folder:
        return asyncio.run(_run(folder, settings, say, cast(own, guests)))


@contextmanager
def workplace(say: Say) -> Iterator[Path]:
    """Give a folder that is gone afterwards; a failure leaves it for whoever wants to know why."""
    folder = Path(tempfile.mkdtemp(prefix="corpu-federation-"))
    try:
        yield folder
    except (Interrupted, KeyboardInterrupt):
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except Exception:
        if any(folder.iterdir()):
            say(f"what is left lies in {folder}")
        else:
            folder.rmdir()
        raise
    shutil.rmtree(folder, ignore_errors=True)


async def _run(folder: Path, settings: NodeSettings, say: Say, people: Cast) -> dict[str, Any]:
    watch = Watch(say)
    async with Provinces(folder, settings, say=say) as both:
        await watch.reached("two nodes, two brokers and two mirrors are up")
        async with staged(both, people, folder / "papers") as story:
            story.reached = watch.reached
            await story.play()
            await converged(story)
            await watch.reached("converged")
            told = await tell(both, story)
            await watch.reached("looked through")
    return {**told, "steps": watch.steps, "seconds": watch.seconds}


async def converged(story: Story, *, within: float = _PATIENCE) -> None:
    """Wait until the guests' home holds of each, certificate and all, what their host does.

    The host first comes to rest, for as long as it has something to say it agrees with nobody for good.
    """
    await quiet(story.host.operator, within=within)

    async def equal() -> bool:
        return (await compared(story))["equal"] == len(story.cast.guests)

    await until("both hold the same of every guest", equal, within=within, every=0.5)


async def compared(story: Story) -> dict[str, int]:
    """Compare what both nodes hold of the guests' learning, by hash."""
    taught = state.digests(await state.read_rows(story.host.operator))
    kept = state.digests(await state.read_rows(story.home.operator))
    keys = [(learner, story.enrolments.get(learner, "")) for learner in story.guests]
    return {
        "guests": len(keys),
        "equal": sum(key in taught and taught[key] == kept.get(key) for key in keys),
    }


async def tell(both: Provinces, story: Story) -> dict[str, Any]:
    """Ask both nodes for every figure, and look through all that the guests' home holds."""
    resident_now = memory(both)
    nodes = {
        HOST: await _node(story.host, HOST, [*story.cast.own, *story.cast.guests], story),
        HOME: await _node(story.home, HOME, story.cast.guests, story),
    }
    alike = await compared(story)
    home = both.settings[HOME]
    own, others = story.ids(story.cast.homes_people), story.ids(story.cast.hosts_people)
    watched = Watched({**own, **others})
    looked = await asyncio.to_thread(scan, home.home, both.nodes[HOME].addresses["store"], watched)
    data = {code: each.home / "broker/data" for code, each in both.settings.items()}
    back = {code: await asyncio.to_thread(echoes, data[code], code) for code in data}
    echoed = sum(each.total() for each in back.values()) + sum(
        count
        for each in nodes.values()
        for reason, count in each["parked"].items()
        if reason.endswith(" echo")
    )
    held = {
        "everybody is certified": nodes[HOST]["certified"] == story.learners,
        "every guest is certified at home": nodes[HOME]["certified"] == len(story.cast.guests),
        "guest_records_equal": alike["equal"] == alike["guests"],
        "nobody leaked": not looked.of(others),
        # A scan that would not find those who belong there could not tell of others either.
        "the scan finds whom it must": len(looked.of(own)) == len(own),
        "no echoes": echoed == 0,
        "audits clean": not any(each["audit"]["disagreements"] for each in nodes.values()),
        "nothing parked": not any(each["parked"] for each in nodes.values()),
    }
    return {
        "passed": all(held.values()),
        "failed": [name for name, holds in held.items() if not holds],
        "nodes": nodes,
        "guests": alike["guests"],
        "guest_records_equal": held["guest_records_equal"],
        "leaked_learners": len(looked.of(others)),
        "scan": {
            "looked_for": len(others),
            "own_people_found": len(looked.of(own)),
            "bytes": looked.bytes_read,
            "files": looked.files,
            "documents": looked.documents,
            "leaks": {who[:8]: looked.found[who][:3] for who in looked.of(others)},
        },
        "echoes": echoed,
        "evidence": dict(story.replayed.said),
        "rss_mb": resident_now,
    }


async def _node(
    stage: Stage, code: str, people: Sequence[Civilian], story: Story
) -> dict[str, Any]:
    """Tell one node's figures of these learners, and how its books agree."""
    books, disagreements = await audit(stage.operator, wait=_PATIENCE)
    rows = await state.read_rows(stage.operator)
    whose = story.ids(people)
    passports = [row for row in rows["progress"] if "entries" in row and row["learner_id"] in whose]
    entries = [entry for row in passports for entry in row["entries"]]
    return {
        "name": NAMES[code],
        "enrolled": sum(each["enrolled"] and not each["withdrawn"] for each in entries),
        "certified": sum(each["live"] is not None for each in entries),
        "passports": len(passports),
        "jp": sum(sum(row["jp_by_enrolment"].values()) for row in passports),
        "audit": {
            "checked": books.sizes,
            "disagreements": [each.as_json() for each in disagreements],
        },
        "parked": dict(await state.parked(stage.operator)),
    }


def memory(both: Provinces) -> dict[str, float]:
    """Tell the resident memory of every process, and of all, in MB."""
    bytes_by_pid = resident(set(both.pids.values()))
    told = {
        name: round(bytes_by_pid[pid] / _MEGABYTE, 1)
        for name, pid in both.pids.items()
        if pid in bytes_by_pid
    }
    return {**told, "total": round(sum(told.values()), 1)}
