"""Gates: when requirements hold in time, and the first instant at which all of them do."""

from typing import Any

import pytest

from services.progress.domain.course import BEGINNING, course_of
from services.progress.domain.evidence import Evidence
from services.progress.domain.gates import Timeline, first_met
from services.progress.domain.words import missing
from tests.support.progress import attended, day, evidence, in_order_of, plan

_ATTEND = {"attendance": {"sessions": "virtual-class", "at_least_percent": 80}}
_EXAMINED = {"score": {"activity": "seminar", "by": "examiner", "at_least": 60}}
_TESTED = {"score": {"activity": "test", "at_least": 70}}
_DESIGN = {"approved": {"document": "design", "by": "coach"}}
_DONE = {"completed": ["task-1", "task-2"]}


def _timeline(gate: list[dict[str, Any]], *pieces: Evidence) -> Timeline:
    return Timeline(course_of(plan([gate]).model_dump_json()), in_order_of(pieces))


def _met(gate: list[dict[str, Any]], *pieces: Evidence, since: float | None = None) -> object:
    timeline = _timeline(gate, *pieces)
    start = BEGINNING if since is None else day(since)
    return first_met(timeline.course.phases[0].gate, timeline, start)


def _words(gate: list[dict[str, Any]], *pieces: Evidence) -> list[tuple[str, str]]:
    timeline = _timeline(gate, *pieces)
    return missing(timeline.course.phases[0].gate, timeline)


def test_activities_are_met_when_the_last_of_them_was_first_completed() -> None:
    """Completing an activity again later changes nothing."""
    first, last = evidence("completed", "task-1", 1), evidence("completed", "task-2", 5)

    assert _met([_DONE], first) is None
    assert day(5) == _met([_DONE], first, last, evidence("completed", "task-1", 9))


def test_a_gate_is_met_when_its_last_requirement_is() -> None:
    """The instant is that of the latest deciding evidence."""
    done = [evidence("completed", "task-1", 1), evidence("completed", "task-2", 2)]

    assert day(4) == _met([_DONE, _TESTED], *done, evidence("score", "test", 4, 70))


def test_a_gate_is_never_met_before_the_phase_before() -> None:
    """What was met earlier counts when its turn comes."""
    assert day(9) == _met([_TESTED], evidence("score", "test", 4, 70), since=9)


def test_a_score_below_the_mark_waits_for_a_better_one() -> None:
    """The newest score holds from its own time on."""
    low, high = evidence("score", "test", 2, 69.5), evidence("score", "test", 6, 71)

    assert day(6) == _met([_TESTED], low, high)


def test_a_score_that_fell_before_its_turn_counts_no_longer() -> None:
    """At the turn the newest score decides, not the best."""
    high, low = evidence("score", "test", 2, 90), evidence("score", "test", 3, 50)

    assert day(2) == _met([_TESTED], high, low)
    assert _met([_TESTED], high, low, since=5) is None


def test_requirements_must_hold_together() -> None:
    """A gate is not met by requirements that held one after another."""
    high, low = evidence("score", "test", 2, 90), evidence("score", "test", 3, 50)
    done = [evidence("completed", "task-1", 1), evidence("completed", "task-2", 4)]

    assert _met([_TESTED, _DONE], high, low, *done) is None
    assert day(7) == _met([_TESTED, _DONE], high, low, *done, evidence("score", "test", 7, 80))


def test_a_score_counts_only_by_the_role_that_the_rule_names() -> None:
    """A mentor's score does not stand in for the examiner's."""
    gate = [_EXAMINED, {"score": {"activity": "seminar", "by": "mentor", "at_least": 10}}]
    mentor = evidence("score", "seminar", 1, 90, by="mentor")
    examiner = evidence("score", "seminar", 2, 60, by="examiner")

    assert _met(gate, mentor) is None
    assert day(2) == _met(gate, mentor, examiner)


def test_of_two_scores_at_one_instant_the_better_counts() -> None:
    """The same instant must come to the same, whichever arrived first."""
    low, high = evidence("score", "test", 2, 60), evidence("score", "test", 2, 75)

    assert day(2) == _met([_TESTED], high, low) == _met([_TESTED], low, high)


def test_a_document_sent_back_waits_for_its_approval() -> None:
    """The newest word of the role holds."""
    approved, back = (
        evidence("document", "design", 2, by="coach"),
        evidence("document", "design", 3, 0, by="coach"),
    )

    assert day(2) == _met([_DESIGN], approved, back)
    assert _met([_DESIGN], approved, back, since=4) is None
    assert _met([_DESIGN], evidence("document", "design", 2, by="mentor")) is None


def test_attendance_is_met_with_the_session_that_reaches_the_share() -> None:
    """Four of five sessions are 80 percent; three are not."""
    three = [attended(number, number) for number in (1, 2, 3)]

    assert _met([_ATTEND], *three) is None
    assert day(5) == _met([_ATTEND], *three, attended(5, 5))


def test_absence_is_made_good_by_newer_evidence_of_the_same_session() -> None:
    """Whoever repeats a missed session has been there from then on."""
    three = [attended(number, number) for number in (1, 2, 3)]
    absent = [attended(4, 4, present=False), attended(5, 5, present=False)]

    assert _met([_ATTEND], *three, *absent) is None
    assert day(9) == _met([_ATTEND], *three, *absent, attended(4, 9))


def test_presence_that_was_corrected_in_time_does_not_count() -> None:
    """A wrong tick that was taken back before its turn opens nothing."""
    four = [attended(number, number) for number in (1, 2, 3, 4)]

    assert _met([_ATTEND], *four, attended(4, 6, present=False), since=7) is None


def test_presence_that_was_corrected_at_the_same_instant_counts_once() -> None:
    """At one instant the better for the learner holds, and nothing in between."""
    four = [attended(number, number) for number in (1, 2, 3, 4)]

    assert day(4) == _met([_ATTEND], *four, attended(4, 4, present=False))


def test_attendance_of_no_sessions_is_never_enough() -> None:
    """A group whose sessions are not planned yet holds nobody through."""
    gate = [{"attendance": {"sessions": "later", "at_least_percent": 0}}]

    assert _met(gate) is None
    assert [("Sesi later belum dijadwalkan", "No sessions of later are planned yet")] == _words(
        gate
    )


def test_a_gate_that_asks_for_nothing_is_met_from_the_beginning() -> None:
    """No activity to complete, and 0 percent of real sessions, hold always."""
    nothing = {"attendance": {"sessions": "virtual-class", "at_least_percent": 0}}

    assert _met([{"completed": []}, nothing]) == BEGINNING
    assert [] == _words([{"completed": []}, nothing])


@pytest.mark.parametrize(
    ("gate", "pieces", "words"),
    [
        (
            _DONE,
            [evidence("completed", "task-1", 1)],
            ("Selesaikan kegiatan task-2", "Complete the activity task-2"),
        ),
        (
            _TESTED,
            [],
            ("Nilai test belum ada (paling rendah 70)", "No score in test yet (at least 70)"),
        ),
        (
            _EXAMINED,
            [],
            (
                "Nilai seminar dari penguji belum ada (paling rendah 60)",
                "No score in seminar by the examiner yet (at least 60)",
            ),
        ),
        (
            _TESTED,
            [evidence("score", "test", 1, 69.5)],
            (
                "Nilai test 69,5, paling rendah 70",
                "The score in test is 69.5, at least 70 is needed",
            ),
        ),
        (
            _ATTEND,
            [attended(1, 1), attended(2, 2, present=False)],
            (
                "Hadir di 1 dari 5 sesi virtual-class, paling sedikit 80%",
                "Present in 1 of 5 sessions of virtual-class, at least 80% is needed",
            ),
        ),
        (
            _DESIGN,
            [],
            ("design belum disetujui oleh coach", "design is not approved by the coach yet"),
        ),
        (
            _DESIGN,
            [evidence("document", "design", 1, 0, by="coach")],
            (
                "design dikembalikan oleh coach dan harus diperbaiki",
                "design was sent back by the coach and must be revised",
            ),
        ),
    ],
)
def test_what_is_missing_is_told_in_both_languages(
    gate: dict[str, Any], pieces: list[Evidence], words: tuple[str, str]
) -> None:
    """Each kind of requirement says what it still asks for."""
    assert [words] == _words([gate], *pieces)
