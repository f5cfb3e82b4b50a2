"""The demo as the command line runs it: a node of its own, the three acts, and the end."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.audit import audit
from deploy.client import SERVICES, NodeClient
from deploy.demo.cast import EXTRA, cast
from deploy.demo.graduation import graduate, sign_and_print
from deploy.demo.nomination import nominate, record_staff
from deploy.demo.replay import replay
from deploy.demo.stage import Stage, Tokens, Watch
from deploy.demo.totals import Outcome, tally
from deploy.embedded import tokens
from deploy.embedded.node import EmbeddedNode
from deploy.embedded.settings import ROOT, NodeError, NodeSettings
from deploy.running import find
from shared.kernel.clock import SystemClock

_PATIENCE = 60.0
_SECONDS_A_LEARNER = 0.5
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Demo:
    """What the command line asked for."""

    learners: int = 32
    keep: bool = False
    out: Path | None = None


@dataclass(frozen=True)
class Finished:
    """What came of it; `addresses` only of a node that was left running."""

    outcome: Outcome
    out: Path
    home: Path
    addresses: Mapping[str, str]
    seconds: float

    def as_json(self) -> dict[str, object]:
        """Tell it as a program would read it."""
        kept = {"addresses": dict(self.addresses), "home": str(self.home)} if self.addresses else {}
        return {**self.outcome.totals, "out": str(self.out), **kept, "seconds": self.seconds}


async def play(stage: Stage, seats: int) -> Outcome:
    """Play the whole cohort on a node, through its public APIs only."""
    people = cast(seats)
    done = stage.watch.begin(f"nomination of {seats + EXTRA} for {seats} seats", 2)
    staff = await record_staff(stage, people)
    done(1)
    nominated = await nominate(stage, people, seats)
    done(1)
    participants, replayed = await replay(stage, nominated, staff)
    await graduate(stage, nominated, participants)
    printed = await sign_and_print(stage, nominated, len(participants))
    done = stage.watch.begin("audit", 1)
    books, disagreements = await audit(stage.operator, wait=stage.patience)
    done(1)
    return await tally(stage, nominated, replayed, printed, books, disagreements)


async def run(demo: Demo, watch: Watch, say: Callable[[str], None]) -> Finished:
    """Start a node of its own, play, and stop it again unless it is to be kept."""
    started = time.monotonic()
    settings, out = _place(demo)
    outcome: Outcome | None = None
    try:
        done = watch.begin("node started", 1)
        async with _node(demo, settings, say) as addresses:
            done(1)
            stage = _stage(settings, addresses, out, demo.learners, watch)
            async with stage.client:
                outcome = await play(stage, demo.learners)
    finally:
        # What a failed run left behind is what somebody will want to look at.
        if outcome is not None and not demo.keep:
            shutil.rmtree(settings.home, ignore_errors=True)
    kept = addresses if demo.keep else {}
    return Finished(outcome, out, settings.home, kept, round(time.monotonic() - started, 1))


def tokens_of(settings: NodeSettings) -> Tokens:
    """Issue tokens with a node's own key."""

    def token(
        *roles: str, subject: str, agency: str | None = None, learner_id: str | None = None
    ) -> str:
        return tokens.issue(
            settings.home, subject=subject, roles=roles, node=settings.node, agency=agency,
            learner_id=learner_id, issuer=settings.issuer, audience=settings.audience,
        )  # fmt: skip

    return token


def _place(demo: Demo) -> tuple[NodeSettings, Path]:
    """Tell where node and papers go: a folder of this run, so that none meets another's data."""
    settings = NodeSettings.read()
    stamp = SystemClock().now().strftime("%Y%m%d-%H%M%S-%f")[:-3]
    folder = settings.home / "demo" / stamp
    out = (demo.out or folder).absolute()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise NodeError(f"{out}: {refused.strerror}") from refused
    databases = {
        f"{name.upper()}_MONGO_DATABASE": f"corpu_demo_{stamp.replace('-', '_')}_{name}"
        for name in SERVICES
    }
    settings = replace(settings, environment={**databases, **settings.environment})
    home = folder / "node"
    return (replace(settings, home=home) if demo.keep else settings.elsewhere(home)), out


@asynccontextmanager
async def _node(
    demo: Demo, settings: NodeSettings, say: Callable[[str], None]
) -> AsyncIterator[Mapping[str, str]]:
    """Run a node for as long as the block lasts, or leave one running; tell its addresses."""
    if not demo.keep:
        async with EmbeddedNode(settings, say=say) as node:
            yield node.addresses
        return
    yield await _detached(settings)


async def _detached(settings: NodeSettings) -> Mapping[str, str]:
    """Start `corpu up` as a process that outlives this one, and wait until its node is ready."""
    settings.home.mkdir(parents=True, exist_ok=True)
    log = settings.home / "up.log"
    process = _start(settings, log)
    while (running := find(settings.home)) is None:
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
            raise NodeError(said.removeprefix("corpu: ") or f"the node ended at once: see {log}")
        await asyncio.sleep(_LOOK_SECONDS)
    return running.addresses


def _start(settings: NodeSettings, log: Path) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, where no Ctrl-C of ours reaches it."""
    environment = {
        **settings.environment,
        "CORPU_HOME": str(settings.home),
        "PYTHONPATH": str(ROOT),
    }
    with log.open("ab") as file:
        return subprocess.Popen(
            (sys.executable, "-P", "-m", "deploy.cli", "up"),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=environment,
            start_new_session=True,
        )


def _stage(
    settings: NodeSettings, addresses: Mapping[str, str], out: Path, learners: int, watch: Watch
) -> Stage:
    reached = {name: addresses[name] for name in SERVICES}
    patience = _PATIENCE + learners * _SECONDS_A_LEARNER
    return Stage(NodeClient(reached, patience=_PATIENCE), tokens_of(settings), out, watch, patience)
