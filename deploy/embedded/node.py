"""A whole node under one supervisor, which starts its parts, keeps them alive and ends them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from types import TracebackType
from typing import Self

from deploy.embedded.home import claimed, readable
from deploy.embedded.parts import PATIENCE, Part, broker, http_answers, http_lacks, store
from deploy.embedded.settings import SERVICES, NodeError, NodeSettings, port_setting
from deploy.engines import kafka
from deploy.engines.installing import engine
from shared.kernel import tasks

_POLL_SECONDS = 0.05
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 10.0


class Interrupted(Exception):  # noqa: N818 - it is no error to be told to stop
    """The node was told to stop by the signal `number`, and has ended cleanly."""

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(signal.Signals(number).name)
        self.number = number


class EmbeddedNode:
    """A running node: `async with EmbeddedNode(NodeSettings.read(), say=print) as node`.

    Entering waits until every part answers, or raises NodeError; leaving ends services, broker and
    store in that order. SIGINT and SIGTERM cancel the block, which then raises Interrupted.
    `say` hears one line whenever a part dies; `commands` replaces how a service is started.
    """

    def __init__(
        self,
        settings: NodeSettings,
        *,
        say: Callable[[str], None],
        commands: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Describe the node; nothing starts before it is entered."""
        self.settings = settings
        self.parts: dict[str, Part] = {}
        self._say = say
        self._commands = commands or {}
        self._lacks: set[str] = set()
        self._stack = AsyncExitStack()
        self._changing = asyncio.Lock()
        self._owner: asyncio.Task[object] | None = None
        self._told: int | None = None
        self._stopping = False

    async def __aenter__(self) -> Self:
        """Start every part and wait until all answer."""
        self._owner = asyncio.current_task()
        self._hear_signals()
        try:
            with readable(self.settings.home):
                await self._start()
        except BaseException as failure:
            await self.stop()
            self._raise_interrupted(failure)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the node; a cancellation that a signal caused becomes Interrupted."""
        del kind, trace
        await self.stop()
        self._raise_interrupted(failure)

    @property
    def pids(self) -> dict[str, int]:
        """Tell the process of each living part."""
        return {
            name: each.process.pid
            for name, each in self.parts.items()
            if each.process and each.running
        }

    @property
    def addresses(self) -> dict[str, str]:
        """Tell where each part that this node runs is reached from this machine."""
        schemes = {"broker": "", "store": "mongodb://"}
        return {
            name: f"{schemes.get(name, 'http://')}{each.reached_at}:{each.port}"
            for name, each in self.parts.items()
        }

    async def ready(self, *names: str, within: float = PATIENCE) -> None:
        """Wait until these parts (or all) answer, after a death too; NodeError after `within` s."""
        name = ""
        try:
            async with asyncio.timeout(within):
                for name in names or self.parts:
                    while not await self.parts[name].is_ready():
                        await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise NodeError(
                f"the {name} is not ready after {within:.0f} s: see {self.parts[name].log}"
            ) from None

    async def kill(self, name: str) -> None:
        """End a part by SIGKILL and wait until it is gone; the supervisor starts it again."""
        self.parts[name].kill()
        await self.parts[name].ended()

    async def restart(self, name: str) -> None:
        """Stop a part, start it again and wait until it answers.

        A broker that forgets takes its services with it, and any broker is waited for by them.
        """
        async with self._changing:
            await self.parts[name].stop()
            await self._spawn_again(self.parts[name])
        await self.ready(*([] if name == "broker" else [name]))

    async def forever(self) -> None:
        """Wait until a signal ends the node."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """End services, broker and store, in that order, and give the home folder back."""
        self._stopping = True
        try:
            await self._stack.aclose()
        finally:
            self._kill_all()

    async def _start(self) -> None:
        await self._stack.enter_async_context(claimed(self.settings.home))
        self._describe()
        self._check_ports()

        # Entered in the order in which they must outlive each other, for they end in
        # reverse. A service that is up before its store or broker waits for it by itself.
        for name in ("store", "broker"):
            if name in self.parts:
                await self._stack.enter_async_context(_alive([self.parts[name]]))
        await self._stack.enter_async_context(_alive([self.parts[name] for name in SERVICES]))
        await asyncio.gather(*(each.ready() for each in self.parts.values()))
        await self._stack.enter_async_context(
            tasks.running(*(self._keep(each) for each in self.parts.values()))
        )

    def _describe(self) -> None:
        settings, home = self.settings, self.settings.home
        if not all(settings.given(name, "MONGO_URI") for name in SERVICES):
            self.parts["store"] = store(home, settings.ports["store"])
        if not all(settings.given(name, "KAFKA_BOOTSTRAP") for name in SERVICES):
            self.parts["broker"] = self._broker()
        for name in SERVICES:
            self.parts[name] = Part(
                name,
                self._commands.get(name) or (sys.executable, "-m", f"services.{name}"),
                settings.ports[name],
                http_answers,
                home / f"log/{name}.log",
                environment=settings.of(name),
                host=settings.host,
                lacks=http_lacks,
                hears=self._say_lack,
            )

    def _say_lack(self, lack: str) -> None:
        """Say once each key that services wait for, however many do."""
        for each in lack.split("; "):
            if each not in self._lacks:
                self._lacks.add(each)
                self._say(f"waiting: {each}")

    def _check_ports(self) -> None:
        """Raise NodeError where a port is another's, or two parts are to have the same."""
        takers: dict[int, str] = {}
        for each in self.parts.values():
            each.check_port()
            for name, port in {each.name: each.port, **each.more_ports}.items():
                if (other := takers.setdefault(port, name)) != name:
                    raise NodeError(
                        f"{port_setting(other)} and {port_setting(name)} are both {port}: "
                        "each part needs a port of its own"
                    )

    def _broker(self) -> Part:
        settings, home = self.settings, self.settings.home
        port = settings.ports["broker"]
        if settings.kafka == "embedded":
            return broker(home, port)
        controller, log = settings.ports["controller"], home / "log/broker.log"
        return kafka.broker(engine(settings), home / "broker", port, controller, log=log)

    async def _keep(self, part: Part) -> None:
        """Start a part again whenever it dies; the sooner it died, the later."""
        delay = 0.0
        while True:
            await part.ended()
            await asyncio.sleep(delay)
            try:
                async with self._changing:
                    if part.running:
                        continue
                    self._say(f"the {part.name} died ({part.end}) and is started again")
                    await self._spawn_again(part)
                await part.ready()
                delay = 0.0
            except (NodeError, OSError) as failure:
                self._say(str(failure))
                delay = min(max(_FIRST_DELAY, delay * 2), _LONGEST_DELAY)

    async def _spawn_again(self, part: Part) -> None:
        if part.name == "broker" and self.settings.kafka == "embedded":
            await self._start_forgetful_broker()
        else:
            await part.spawn()

    async def _start_forgetful_broker(self) -> None:
        """End the broker's services, start it with nothing in memory, and let them state again."""
        users = [
            self.parts[name]
            for name in SERVICES
            if not self.settings.given(name, "KAFKA_BOOTSTRAP")
        ]
        await asyncio.gather(*(each.stop() for each in users))
        await self.parts["broker"].spawn()
        await self.parts["broker"].ready()
        for each in users:
            await each.spawn()

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Only a main thread hears signals; a node in another one is stopped by its owner.
            with suppress(ValueError, RuntimeError):
                loop.add_signal_handler(number, self._tell, number)
                self._stack.callback(loop.remove_signal_handler, number)

    def _tell(self, number: int) -> None:
        """Hear a signal: the first one stops the node in order, another one at once."""
        if self._stopping or self._told is not None:
            self._kill_all()
        elif self._owner is not None:
            self._owner.cancel()
        self._told = self._told or number

    def _kill_all(self) -> None:
        for each in self.parts.values():
            each.kill()

    def _raise_interrupted(self, failure: BaseException | None) -> None:
        if (
            self._told is not None
            and isinstance(failure, asyncio.CancelledError)
            and self._owner is not None
        ):
            self._owner.uncancel()
            raise Interrupted(self._told) from None


@asynccontextmanager
async def _alive(parts: Sequence[Part]) -> AsyncIterator[None]:
    """Have parts run for as long as the block lasts; they are stopped together."""
    try:
        for each in parts:
            await each.spawn()
        yield
    finally:
        await asyncio.gather(*(each.stop() for each in parts))
