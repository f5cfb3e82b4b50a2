"""notify, put together."""

from collections.abc import Sequence
from functools import partial

from fastapi import FastAPI

from services.notify.api import agencies, inbox, notices, preferences, stream
from services.notify.api.live import Listeners
from services.notify.consumers import SUBSCRIPTIONS, incoming
from services.notify.domain.notices import CHANNELS, Channel
from services.notify.jobs import ROUND_SECONDS, MailRounds
from services.notify.ports import Letters
from services.notify.settings import Settings
from services.notify.store import KINDS, NotifyWork, audit_rows
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.tasks import every
from shared.web.identity import Keys
from shared.web.parts import Blueprint, Engine, Job, Parts
from shared.web.service import create_service


def create_app(
    settings: Settings,
    engine: Engine,
    clock: Clock | None = None,
    keys: Keys | None = None,
    letters: Letters | None = None,
) -> FastAPI:
    """Make notify's application; `letters` stands in for the mail server that the settings name."""
    watch = clock or SystemClock()
    way = letters or _letters(settings, watch)
    channels: frozenset[Channel] = CHANNELS if way else CHANNELS - {"email"}
    listeners = Listeners()

    def jobs(parts: Parts[NotifyWork]) -> Sequence[Job]:
        if way is None:
            return ()
        rounds = MailRounds(parts.works, way, watch, settings.mail_within)
        return (every(ROUND_SECONDS, rounds.go),)

    blueprint = Blueprint(
        name="notify",
        kinds=KINDS,
        work=partial(NotifyWork, channels=channels, told=listeners.tell),
        subscriptions=SUBSCRIPTIONS,
        jobs=jobs,
        incoming=incoming,
    )
    app = create_service(
        blueprint,
        [stream.router, inbox.router, preferences.router, notices.router, agencies.router],
        audit_rows,
        settings=settings,
        engine=engine,
        clock=watch,
        keys=keys,
    )
    app.state.listeners = listeners
    app.state.channels = channels
    return app


def _letters(settings: Settings, clock: Clock) -> Letters | None:
    url = settings.smtp_url.get_secret_value()
    if not url:
        return None
    # Imported here because a node without a mail server need not carry the client.
    from services.notify.mail import MailServer, SmtpLetters  # noqa: PLC0415

    try:
        return SmtpLetters(
            MailServer.of(url),
            settings.smtp_from,
            clock,
            timeout=settings.smtp_timeout,
            ca_file=settings.smtp_ca_file,
        )
    except ValueError as wrong:
        raise SystemExit(f"the settings cannot be used: {wrong}") from None
