"""The e-mail of a notice: when it is tried, to whom it goes, and what becomes of it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.notify.domain.notices import Card, Notice, Preference, language_of, stamp
from services.notify.domain.phrases import Language
from services.notify.domain.wording import as_html, as_text, greet, tell
from shared.kernel.values import replace

LEASE = timedelta(minutes=5)
"""For how long whoever took a letter may try; after a crash it is tried again from then on."""

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
MOST_TRIES = 60
"""So many temporary refusals, a good two days of them, are as good as a permanent one."""

_LOCAL = r"(?=[^@]{1,64}@)(?![^@]*=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_ADDRESS = re.compile(_LOCAL + r"@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_LONGEST_ADDRESS = 254


@dataclass(frozen=True)
class Letter:
    """One e-mail, ready to be sent: plain text with the same as simple HTML beside it."""

    notice_id: str
    address: str
    name: str
    language: Language
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Outcome:
    """What the mail server said to a letter.

    `refused` is for good and `deferred` for now; `lost` is a line that broke on this letter.
    `reason` is the server's code, never its words, which may repeat an address.
    """

    kind: Literal["sent", "refused", "deferred", "lost"]
    reason: str = ""


def wait_after(tries: int) -> timedelta:
    """Tell how long to wait after so many tries: a minute, doubled each time, at most an hour."""
    doubled: int = 2 ** min(tries - 1, 10)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)


def prepare(
    notice: Notice,
    card: Card,
    preference: Preference,
    now: datetime,
    within: timedelta | None = None,
) -> tuple[Notice, Letter | None]:
    """Take a pending notice's letter for LEASE, or tell why there is none to send now.

    A card that is missing yet is waited for. `within` declines what happened longer ago than that,
    so that a restored store does not write to people about years past.
    """
    if card.erased or not preference.email:
        why = "erased" if card.erased else "by-preference"
        return _ended(notice, "declined", why), None
    if within is not None and notice.at < now - within:
        return _ended(notice, "declined", "too-old"), None
    if not card.card_version:
        return _later(notice, "no-card-yet", now), None
    if not card.email:
        return _ended(notice, "failed", "no-address"), None
    if len(card.email) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(card.email):
        return _ended(notice, "failed", "invalid-address"), None
    language = language_of(card, preference)
    told = greet(tell(notice.type, notice.words, language), card.name, language)
    letter = Letter(
        notice.id,
        card.email,
        card.name,
        language,
        told.subject,
        as_text(told),
        as_html(told, language),
    )
    return replace(notice, mail_due=stamp(now + LEASE)), letter


def conclude(notice: Notice, outcome: Outcome, now: datetime) -> Notice:
    """Note what became of a letter; one that is concluded already stays so."""
    if notice.mail != "pending":
        return notice
    if outcome.kind == "sent":
        return replace(notice, mail="sent", mail_at=stamp(now), mail_due="", mail_reason="")
    if outcome.kind == "refused":
        return _ended(notice, "failed", outcome.reason)
    if notice.mail_tries + 1 >= MOST_TRIES:
        return _ended(notice, "failed", f"gave-up after {outcome.reason}")
    return _later(notice, outcome.reason, now)


def put_back(notice: Notice, reason: str) -> Notice:
    """Give a letter back that was taken and not tried; it costs the notice nothing."""
    if notice.mail != "pending":
        return notice
    return replace(notice, mail_due="", mail_reason=reason)


def send_again(notice: Notice) -> Notice:
    """Let a letter that failed be tried from the start; any other is left alone."""
    if notice.mail != "failed":
        return notice
    return replace(notice, mail="pending", mail_due="", mail_tries=0, mail_reason="")


def _ended(notice: Notice, mail: Literal["failed", "declined"], reason: str) -> Notice:
    return replace(notice, mail=mail, mail_due="", mail_reason=reason)


def _later(notice: Notice, reason: str, now: datetime) -> Notice:
    tries = notice.mail_tries + 1
    due = stamp(now + wait_after(tries))
    return replace(notice, mail_tries=tries, mail_due=due, mail_reason=reason)
