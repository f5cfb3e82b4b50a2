"""The main path of progress on memory twins: from enrolment to a passport with training hours."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from pydantic import ValidationError

from services.progress.settings import Settings
from shared.events.progress import PhaseAtRisk
from tests.support.progress import (
    BUDI,
    COHORT,
    SITI,
    certified,
    day,
    enrolled,
    item,
    plan,
    recorded,
    whole_story,
)
from tests.support.served_progress import served
from tests.support.serving import ISSUER
from tests.support.waiting import until


async def test_from_enrolment_to_a_completed_programme() -> None:
    """Evidence sent in bulk completes phases in order, and then the programme, once."""
    async with served() as node:
        facts = [enrolled(SITI), enrolled(BUDI), recorded(SITI), recorded(BUDI, name="Budi")]
        await node.hear(*facts)
        both = (enrolled(SITI).enrolment_id, enrolled(BUDI).enrolment_id)
        story = [item(piece, enrolment) for piece in whole_story() for enrolment in both]
        answer = await node.send(story)
        again = await node.send(story)
        table = (await node.get(f"/cohorts/{COHORT}/progress")).json()
        shown = (await node.get(f"/enrolments/{both[0]}")).json()

        assert (18, 0, 0) == (answer["accepted"], answer["repeated"], answer["refused"])
        assert (0, 18, 0) == (again["accepted"], again["repeated"], again["refused"])
        assert ["completed"] * 2 == [row["status"] for row in table["items"]]
        stated = [message.type for message in node.engine.bus.messages("progress")]
        assert 6 == stated.count("id.corpu.phase_completed.v1")
        assert 2 == stated.count("id.corpu.programme_completed.v1")
        assert day(3) == datetime.fromisoformat(shown["phases"][0]["completed_at"])


async def test_the_passport_follows_from_enrolment_to_certificate() -> None:
    """Training hours are under way until they are certified, and then count in their year."""
    async with served() as node:
        await node.hear(enrolled(), recorded())
        await node.send([item(piece, enrolled().enrolment_id) for piece in whole_story()])
        before = (await node.get(f"/learners/{SITI}/passport")).json()
        await node.hear(certified())
        after = (await node.get(f"/learners/{SITI}/passport")).json()

        assert (0, 60, "completed") == (
            before["jp"],
            before["under_way_jp"],
            before["entries"][0]["status"],
        )
        assert [1, 2, 3] == [each["phase"] for each in before["entries"][0]["phases"]]
        assert (60, 0) == (after["jp"], after["under_way_jp"])
        assert [{"year": 2024, "jp": 60, "target": 20, "reached": True}] == after["years"]


async def test_a_phase_at_risk_is_told_by_the_service_itself() -> None:
    """The periodic job finds the deadline without being asked."""
    often = Settings(CORPU_AT_RISK_SECONDS=0.001, CORPU_ISSUER=ISSUER)
    async with served(often) as node:
        tomorrow = (node.clock.now() + timedelta(days=1)).date()
        await node.hear(enrolled(of=plan(ends=(tomorrow, None, None))))
        stated = partial(node.engine.bus.messages, "progress")

        await until(lambda: [each.type for each in stated()], equals=[PhaseAtRisk.type])


@pytest.mark.parametrize("targets", ['{"PNS": -1}', '{"PSN": 20}', '{"PNS": 8761}', "20"])
def test_targets_that_cannot_be_meant_are_refused(targets: str) -> None:
    """Hours a year, by an employment status that there is."""
    with pytest.raises(ValidationError, match="CORPU_JP_TARGETS"):
        Settings.model_validate_json(f'{{"CORPU_JP_TARGETS": {targets}}}')
