"""What notify does: tell people, keep cards and choices, and see letters off."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from services.notify.domain.letters import Letter, Outcome, conclude, prepare, put_back, send_again
from services.notify.domain.notices import Card, Preference, notice_id, stamp
from services.notify.domain.phrases import Language
from services.notify.ports import Work
from shared.events.enrolment import LearnerErased, LearnerRecorded
from shared.events.fact import LearnerFact
from shared.events.hosting import is_hosted_by
from shared.kernel.errors import Unprocessable
from shared.kernel.values import replace

_PAGE = 200


async def tell_people(fact: LearnerFact, work: Work) -> None:
    """Keep the one notice of a fact; a repeat finds it there and changes nothing.

    Guests are told by their home, which has their inbox and their choice of channels (ADR-0013).
    """
    if fact.home_node not in ("", work.node):
        return
    notice = await work.notices.of(notice_id(fact))
    if not notice.type:
        work.notices.keep(notice.telling(fact, work.channels))


async def tell_what_hosts_tell(fact: LearnerFact, work: Work) -> None:
    """Tell one of our people what happened to them in another node's cohort, as that node says."""
    if not is_hosted_by(fact, work.teller):
        raise Unprocessable("not-their-enrolment", "a node speaks of its own cohorts only")
    await tell_people(fact, work)


async def know_learners(learner_ids: Sequence[str], work: Work) -> set[str]:
    """Tell which of these are this node's own people, or were."""
    await work.cards.preload(learner_ids)
    cards = [await work.cards.of(each) for each in learner_ids]
    return {card.id for card in cards if card.known}


async def prepare_notices(facts: Sequence[LearnerFact], work: Work) -> None:
    """Load together what a batch from other nodes is about."""
    await work.cards.preload(fact.learner_id for fact in facts)
    await work.notices.preload(notice_id(fact) for fact in facts)


async def keep_newest_card(fact: LearnerRecorded, work: Work) -> None:
    """Keep how to reach a learner, as their newest card tells, and whether they ever belonged here."""
    card = await work.cards.of(fact.learner_id)
    guest = fact.home_node not in ("", work.node)
    abroad = guest and (card.abroad or not card.card_version)
    if fact.version > card.card_version:
        reached = (fact.version, fact.name, fact.email, fact.language)
        newer = Card(card.id, *reached, abroad, fact.at, card.erased_at)
        work.cards.keep(newer.blanked())
    elif abroad != card.abroad:
        work.cards.keep(replace(card, abroad=abroad))


async def forget_erased_learner(fact: LearnerErased, work: Work) -> None:
    """Forget who a learner was, and what they chose; that they were told, and of what, stays."""
    card = await work.cards.of(fact.learner_id)
    blank = card.erase(fact.at)
    if blank is card:
        return
    work.cards.keep(blank)
    await work.preferences.of(fact.learner_id)
    work.preferences.keep(Preference(fact.learner_id))


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


async def note_that_agency_saw(agency: str, keys: Sequence[str], work: Work) -> int:
    """Note that an agency has seen notices of its people, and tell how many of them are its own."""
    await work.notices.preload(keys)
    notices = [await work.notices.get(key) for key in keys]
    own = [notice for notice in notices if notice.agency == agency]
    for notice in own:
        work.notices.keep(notice.see())
    return len(own)


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
