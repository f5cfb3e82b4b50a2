"""Two provinces that share: each a node home of its own with keys, engines and peers, linked both ways."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.client import SERVICES, NodeClient, until
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.parts import Part
from deploy.embedded.settings import NODE_KEYS, PEERS, PSEUDONYM_KEY, NodeError, NodeSettings
from deploy.engines.installing import Engine, engine
from deploy.federation.mirrors import link
from deploy.running import note
from shared.federation.keys import NodeKeys, write_cards
from shared.kernel import tasks

HOST, HOME = "35", "62"
"""East Java teaches; Central Kalimantan sends its people."""
NAMES = {HOST: "Provinsi Jawa Timur", HOME: "Provinsi Kalimantan Tengah"}
_OURS = ("CORPU_", "MONGO_", "KAFKA_", "SMTP_", *(f"{each.upper()}_" for each in SERVICES))
_PARTITIONS = 2
_PATIENCE = 120.0
_LINKED_SECONDS = 120.0
_LOOK_SECONDS = 0.2


class Provinces:
    """Two nodes with a broker and a store each, and two mirrors: `async with Provinces(folder, …) as both`.

    Entering waits until everything answers and both links have carried something, or raises NodeError;
    leaving ends mirrors and nodes. Whatever dies meanwhile is started again, except what `cut` stopped.
    """

    def __init__(
        self, folder: Path, settings: NodeSettings, *, say: Callable[[str], None],
        heads: float = 4.0, pseudonym: str = "",
    ) -> None:  # fmt: skip
        """Describe both in a folder of their own; services tell their heads every `heads` seconds.

        With the same `pseudonym` key (hex) the same people have the same ids in every run.
        """
        self._engine: Engine = engine(settings)
        self._folder = folder
        self._pseudonym = pseudonym or new_key()
        self._say = say
        self._stack = AsyncExitStack()
        self._stopped: set[str] = set()
        self.settings = {
            code: placed(folder / code, settings, code, heads) for code in (HOST, HOME)
        }
        self.nodes: dict[str, EmbeddedNode] = {}
        self._generations = dict.fromkeys(self.settings, 1)
        self.mirrors: dict[str, Part] = {code: self._link(code) for code in self.settings}

    async def __aenter__(self) -> Self:
        """Start everything and wait until both links carry."""
        introduce(list(self.settings.values()), self._pseudonym)
        try:
            for code, settings in self.settings.items():
                node = EmbeddedNode(settings, say=partial(self._say_of, code))
                self.nodes[code] = await self._stack.enter_async_context(node)
                # So that the command line finds it.
                note(settings.home, node.addresses)
            self._stack.push_async_callback(self._end_mirrors)
            for each in self.mirrors.values():
                await each.spawn()
            for each in self.mirrors.values():
                await each.ready(within=_LINKED_SECONDS)
            keeping = tasks.running(*(self._keep(code) for code in self.mirrors))
            await self._stack.enter_async_context(keeping)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End mirrors and nodes."""
        await self._stack.__aexit__(kind, failure, trace)

    def client(self, code: str) -> NodeClient:
        """Make a client of a province's services."""
        addresses = self.nodes[code].addresses
        return NodeClient({name: addresses[name] for name in SERVICES}, patience=_PATIENCE)

    async def cut(self, *codes: str) -> None:
        """Stop these provinces' mirrors until they are linked again."""
        self._stopped |= set(codes)
        await asyncio.gather(*(self.mirrors[code].stop() for code in codes))

    async def relink(self, *codes: str, from_zero: bool = False) -> None:
        """Start these provinces' mirrors again, and wait until each has carried something.

        `from_zero` has them forget how far they came, so that everything is mirrored again.
        """
        for code in codes:
            if from_zero:
                self._generations[code] += 1
                self.mirrors[code] = self._link(code)
            await self.mirrors[code].spawn()
        self._stopped -= set(codes)
        for code in codes:
            await self.mirrors[code].ready(within=_LINKED_SECONDS)

    async def kill(self, code: str, *names: str) -> None:
        """End these parts of a node (or all) at once by SIGKILL, and wait until all answer again."""
        node = self.nodes[code]
        for name in names or tuple(node.parts):
            node.parts[name].kill()
        await node.ready(within=_PATIENCE)

    async def kill_mirror(self, code: str) -> None:
        """End a mirror by SIGKILL, and wait until its successor carries."""
        mirror = self.mirrors[code]
        starts = mirror.starts

        async def started() -> bool:
            return mirror.starts > starts

        mirror.kill()
        # Before its successor is there, nobody could tell it from one that died again.
        await until("the mirror is started again", started, within=_LINKED_SECONDS)
        await mirror.ready(within=_LINKED_SECONDS)

    @property
    def pids(self) -> dict[str, int]:
        """Tell every living process by `province/part`."""
        found = {
            f"{code}/{name}": pid
            for code, node in self.nodes.items()
            for name, pid in node.pids.items()
        }
        for code, mirror in self.mirrors.items():
            if mirror.process is not None and mirror.running:
                found[f"{code}/mirror"] = mirror.process.pid
        return found

    async def _end_mirrors(self) -> None:
        await asyncio.gather(*(each.stop() for each in self.mirrors.values()))

    async def _keep(self, code: str) -> None:
        """Start a mirror again whenever it dies, unless its link was cut."""
        while True:
            mirror = self.mirrors[code]
            await mirror.ended()
            await asyncio.sleep(_LOOK_SECONDS)
            if code in self._stopped or self.mirrors[code].running:
                continue
            self._say(f"{code}: the mirror died ({mirror.end}) and is started again")
            try:
                await mirror.spawn()
                await mirror.ready(within=_LINKED_SECONDS)
            except NodeError as failure:
                self._say(str(failure))

    def _say_of(self, code: str, line: str) -> None:
        self._say(f"{code}: {line}")

    def _link(self, code: str) -> Part:
        return link(
            self._engine,
            self._folder / code / "mirror",
            {each: held.ports["broker"] for each, held in self.settings.items()},
            receiver=code,
            partitions=_PARTITIONS,
            generation=self._generations[code],
        )


def new_key() -> str:
    """Make a pseudonym key, 32 bytes in hex."""
    return secrets.token_hex(32)


def placed(home: Path, settings: NodeSettings, code: str, heads: float) -> NodeSettings:
    """Describe one node; whatever the caller set for a node of their own concerns neither."""
    environment = {
        key: value for key, value in settings.environment.items() if not key.startswith(_OURS)
    }
    ours = {
        "CORPU_NODE_NAME": NAMES[code],
        "CORPU_HEADS_SECONDS": str(heads),
        "KAFKA_PARTITIONS": str(_PARTITIONS),
    }
    chosen = replace(settings, node=code, kafka="apache", environment={**environment, **ours})
    return chosen.elsewhere(home)


def introduce(provinces: Sequence[NodeSettings], pseudonym: str) -> None:
    """Make each node's keys, give all the same pseudonym key, and exchange their cards."""
    made = {each.node: NodeKeys.make(each.node) for each in provinces}
    cards = {code: keys.card(NAMES[code]) for code, keys in made.items()}
    for each in provinces:
        _keep(each.home / PSEUDONYM_KEY, pseudonym)
        _keep(each.home / NODE_KEYS, made[each.node].written())
        others = [card for code, card in cards.items() if code != each.node]
        _keep(each.home / PEERS, write_cards(others))


def _keep(file: Path, content: str) -> None:
    """Write a file that only its owner may read, unless it is there."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(content, encoding="utf-8")
