"""Passports and the ledger: training hours count when certified, a programme once."""

from datetime import date

import pytest

from services.progress.domain.card import Card
from services.progress.domain.companions import Assignment
from services.progress.domain.digest import digest
from services.progress.domain.evidence import Companion
from services.progress.domain.ledger import Year, counted, target_of, years
from services.progress.domain.passport import Entry, Passport
from tests.support.progress import (
    MALANG,
    SITI,
    certified,
    day,
    decided,
    enrolled,
    linked,
    phase_completed,
    programme_completed,
    recorded,
    revoked,
    signed,
    superseded,
    withdrawn,
)

_ENROLMENT = enrolled().enrolment_id


def _only(passport: Passport) -> Entry:
    assert 1 == len(passport.entries)
    return passport.entries[0]


def test_an_enrolment_is_under_way_until_it_is_certified() -> None:
    """The standing follows what happened last in the course of things."""
    passport = Passport(SITI).enrolled(enrolled())
    assert "under-way" == _only(passport).standing

    passport = passport.phase_completed(phase_completed(1))
    assert ("under-way", 1) == (_only(passport).standing, len(_only(passport).phases))

    passport = passport.programme_completed(programme_completed())
    assert "completed" == _only(passport).standing

    passport = passport.decided(decided())
    assert "graduated" == _only(passport).standing

    passport = passport.certified(certified())
    assert ("certified", {_ENROLMENT: 60}) == (_only(passport).standing, passport.jp_by_enrolment)

    passport = passport.ended(revoked())
    assert ("revoked", {}) == (_only(passport).standing, passport.jp_by_enrolment)


def test_a_certificate_that_awaits_its_signature_is_a_draft() -> None:
    """Its hours count once it is signed, whichever is heard first; what ended before stays so."""
    draft = Passport(SITI).enrolled(enrolled()).certified(certified(draft=True))
    assert ("draft", {}) == (_only(draft).standing, draft.jp_by_enrolment)

    held = draft.signed(signed())
    early = Passport(SITI).enrolled(enrolled()).signed(signed()).certified(certified(draft=True))
    assert ("certified", {_ENROLMENT: 60}) == (_only(held).standing, held.jp_by_enrolment)
    assert held == early
    assert held is held.signed(signed())
    assert len({digest(SITI, _only(each)) for each in (draft, held, held.ended(revoked()))}) == 3
    assert "revoked" == _only(draft.ended(revoked())).standing


def test_a_withdrawn_enrolment_says_so() -> None:
    """The first withdrawal is when the learner left."""
    passport = Passport(SITI).enrolled(enrolled()).withdrawn(withdrawn(at=day(5)))
    passport = passport.withdrawn(withdrawn(at=day(9)))

    assert ("withdrawn", day(5)) == (_only(passport).standing, _only(passport).withdrawn_at)


def test_what_is_replaced_takes_only_the_newer_and_what_is_collected_takes_all_once() -> None:
    """Older revisions and decisions change nothing; repeats neither."""
    newer = Passport(SITI).programme_completed(programme_completed(2)).decided(decided(2))

    assert newer is newer.programme_completed(programme_completed(1))
    assert newer is newer.decided(decided(1, "deferred"))
    phases = newer.phase_completed(phase_completed(2)).phase_completed(phase_completed(1))
    assert phases is phases.phase_completed(phase_completed(1))
    assert [1, 2] == [each.phase for each in _only(phases).phases]
    held = phases.certified(certified())
    assert held is held.certified(certified())


def test_a_superseding_certificate_is_the_one_that_holds() -> None:
    """Whichever of the three facts comes first."""
    first, second, ended = certified(), certified(revision=2, jp=62), superseded()
    one = Passport(SITI).certified(first).ended(ended).certified(second)
    other = Passport(SITI).certified(second).ended(ended).certified(first)

    assert one == other
    assert {_ENROLMENT: 62} == one.jp_by_enrolment


def test_training_hours_count_in_the_year_of_the_certificate() -> None:
    """Every year with hours is told against the target, and the present one with 0."""
    passport = Passport(SITI).certified(certified(cohort="a", code="A", jp=12))
    passport = passport.certified(
        certified(cohort="b", code="B", jp=8, issued_on=date(2024, 12, 31))
    )
    passport = passport.certified(certified(cohort="c", code="C", jp=3, issued_on=date(2025, 1, 1)))
    passport = passport.enrolled(enrolled())
    ledger = counted([passport])

    assert [Year(2024, 20, 20), Year(2025, 3, 20), Year(2026, 0, 20)] == years(ledger, 20, 2026)
    assert [True, False, False] == [each.reached for each in years(ledger, 20, 2026)]
    assert (None, 0) == (ledger[-1].year, ledger[-1].jp)


def test_a_programme_counts_once_whoever_taught_it() -> None:
    """The earlier certificate counts, under whichever id and at whichever node."""
    here = Passport("one").certified(certified(cohort="a"))
    there = Passport("two").certified(
        certified(cohort="b", node="62", issued_on=date(2023, 2, 1), jp=50)
    )
    ledger = counted([here, there])

    assert [(2023, 50), (None, 0)] == [(each.year, each.jp) for each in ledger]
    assert ["62", "35"] == [each.entry.node for each in ledger]


def test_a_programme_counts_anew_when_its_certificate_was_no_longer_valid() -> None:
    """Whoever must renew a certificate learns again."""
    passport = Passport(SITI)
    for cohort, issued, until in (
        ("a", date(2020, 1, 1), date(2023, 1, 1)),
        ("b", date(2022, 1, 1), date(2025, 1, 1)),
        ("c", date(2024, 1, 1), date(2027, 1, 1)),
    ):
        passport = passport.certified(certified(cohort=cohort, issued_on=issued, valid_until=until))

    assert [(2020, 60), (None, 0), (2024, 60)] == [
        (each.year, each.jp) for each in counted([passport])
    ]


def test_an_entry_whose_programme_is_not_known_yet_is_left_out() -> None:
    """A withdrawal or decision heard first tells no programme."""
    assert [] == counted([Passport(SITI).withdrawn(withdrawn()).decided(decided())])


def test_a_certificate_without_score_and_predicate_is_taken_as_well() -> None:
    """A lecture has neither."""
    bare = certified().model_copy(update={"predicate": None, "final_score": None})
    live = _only(Passport(SITI).certified(bare)).live

    assert live is not None
    assert ("", "", None) == (live.predicate, live.predicate_en, live.final_score)


def test_a_target_that_is_not_configured_is_the_highest_there_is() -> None:
    """Nobody reaches a target because their status is unknown."""
    targets = {"PNS": 20, "PPPK": 24}

    assert (20, 24, 24) == tuple(target_of(each, targets) for each in ("PNS", "PPPK", ""))
    assert 0 == target_of("PNS", {})


def test_linked_ids_are_a_set() -> None:
    """Being told twice, or of a third, adds what is new."""
    passport = Passport("a").link(linked("a", "c")).link(linked("a", "b")).link(linked("a", "c"))

    assert ("b", "c") == passport.linked


def test_a_card_takes_only_the_newer() -> None:
    """A higher number holds."""
    card = Card(SITI).record(recorded(version=2), "35")

    assert (MALANG, "Siti Aminah", True) == (card.agency, card.name, card.active)
    assert card is card.record(recorded(version=1, agency="35.72"), "35")


@pytest.mark.parametrize(
    ("assignment", "clash"),
    [
        (Assignment("e", "m", "c", ("x", "y")), None),
        (Assignment("e"), None),
        (Assignment("e", "m", None, ("m",)), "examiner-is-companion"),
        (Assignment("e", None, "c", ("x", "c")), "examiner-is-companion"),
        (Assignment("e", "s"), "own-companion"),
        (Assignment("e", None, None, ("s",)), "own-companion"),
    ],
)
def test_nobody_examines_whom_they_accompany(assignment: Assignment, clash: str | None) -> None:
    """Mentor and coach may not examine, and nobody accompanies themself."""
    assert clash == assignment.clash("s")


def test_an_assignment_names_its_companions_one_by_one() -> None:
    """Each with their role."""
    assert (
        Companion("mentor", "m"),
        Companion("coach", "c"),
        Companion("examiner", "x"),
    ) == Assignment("e", "m", "c", ("x",)).companions
