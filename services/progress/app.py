"""The composition root of progress."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from services.progress.api import routers
from services.progress.consumers import SUBSCRIPTIONS
from services.progress.handlers import warn_before_deadlines
from services.progress.settings import Settings
from services.progress.store import KINDS, ProgressWork, audit_rows, near_deadlines
from shared.kernel.clock import Clock, local_date
from shared.kernel.tasks import every
from shared.store.works import Works
from shared.web.identity import Keys
from shared.web.parts import Blueprint, Engine, Job, Parts
from shared.web.service import create_service

_SLICE = 100


def create_app(
    settings: Settings, engine: Engine, clock: Clock | None = None, keys: Keys | None = None
) -> FastAPI:
    """Make the application of progress."""

    def jobs(parts: Parts[ProgressWork]) -> Sequence[Job]:
        job = partial(warn_of_risks, parts.works, parts.clock, settings.node, settings.at_risk_days)
        return [every(settings.at_risk_seconds, job)]

    blueprint = Blueprint("progress", KINDS, ProgressWork, SUBSCRIPTIONS, jobs)
    return create_service(
        blueprint,
        routers(settings.node, settings.jp_targets),
        audit_rows,
        settings=settings,
        engine=engine,
        clock=clock,
        keys=keys,
    )


async def warn_of_risks(works: Works[ProgressWork], clock: Clock, region: str, days: int) -> None:
    """State which phases are at risk, for every record with a deadline within so many days."""
    now = clock.now()
    # A host in another time zone may be a day ahead or behind; the record decides by its own.
    today = local_date(now, region)
    near = [today + timedelta(days=ahead) for ahead in range(-1, days + 1)]
    after = ""
    while found := await near_deadlines(works.open(), near, after, _SLICE):
        await works.run(partial(warn_before_deadlines, found, days, now))
        after = found[-1]
