"""What minutes come to: how somebody stands, and which evidence that is."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.progress.domain.evidence import Evidence
from services.progress.domain.live import Claim, HandedIn, Step, evidence_of, standing
from services.progress.domain.live.handed import merged
from services.progress.domain.live.presence import attended_by
from shared.kernel.errors import Refusal
from tests.support.live import SESSION, attendance, closed, first, hour, lecture_plan

_NOW = hour(3_000)
_REPLAYED = lecture_plan(threshold_percent=50, replay_days=7)


def test_half_of_the_minutes_makes_present() -> None:
    """One fewer does not; minutes beyond the session's count for nothing."""
    session = closed()

    assert (30, True) == (standing(session, attendance(first(30))).counted, True)
    assert standing(session, attendance(first(30))).met
    assert not standing(session, attendance(first(29) | 1 << 70)).met
    assert 29 == standing(session, attendance(first(29) | 1 << 70)).counted


def test_a_replay_counts_where_the_rules_allow_it() -> None:
    """What was watched live is not counted twice."""
    both = attendance(first(20), first(30))

    assert (20, 10) == (
        standing(closed(_REPLAYED), both).counted,
        standing(closed(_REPLAYED), both).replayed,
    )
    assert standing(closed(_REPLAYED), both).met
    assert not standing(closed(_REPLAYED), both).attended
    assert (0, False) == (standing(closed(), both).replayed, standing(closed(), both).met)


def test_evidence_is_of_the_sessions_end_and_names_it() -> None:
    """Absent or present, with the organiser's word."""
    said = evidence_of(closed(), attendance(first(30)), [], _NOW)
    absent = evidence_of(closed(), attendance(), [], _NOW)

    assert said == Evidence(
        "attendance", "live", hour(60), 1.0, "organiser", f"live:{SESSION}", group="lecture"
    )
    assert absent == replace(said, value=0.0)


def test_a_replay_is_evidence_of_the_day_it_was_watched() -> None:
    """Its source says so."""
    said = evidence_of(closed(_REPLAYED), attendance(0, first(30)), [], _NOW)

    assert said is not None
    assert (1.0, f"live:{SESSION}:replay", _NOW) == (said.value, said.source, said.at)


@given(
    st.lists(
        st.tuples(st.integers(0, first(60)), st.integers(0, first(60))), min_size=1, max_size=6
    )
)
def test_whoever_became_present_stays_so(additions: list[tuple[int, int]]) -> None:
    """However minutes come in, evidence goes from nothing to absent to present, each once."""
    session, live, replay = closed(_REPLAYED), 0, 0
    told: list[Evidence] = []
    for more, again in additions:
        live, replay = live | more, replay | again
        for _ in range(2):
            said = evidence_of(session, attendance(live, replay), told, _NOW)
            told += [said] if said else []

    values = [each.value for each in told]
    assert values in ([0.0], [1.0], [0.0, 1.0])
    assert standing(session, attendance(live, replay)).met == (1.0 in values)
    assert {SESSION: 1.0 in values} == attended_by(told)


def test_evidence_of_others_is_nothing_a_session_said() -> None:
    """Neither a score nor another session's word."""
    others = [
        Evidence("attendance", "live", hour(1), 1.0, "organiser", "lms", group="lecture"),
        Evidence("score", "x", hour(1), 1.0, "organiser", f"live:{SESSION}"),
    ]

    assert evidence_of(closed(), attendance(first(30)), others, _NOW) is not None
    assert {} == attended_by(others)


def test_minutes_handed_in_are_added_as_they_were() -> None:
    """Rows of the same learner are put together; what was added is not added twice."""
    handed = HandedIn("x", SESSION, "import").take(merged([("b", 1), ("a", 6), ("b", 4)]))

    assert [("a", 6), ("b", 5)] == [(each.learner_id, each.live) for each in handed.additions]
    added = handed.add()
    assert (False, True) == (handed.added, added.added)
    assert added is added.add()


def _claim() -> Claim:
    about = Claim("c", SESSION, "a" * 32, from_minute=10, to_minute=19)
    return Claim("c").make(about, Step("claimed", hour(70), "ani", "padam listrik"))


def _accepted(first_: int | None = None, last: int | None = None) -> Claim:
    return _claim().decide(Step("accepted", hour(80), "organiser"), first_, last)


def test_a_claim_is_made_once_and_decided_once() -> None:
    """Every step is kept, and what was accepted may be less than what was claimed."""
    whole, part = _accepted(), _accepted(12, 13)
    refused = _claim().decide(Step("refused", hour(80), "organiser", "tidak ada bukti"))

    assert 10 == whole.additions[0].live.bit_count()
    assert 0b11 << 12 == part.additions[0].live
    assert ["claimed", "refused"] == [each.what for each in refused.steps]
    assert whole is whole.decide(Step("accepted", hour(90), "other"))
    assert whole is whole.make(whole, Step("claimed", hour(90), "ani"))
    added = whole.add()
    assert (False, True) == (whole.added, added.added)
    assert added is added.add()


@pytest.mark.parametrize(
    ("claim", "step", "minutes", "slug"),
    [
        (_accepted(), "refused", (None, None), "already-decided"),
        (_accepted(), "accepted", (12, 13), "already-decided"),
        (_claim(), "claimed", (None, None), "not-a-decision"),
        (_claim(), "accepted", (9, None), "beyond-the-claim"),
        (_claim(), "accepted", (None, 20), "beyond-the-claim"),
        (_claim(), "accepted", (13, 12), "beyond-the-claim"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    claim: Claim, step: str, minutes: tuple[int | None, int | None], slug: str
) -> None:
    """A decision stands, and gives nothing that was not claimed."""
    with pytest.raises(Refusal) as caught:
        claim.decide(Step(step, hour(90) + timedelta(1), "o"), *minutes)  # type: ignore[arg-type]  # one of the three
    assert slug == caught.value.slug


def test_the_reasons_of_a_claim_can_be_forgotten() -> None:
    """Its steps stay."""
    claim = _claim()
    forgotten = claim.forget(hour(70))

    assert ["", "claimed"] == [forgotten.steps[0].reason, forgotten.steps[0].what]
    assert forgotten is forgotten.forget(hour(99))
    assert claim is claim.forget(hour(69))
