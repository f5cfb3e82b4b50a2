"""How notices are worded in both languages."""

from datetime import date
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.notices import (
    Notice,
    short_name,
)
from services.notify.domain.phrases import Language
from services.notify.domain.tellings import TELLINGS
from services.notify.domain.wording import PHRASES, Text, as_html, as_text, one_line, tell
from shared.events.fact import Fact
from tests.support import notify as say

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
    say.certified(draft=True),
]


def told(fact: Fact, language: Language = "id") -> Text:
    """Word the notice of a fact."""
    notice = Notice.of(fact)
    return tell(notice.type, notice.words, language)


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


def test_a_draft_is_told_as_one() -> None:
    """Whoever is certified under rules that ask for a signature reads that it does not hold yet."""
    indonesian, english = told(say.certified(draft=True)), told(say.certified(draft=True), "en")

    assert "masih berupa draf" in as_text(indonesian)
    assert "is a draft until it is signed" in as_text(english)
    assert "draf" not in as_text(told(say.certified())) + as_text(told(say.certified(), "en"))


def test_a_notice_of_an_older_release_is_worded() -> None:
    """What it has no word of is left out."""
    notice = Notice.of(say.certified())
    words = {name: word for name, word in notice.words.items() if name != "draft"}

    assert told(say.certified()) == tell(notice.type, words, "id")


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
