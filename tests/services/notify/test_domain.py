"""Notices, their wording and their letters."""

from datetime import UTC, date, datetime, timedelta, timezone
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    language_of,
    notice_id,
    short_name,
    stamp,
)
from services.notify.domain.phrases import Language
from services.notify.domain.tellings import TELLINGS
from services.notify.domain.wording import PHRASES, Text, as_html, as_text, one_line, tell
from shared.events.fact import Fact
from tests.support import notify as say
from tests.support.notify import AT, AYU

NOW = AT + timedelta(hours=1)
CARD = Card(AYU, 1, "Ayu Lestari, S.Sos.", "ayu@malangkota.go.id")
ANYHOW = Preference(AYU)
LANGUAGES: tuple[Language, ...] = ("id", "en")
VARIED = [
    *say.each_once(),
    say.enrolled(dated=False),
    say.programme_completed(revision=2),
    say.graduation_decided(outcome="deferred", until=date(2024, 9, 30)),
    say.graduation_decided(outcome="deferred"),
    say.graduation_decided(outcome="not_graduated"),
    say.graduation_decided(outcome="left"),
    say.certified(revision=2),
    say.certified(scored=False),
]


def told(fact: Fact, language: Language = "id") -> Text:
    """Word the notice of a fact."""
    notice = Notice.of(fact)
    return tell(notice.type, notice.words, language)


# identity


def test_a_notice_holds_what_its_fact_says() -> None:
    """The notice names person, enrolment, cohort and agency, and stands where its fact happened."""
    fact = say.phase_completed()

    notice = Notice.of(fact)

    assert (AYU, "phase_completed", fact.enrolment_id) == (
        notice.learner_id,
        notice.type,
        notice.enrolment_id,
    )
    assert (say.COHORT, say.AGENCY, AT) == (notice.cohort_id, notice.agency, notice.at)
    assert notice.unread


def test_a_node_without_e_mail_keeps_no_letter_waiting() -> None:
    """Only where the node has the channel does a notice's e-mail wait to be sent."""
    assert "pending" == Notice.of(say.enrolled()).mail
    assert "none" == Notice.of(say.enrolled(), {"inbox"}).mail


@pytest.mark.parametrize("fact", say.each_once(), ids=lambda fact: short_name(type(fact)))
def test_a_fact_read_by_a_later_version_is_the_same_notice(fact: Fact) -> None:
    """What a fact gained or lost beside its identity makes no second notice of it."""
    renamed = {
        name: "other"
        for name in ("cohort_title", "agency", "title", "reason")
        if hasattr(fact, name)
    }

    assert notice_id(fact) == notice_id(fact.model_copy(update=renamed))


@given(
    st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4), st.integers(1, 3)), unique=True)
)
def test_no_contents_make_two_facts_one_notice(owners: list[tuple[str, str, int]]) -> None:
    """Person, enrolment and number cannot run into one another, whatever they contain."""
    facts = [
        say.phase_completed(phase=phase).model_copy(
            update={"learner_id": learner, "enrolment_id": enrolment}
        )
        for learner, enrolment, phase in owners
    ]

    assert len(owners) == len({notice_id(fact) for fact in facts})


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stamps_sort_as_instants_do(one: datetime, other: datetime) -> None:
    """To the millisecond, the earlier instant has the smaller stamp."""
    one, other = (
        each.replace(microsecond=each.microsecond // 1000 * 1000) for each in (one, other)
    )

    assert (one < other) == (stamp(one) < stamp(other))
    assert one == datetime.fromisoformat(stamp(one))


def test_a_stamp_is_in_utc() -> None:
    """An instant told in Jakarta's time is stamped in UTC."""
    jakarta = datetime(2024, 7, 12, 9, 15, tzinfo=timezone(timedelta(hours=7)))

    assert stamp(AT) == stamp(jakarta)


def test_a_chosen_language_goes_before_the_cards() -> None:
    """Who chose no language is told in the one of the personnel record."""
    assert "id" == language_of(CARD, ANYHOW)
    assert "en" == language_of(CARD, Preference(AYU, language="en"))


# wording


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fact", VARIED, ids=lambda fact: short_name(type(fact)))
def test_every_notice_is_worded_in_both_languages(fact: Fact, language: Language) -> None:
    """No brace is left over, no word is None, and the subject is one line."""
    text = told(fact, language)
    whole = f"{text.subject} {as_text(text)}"

    assert text.paragraphs
    assert not set("{}") & set(whole)
    assert "None" not in whole
    assert one_line(text.subject) == text.subject


def test_both_languages_say_the_same_things() -> None:
    """The same templates, with the same words in each paragraph, and the same reasons."""

    def named(language: Language) -> dict[str, list[set[str | None]]]:
        return {
            name: [
                {word for _, word, _, _ in Formatter().parse(part)} - {None}
                for part in (template.subject, *template.paragraphs)
            ]
            for name, template in PHRASES[language].templates.items()
        }

    assert named("id") == named("en")
    assert set(PHRASES["id"].reasons) == set(PHRASES["en"].reasons)
    assert {short_name(fact) for fact in TELLINGS} == {
        name.partition(".")[0] for name in named("id")
    }


def test_a_certificate_is_told_with_dates_and_numbers_as_the_language_writes_them() -> None:
    """A decimal comma and a month's Indonesian name, or a point and its English one."""
    indonesian, english = as_text(told(say.certified())), as_text(told(say.certified(), "en"))

    assert "Nilai akhir: 91,25\n\nPredikat: Sangat Memuaskan" in indonesian
    assert "tanggal 12 Juli 2024" in indonesian
    assert "Final score: 91.25\n\nPredicate: Excellent" in english
    assert "on 12 July 2024" in english


def test_what_is_not_known_is_not_spoken_of() -> None:
    """Without score, predicate and end, a certificate's notice has no such lines."""
    text = as_text(told(say.certified(scored=False)))

    assert "Nilai" not in text
    assert "Predikat" not in text
    assert "Berlaku sampai dengan 12 Juli 2027." in text
    assert "Berlaku" not in as_text(told(say.certified()))
    assert "Pelaksanaan" not in as_text(told(say.enrolled(dated=False)))


def test_reasons_are_told_in_words_and_an_unknown_code_as_it_is() -> None:
    """Each reason has a line of its own."""
    text = told(say.nomination_refused(reasons=("no-seat", "from-the-future")))

    assert "- tidak ada tempat yang tersisa\n- from-the-future" in as_text(text)


def test_new_dates_are_listed_by_phase() -> None:
    """A phase without dates says so."""
    text = as_text(told(say.rescheduled(), "en"))

    assert "- Phase 1: no fixed dates\n- Phase 4: 3 June 2024 to 7 June 2024" in text


def test_what_is_missing_is_told_in_the_persons_language() -> None:
    """The English notice lists the English words."""
    assert "- kuis modul 3" in as_text(told(say.phase_at_risk()))
    assert "- quiz of module 3" in as_text(told(say.phase_at_risk(), "en"))


def test_a_replacement_names_what_it_replaces() -> None:
    """A certificate's second revision is told as a replacement, corrected results as corrected."""
    assert "menggantikan nomor 35/2024/PKA/00001" in as_text(told(say.certified(revision=2)))
    assert "Sertifikat terbit" in told(say.certified()).subject
    assert "Pembetulan" in told(say.programme_completed(revision=2)).subject


def test_words_cannot_break_out_of_html() -> None:
    """Markup in a title is shown as text, lines stay lines, and an address becomes a link."""
    text = told(say.withdrawn(reason="<script>alert('x')</script>"))
    page = as_html(text, "id")

    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert f'<a href="{say.URL}">{say.URL}</a>' in as_html(told(say.certified()), "id")
    assert "<br>\n- tidak ada tempat" in as_html(told(say.nomination_refused()), "id")


def test_an_address_in_the_middle_of_a_sentence_is_no_link() -> None:
    """Only a paragraph that is an address and nothing else becomes a link."""
    page = as_html(Text("x", ["https://a.id adalah alamat"]), "id")

    assert "<a " not in page


@given(st.text())
def test_a_subject_is_one_printable_line(title: str) -> None:
    """No control character and no line break of a title reaches a header."""
    line = one_line(title)

    assert line.isprintable()
    assert 1 >= len(line.splitlines())


# letters


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
