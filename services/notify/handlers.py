"""What notify does: tell people, keep cards and choices, and see letters off."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.notify.domain.letters import Letter, Outcome, conclude, prepare, put_back, send_again
from services.notify.domain.notices import Card, notice_id, stamp
from services.notify.domain.phrases import Language
from services.notify.ports import Work
from shared.events.enrolment import LearnerRecorded
from shared.events.fact import Fact

_PAGE = 200


async def tell_people(fact: Fact, work: Work) -> None:
    """Keep the one notice of a fact; a repeat finds it there and changes nothing."""
    notice = await work.notices.of(notice_id(fact))
    if not notice.type:
        work.notices.keep(notice.telling(fact, work.channels))


async def keep_newest_card(fact: LearnerRecorded, work: Work) -> None:
    """Keep how to reach a learner, as their newest card tells."""
    card = await work.cards.of(fact.learner_id)
    if fact.version > card.card_version:
        work.cards.keep(Card(card.id, fact.version, fact.name, fact.email, fact.language))


async def note_reading(key: str, work: Work) -> None:
    """Note that a person has read one notice of theirs; NotFound if it is not."""
    notice = await work.notices.get(key)
    work.notices.keep(notice.read())


async def note_reading_of_some(learner: str, work: Work) -> int:
    """Note that a person has read their next unread notices, and tell how many these were."""
    unread = await work.notices.find({"learner_id": learner, "unread": True}, limit=_PAGE)
    for notice in unread:
        work.notices.keep(notice.read())
    return len(unread)


async def choose_channels(
    learner: str, work: Work, *, inbox: bool, email: bool, language: Language | None
) -> None:
    """Keep by which channels, and in which language, a person wants to be told."""
    chosen = await work.preferences.of(learner)
    work.preferences.keep(replace(chosen, inbox=inbox, email=email, language=language))


async def take_due_letters(
    now: datetime, work: Work, *, limit: int, within: timedelta | None = None
) -> tuple[Sequence[Letter], bool]:
    """Take due letters, so that nobody else sends them meanwhile; tell if more may be due."""
    due = {"mail": "pending", "mail_due": {"$lte": stamp(now)}}
    notices = await work.notices.find(due, sort="mail_due", limit=limit)
    people = {notice.learner_id for notice in notices}
    await work.cards.preload(people)
    await work.preferences.preload(people)
    letters: list[Letter] = []
    for notice in notices:
        card = await work.cards.of(notice.learner_id)
        preference = await work.preferences.of(notice.learner_id)
        taken, letter = prepare(notice, card, preference, now, within)
        work.notices.keep(taken)
        if letter:
            letters.append(letter)
    return letters, len(notices) == limit


async def note_outcome(key: str, outcome: Outcome, now: datetime, work: Work) -> None:
    """Note what the mail server said to a letter."""
    notice = await work.notices.get(key)
    work.notices.keep(conclude(notice, outcome, now))


async def give_back(keys: Iterable[str], reason: str, work: Work) -> None:
    """Give letters back that were taken and not tried."""
    wanted = list(keys)
    await work.notices.preload(wanted)
    for key in wanted:
        work.notices.keep(put_back(await work.notices.get(key), reason))


async def retry_failed_letter(key: str, work: Work) -> None:
    """Let a letter that failed be tried again; NotFound where there is no such notice."""
    notice = await work.notices.get(key)
    work.notices.keep(send_again(notice))
