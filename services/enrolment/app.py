"""The composition root of the enrolment service."""

from collections.abc import Sequence
from functools import cache, partial

from fastapi import FastAPI

from services.enrolment.api import ROUTERS
from services.enrolment.consumers import SUBSCRIPTIONS
from services.enrolment.handlers.finishing import finish_what_was_started
from services.enrolment.handlers.rosters import Today
from services.enrolment.settings import Settings
from services.enrolment.store import KINDS, EnrolmentWork, audit_rows
from shared.kernel.clock import Clock, local_date
from shared.kernel.ids import read_pseudonym_key
from shared.kernel.tasks import every
from shared.web.identity import Keys
from shared.web.parts import Blueprint, Engine, Job, Parts
from shared.web.service import create_service


def create_app(
    settings: Settings, engine: Engine, clock: Clock | None = None, keys: Keys | None = None
) -> FastAPI:
    """Make the service on an engine; clock and keys are the machine's own unless given."""

    def jobs(parts: Parts[EnrolmentWork]) -> Sequence[Job]:
        async def finish() -> None:
            now = parts.clock.now()
            today = Today(now, local_date(now, settings.node), settings.node)
            await finish_what_was_started(today, parts.works)

        return [every(settings.finish_seconds, finish)]

    blueprint = Blueprint("enrolment", KINDS, EnrolmentWork, SUBSCRIPTIONS, jobs)
    app = create_service(
        blueprint, ROUTERS, audit_rows, settings=settings, engine=engine, clock=clock, keys=keys
    )
    app.state.pseudonym_key = cache(partial(read_pseudonym_key, settings.pseudonym_key_file))
    return app
