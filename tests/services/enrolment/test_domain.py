"""Enrolment's pure decisions."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.enrolment.domain.cohort import Cohort, CohortDraft, Request, SittingDecision
from services.enrolment.domain.cohort.shape import Calendar
from services.enrolment.domain.enrolment import Enrolment, guard_day
from services.enrolment.domain.learner import Card, Claim, Held, Learner
from services.enrolment.domain.nip import Nip, read_nip
from services.enrolment.domain.programme import Programme, ProgrammeDraft
from services.enrolment.domain.roster import Letter, Listed, Nominee, Roster, Row, examine
from services.enrolment.domain.staff import Member, StaffList
from shared.events.plan import Period
from shared.kernel.errors import Conflict, Invalid, Refusal
from tests.support.enrolment import (
    COURSE,
    DATES,
    DAY,
    LATER,
    LECTURE,
    NOW,
    SESSIONS,
    changed,
    cohort_body,
    lecture_body,
    nip,
)


def refusal(caught: pytest.ExceptionInfo[Any]) -> str:
    """Tell the slug of a refusal."""
    assert isinstance(caught.value, Refusal)
    return caught.value.slug


def programme(body: dict[str, Any] | None = None, key: str = "DUA.1") -> Programme:
    """Make a published programme."""
    draft = ProgrammeDraft.model_validate(body or COURSE)
    return Programme(key).write(draft, "").publish(NOW)


def cohort(**changes: object) -> Cohort:
    """Make an open cohort."""
    draft = CohortDraft.model_validate(cohort_body(**changes))
    return Cohort("dua-i").write(draft, owner="", host_node="35").open(programme())


def asking(name: str, roster: str = "list", *reasons: str, others: tuple[str, ...] = ()) -> Request:
    """Make a request for a seat."""
    return Request(name, f"learner-{name}", "35.73", "35", roster, reasons, others)


@pytest.mark.parametrize(
    ("number", "employment", "expected"),
    [
        ("198503152010012001", "", "PNS"),
        ("19850315 201001 2 001", "", "PNS"),
        ("199009132025241001", "", "PPPK"),
        ("199009132025241001", "PPPK", "PPPK"),
        ("199009132023011001", "PPPK", "PPPK"),
        ("199009132025241001", "PNS", "impossible-nip"),
        ("19850315201001200", "", "malformed-nip"),
        ("19850315201001200x", "", "malformed-nip"),
        ("19850315201001200\u0661", "", "malformed-nip"),
        ("", "", "malformed-nip"),
        ("198513152010012001", "", "impossible-nip"),
        ("198502302010012001", "", "impossible-nip"),
        ("198503152010013001", "", "impossible-nip"),
        ("198503152010012000", "", "impossible-nip"),
        ("198503151999012001", "", "impossible-nip"),
        ("198503152099012001", "", "impossible-nip"),
        ("198503152026122001", "", "impossible-nip"),
        ("193003151950012001", "", "impossible-nip"),
    ],
)
def test_a_number_is_taken_apart_or_refused(number: str, employment: str, expected: str) -> None:
    """Dates, sex, serial and ages must be possible; a PPPK's digits 13-14 are no month."""
    read = read_nip(number, employment, date(2026, 11, 21))

    assert expected == (read.employment if isinstance(read, Nip) else read)


def test_a_number_tells_birth_sex_and_appointment() -> None:
    """A PPPK's number tells no month."""
    pns, pppk = (read_nip(n, "", DAY) for n in ("198503152010012001", "199009132022211007"))

    assert Nip("198503152010012001", date(1985, 3, 15), 2010, 1, True, "PNS") == pns  # noqa: FBT003
    assert Nip("199009132022211007", date(1990, 9, 13), 2022, None, False, "PPPK") == pppk  # noqa: FBT003


@given(st.text(max_size=30), st.sampled_from(["", "PNS", "PPPK"]))
def test_no_text_breaks_the_reading_of_a_number(text: str, employment: str) -> None:
    """Whatever people write is read or refused."""
    read = read_nip(text, employment, DAY)

    assert isinstance(read, Nip) or read in {"malformed-nip", "impossible-nip"}


def test_a_published_programme_never_changes() -> None:
    """The same words again are no change."""
    published = programme()
    other = ProgrammeDraft.model_validate(changed(COURSE, title="Lain"))

    assert published == published.write(published.content, "x") == published.publish(NOW)
    with pytest.raises(Conflict) as caught:
        published.write(other, "")
    assert "programme-published" == refusal(caught)


def test_a_programme_is_checked_before_it_is_published() -> None:
    """Phases count from 1, and a weighted activity stands in a gate."""
    phases = [changed(COURSE["phases"][0], number=2)]
    loose = changed(COURSE, rules=changed(COURSE["rules"], weights={"exam": 100}))

    for body, slug in (
        (changed(COURSE, phases=phases), "phases-not-in-order"),
        (loose, "weighted-activity-in-no-gate"),
    ):
        with pytest.raises(Invalid) as caught:
            programme(body)
        assert slug == refusal(caught)


def test_what_was_never_written_is_empty() -> None:
    """Neither a programme nor a cohort can be asked what it is."""
    with pytest.raises(Invalid):
        _ = Programme("X.1").content
    with pytest.raises(Invalid):
        _ = Cohort("x").content


def test_a_draft_keeps_its_owner() -> None:
    """Whoever writes it again does not take it over."""
    draft = ProgrammeDraft.model_validate(COURSE)
    shape = CohortDraft.model_validate(cohort_body())

    assert "35.73" == Programme("X.1").write(draft, "35.73").write(draft, "").owner
    first = Cohort("x").write(shape, owner="35.73", host_node="35")
    assert "35.73" == first.write(shape, owner="", host_node="35").owner


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"calendar": DATES[:1]}, "residential-phase-without-periods"),
        ({"calendar": [*DATES, {"phase": 9, "periods": []}]}, "unknown-phase"),
        ({"sessions": {"class": []}}, "attendance-group-without-sessions"),
        ({"seats": None}, "residential-phase-without-seats"),
    ],
)
def test_a_cohort_is_checked_before_it_opens(changes: dict[str, Any], slug: str) -> None:
    """Dates, sessions and seats must fit the programme."""
    with pytest.raises(Invalid) as caught:
        cohort(**changes)

    assert slug == refusal(caught)


def test_a_cohort_opens_once_and_for_a_published_programme() -> None:
    """An open cohort changes nothing but its calendar."""
    opened = cohort()
    draft = opened.content

    assert opened == opened.open(programme()) == opened.write(draft, owner="x", host_node="36")
    with pytest.raises(Conflict) as caught:
        opened.write(draft.model_copy(update={"seats": 9}), owner="", host_node="35")
    assert "cohort-open" == refusal(caught)
    with pytest.raises(Conflict) as unpublished:
        replace(opened, status="draft").open(replace(programme(), status="draft"))
    assert "programme-not-published" == refusal(unpublished)
    with pytest.raises(Conflict):
        replace(opened, status="draft").guard_open()
    with pytest.raises(Invalid):
        opened.guard_agency("62")


def test_an_open_cohort_of_a_lecture_needs_no_dates() -> None:
    """Its agencies need no invitation, and it has no seats to give."""
    lecture = Cohort("kuliah").write(
        CohortDraft.model_validate(lecture_body(sessions={})), owner="", host_node="35"
    )
    opened = lecture.open(programme(LECTURE, "KULIAH.1"))

    opened.guard_agency("62")
    assert (0, "") == (opened.free, opened.agency_name("62"))
    assert opened.content.first_day is None


def test_a_calendar_tells_each_phase_and_each_session_once() -> None:
    """What is told twice is refused as it is read."""
    with pytest.raises(ValidationError):
        Calendar.model_validate({"calendar": [DATES[0], DATES[0]]})
    with pytest.raises(ValidationError):
        Calendar.model_validate({"calendar": [], "sessions": {"class": ["a", "a"]}})
    for starts, ends in (("0001-01-01", "2024-01-01"), ("2024-01-01", "9999-12-31")):
        dates = [{"phase": 1, "periods": [{"starts": starts, "ends": ends}]}]
        with pytest.raises(ValidationError):
            Calendar.model_validate({"calendar": dates})


def test_new_dates_of_an_open_cohort_raise_its_version() -> None:
    """A draft's dates just change, and the same dates change nothing."""
    opened = cohort()
    draft = replace(opened, status="draft")
    calendar = Calendar.model_validate({"calendar": LATER, "sessions": SESSIONS})

    assert opened == opened.reschedule(opened.content, programme(), NOW)
    assert 1 == draft.reschedule(calendar, programme(), NOW).calendar_version
    later = opened.reschedule(calendar, programme(), NOW)
    assert (2, ("calendar",)) == (later.calendar_version, later.unfinished)
    with pytest.raises(Invalid):
        opened.reschedule(Calendar(), programme(), NOW)


def test_a_cohort_decides_once_for_each_list() -> None:
    """A judge who asks again hears the same; another list hears that the place is taken."""
    judged, first = cohort(seats=1, line=1).admit(
        [asking("a"), asking("b"), asking("c"), asking("d", "list", "already-certified")]
    )

    again, second = judged.admit([asking("d"), asking("c"), asking("b"), asking("a")])

    assert judged == again
    assert ["accepted", "waitlisted", "refused", "refused"] == [e.status for e in first.values()]
    assert {key: (each.status, each.reasons, each.position) for key, each in first.items()} == {
        key: (each.status, each.reasons, each.position) for key, each in second.items()
    }
    _, other = judged.admit([asking("a", "other"), asking("z", "other", others=("b",))])
    assert [("already-enrolled",)] * 2 == [each.reasons for each in other.values()]


def test_who_was_refused_can_be_nominated_again_and_who_left_cannot() -> None:
    """A free seat goes to the line before anybody new."""
    full, _ = cohort(seats=1, line=1).admit([asking("a"), asking("b"), asking("c")])
    left, place = full.free_place("a")
    gone, _ = left.free_place("b", "overlapping-training")

    assert place is not None
    assert (left, None) == left.free_place("a")
    assert (left, None) == left.free_place("z")
    _, queue = left.admit([asking("c", "next"), asking("a", "next")])
    assert [("no-seat",), ("withdrew-earlier",)] == [each.reasons for each in queue.values()]
    _, empty = gone.admit([asking("b", "next"), asking("c", "next"), asking("a")])
    assert [
        ("refused", ("overlapping-training",)), ("accepted", ()), ("accepted", ()),
    ] == [(each.status, each.reasons) for each in empty.values()]  # fmt: skip


def test_a_closed_line_is_closed_once() -> None:
    """Nobody new waits."""
    closed = cohort(seats=1).close_line()

    assert closed == closed.close_line()
    _, outcomes = closed.admit([asking("a"), asking("b")])
    assert ["accepted", "refused"] == [each.status for each in outcomes.values()]


Act = tuple[str, int, int]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "leave", "promote"]), st.integers(0, 9), st.integers(0, 3)
        ),
        max_size=60,
    )
)
def test_no_story_oversells_or_jumps_the_line(acts: list[Act]) -> None:
    """Seats stay within their number, the line in its order, and who left stays away."""
    now = cohort(seats=3, line=3)
    left: set[str] = set()
    for act, person, roster in acts:
        name, line = str(person), now.waiting
        if act == "ask":
            now, _ = now.admit([asking(name, f"list-{roster}")])
            assert line == now.waiting[: len(line)]
        elif act == "leave":
            now, place = now.free_place(name)
            left |= {name} if place else set()
        elif now.free and line:
            now = now.promote(line[0])
            assert line[1:] == now.waiting

        assert now.seated <= 3
        assert len(now.waiting) <= 3
        assert all(now.places[each].status == "left" for each in left)


def test_a_deferred_decision_tells_until_when_and_no_other_does() -> None:
    """Both mistakes are refused as they are read."""
    held = {
        "decided_on": "2024-07-12", "minutes": "BA",
        "signatory": {"name": "K", "position": "K"},
    }  # fmt: skip
    for decision in ({"outcome": "deferred"}, {"outcome": "left", "until": "2024-12-31"}):
        with pytest.raises(ValidationError):
            SittingDecision.model_validate(
                {**held, "decisions": [{"enrolment_id": "e", **decision}]}
            )


def test_an_enrolment_that_is_not_held_cannot_be_left() -> None:
    """Nor can a programme that is completed."""
    enrolled = Enrolment("e", seated=True, issue="automatic").settled()

    with pytest.raises(Conflict) as nothing:
        Enrolment("e", freed=True).settled().withdraw(DAY, "x")
    assert "not-enrolled" == refusal(nothing)
    for done in (replace(enrolled, completed_revision=1), replace(enrolled, outcome="graduated")):
        with pytest.raises(Conflict) as completed:
            done.withdraw(DAY, "x")
        assert "already-completed" == refusal(completed)


def test_whoever_left_the_line_is_not_enrolled_by_a_late_seat() -> None:
    """Withdrawal outlasts every later word."""
    left, now = Enrolment("e").wait().withdraw(DAY, "x")
    taken, enrols = left.take_seat(1)

    assert (True, False, "withdrawn") == (now, enrols, taken.status)
    assert (taken, False) == taken.take_seat(2) == taken.withdraw(DAY, "y")
    assert (taken, False) == taken.reschedule(1)
    assert "" == Enrolment("e").settled().status


def test_a_cohort_decides_on_its_own_only() -> None:
    """A withdrawn learner can have left, and nothing else."""
    enrolled = Enrolment("e", cohort_id="dua-i", seated=True).settled()
    gone, _ = enrolled.withdraw(DAY, "x")

    assert "unknown-enrolment" == enrolled.why_not("other", "graduated")
    assert "unknown-enrolment" == Enrolment("e", cohort_id="dua-i").why_not("dua-i", "left")
    assert "withdrawn" == gone.why_not("dua-i", "deferred")
    assert gone.why_not("dua-i", "left") is None
    assert "not-completed" == enrolled.why_not("dua-i", "graduated")
    with pytest.raises(Invalid):
        guard_day(date(2024, 2, 2), DAY)


def test_blank_cells_leave_what_was_known_and_a_new_agency_does_not() -> None:
    """A card has a version for each change of what it shows."""
    card = Card(
        "1", "A", "35.73", "PNS", "Kecamatan", "Lurah", "pengawas", "a@b.id", "08", *(True, True)
    )
    first = Learner("l").record(card, DAY)
    same = first.record(Card("1", "A", "35.73", "PNS"), DAY)
    moved = first.record(Card("1", "A", "35.72", "PNS"), date(2024, 3, 1))

    assert first == same
    assert (1, "Kecamatan", True) == (first.card_version, first.agency_name, first.duty_3t)
    assert (2, "", "Lurah") == (moved.card_version, moved.agency_name, moved.position)
    assert ["35.73", "35.72"] == [each.what for each in moved.agencies]
    assert ("a@b.id", "08", True) == (same.email, same.phone, same.disability)
    assert ("", "", False, False) == (moved.email, moved.phone, moved.disability, moved.duty_3t)
    assert first.card(NOW) == first.stated_since(Learner("l"), NOW)[0]
    assert [] == same.stated_since(first, NOW)


def test_days_are_claimed_given_back_and_moved() -> None:
    """What was given back for good is never claimed again."""
    days = (Period(starts=DAY, ends=DAY),)
    wanted = Claim("c", "list", days, 1)
    claimed = Learner("l").claim("e", wanted)

    assert claimed == claimed.claim("e", wanted)
    assert Learner("l") == Learner("l").claim("e", replace(wanted, periods=()))
    assert claimed == claimed.move_claim("e", (), 0) == claimed.move_claim("z", (), 9)
    assert () == claimed.move_claim("e", (), 2).claims["e"].periods
    given_back = Learner("l").release("e")
    assert given_back == given_back.move_claim("e", days, 2)
    refused = claimed.release_for("e", "list")
    assert refused.claims["e"].released
    assert refused == refused.claim("e", wanted)
    assert not refused.claim("e", replace(wanted, roster_id="next")).claims["e"].released
    gone = claimed.release("e")
    assert gone == gone.release("e") == gone.claim("e", replace(wanted, roster_id="next"))


def test_a_certificate_holds_until_it_ends_or_is_revoked() -> None:
    """A newer revision stands in for the older one."""
    held = Held("PKA", 1, date(2024, 12, 31))
    learner = Learner("l").certify("e", held)

    assert (True, False) == (held.holds(DAY), held.holds(date(2025, 1, 1)))
    assert learner == learner.certify("e", held)
    revoked = learner.revoke("e", 1)
    assert revoked == revoked.revoke("e", 1)
    assert not revoked.certificates["e"].holds(DAY)
    assert revoked.certify("e", Held("PKA", 2)).certificates["e"].holds(date(2099, 1, 1))


def test_a_list_is_examined_by_its_cells_and_the_rows_before() -> None:
    """What a sheet found comes first; a repeat counts against a sound row only."""

    def identify(number: str) -> tuple[str, str]:
        return f"l{number[-3:]}", f"e{number[-3:]}"

    rows = [
        Listed(2, "12", "A"),
        Listed(3, "12", "A", faults=("nip-is-a-number",)),
        Listed(4, nip(1), "A", faults=("bad-email",)),
        Listed(5, nip(1), "A"),
        Listed(6, nip(1), "A"),
    ]

    nominees = examine(rows, DAY, identify)

    assert [
        ("malformed-nip",), ("nip-is-a-number",), ("bad-email",), (), ("duplicate-in-list",),
    ] == [each.reasons for each in nominees]  # fmt: skip
    assert ["", "", "", "l002", "l002"] == [each.learner_id for each in nominees]
    assert Listed(7, "1", "A", employment="PPPK") == Row(
        nip="1", name="A", employment="PPPK"
    ).listed(7)


def test_a_letter_names_rows_that_are_there() -> None:
    """The same list drafted again is the one that was drafted."""
    roster = Roster("r").draft("c", "35.73", [Nominee(1, "n", "A")], NOW)

    assert roster == roster.draft("c", "35.73", [], datetime(2025, 1, 1, tzinfo=UTC))
    with pytest.raises(Invalid) as caught:
        roster.endorse(Letter("1", DAY, (2,)), NOW)
    assert "unknown-row" == refusal(caught)
    nominee = roster.rows[0]
    assert roster.stands(nominee) is not None
    assert roster.endorse(Letter("1", DAY), NOW).stands(nominee) is None


def test_a_staff_list_counts_people() -> None:
    """Whoever is listed nowhere else joined; whoever is not listed any more left."""
    members = [
        Member(name, Card(name, name.upper(), "35.73", "PNS"))
        for name in ("new", "moved", "same", "other", "back")
    ]
    known = [
        Learner("new"),
        Learner("moved").record(Card("moved", "MOVED", "35.72", "PNS"), DAY),
        Learner("same").record(Card("same", "SAME", "35.73", "PNS"), DAY),
        Learner("other").record(Card("other", "O", "35.73", "PNS"), DAY),
        Learner("back").record(Card("back", "BACK", "35.73", "PNS"), DAY).leave(),
    ]
    present = [known[2], known[3], Learner("gone")]
    staff = StaffList("s").receive("35.73", members, NOW, DAY)

    compared = staff.compare(present, known)

    assert {"joined": 2, "moved": 1, "changed": 1, "unchanged": 1, "left": 1} == compared.counts
    assert ("gone",) == compared.leaving
    assert compared == compared.compare([], [])
    assert ("told", ()) == (compared.finish().status, compared.finish().members)
