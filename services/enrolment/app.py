"""The composition root of the enrolment service."""

from collections.abc import Sequence
from functools import cache, partial

from fastapi import FastAPI

from services.enrolment.api import ROUTERS
from services.enrolment.consumers import SUBSCRIPTIONS, incoming, outgoing
from services.enrolment.handlers.finishing import finish_erasures, finish_what_was_started
from services.enrolment.handlers.rosters import Today
from services.enrolment.settings import Settings
from services.enrolment.store import KINDS, EnrolmentWork, KeptStatements, audit_rows
from shared.kernel.clock import Clock, local_date
from shared.kernel.errors import Unavailable
from shared.kernel.ids import learner_id, read_pseudonym_key
from shared.kernel.tasks import every
from shared.web.identity import Keys
from shared.web.parts import Blueprint, Engine, Job, Parts
from shared.web.service import create_service


def create_app(
    settings: Settings, engine: Engine, clock: Clock | None = None, keys: Keys | None = None
) -> FastAPI:
    """Make the service on an engine; clock and keys are the machine's own unless given."""

    def jobs(parts: Parts[EnrolmentWork]) -> Sequence[Job]:
        def today() -> Today:
            now = parts.clock.now()
            return Today(now, local_date(now, settings.node), settings.node)

        async def finish() -> None:
            await finish_what_was_started(today(), parts.works)

        async def erase() -> None:
            statements = KeptStatements(parts.works)
            await finish_erasures(today(), parts.works, statements, pseudonym)

        return [every(settings.finish_seconds, finish), every(settings.finish_seconds, erase)]

    key = cache(partial(read_pseudonym_key, settings.pseudonym_key_file))

    def pseudonym(nip: str) -> str:
        try:
            return learner_id(nip, key())
        except (OSError, ValueError) as broken:
            raise Unavailable("the pseudonym key cannot be read") from broken

    blueprint = Blueprint(
        "enrolment", KINDS, EnrolmentWork, SUBSCRIPTIONS, jobs,
        outgoing=outgoing, incoming=partial(incoming, pseudonym),
        needs={"CORPU_PSEUDONYM_KEY_FILE": partial(read_pseudonym_key, settings.pseudonym_key_file)},
    )  # fmt: skip
    app = create_service(
        blueprint, ROUTERS, audit_rows, settings=settings, engine=engine, clock=clock, keys=keys
    )
    app.state.pseudonym_key = key
    return app
