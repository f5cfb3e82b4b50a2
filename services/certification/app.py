"""certification, put together."""

from collections.abc import Sequence
from functools import partial

from fastapi import FastAPI

from services.certification.api import certificates, credentials, registers, verification
from services.certification.consumers import SUBSCRIPTIONS, incoming, outgoing
from services.certification.handlers.certifying import account_for_numbers
from services.certification.papers.press import Press
from services.certification.settings import Settings
from services.certification.store import KINDS, CertificationWork, audit_rows
from shared.federation.retention import Retention
from shared.kernel.clock import Clock
from shared.kernel.tasks import every
from shared.web.identity import Keys
from shared.web.parts import Blueprint, Engine, Job, Parts
from shared.web.service import create_service
from shared.web.throttle import Throttle


def create_app(
    settings: Settings, engine: Engine, clock: Clock | None = None, keys: Keys | None = None
) -> FastAPI:
    """Make certification's application."""

    def jobs(parts: Parts[CertificationWork]) -> Sequence[Job]:
        account = partial(account_for_numbers, parts.works, set())
        return (every(settings.account_seconds, account),)

    blueprint = Blueprint(
        name="certification",
        kinds=KINDS,
        work=partial(
            CertificationWork,
            public_url=str(settings.public_url).rstrip("/"),
            seal=Retention(settings.node, settings.node_keys, settings.pseudonym_key_file).seal,
        ),
        subscriptions=SUBSCRIPTIONS,
        jobs=jobs,
        outgoing=outgoing,
        incoming=incoming,
    )
    app = create_service(
        blueprint,
        [credentials.router, certificates.router, registers.router, verification.router],
        audit_rows,
        settings=settings,
        engine=engine,
        clock=clock,
        keys=keys,
    )
    app.state.press = Press(settings.renderings)
    app.state.throttle = Throttle(settings.verify_rate)
    return app
