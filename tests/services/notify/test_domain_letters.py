"""What becomes of a notice's e-mail."""

from datetime import timedelta

import pytest

from services.notify.domain.letters import (
    LEASE,
    LONGEST_WAIT,
    MOST_TRIES,
    Outcome,
    conclude,
    prepare,
    put_back,
    send_again,
    wait_after,
)
from services.notify.domain.notices import (
    Card,
    Notice,
    Preference,
    stamp,
)
from tests.support import notify as say
from tests.support.notify import AT, AYU

NOW = AT + timedelta(hours=1)
CARD = Card(AYU, 1, "Ayu Lestari, S.Sos.", "ayu@malangkota.go.id")
ANYHOW = Preference(AYU)


def test_a_letter_is_taken_for_a_while() -> None:
    """Whoever takes a letter has it alone until the lease ends."""
    notice, letter = prepare(Notice.of(say.certified()), CARD, ANYHOW, NOW)

    assert letter is not None
    assert (CARD.email, CARD.name) == (letter.address, letter.name)
    assert letter.text.startswith("Yth. Ayu Lestari, S.Sos.,\n\nSertifikat Anda")
    assert ("pending", stamp(NOW + LEASE), 0) == (notice.mail, notice.mail_due, notice.mail_tries)


def test_somebody_without_a_name_is_greeted_all_the_same() -> None:
    """The salutation needs no name."""
    _, letter = prepare(Notice.of(say.certified()), Card(AYU, 1, "", "a@b.id"), ANYHOW, NOW)

    assert letter is not None
    assert letter.text.startswith("Yth. Bapak/Ibu,\n\n")


def test_who_wants_no_e_mail_gets_none() -> None:
    """The preference is looked up when the letter would be sent."""
    notice, letter = prepare(Notice.of(say.certified()), CARD, Preference(AYU, email=False), NOW)

    assert letter is None
    assert ("declined", "by-preference") == (notice.mail, notice.mail_reason)


def test_a_restored_store_does_not_write_about_years_past() -> None:
    """What happened longer ago than the node writes about is declined."""
    pending, week = Notice.of(say.certified()), timedelta(days=7)

    late, no_letter = prepare(pending, CARD, ANYHOW, AT + timedelta(days=8), week)
    _, letter = prepare(pending, CARD, ANYHOW, AT + timedelta(days=6), week)

    assert no_letter is None
    assert ("declined", "too-old") == (late.mail, late.mail_reason)
    assert letter is not None


def test_a_missing_card_is_waited_for() -> None:
    """A fact may come before its person's card: the letter waits, longer each time."""
    once, letter = prepare(Notice.of(say.certified()), Card(AYU), ANYHOW, NOW)
    twice, _ = prepare(once, Card(AYU), ANYHOW, NOW)

    assert letter is None
    assert ("pending", "no-card-yet") == (twice.mail, twice.mail_reason)
    assert stamp(NOW + timedelta(minutes=1)) == once.mail_due
    assert stamp(NOW + timedelta(minutes=2)) == twice.mail_due


@pytest.mark.parametrize(
    "address",
    [
        "ayu", "ayu@", "@kota.id", "a@b@c.id", "ayu lestari@kota.id",
        "ayu@kota.id\nBcc: all@kota.id", "<ayu@kota.id>", "ayu@kota.id, bagus@kota.id",
        "ayu..l@kota.id", ".ayu@kota.id", "ayu.@kota.id", "=?utf-8?q?ayu?=@kota.id", f"{'a' * 65}@kota.id",
        "ayu@kota..id", f"{'a' * 60}@{'b.' * 120}id",
    ],
)  # fmt: skip
def test_an_address_that_is_none_fails(address: str) -> None:
    """Nothing that could name a second recipient or a second header is written to."""
    notice, letter = prepare(Notice.of(say.certified()), Card(AYU, 1, "", address), ANYHOW, NOW)

    assert letter is None
    assert ("failed", "invalid-address") == (notice.mail, notice.mail_reason)


def test_a_person_without_an_address_is_told_in_the_inbox_only() -> None:
    """The e-mail fails with that reason."""
    notice, _ = prepare(Notice.of(say.certified()), Card(AYU, 1, "Ayu"), ANYHOW, NOW)

    assert ("failed", "no-address") == (notice.mail, notice.mail_reason)


def test_a_sent_letter_is_done_with() -> None:
    """It is marked with the instant and never due again."""
    sent = conclude(Notice.of(say.certified()), Outcome("sent"), NOW)

    assert ("sent", stamp(NOW), "") == (sent.mail, sent.mail_at, sent.mail_due)
    assert sent is conclude(sent, Outcome("refused", "550"), NOW)
    assert sent is put_back(sent, "slow-server")
    assert sent is send_again(sent)


def test_a_letter_refused_for_good_fails_with_the_reason_and_may_be_tried_anew() -> None:
    """An operator lets it be tried again from the start."""
    failed = conclude(Notice.of(say.certified()), Outcome("refused", "550 5.1.1"), NOW)

    assert ("failed", "550 5.1.1") == (failed.mail, failed.mail_reason)
    assert Notice.of(say.certified()) == send_again(failed)


def test_a_letter_refused_for_now_waits_and_in_the_end_fails() -> None:
    """After two days of temporary refusals it is given up."""
    notice = Notice.of(say.certified())
    for _ in range(MOST_TRIES - 1):
        notice = conclude(notice, Outcome("deferred", "451"), NOW)
        assert ("pending", "451") == (notice.mail, notice.mail_reason)

    notice = conclude(notice, Outcome("deferred", "451"), NOW)

    assert ("failed", "gave-up after 451") == (notice.mail, notice.mail_reason)


def test_what_was_not_tried_goes_back_at_no_cost() -> None:
    """A letter given back is due at once and has no try more."""
    taken, _ = prepare(Notice.of(say.certified()), CARD, ANYHOW, NOW)

    back = put_back(taken, "mail-server-away")

    assert ("pending", "", 0) == (back.mail, back.mail_due, back.mail_tries)


def test_the_wait_doubles_up_to_an_hour() -> None:
    """A minute, two, four, and never more than an hour."""
    minutes = [wait_after(tries) / timedelta(minutes=1) for tries in (1, 2, 3, 6, 7, 1_000)]

    assert [1, 2, 4, 32, 60, 60] == minutes
    assert LONGEST_WAIT == wait_after(MOST_TRIES)
