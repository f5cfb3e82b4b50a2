"""What strikes two provinces at the points of their story, and what the receiver shows of it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from deploy.federation import state
from deploy.federation.demo import Watch
from deploy.federation.losing import Losses, losing
from deploy.federation.provinces import HOME, HOST, Provinces
from deploy.federation.story import Story


@dataclass
class Seen:
    """What the receiving province showed of its peer while the story went on."""

    most_gaps: Counter[str] = field(default_factory=Counter)
    most_differing: Counter[str] = field(default_factory=Counter)
    alarms: set[str] = field(default_factory=set)

    async def look(self, story: Story) -> None:
        """Look once."""
        for service, peer in (await state.peers(story.home.operator)).items():
            for source in peer["sources"]:
                name = f"{service} of {source['source']}"
                self.most_gaps[name] = max(self.most_gaps[name], source["gaps"])
                self.most_differing[name] = max(self.most_differing[name], source["differing"])
                if source["alarm"]:
                    self.alarms.add(name)


@dataclass
class Disturber:
    """Strikes at the points of the story."""

    both: Provinces
    story: Story
    watch: Watch
    stack: AsyncExitStack
    losses: Losses = field(default_factory=Losses)
    done: list[str] = field(default_factory=list)

    async def reached(self, point: str) -> None:
        """Strike where that is due, and note it."""
        await self.watch.reached(point)
        strike = self._plan.get(point)
        if strike:
            await strike()
            await self.watch.reached(f"after: {self.done[-1]}")

    @property
    def _plan(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        return {
            "prepared": self._kill_mirrors,
            "nominated": self._kill_host,
            "enrolled": self._lose,
            "wave 1": self._kill_home_broker,
            "wave 3": self._kill_host,
            "wave 5": self._kill_host_broker,
            "taught": self._mark,
        }

    async def _kill_mirrors(self) -> None:
        for code in (HOME, HOST):
            await self.both.kill_mirror(code)
            self.done.append(f"SIGKILL to the mirror of {code}")

    async def _kill_host(self) -> None:
        await self.both.kill(HOST)
        self.done.append(f"SIGKILL to every process of node {HOST}")

    async def _kill_home_broker(self) -> None:
        await self.both.kill(HOME, "broker")
        self.done.append(f"SIGKILL to the broker of {HOME}")

    async def _kill_host_broker(self) -> None:
        await self.both.kill(HOST, "broker")
        self.done.append(f"SIGKILL to the broker of {HOST}")

    async def _lose(self) -> None:
        """Put a mirror that loses some in place of the receiver's."""
        await self.both.cut(HOME)
        ports = {code: each.ports["broker"] for code, each in self.both.settings.items()}
        await self.stack.enter_async_context(losing(ports, HOST, HOME, self.losses))
        self.done.append("a mirror that withholds 5 % stands in for that of 62")

    async def _mark(self) -> None:
        """Withhold the last that certification says of one guest."""
        guest = min(self.story.guests)
        self.losses.mark(self.story.enrolments[guest])
        self.done.append(
            "all that certification says first of one guest is withheld, its last fact too"
        )
