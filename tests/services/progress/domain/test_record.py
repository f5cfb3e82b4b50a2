"""Records: evidence taken, phases completed in order, and each consequence stated once."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.progress.domain.evidence import MOST_EVIDENCE, Companion, Evidence, Giver, Verdict
from services.progress.domain.intake import take
from services.progress.domain.record import Record
from services.progress.domain.story import enrol, reschedule, withdraw
from shared.events.fact import Fact
from shared.events.progress import PhaseCompleted, ProgrammeCompleted
from tests.support.progress import (
    ORGANISER,
    attended,
    day,
    enrolled,
    evidence,
    plan,
    record,
    rescheduled,
    whole_story,
    withdrawn,
)

_NOW = day(400)
_MENTOR = Giver("mentor-1", frozenset({"mentor"}), "m" * 32)


def _take(
    before: Record, *pieces: Evidence, giver: Giver = ORGANISER
) -> tuple[Record, list[Verdict], list[Fact]]:
    return take(before, pieces, giver, _NOW)


def _reason(before: Record, piece: Evidence, giver: Giver = ORGANISER) -> str | None:
    return _take(before, piece, giver=giver)[1][0].reason


def _one_by_one(before: Record, pieces: Sequence[Evidence]) -> tuple[Record, list[Fact]]:
    facts: list[Fact] = []
    for piece in pieces:
        before, _, stated = _take(before, piece)
        facts += stated
    return before, facts


def test_a_whole_story_completes_every_phase_and_then_the_programme() -> None:
    """Each phase is completed at the instant its gate was met, and stated with that time."""
    done, facts = _one_by_one(record(), whole_story())

    assert (day(3), day(14), day(21)) == done.completed
    assert ("completed", 60, ()) == (done.status, done.jp, done.dues)
    phases = [fact for fact in facts if isinstance(fact, PhaseCompleted)]
    assert [(1, day(3)), (2, day(14)), (3, day(21))] == [(fact.phase, fact.at) for fact in phases]
    whole = facts[-1]
    assert isinstance(whole, ProgrammeCompleted)
    assert (1, 60, day(21)) == (whole.revision, whole.jp, whole.at)
    assert {"mooc-test": 82.5, "seminar": 75} == whole.scores


def test_evidence_for_a_later_phase_counts_when_its_turn_comes() -> None:
    """A phase is completed no earlier than the one before it, however early its evidence is."""
    story = whole_story()
    early, facts = _one_by_one(record(), story[3:])

    assert ((), []) == (early.completed, facts)

    done, facts = _one_by_one(early, [evidence("score", "mooc-test", 30, 90), *story[:2]])

    assert (day(30),) * 3 == done.completed
    assert 4 == len(facts)


def test_the_same_evidence_again_is_repeated_whoever_enters_it() -> None:
    """A repeat changes nothing and states nothing."""
    piece = evidence("score", "mooc-test", 3, 80)
    once = _take(record(), piece)[0]
    again, verdicts, facts = _take(once, piece, giver=Giver("other", frozenset({"organiser"})))

    assert [Verdict("repeated")] == verdicts
    assert [] == facts
    assert again is once


def test_a_correction_after_completion_restates_it_with_a_higher_revision() -> None:
    """The phase stays completed when it was; the new score is told with the correction's time."""
    done, _ = _one_by_one(record(), whole_story())
    corrected, _, facts = _take(done, evidence("score", "seminar", 40, 55, by="examiner"))

    assert done.completed == corrected.completed
    assert [ProgrammeCompleted] == [type(fact) for fact in facts]
    restated = facts[0]
    assert isinstance(restated, ProgrammeCompleted)
    assert (2, day(40), 55) == (restated.revision, restated.at, restated.scores["seminar"])


def test_evidence_that_changes_neither_times_nor_scores_restates_nothing() -> None:
    """Completing an activity once more after all is done is no news."""
    done, _ = _one_by_one(record(), whole_story())
    after, verdicts, facts = _take(done, evidence("completed", "mooc-1", 50))

    assert [Verdict("accepted")] == verdicts
    assert [] == facts
    assert len(done.evidence) + 1 == len(after.evidence)


def test_late_evidence_from_before_completion_can_reopen_a_phase_and_close_it_again() -> None:
    """What is known of the past decides, whenever it is told; a phase is stated only once."""
    done, _ = _one_by_one(record(), whole_story())
    reopened, _, nothing = _take(done, evidence("score", "mooc-test", 3, 82.5), attended(4, 13.9))

    assert (day(3), day(13.9), day(21)) == reopened.completed
    assert [ProgrammeCompleted] == [type(fact) for fact in nothing]

    failed, _, facts = _take(reopened, evidence("score", "seminar", 21.5, 50, by="examiner"),
                             evidence("document", "design", 20.5, 0, by="coach"))  # fmt: skip

    assert ("open", 2, []) == (failed.status, len(failed.completed), facts)

    passed, _, facts = _take(failed, evidence("document", "design", 30, by="coach"),
                             evidence("score", "seminar", 31, 75, by="examiner"))  # fmt: skip

    assert ("completed", day(31)) == (passed.status, passed.completed[-1])
    assert [ProgrammeCompleted] == [type(fact) for fact in facts]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_order_of_evidence_ends_in_the_same_record(data: st.DataObject) -> None:
    """Phases, completion times, scores and status depend on the evidence, not on its order."""
    extra = [
        evidence("score", "mooc-test", 2.5, 40),
        evidence("score", "seminar", 20.5, 50, by="examiner"),
        evidence("score", "seminar", 22, 91, by="examiner"),
        evidence("document", "design", 19, 0, by="coach"),
        evidence("document", "design", 20, 0, by="coach"),
        attended(1, 15, present=False),
        attended(5, 15),
        attended(4, 14, present=False),
    ]
    chosen = data.draw(st.lists(st.sampled_from(extra), unique=True))
    pieces = [*whole_story(), *chosen]
    shuffled = data.draw(st.permutations(pieces))
    repeated = data.draw(st.lists(st.sampled_from(pieces), max_size=5))
    cuts = data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4).map(sorted))
    straight = _take(record(), *pieces)[0]

    turned = record()
    for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
        turned = _take(turned, *shuffled[start:end])[0]
    turned = _take(turned, *repeated)[0]

    assert straight.evidence == turned.evidence
    assert straight.completed == turned.completed
    assert straight.status == turned.status
    assert straight.dues == turned.dues
    assert straight.timeline.scores() == turned.timeline.scores()


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (evidence("completed", "mooc-1", 500), "from-the-future"),
        (evidence("completed", "seminar-9", 1), "unknown-activity"),
        (evidence("score", "seminar-9", 1, 70), "unknown-activity"),
        (evidence("document", "thesis", 1, by="coach"), "unknown-document"),
        (attended(9, 1), "unknown-session"),
        (evidence("score", "seminar", 1, 70), "wrong-role"),
        (evidence("document", "design", 1, by="mentor"), "wrong-role"),
    ],
)
def test_evidence_that_no_gate_asks_for_is_refused(piece: Evidence, reason: str) -> None:
    """Each refusal has a stable reason."""
    assert reason == _reason(record(), piece)


def test_evidence_for_an_enrolment_never_heard_of_is_refused() -> None:
    """A record without a plan takes nothing."""
    assert "unknown-enrolment" == _reason(Record("e"), evidence("completed", "mooc-1", 1))


def test_a_withdrawn_record_keeps_what_it_had_and_takes_no_more() -> None:
    """What it has already is repeated, anything else refused."""
    piece = evidence("completed", "mooc-1", 1)
    left = withdraw(_take(record(), piece)[0], withdrawn())

    assert ("withdrawn", 1) == (left.status, len(left.evidence))
    assert Verdict("repeated") == _take(left, piece)[1][0]
    assert "withdrawn" == _reason(left, evidence("completed", "mooc-2", 1))


def test_a_record_takes_only_so_much_evidence() -> None:
    """A sender that never stops cannot grow a record beyond what a store takes."""
    pieces = [evidence("completed", "mooc-1", n / 100) for n in range(MOST_EVIDENCE + 1)]
    _, verdicts, _ = _take(record(), *pieces)

    assert Verdict("accepted") == verdicts[-2]
    assert Verdict("refused", "too-much-evidence") == verdicts[-1]


def test_companions_speak_only_for_learners_assigned_to_them_in_that_role() -> None:
    """A role not named is the one that the gate asks for, where the giver has it."""
    of = plan([[{"approved": {"document": "design", "by": "coach"}}]])
    both = Giver("c", frozenset({"mentor", "coach"}), "c" * 32)
    mine = record(of).accompany([Companion("coach", "c" * 32), Companion("mentor", "c" * 32)])
    unnamed = evidence("document", "design", 1, by=None)

    assert "not-assigned" == _reason(record(of), unnamed, both)
    assert "coach" == _take(mine, unnamed, giver=both)[0].evidence[0].by
    as_coach = evidence("document", "design", 1, by="coach")
    assert _reason(mine, as_coach, both) is None
    only_mentor = record(of).accompany([Companion("mentor", "c" * 32)])
    assert "not-assigned" == _reason(only_mentor, as_coach, both)
    assert "wrong-role" == _reason(only_mentor, unnamed, both)


def test_companions_cannot_vouch_for_attendance_or_activities() -> None:
    """Those come from the organiser and the systems that speak for the organiser."""
    mine = record().accompany([Companion("mentor", "m" * 32)])

    assert "not-assigned" == _reason(mine, evidence("completed", "mooc-1", 1), _MENTOR)
    assert "not-assigned" == _reason(mine, attended(1, 1), _MENTOR)


def test_an_organiser_speaks_as_organiser_unless_another_role_is_named() -> None:
    """An organiser may enter what an examiner handed in."""
    by_name = _take(record(), evidence("score", "mooc-test", 3, 80, by=None))[0]

    assert "organiser" == by_name.evidence[0].by
    assert _reason(record(), evidence("score", "seminar", 3, 80, by="examiner")) is None


def test_a_score_is_taken_in_an_activity_that_is_only_weighted_or_completed() -> None:
    """Weights may count what a gate asks only to be completed."""
    of = plan([[{"completed": ["task"]}]], weights={"paper": 100})
    graded = _take(record(of), evidence("score", "paper", 1, 88), evidence("score", "task", 1, 77),
                   evidence("completed", "task", 2))  # fmt: skip

    assert ["accepted"] * 3 == [verdict.status for verdict in graded[1]]
    last = graded[2][-1]
    assert isinstance(last, ProgrammeCompleted)
    assert {"paper": 88, "task": 77} == last.scores


def test_a_gate_that_asks_for_nothing_is_met_at_the_enrolment() -> None:
    """A programme of such gates is completed by enrolling."""
    done, facts = enrol(Record("e"), enrolled(of=plan([[{"completed": []}]])))

    assert (enrolled().at,) == done.completed
    assert [PhaseCompleted, ProgrammeCompleted] == [type(fact) for fact in facts]


def test_a_later_calendar_moves_deadlines_and_sessions() -> None:
    """Sessions that no longer take place are not asked for, from when that was decided."""
    fewer = {"virtual-class": ["vc-1", "vc-2"]}
    begun, _ = _one_by_one(record(), [*whole_story()[:3], attended(1, 11), attended(2, 12)])
    moved, facts = reschedule(begun, rescheduled(2, at=day(13), sessions=fewer))

    assert (day(3), day(13)) == moved.completed
    assert [PhaseCompleted] == [type(fact) for fact in facts]
    assert _reason(moved, attended(5, 10)) is None

    later = (day(90)).date()
    moved, facts = reschedule(moved, rescheduled(3, at=day(14), ends={3: later}))

    assert (later,) == moved.dues
    assert [] == facts


def test_sessions_added_later_reopen_no_completed_phase() -> None:
    """Only who had not completed the phase by then must attend them."""
    more = {"virtual-class": [f"vc-{number}" for number in range(1, 21)]}
    done, _ = _one_by_one(record(), whole_story())
    moved, facts = reschedule(done, rescheduled(2, at=day(30), sessions=more))

    assert done.completed == moved.completed
    assert [] == facts


def test_a_calendar_that_is_not_newer_than_the_plan_changes_nothing() -> None:
    """Whoever was enrolled later has the newer dates in the plan already."""
    newer = record(plan(version=3))

    assert newer is reschedule(newer, rescheduled(3))[0]
    assert newer is reschedule(newer, rescheduled(2))[0]
    twice = reschedule(newer, rescheduled(4))[0]
    assert twice is reschedule(twice, rescheduled(4))[0]


def test_repeated_enrolments_and_withdrawals_change_nothing() -> None:
    """The first is enough."""
    opened = record()
    left = withdraw(opened, withdrawn())

    assert opened is enrol(opened, enrolled())[0]
    assert left is withdraw(left, withdrawn(at=day(9)))


def test_what_comes_before_the_enrolment_is_kept_for_it() -> None:
    """A calendar or a withdrawal heard first ends in the same record."""
    end = (day(60)).date()
    early = withdraw(Record(record().id), withdrawn())
    early = reschedule(early, rescheduled(2, ends={1: end}))[0]
    early = enrol(early, enrolled())[0]
    straight = withdraw(reschedule(record(), rescheduled(2, ends={1: end}))[0], withdrawn())

    assert straight == early
    assert "withdrawn" == early.status
    assert [] == reschedule(Record("e"), rescheduled(2))[1]


def test_deadlines_are_the_last_days_of_phases_not_completed() -> None:
    """A phase without dates has none."""
    first, third = day(10).date(), day(10).date() + timedelta(days=20)

    assert (first, third) == record(plan(ends=(first, None, third))).dues
