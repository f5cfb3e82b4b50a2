"""What ought to be certified, given all that was heard."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.certification.domain.dossier import Content, Dossier, Story
from services.certification.domain.terms import read_terms, terms_of
from services.certification.domain.verdict import (
    Verdict,
    judge,
    may_be_due,
    valid_until,
    why_ended,
    why_superseded,
)
from tests.support.certification import (
    AUTOMATIC,
    COMPLETED,
    completed,
    decided,
    enrolled,
    plan,
    rescheduled,
    rules,
    withdrawn,
)

FAILING = {"seminar": 60.0, "attitude": 60.0}
CONTENT = Content(
    jp=60,
    final_score=87.0,
    predicate="memuaskan",
    issued_on=date(2024, 7, 11),
    starts_on=date(2024, 3, 9),
    ends_on=date(2024, 7, 11),
    signatory="Dr. Ratna Dewi",
    position="Kepala BPSDM",
)


def after(*facts: Story) -> Dossier:
    """Make the dossier that has heard these facts."""
    dossier = Dossier("e1")
    for fact in facts:
        dossier = dossier.hear(fact)
    return dossier


def judged(*facts: Story) -> Verdict:
    """Judge what was heard."""
    return judge(after(*facts))


def content_of(*facts: Story) -> Content | None:
    """Tell the content that is due."""
    due = judged(*facts).due
    return due.content if due else None


def test_a_graduate_is_certified_with_all_that_the_certificate_says() -> None:
    """Scores, hours, dates and signatory come from plan, completion and decision."""
    assert content_of(enrolled(), completed(), decided()) == CONTENT


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((), "open"),
        ((enrolled(),), "open"),
        ((completed(), decided()), "open"),
        ((enrolled(), decided()), "open"),
        ((enrolled(), completed(), decided(result_revision=2)), "open"),
        ((enrolled(), completed()), "complete"),
        ((enrolled(), completed(), decided(outcome="deferred")), "deferred"),
        ((enrolled(), completed(), decided(outcome="not_graduated")), "not_graduated"),
        ((enrolled(), completed(), decided(outcome="left")), "left"),
        ((enrolled(), completed(), decided(outcome="left", result_revision=2)), "left"),
        ((enrolled(), withdrawn()), "withdrawn"),
        ((enrolled(), completed(), decided(), withdrawn()), "withdrawn"),
        ((enrolled(), completed(scores=FAILING), decided()), "review"),
        ((enrolled(), completed(scores={}), decided()), "review"),
    ],
)
def test_nothing_is_due_while_something_is_missing(facts: tuple[Story, ...], status: str) -> None:
    """The status names what the enrolment waits for, or why it ended."""
    verdict = judged(*facts)

    assert verdict.due is None
    assert status == verdict.status


def test_a_programme_that_certifies_automatically_needs_no_decision() -> None:
    """The rules' own signatory stands on it, and its day is the last phase's local one."""
    late = datetime(2024, 7, 10, 18, 30, tzinfo=UTC)  # 01:30 of the next day in western Indonesia
    phases = [{"phase": 1, "at": COMPLETED}, {"phase": 2, "at": late}]
    content = content_of(enrolled(plan=plan(AUTOMATIC)), completed(phases=phases, scores={}))

    assert content is not None
    assert content.issued_on == date(2024, 7, 11)
    assert (content.starts_on, content.ends_on) == (None, date(2024, 7, 11))
    assert (content.final_score, content.predicate) == (None, None)
    assert (content.signatory, content.position) == ("Dr. Ratna Dewi", "Kepala BPSDM")


def test_the_year_is_that_of_the_region() -> None:
    """An evening of UTC on 31 December is the new year in Papua."""
    phases = [{"phase": 1, "at": datetime(2024, 12, 31, 15, 30, tzinfo=UTC)}]
    east = content_of(enrolled(plan=plan(AUTOMATIC, node="91")), completed(phases=phases))
    west = content_of(enrolled(plan=plan(AUTOMATIC, node="35")), completed(phases=phases))

    assert east is not None
    assert west is not None
    assert (east.issued_on, west.issued_on) == (date(2025, 1, 1), date(2024, 12, 31))


def test_rules_may_name_no_signatory() -> None:
    """A certificate without a signatory is issued all the same."""
    document = {"title": "Sertifikat", "title_en": "Certificate"}
    content = content_of(enrolled(plan=plan({**AUTOMATIC, "document": document})), completed())

    assert content is not None
    assert (content.signatory, content.position) == ("", "")


def test_a_decision_counts_for_nothing_where_certificates_are_automatic() -> None:
    """An automatic certificate does not wait for what nobody decides."""
    verdict = judged(enrolled(plan=plan(AUTOMATIC)), completed(), decided(outcome="left"))

    assert verdict.status == "certified"


def test_a_completion_without_phases_ends_when_it_was_told() -> None:
    """A date can always be told."""
    content = content_of(enrolled(plan=plan(AUTOMATIC)), completed(phases=[]))

    assert content is not None
    assert content.ends_on == COMPLETED.date()


def test_the_newest_completion_counts() -> None:
    """A correction replaces what it corrects."""
    better = completed(revision=2, scores={"seminar": 95.0, "attitude": 95.0})
    content = content_of(enrolled(), better, completed(), decided())

    assert content is not None
    assert (content.final_score, content.predicate) == (95.0, "sangat-memuaskan")


def test_a_later_correction_that_fails_leaves_the_certificate_and_asks_for_review() -> None:
    """A machine takes nothing away that people decided."""
    verdict = judged(enrolled(), completed(), decided(), completed(revision=5, scores=FAILING))

    assert verdict.due is not None
    assert verdict.due.content == CONTENT
    assert verdict.review == "score-below-pass-mark"


def test_a_correction_known_to_the_decision_that_fails_certifies_nothing() -> None:
    """Whoever decided then may have looked at the wrong list, and is asked."""
    verdict = judged(enrolled(), completed(), completed(revision=2, scores=FAILING), decided())

    assert verdict.due is None
    assert (verdict.status, verdict.review) == ("review", "score-below-pass-mark")


def test_an_automatic_certificate_stands_when_a_correction_fails() -> None:
    """It is reviewed by a person as any other."""
    strict = {**AUTOMATIC, "weights": {"test": 100}, "pass_mark": 70}
    story = (
        enrolled(plan=plan(strict)),
        completed(scores={"test": 80.0}),
        completed(revision=2, scores={"test": 10.0}),
    )
    verdict = judged(*story)

    assert verdict.due is not None
    assert verdict.due.content.final_score == 80.0
    assert verdict.review == "score-below-pass-mark"


def test_a_review_without_a_decision_is_as_of_the_completion() -> None:
    """There is nothing later than it."""
    strict = {**AUTOMATIC, "weights": {"test": 100}, "pass_mark": 70}
    verdict = judged(enrolled(plan=plan(strict)), completed(scores={"test": 10.0}))

    assert (verdict.status, verdict.at) == ("review", COMPLETED)


@pytest.mark.parametrize("facts", [(enrolled(), rescheduled()), (rescheduled(), enrolled())])
def test_the_newer_calendar_holds(facts: tuple[Story, ...]) -> None:
    """A new last day may be heard before the plan that it changes."""
    content = content_of(*facts, completed(), decided(), rescheduled(version=1))

    assert content is not None
    assert content.ends_on == date(2024, 7, 18)


def test_the_certificate_names_the_learner_as_of_the_last_fact_that_it_rests_on() -> None:
    """Whatever the order in which these came."""
    facts = (decided(), completed(), enrolled())
    dues = [judged(*facts).due, judged(*reversed(facts)).due]

    assert [due.at if due else None for due in dues] == [decided().at] * 2


def test_what_differs_names_the_reason_of_a_supersession() -> None:
    """Results weigh more than decisions, and these more than dates."""
    day = timedelta(days=1)
    codes = [
        why_superseded(CONTENT, _changed(jp=61)),
        why_superseded(CONTENT, _changed(final_score=88.0, issued_on=CONTENT.issued_on + day)),
        why_superseded(CONTENT, _changed(issued_on=CONTENT.issued_on + day)),
        why_superseded(CONTENT, _changed(signatory="Drs. Budi", ends_on=CONTENT.ends_on + day)),
        why_superseded(CONTENT, _changed(ends_on=CONTENT.ends_on + day)),
    ]

    assert codes == [
        "result-corrected",
        "result-corrected",
        "decision-corrected",
        "decision-corrected",
        "calendar-corrected",
    ]


def _changed(**changes: object) -> Content:
    parts = dict(vars(CONTENT))
    return Content(**{**parts, **changes})


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict("withdrawn"), "withdrawn"),
        (Verdict("deferred"), "decision-deferred"),
        (Verdict("not_graduated"), "decision-not-graduated"),
        (Verdict("left"), "decision-left"),
        (Verdict("review", review="score-missing"), "score-missing"),
    ],
)
def test_what_ended_a_certificate_has_a_stable_code(verdict: Verdict, reason: str) -> None:
    """People's words for it live elsewhere."""
    assert reason == why_ended(verdict)


@pytest.mark.parametrize(
    ("years", "issued_on", "last"),
    [
        (None, date(2024, 7, 11), None),
        (5, date(2024, 7, 11), date(2029, 7, 11)),
        (1, date(2024, 2, 29), date(2025, 2, 28)),
        (4, date(2024, 2, 29), date(2028, 2, 28)),
    ],
)
def test_validity_is_counted_in_years(
    years: int | None, issued_on: date, last: date | None
) -> None:
    """A leap day's certificates end with February."""
    terms = read_terms(terms_of(plan(rules(valid_years=years))))

    assert last == valid_until(terms, issued_on)


@pytest.mark.parametrize(
    ("heard", "fact", "due"),
    [
        ((enrolled(), completed()), decided(), True),
        ((enrolled(), completed()), decided(outcome="left"), False),
        ((enrolled(), completed(), decided()), decided(), False),
        ((enrolled(), completed(), decided(outcome="deferred")), decided(decision=2), True),
        ((enrolled(),), completed(), False),
        ((enrolled(), decided()), completed(), True),
        ((), completed(), True),
        ((enrolled(plan=plan(AUTOMATIC)),), completed(), True),
        ((enrolled(plan=plan(AUTOMATIC)), completed()), completed(), False),
        ((enrolled(plan=plan(AUTOMATIC)), completed()), completed(revision=2), True),
        ((completed(),), enrolled(), True),
        ((), enrolled(), False),
        ((enrolled(), completed()), enrolled(), False),
    ],
)
def test_a_batch_looks_up_numbers_only_for_what_may_be_due(
    heard: tuple[Story, ...], fact: Story, *, due: bool
) -> None:
    """The guess is cheap, and repeats ask for nothing."""
    assert due == may_be_due(after(*heard), fact)


def test_nothing_heard_twice_makes_another_dossier() -> None:
    """A repeat gives the very same dossier back."""
    story = (enrolled(), completed(), decided(), rescheduled(), withdrawn())
    dossier = after(*story)

    assert all(dossier.hear(fact) is dossier for fact in story)
