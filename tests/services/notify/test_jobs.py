"""The mail's rounds: every letter leaves once, and an outage delays nothing but letters."""

from datetime import timedelta

import pytest

from services.notify.domain.letters import LEASE, Letter, Outcome
from services.notify.domain.notices import notice_id
from services.notify.jobs import MailRounds
from shared.kernel.clock import SetClock
from shared.kernel.errors import Unavailable
from shared.store.port import Change, Written
from tests.support import notify as say
from tests.support.notify import AYU, BAGUS, COHORT
from tests.support.notify_desk import Desk, MemoryLetters
from tests.support.serving import clock as set_clock

KEY = notice_id(say.certified())


class Office:
    """A desk with a mail server in memory and rounds between them."""

    def __init__(self) -> None:
        """Open with everybody's card."""
        self.clock: SetClock = set_clock()
        self.desk, self.letters = Desk(), MemoryLetters()
        self.rounds = MailRounds(self.desk.works, self.letters, self.clock)

    async def mail(self, key: str = KEY) -> tuple[str, str]:
        """Tell what became of a letter, and why."""
        notice = await self.desk.works.open().notices.get(key)
        return notice.mail, notice.mail_reason

    async def go(self, *, after: timedelta = timedelta()) -> None:
        """Make a round after some time."""
        self.clock.advance(after)
        await self.rounds.go()


@pytest.fixture
async def office() -> Office:
    """Give an office that knows Ayu and Bagus."""
    office = Office()
    await office.desk.hear([say.card(AYU), say.card(BAGUS, email="bagus@malangkota.go.id")])
    return office


async def test_every_letter_leaves_once(office: Office) -> None:
    """Many pages of letters leave in one round, and nothing in the next."""
    await office.desk.hear([fact for n in range(11) for fact in say.each_once(AYU, f"cohort-{n}")])

    await office.go()
    await office.go(after=timedelta(days=1))

    assert 143 == len(office.letters.taken)
    assert 143 == len({letter.notice_id for letter in office.letters.tried})


async def test_an_idle_round_opens_no_line(office: Office) -> None:
    """Without a letter the mail server is left alone."""
    await office.go()

    assert 0 == office.letters.opened_times


async def test_a_refused_letter_delays_no_other(office: Office) -> None:
    """The refused one is marked with the reason; those behind it leave."""
    await office.desk.hear([say.certified(), say.certified(BAGUS)])
    office.letters.says = [Outcome("refused", "550 5.1.1")]

    await office.go()

    (taken,) = office.letters.taken
    refused = {KEY, notice_id(say.certified(BAGUS))} - {taken.notice_id}
    assert ("failed", "550 5.1.1") == await office.mail(refused.pop())


async def test_a_letter_refused_for_now_is_tried_later(office: Office) -> None:
    """It waits its own while, and leaves then."""
    await office.desk.hear([say.certified()])
    office.letters.says = [Outcome("deferred", "451 4.7.1")]

    await office.go()
    await office.go(after=timedelta(seconds=59))
    tried_too_early = len(office.letters.tried)
    await office.go(after=timedelta(seconds=1))

    assert 1 == tried_too_early
    assert ("sent", "") == await office.mail()


async def test_while_the_mail_server_is_away_letters_wait_and_the_rounds_rest(
    office: Office,
) -> None:
    """It is asked less and less often, and no letter is worse off for it."""
    await office.desk.hear([say.certified()])
    office.letters.away = True
    for _ in range(600):
        await office.go(after=timedelta(seconds=1))
    asked = office.letters.opened_times
    during = await office.mail()
    office.letters.away = False

    await office.go(after=timedelta(seconds=60))

    assert ("pending", "mail-server-away") == during
    assert 14 == asked
    assert ("sent", "") == await office.mail()


async def test_a_line_that_breaks_on_one_letter_does_not_hold_up_the_rest(office: Office) -> None:
    """The letter it broke on waits its own while; the others leave after the rest."""
    await office.desk.hear([say.certified(cohort=f"cohort-{n}") for n in range(5)])
    office.letters.says = [Outcome("lost", "SMTPServerDisconnected")]

    await office.go()
    await office.go(after=timedelta(seconds=2))
    soon = len(office.letters.taken)
    await office.go(after=timedelta(seconds=60))

    assert (4, 5) == (soon, len(office.letters.taken))


async def test_a_slow_server_does_not_keep_letters_longer_than_they_were_taken_for(
    office: Office,
) -> None:
    """What is not tried in time goes back, and is taken again."""
    await office.desk.hear([say.certified(cohort=f"cohort-{n}") for n in range(5)])
    send = office.letters.send

    async def slowly(letter: Letter) -> Outcome:
        office.clock.advance(LEASE / 4)
        return await send(letter)

    office.letters.send = slowly  # type: ignore[method-assign]  # the same fake, only slower

    await office.go()
    first = len(office.letters.taken)
    await office.go()

    assert 3 == first
    assert 5 == len(office.letters.taken)
    assert 5 == len(office.letters.tried)


async def test_a_crash_after_sending_sends_the_same_letter_again(office: Office) -> None:
    """The mark is lost, so the letter leaves again under the same id once the lease ends."""
    await office.desk.hear([say.certified()])
    store, write = office.desk.store, office.desk.store.write

    async def away_after_sending(changes: list[Change]) -> Written:
        if office.letters.taken:
            raise Unavailable("the store is away (test)")
        return await write(changes)

    store.write = away_after_sending  # type: ignore[assignment,method-assign]  # a store that dies
    with pytest.raises(Unavailable):
        await office.go()
    store.write = write  # type: ignore[method-assign]  # and is back

    await office.go()
    early = len(office.letters.taken)
    await office.go(after=LEASE)

    first, second = office.letters.taken
    assert 1 == early
    assert first == second
    assert ("sent", "") == await office.mail()


async def test_letters_wait_for_cards_and_leave_when_these_come(office: Office) -> None:
    """A card that comes later lets its letters go; letters of others do not wait for it."""
    stranger = "c" * 32
    await office.desk.hear([say.certified(stranger), say.certified()])

    await office.go()
    before = [letter.notice_id for letter in office.letters.taken]
    await office.desk.hear([say.card(stranger, email="citra@malangkota.go.id")])
    await office.go(after=timedelta(minutes=1))

    assert [KEY] == before
    assert ("sent", "") == await office.mail(notice_id(say.certified(stranger)))


async def test_two_processes_send_a_letter_once(office: Office) -> None:
    """The second process finds the letters taken."""
    await office.desk.hear([say.certified(), say.certified(BAGUS), say.enrolled(cohort=COHORT)])
    other = MailRounds(office.desk.works, office.letters, office.clock)
    send = office.letters.send

    async def while_the_other_looks(letter: Letter) -> Outcome:
        await other.go()
        return await send(letter)

    office.letters.send = while_the_other_looks  # type: ignore[method-assign]  # a rival comes in

    await office.go()

    assert 3 == len(office.letters.tried)
