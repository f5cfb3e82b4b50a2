"""The composition root of progress."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial

from fastapi import FastAPI

from services.progress.api import routers
from services.progress.api.edge import BeatsDoor, describe_beats
from services.progress.api.tickets import SignedTickets, read_live_key
from services.progress.consumers import SUBSCRIPTIONS, incoming, outgoing
from services.progress.consumers.attendance import AttendanceFold
from services.progress.jobs import Tending, warn_of_risks
from services.progress.settings import Settings
from services.progress.store import KINDS, SILENT, ProgressWork
from services.progress.store.auditing import audit_rows
from shared.bus.folding import Folding, Rhythm
from shared.kernel.clock import Clock
from shared.kernel.ids import read_pseudonym_key
from shared.kernel.tasks import every
from shared.store.works import Works
from shared.web.identity import Keys
from shared.web.parts import Blueprint, Engine, Job, Parts
from shared.web.service import create_service


def create_app(
    settings: Settings, engine: Engine, clock: Clock | None = None, keys: Keys | None = None
) -> FastAPI:
    """Make the application of progress."""

    def jobs(parts: Parts[ProgressWork]) -> Sequence[Job]:
        job = partial(warn_of_risks, parts.works, parts.clock, settings.node, settings.at_risk_days)
        settle = timedelta(seconds=settings.live_late_seconds + settings.live_margin_seconds)
        tending = Tending(parts.works, parts.bus, parts.clock, settle)
        return [
            every(settings.at_risk_seconds, job),
            every(settings.live_seconds, tending.tend),
        ]

    def folds(works: Works[ProgressWork]) -> Sequence[Folding]:
        rhythm = Rhythm(settings.flush_seconds, settings.flush_learners)
        return [Folding(AttendanceFold(), works, rhythm)]

    needs = {
        "CORPU_PSEUDONYM_KEY_FILE": partial(read_pseudonym_key, settings.pseudonym_key_file),
        "CORPU_LIVE_KEY_FILE": partial(read_live_key, settings.live_key_file),
    }
    blueprint = Blueprint(
        "progress", KINDS, ProgressWork, SUBSCRIPTIONS, jobs,
        outgoing=outgoing, incoming=incoming, silent=SILENT, folds=folds, needs=needs,
    )  # fmt: skip
    app = create_service(
        blueprint,
        routers(settings.node, settings.jp_targets, settings.stream_hosts),
        audit_rows,
        settings=settings,
        engine=engine,
        clock=clock,
        keys=keys,
    )
    app.state.tickets = cache(lambda: SignedTickets(read_live_key(settings.live_key_file)))
    app.state.pseudonym_key = cache(partial(read_pseudonym_key, settings.pseudonym_key_file))
    app.door = BeatsDoor(
        app.behind_door,
        lambda: app.state.parts,
        app.state.tickets,
        app.state.clock,
        late=settings.live_late_seconds,
        linger=settings.beats_linger_ms / 1000,
        most=settings.beats_waiting,
    )
    describe_beats(app)
    return app
