"""What notify keeps when it is told something."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest

from services.notify.domain.letters import LEASE, Letter, Outcome
from services.notify.domain.notices import Notice, Preference, notice_id, stamp
from services.notify.handlers import (
    choose_channels,
    give_back,
    note_outcome,
    note_reading,
    note_reading_of_some,
    retry_failed_letter,
    take_due_letters,
)
from shared.events.enrolment import LearnerErased
from shared.kernel.errors import NotFound
from shared.store.scope import Scope
from tests.support import notify as say
from tests.support.notify import AT, AYU, BAGUS
from tests.support.notify_desk import Desk

NOW = AT + timedelta(hours=1)
OWN = Scope(learner=AYU)


@pytest.fixture
def desk() -> Desk:
    """Give a desk that has heard nothing."""
    return Desk()


async def notice_of(desk: Desk, key: str) -> Notice:
    """Load a notice."""
    return await desk.works.open().notices.get(key)


async def taken(desk: Desk, *, limit: int = 50, hours: int = 1) -> tuple[Sequence[Letter], bool]:
    """Take due letters so many hours after the facts."""
    return await desk.works.run(partial(take_due_letters, AT + timedelta(hours=hours), limit=limit))


async def test_a_card_gives_way_to_the_newest_only(desk: Desk) -> None:
    """An older card that comes late changes nothing."""
    await desk.hear(
        [say.card(version=2, email="new@kota.id"), say.card(version=1, email="old@kota.id")]
    )

    card = await desk.works.open().cards.of(AYU)

    assert (2, "Ayu Lestari, S.Sos.", "new@kota.id") == (card.card_version, card.name, card.email)


async def test_a_card_keeps_no_more_than_is_needed_to_write(desk: Desk) -> None:
    """Neither the employee's number nor the phone is kept here."""
    await desk.hear([say.card(phone="+62811")])

    kept = desk.kept()["cards"][AYU]

    told = {"card_version", "name", "email", "language", "abroad", "recorded_at", "erased_at"}
    assert told == set(kept) - {"_id", "seq"}


async def test_an_erased_person_is_named_and_reached_no_more(desk: Desk) -> None:
    """The card is blank and choices are gone; that they were told stays, and no letter goes out."""
    await desk.hear([say.enrolled(), say.card(version=1, email="ayu@kota.id")])
    choice = partial(choose_channels, AYU, inbox=True, email=True, language="en")
    await desk.works.run(choice)
    told_until = say.card(version=1).at
    await desk.hear([erased(told_until), erased(told_until), erased(told_until - LEASE)])

    letters, _ = await taken(desk)

    work = desk.works.open()
    card, notice = await work.cards.of(AYU), await notice_of(desk, notice_id(say.enrolled()))
    assert ("", "", True, True) == (card.name, card.email, card.erased, card.known)
    assert Preference(AYU) == await work.preferences.of(AYU)
    assert ([], "declined", "erased") == (letters, notice.mail, notice.mail_reason)
    assert "Ayu" not in repr(desk.kept())


async def test_whoever_is_recorded_after_an_erasure_is_reached_again(desk: Desk) -> None:
    """A card of before does not come back, in whatever order they come."""
    first, second = say.card(version=1), say.card(version=2, email="new@kota.id")
    second = second.model_copy(update={"at": first.at + LEASE})
    await desk.hear([erased(first.at)])
    await desk.hear([first])
    blank = await desk.works.open().cards.of(AYU)
    await desk.hear([second])

    card = await desk.works.open().cards.of(AYU)

    assert (1, "") == (blank.card_version, blank.email)
    assert ("new@kota.id", False) == (card.email, card.erased)


def erased(at: datetime) -> LearnerErased:
    """Tell that Ayu's data is erased."""
    return LearnerErased(learner_id=AYU, at=at)


async def test_a_read_notice_stays_read_when_its_fact_comes_again(desk: Desk) -> None:
    """A repeat does not make it unread."""
    fact = say.enrolled()
    await desk.hear([fact])
    await desk.works.run(partial(note_reading, notice_id(fact)), OWN)

    await desk.hear([fact])

    assert not (await notice_of(desk, notice_id(fact))).unread


async def test_nobody_reads_anothers_notice(desk: Desk) -> None:
    """For anybody else it does not exist."""
    fact = say.enrolled(BAGUS)
    await desk.hear([fact])

    with pytest.raises(NotFound):
        await desk.works.run(partial(note_reading, notice_id(fact)), OWN)

    assert (await notice_of(desk, notice_id(fact))).unread


async def test_reading_everything_reads_only_ones_own(desk: Desk) -> None:
    """A second time there is nothing left to read."""
    await desk.hear([*say.each_once(AYU), *say.each_once(BAGUS)])

    read = await desk.works.run(partial(note_reading_of_some, AYU), OWN)
    again = await desk.works.run(partial(note_reading_of_some, AYU), OWN)

    assert (13, 0) == (read, again)
    assert 13 == await desk.works.run(partial(note_reading_of_some, BAGUS), Scope(learner=BAGUS))


async def test_a_choice_is_kept(desk: Desk) -> None:
    """What a person chose holds until they choose again."""
    choose = partial(choose_channels, AYU, inbox=True, email=False, language="en")
    await desk.works.run(choose, OWN)

    chosen = await desk.works.open().preferences.of(AYU)

    assert Preference(AYU, inbox=True, email=False, language="en") == chosen


async def test_a_letter_is_taken_once(desk: Desk) -> None:
    """Nobody else takes it before the lease ends; after a crash it is taken again."""
    await desk.hear([say.card(), say.certified()])

    (letter,), more = await taken(desk)
    meanwhile, _ = await taken(desk)
    after_the_lease, _ = await taken(desk, hours=2)

    assert "ayu@malangkota.go.id" == letter.address
    assert not more
    assert [] == meanwhile
    assert [letter] == after_the_lease
    assert LEASE < timedelta(hours=1)


async def test_letters_are_taken_page_by_page(desk: Desk) -> None:
    """A full page tells that there may be more."""
    await desk.hear([say.card(), *say.each_once()])

    first, more = await taken(desk, limit=7)
    rest, still_more = await taken(desk, limit=7)

    assert (7, True) == (len(first), more)
    assert (6, False) == (len(rest), still_more)


async def test_letters_without_a_card_are_not_taken_but_wait(desk: Desk) -> None:
    """The card that comes later lets them go, when they are due again."""
    await desk.hear([say.certified()])

    before, _ = await taken(desk)
    await desk.hear([say.card()])
    after, _ = await taken(desk, hours=2)

    assert [] == before
    assert 1 == len(after)


async def test_what_the_mail_server_said_is_kept(desk: Desk) -> None:
    """A sent letter is marked; noting it again changes nothing."""
    fact = say.certified()
    await desk.hear([say.card(), fact])
    await taken(desk)
    key = notice_id(fact)

    await desk.works.run(partial(note_outcome, key, Outcome("sent"), NOW))
    await desk.works.run(partial(note_outcome, key, Outcome("refused", "550"), NOW))

    assert ("sent", stamp(NOW)) == ((n := await notice_of(desk, key)).mail, n.mail_at)


async def test_letters_given_back_are_due_at_once(desk: Desk) -> None:
    """What was not tried need not wait for the lease to end."""
    await desk.hear([say.card(), *say.each_once()])
    letters, _ = await taken(desk)

    await desk.works.run(partial(give_back, [each.notice_id for each in letters], "slow-server"))
    again, _ = await taken(desk)

    assert {each.notice_id for each in letters} == {each.notice_id for each in again}


async def test_a_failed_letter_may_be_tried_again(desk: Desk) -> None:
    """The person's address was corrected, and the letter leaves."""
    fact = say.certified()
    await desk.hear([say.card(email="ayu@"), fact])
    await taken(desk)
    await desk.hear([say.card(version=2)])

    await desk.works.run(partial(retry_failed_letter, notice_id(fact)))
    letters, _ = await taken(desk)

    assert ["ayu@malangkota.go.id"] == [each.address for each in letters]
