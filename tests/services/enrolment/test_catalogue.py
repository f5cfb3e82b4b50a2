"""The shipped catalogue holds to the rules that the services hold organisers to."""

import re
from datetime import date
from typing import Any

import pytest

from services.enrolment.catalogue import entries, entry, example_cohort
from shared.events.plan import Period, Phase, ProgrammeRef, Rules
from shared.kernel.errors import NotFound
from shared.kernel.regions import is_agency

BODY = {
    "title", "title_en", "family", "phases", "rules", "eligible", "prerequisites", "sdg_goals",
    "rpjmd_goals", "code", "version",
}  # fmt: skip
COHORT = {
    "id", "programme", "title", "number", "year", "seats", "host_agency", "nominating_agencies",
    "calendar", "sessions",
}  # fmt: skip
LEADERSHIP = ("PKA", "PKP", "PKN-II")


def shipped(code: str) -> dict[str, Any]:
    """Give a programme with values of any type."""
    return entry(code)


def phases_of(code: str) -> list[Phase]:
    """Read a programme's phases."""
    return [Phase.model_validate(phase) for phase in shipped(code)["phases"]]


def rules_of(code: str) -> Rules:
    """Read a programme's rules."""
    return Rules.model_validate(shipped(code)["rules"])


def predicate(rules: Rules, score: float) -> str:
    """Tell the code of the band that a score falls into."""
    return next(
        band.code
        for band in rules.bands
        if score > band.floor or (band.inclusive and score == band.floor)
    )


def test_one_of_each_kind_is_shipped() -> None:
    """PKA, PKP, PKN II, a micro-learning and a public lecture are shipped."""
    families = [shipped(code)["family"] for code in entries()]

    assert LEADERSHIP == entries()[:3]
    assert ["leadership"] * 3 + ["micro-learning", "public-lecture"] == families


@pytest.mark.parametrize("code", entries())
def test_an_entry_is_the_body_that_the_api_takes(code: str) -> None:
    """An entry has the fields of the body, its own code and version, and no note."""
    body = shipped(code)
    reference = {name: body[name] for name in ("code", "version", "title", "title_en", "family")}

    assert set(body) == BODY
    assert code == ProgrammeRef.model_validate(reference).code
    assert set(body["eligible"]) == {"employment", "position_levels"}
    assert all(1 <= goal <= 17 for goal in body["sdg_goals"])


@pytest.mark.parametrize("code", entries())
def test_phases_are_numbered_in_order(code: str) -> None:
    """Phases count from one, and each has a code of its own."""
    phases = phases_of(code)

    assert list(range(1, len(phases) + 1)) == [phase.number for phase in phases]
    assert len({phase.code for phase in phases}) == len(phases)


@pytest.mark.parametrize("code", entries())
def test_every_weighted_activity_stands_in_a_gate(code: str) -> None:
    """A score that counts is asked for by a gate, so that nobody completes without it."""
    gated = {
        requirement.score.activity
        for phase in phases_of(code)
        for requirement in phase.gate.all
        if requirement.score is not None
    }

    assert set(rules_of(code).weights) <= gated


@pytest.mark.parametrize("code", LEADERSHIP)
def test_leadership_is_decided_and_signed(code: str) -> None:
    """A leadership programme ends in an STTP that needs a decision and a signature."""
    rules = rules_of(code)

    assert rules.issue == "after_decision"
    assert rules.document.kind == "sttp"
    assert rules.document.signed
    assert rules.document.signatory is not None
    assert rules.pass_mark == 70
    assert shipped(code)["eligible"]["employment"] == ["PNS"]
    assert sum(rules.weights.values()) == 100


@pytest.mark.parametrize(
    ("score", "code"),
    [
        (100, "sangat-memuaskan"),
        (90.01, "sangat-memuaskan"),
        (90, "memuaskan"),
        (80.01, "memuaskan"),
        (80, "cukup-memuaskan"),
        (70.01, "cukup-memuaskan"),
        (70, "cukup-memuaskan"),
        (69.99, "kurang-memuaskan"),
        (60.01, "kurang-memuaskan"),
        (60, "tidak-memuaskan"),
        (0, "tidak-memuaskan"),
    ],
)
def test_the_bands_meet_at_their_edges(score: float, code: str) -> None:
    """Each score falls into the band that the design names, the edges included."""
    assert code == predicate(rules_of("PKA"), score)


def test_pka_is_the_programme_of_the_report() -> None:
    """PKA has six phases of 908 training hours, for administrators and supervisors."""
    phases = phases_of("PKA")

    assert [60, 190, 24, 144, 450, 40] == [phase.jp for phase in phases]
    assert sum(phase.jp for phase in phases) == 908
    assert [4, 6] == [phase.number for phase in phases if phase.residential]
    assert shipped("PKA")["eligible"]["position_levels"] == ["administrator", "pengawas"]
    assert "KepKaLAN 2/K.1/PDP.07/2023" in rules_of("PKA").cites


@pytest.mark.parametrize("code", entries()[3:])
def test_what_is_open_certifies_by_itself(code: str) -> None:
    """A micro-learning and a lecture are for all, and need no decision and no signature."""
    rules = rules_of(code)

    assert rules.issue == "automatic"
    assert rules.document.kind == "certificate"
    assert not rules.document.signed
    assert shipped(code)["eligible"] == {"employment": [], "position_levels": []}
    assert not any(phase.residential for phase in phases_of(code))


def test_an_unknown_code_is_not_found() -> None:
    """A code that the catalogue does not have is refused, whatever it looks like."""
    for code in ("PKA.1", "pka", "../catalogue/pka", ""):
        with pytest.raises(NotFound) as refusal:
            entry(code)

        assert refusal.value.slug == "unknown-catalogue-entry"


def test_an_entry_is_the_callers_own() -> None:
    """Changing what was given changes nothing for the next caller."""
    shipped("PKA")["phases"].clear()

    assert len(shipped("PKA")["phases"]) == 6


def test_the_cohort_is_the_one_of_the_report() -> None:
    """The cohort has 32 seats, its agencies, and the calendar from March to July 2024."""
    cohort: dict[str, Any] = example_cohort()
    calendar = {row["phase"]: row["periods"] for row in cohort["calendar"]}
    periods = [Period.model_validate(row) for rows in calendar.values() for row in rows]

    assert set(cohort) == COHORT
    assert cohort["id"] == "pka-ii-malang-2024"
    assert cohort["seats"] == 32
    assert cohort["programme"] == {"code": "PKA", "version": 1}
    assert all(is_agency(agency["code"]) for agency in cohort["nominating_agencies"])
    assert list(calendar) == [phase.number for phase in phases_of("PKA")]
    assert periods == sorted(periods, key=lambda period: period.starts)
    assert (date(2024, 3, 9), date(2024, 7, 11)) == (periods[0].starts, periods[-1].ends)


def test_the_cohort_has_the_sessions_that_attendance_counts() -> None:
    """Each group of sessions that a gate asks for has sessions on days of its own phase."""
    cohort: dict[str, Any] = example_cohort()
    asked = {
        requirement.attendance.sessions: phase.number
        for phase in phases_of("PKA")
        for requirement in phase.gate.all
        if requirement.attendance is not None
    }
    days = {
        row["phase"]: [Period.model_validate(period) for period in row["periods"]]
        for row in cohort["calendar"]
    }

    assert set(asked) == set(cohort["sessions"])
    for group, sessions in cohort["sessions"].items():
        assert len(set(sessions)) == len(sessions) > 0
        for session in sessions:
            month, day = re.findall(r"[0-9]{2}", session)[:2]
            held = date(2024, int(month), int(day))
            assert any(period.starts <= held <= period.ends for period in days[asked[group]])
