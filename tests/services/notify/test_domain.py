"""Notices: what makes a fact the one that it is."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.notices import (
    Card,
    Notice,
    Preference,
    language_of,
    notice_id,
    short_name,
    stamp,
)
from shared.events.fact import Fact
from tests.support import notify as say
from tests.support.notify import AT, AYU

CARD = Card(AYU, 1, "Ayu Lestari, S.Sos.", "ayu@malangkota.go.id")
ANYHOW = Preference(AYU)


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
