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
from typing import Self

from deploy.audit import audit
from deploy.client import SERVICES, NodeClient
from deploy.demo.cast import EXTRA, cast
from deploy.demo.graduation import graduate, sign_and_print
from deploy.demo.nomination import nominate, record_staff
from deploy.demo.replay import replay
from deploy.demo.stage import Stage, Tokens, Watch
from deploy.demo.totals import Outcome, tally
from deploy.embedded import tokens
from deploy.embedded.node import EmbeddedNode, Interrupted
from deploy.embedded.settings import ROOT, NodeError, NodeSettings
from deploy.running import Running, find
from shared.kernel.clock import SystemClock

_PATIENCE = 60.0
_SECONDS_A_LEARNER = 0.5
_LOOK_SECONDS = 0.1
_NOT_FOR_A_DEMO = frozenset({"CORPU_JWKS", "CORPU_ISSUER", "CORPU_AUDIENCE", "SMTP_URL"})
"""A demo signs its own tokens, and writes to nobody."""


@dataclass(frozen=True)
class Demo:
    """What was asked for, and where its node and its papers go.

    It plays on a node of its own, unless `there` is one that runs already: that one stays as it is played.
    """

    learners: int
    keep: bool
    settings: NodeSettings
    out: Path
    there: Running | None = None

    @classmethod
    def planned(
        cls, *, learners: int, keep: bool, out: Path | None, settings: NodeSettings
    ) -> Self:
        """Make a folder of this run, so that none meets another's data; OSError where it cannot be."""
        stamp = SystemClock().now().strftime("%Y%m%d-%H%M%S-%f")[:-3]
        folder = settings.home / "demo" / stamp
        papers = (out or folder).absolute()
        papers.mkdir(parents=True, exist_ok=True)
        name = stamp.replace("-", "_")
        databases = {
            f"{each.upper()}_MONGO_DATABASE": f"corpu_demo_{name}_{each}" for each in SERVICES
        }
        own = {
            key: value for key, value in settings.environment.items() if key not in _NOT_FOR_A_DEMO
        }
        settings = replace(settings, environment={**databases, **own})
        home = folder / "node"
        placed = replace(settings, home=home) if keep else settings.elsewhere(home)
        return cls(learners, keep, placed, papers)

    @classmethod
    def on(cls, there: Running, *, learners: int, out: Path | None, settings: NodeSettings) -> Self:
        """Play on a node that runs already and is signed in to with its own keys."""
        papers = (out or Path("certificates")).absolute()
        papers.mkdir(parents=True, exist_ok=True)
        return cls(learners, True, replace(settings, home=there.home), papers, there)  # noqa: FBT003 - it is kept


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
    home = demo.settings.home
    try:
        done = watch.begin("node started", 1)
        async with _node(demo, say) as addresses:
            done(1)
            stage = _stage(demo, addresses, watch)
            async with stage.client:
                outcome = await play(stage, demo.learners)
    except (Interrupted, asyncio.CancelledError):
        # Any other failure leaves its node's state for whoever wants to know why.
        if demo.there is None:
            shutil.rmtree(home, ignore_errors=True)
        raise
    if not demo.keep:
        shutil.rmtree(home, ignore_errors=True)
    kept = addresses if demo.keep else {}
    return Finished(outcome, demo.out, home, kept, round(time.monotonic() - started, 1))


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


@asynccontextmanager
async def _node(demo: Demo, say: Callable[[str], None]) -> AsyncIterator[Mapping[str, str]]:
    """Run a node for as long as the block lasts, or longer if it is to be kept; tell its addresses."""
    if demo.there is not None:
        yield demo.there.addresses
        return
    if demo.keep:
        async with _detached(demo.settings) as addresses:
            yield addresses
        return
    async with EmbeddedNode(demo.settings, say=say) as node:
        yield node.addresses


@asynccontextmanager
async def _detached(settings: NodeSettings) -> AsyncIterator[Mapping[str, str]]:
    """Start `./corpu up` as a process that outlives this one; only a failed block ends it."""
    settings.home.mkdir(parents=True, exist_ok=True)
    log = settings.home / "up.log"
    process = _start(settings, log)
    try:
        yield await _addresses(settings.home, process, log)
    except BaseException:
        process.terminate()
        await asyncio.to_thread(process.wait)
        raise


async def _addresses(home: Path, process: subprocess.Popen[bytes], log: Path) -> Mapping[str, str]:
    """Wait until a node is ready; NodeError, with its own last words, where it ends before."""
    while (running := find(home)) is None:
        if process.poll() is not None:
            raise NodeError(_last_words(log))
        await asyncio.sleep(_LOOK_SECONDS)
    return running.addresses


def _last_words(log: Path) -> str:
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return said[-1].removeprefix("corpu: ") if said else f"the node said nothing in {log}"


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


def _stage(demo: Demo, addresses: Mapping[str, str], watch: Watch) -> Stage:
    reached = {name: addresses[name] for name in SERVICES}
    client = NodeClient(reached, patience=_PATIENCE)
    patience = _PATIENCE + demo.learners * _SECONDS_A_LEARNER
    return Stage(client, tokens_of(demo.settings), demo.out, watch, patience)
