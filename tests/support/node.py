"""A whole node in the test's own process: the four services on memory twins, behind one client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from fastapi import FastAPI

from deploy.client import NodeClient
from deploy.demo.stage import Stage
from services.certification.app import create_app as create_certification
from services.certification.settings import Settings as CertificationSettings
from services.enrolment.app import create_app as create_enrolment
from services.enrolment.settings import Settings as EnrolmentSettings
from services.notify.app import create_app as create_notify
from services.notify.settings import Settings as NotifySettings
from services.progress.app import create_app as create_progress
from services.progress.settings import Settings as ProgressSettings
from shared.kernel.clock import SetClock
from tests.support.serving import AUDIENCE, ISSUER, Issuer, MemoryEngine, clock

PSEUDONYM_KEY = "0f" * 32


@dataclass(frozen=True)
class MemoryNode:
    """A node in memory: its applications, its twins, its issuer and a client for all."""

    apps: dict[str, FastAPI]
    engine: MemoryEngine
    issuer: Issuer
    clock: SetClock
    client: NodeClient

    def token(
        self, *roles: str, subject: str, agency: str | None = None, learner_id: str | None = None
    ) -> str:
        """Sign a token, as the embedded issuer does."""
        return self.issuer.token(*roles, sub=subject, agency=agency, learner_id=learner_id)

    def stage(self, out: Path) -> Stage:
        """Make a stage for the demo of this node."""
        return Stage(self.client, self.token, out, patience=120.0)


@asynccontextmanager
async def memory_node(folder: Path) -> AsyncIterator[MemoryNode]:
    """Run a node in memory; `folder` holds its pseudonym key."""
    key = folder / "pseudonym.hex"
    key.write_text(PSEUDONYM_KEY, encoding="ascii")
    tickets = folder / "live.hex"
    tickets.write_text(PSEUDONYM_KEY, encoding="ascii")
    engine, watch = MemoryEngine(), clock()
    issuer = Issuer(watch)
    given = {
        "CORPU_ISSUER": ISSUER, "CORPU_AUDIENCE": AUDIENCE, "CORPU_PSEUDONYM_KEY_FILE": key,
        "CORPU_LIVE_KEY_FILE": tickets, "CORPU_LIVE_SECONDS": 0.05, "CORPU_FLUSH_SECONDS": 0.05,
    }  # fmt: skip
    apps = {
        "enrolment": create_enrolment(
            EnrolmentSettings.model_validate(given), engine, watch, issuer
        ),
        "progress": create_progress(ProgressSettings.model_validate(given), engine, watch, issuer),
        "certification": create_certification(
            CertificationSettings.model_validate(given), engine, watch, issuer
        ),
        "notify": create_notify(NotifySettings.model_validate(given), engine, watch, issuer),
    }
    async with AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(app.router.lifespan_context(app))
            while app.state.parts is None:
                await asyncio.sleep(0)
        client = NodeClient(
            {name: f"http://{name}.corpu.test" for name in apps},
            transports={
                name: httpx2.ASGITransport(app=app, raise_app_exceptions=False)
                for name, app in apps.items()
            },
        )
        yield MemoryNode(apps, engine, issuer, watch, await stack.enter_async_context(client))
