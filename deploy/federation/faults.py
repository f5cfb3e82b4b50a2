"""The story of two provinces under fire: killed, cut off, mirrored again, lied to; and the same in the end.

An undisturbed run comes first. The second plays the same story with the same people while the host's
whole node, each broker and each mirror are killed, then over a mirror that loses one record in twenty,
then with everything mirrored again from offset zero, and last with records that nobody may believe.
"""

import asyncio
import shutil
from collections import Counter
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from deploy.audit import audit
from deploy.audit.asking import quiet
from deploy.client import SERVICES, until
from deploy.embedded.settings import NODE_KEYS, NodeSettings
from deploy.federation import hostile, state
from deploy.federation.cast import HOME_CITY, HOST_CITY, Cast, cast
from deploy.federation.demo import GUESTS, OWN, Say, Watch, converged, memory, staged, workplace
from deploy.federation.disturbing import Disturber, Seen
from deploy.federation.provinces import HOME, HOST, Provinces, new_key
from deploy.federation.segments import Kept, records
from deploy.federation.story import Story
from shared.events.fact import SHARE
from shared.federation.keys import NodeKeys
from shared.federation.seal import mirrored_topic
from shared.kernel.tasks import every, running

_PATIENCE = 240.0
_HEADS = 3.0
_LOOK_SECONDS = 1.0
_REPLAYED = 10
_REMADE_SECONDS = 150.0


def run(
    settings: NodeSettings, say: Say, *, own: int = OWN, guests: int = GUESTS
) -> dict[str, Any]:
    """Run both stories and report; `passed` tells whether everything held."""
    with workplace(say) as folder:
        return asyncio.run(_run(folder, settings, say, cast(own, guests), new_key()))


async def _run(
    folder: Path, settings: NodeSettings, say: Say, people: Cast, key: str
) -> dict[str, Any]:
    watch = Watch(say)
    say("the undisturbed run")
    calm = await _undisturbed(folder / "calm", settings, say, people, key, watch)
    shutil.rmtree(folder / "calm", ignore_errors=True)
    say("the disturbed run")
    told = await _disturbed(folder / "struck", settings, say, people, key, watch)
    struck = told.pop("final")
    hashes = {name: state.hashed(part) for name, part in calm.items()}
    others = {name: state.hashed(part) for name, part in struck.items()}
    held = {**told.pop("held"), "final state hashes equal": hashes == others}
    return {
        "passed": all(held.values()),
        "failed": [name for name, holds in held.items() if not holds],
        "hashes": {"undisturbed": hashes, "disturbed": others, "equal": hashes == others},
        "differing": {
            name: state.differing(calm[name], struck[name])
            for name in calm
            if hashes[name] != others[name]
        },
        **told,
        "steps": watch.steps,
        "seconds": watch.seconds,
    }


async def _undisturbed(
    folder: Path, settings: NodeSettings, say: Say, people: Cast, key: str, watch: Watch
) -> dict[str, list[Any]]:
    """Play without disturbance, and tell what both hold in the end."""
    async with (
        Provinces(folder, settings, say=say, heads=_HEADS, pseudonym=key) as both,
        staged(both, people, folder / "papers", patience=_PATIENCE) as story,
    ):
        story.reached, story.amends = watch.reached, True
        await story.play()
        await converged(story, within=_PATIENCE)
        return await final(story)


async def final(story: Story) -> dict[str, list[Any]]:
    """Tell what each node holds, once nothing is on its way."""
    told = {}
    for code, stage, agency in ((HOST, story.host, HOST_CITY), (HOME, story.home, HOME_CITY)):
        await quiet(stage.operator, within=_PATIENCE)
        held = state.reduced(await state.read_rows(stage.operator))
        judged = await state.rosters(stage, story.rosters[agency])
        placed = await state.placements(stage)
        for name, part in (*held.items(), ("rosters", judged), ("placements", placed)):
            told[f"{code} {name}"] = part
    return told


async def _disturbed(
    folder: Path, settings: NodeSettings, say: Say, people: Cast, key: str, watch: Watch
) -> dict[str, Any]:
    seen = Seen()
    async with (
        Provinces(folder, settings, say=say, heads=_HEADS, pseudonym=key) as both,
        staged(both, people, folder / "papers", patience=_PATIENCE) as story,
    ):
        async with AsyncExitStack() as stack:
            disturber = Disturber(both, story, watch, stack)
            story.reached, story.amends = disturber.reached, True
            await stack.enter_async_context(running(every(_LOOK_SECONDS, lambda: seen.look(story))))
            await story.play()
            # Through the mirror that loses some: nothing else can heal what it withheld.
            await converged(story, within=_PATIENCE)
            await until("every gap is closed", lambda: _whole(story), within=_PATIENCE, every=1.0)
        await watch.reached("healed over the losing mirror")
        again = await _mirror_again(both, story)
        await watch.reached("everything mirrored again from offset zero")
        lies = await _lie(both, story)
        await watch.reached("hostile records told")
        _, wrong_at_host = await audit(story.host.operator, wait=_PATIENCE)
        _, wrong_at_home = await audit(story.home.operator, wait=_PATIENCE)
        ends = await final(story)
        rss = memory(both)
        remade = await _remake(both, story)
        await watch.reached("a topic made anew")
    losses = disturber.losses
    held = {
        "records were withheld": losses.withheld.total() > 0,
        "a last fact was withheld": losses.marked_withheld > 0,
        "gaps were seen": any(seen.most_gaps.values()),
        "differences were seen": any(seen.most_differing.values()),
        "repeats were ignored": again["repeated"] >= again["copies"],
        "every forged record is parked": not lies["missing"],
        "replays were ignored": lies["repeated"] >= lies["replayed"],
        "audits clean": not (wrong_at_host or wrong_at_home),
        "no false alarm": not seen.alarms,
        "a topic made anew raises an alarm": remade["alarm"] and remade["acknowledged"],
    }
    return {
        "final": ends,
        "held": held,
        "done": disturber.done,
        "withheld": {
            "records": losses.withheld.total(),
            "of": losses.carried + losses.withheld.total(),
            "by_type": dict(losses.withheld),
            "of_the_marked": losses.marked_withheld,
        },
        "seen": {
            "gaps": {name: count for name, count in seen.most_gaps.items() if count},
            "differing": {name: count for name, count in seen.most_differing.items() if count},
        },
        "mirrored_again": again,
        "hostile": lies,
        "topic_made_anew": remade,
        "audit": {
            HOST: [each.as_json() for each in wrong_at_host],
            HOME: [each.as_json() for each in wrong_at_home],
        },
        "rss_mb": rss,
    }


async def _whole(story: Story) -> bool:
    """Tell whether the receiver lacks nothing of what its peer told."""
    told = await state.peers(story.home.operator)
    return all(
        not source["gaps"] and not source["differing"]
        for peer in told.values()
        for source in peer["sources"]
    )


async def _repeated(story: Story) -> dict[str, int]:
    """Tell by service how many repeats were counted since it started."""
    return {
        name: peer["repeated"] for name, peer in (await state.peers(story.home.operator)).items()
    }


def _copies(both: Provinces) -> list[Kept]:
    """Read the copies that the peer made for the receiver, without those about the sharing itself."""
    data = both.settings[HOST].home / "broker/data"
    found = [*records(data, prefix=f"share.{HOME}"), *records(data, prefix="share.all")]
    return [each for each in found if not each.header("ce_type").endswith(_CONTROL)]


_CONTROL = ("heads_told.v1", "restatement_asked.v1")


async def _mirror_again(both: Provinces, story: Story) -> dict[str, Any]:
    """Have the receiver's mirror forget how far it came, and wait until all has come again."""
    before = await _repeated(story)
    copies = len(await asyncio.to_thread(_copies, both))
    await both.relink(HOME, from_zero=True)

    async def all_again() -> bool:
        now = await _repeated(story)
        return all(now[name] - before[name] >= copies for name in now)

    await until("everything has come again", all_again, within=_PATIENCE, every=1.0)
    now = await _repeated(story)
    return {"copies": copies, "repeated": min(now[name] - before[name] for name in now)}


async def _lie(both: Provinces, story: Story) -> dict[str, Any]:
    """Put hostile records into the receiver's broker, and wait until each is parked or counted."""
    home, host = both.settings[HOME], both.settings[HOST]
    data, topic = home.home / "broker/data", mirrored_topic(HOST, HOME)
    found = await asyncio.to_thread(lambda: list(records(data, prefix=topic)))
    real = {
        each.header("ce_id"): each
        for each in found
        if not each.header("ce_type").endswith(_CONTROL)
    }
    chosen = [real[key] for key in sorted(real)]
    forged = hostile.forge(chosen[: hostile.needed()], NodeKeys.read(host.home / NODE_KEYS), HOME)
    repeats = hostile.replays(chosen[hostile.needed() :][:_REPLAYED])
    before, repeated = await state.parked(story.home.operator), await _repeated(story)
    wanted = Counter(each.reason for each in forged)
    await hostile.inject(home.ports["broker"], [*forged, *repeats])

    async def told() -> bool:
        now = await state.parked(story.home.operator) - before
        counted = await _repeated(story)
        return not _missing(now, wanted) and all(
            counted[name] - repeated[name] >= len(repeats) for name in counted
        )

    # The report names what is missing.
    with suppress(TimeoutError):
        await until("every hostile record is parked or counted", told, within=_PATIENCE, every=0.5)
    now, counted = await state.parked(story.home.operator) - before, await _repeated(story)
    return {
        "forged": [{"what": each.what, "reason": each.reason} for each in forged],
        "parked": dict(now),
        "missing": _missing(now, wanted),
        "replayed": len(repeats),
        "repeated": min(counted[name] - repeated[name] for name in counted),
    }


async def _remake(both: Provinces, story: Story) -> dict[str, bool]:
    """Delete the peer's topic for the receiver, wait for the alarm, and take it back."""
    await hostile.remake(both.settings[HOST].ports["broker"], f"{SHARE}.{HOME}")

    async def alarmed() -> bool:
        told = await state.peers(story.home.operator)
        return any(source["alarm"] for peer in told.values() for source in peer["sources"])

    async def calm() -> bool:
        return not await alarmed()

    told = {"alarm": False, "acknowledged": False}
    with suppress(TimeoutError):
        await until("the topic made anew is noticed", alarmed, within=_REMADE_SECONDS, every=0.5)
        told["alarm"] = True
        # Each service hears of it in its own time and from each of the peer's services: whoever took the
        # alarm back before the last of them has told would see it raised again.
        await until("all have noticed", partial(_all_alarmed, story), within=_REMADE_SECONDS)
        for service in SERVICES:
            path = f"/operations/peers/{HOST}/acknowledgement"
            await story.home.operator.post(service, path)
        await until("the alarm is taken back", calm, within=_PATIENCE)
        told["acknowledged"] = True
    return told


async def _all_alarmed(story: Story) -> bool:
    """Tell whether every service has an alarm about each of the peer's that tell on the topic made anew."""
    told = await state.peers(story.home.operator)
    return all(
        source["alarm"]
        for peer in told.values()
        for source in peer["sources"]
        if source["source"].endswith(f"/{HOME}")
    )


def _missing(parked: Counter[str], wanted: Counter[str]) -> dict[str, int]:
    """Tell what is not parked by every service with its own reason."""
    lacks = {
        f"{service} {reason}": count - parked[f"{service} {reason}"]
        for service in SERVICES
        for reason, count in wanted.items()
    }
    return {name: count for name, count in lacks.items() if count > 0}
