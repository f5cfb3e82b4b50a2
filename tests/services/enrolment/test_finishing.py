"""What stands half done is finished, even beside something that never can be."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.enrolment.handlers.finishing import finish_what_was_started
from services.enrolment.store import ROSTERS
from shared.store.port import Change
from tests.support.enrolment import NOW, TODAY, Desk, listed


async def test_a_list_that_cannot_be_judged_keeps_no_other_list_waiting() -> None:
    """A list of a cohort that is gone is told to the operator's log each time, and passed by."""
    desk = Desk()
    await desk.begin()
    await desk.endorse(await desk.draft([listed(1)], key="a"))
    await desk.endorse(await desk.draft([listed(2)], key="b"))
    (kept,) = (await desk.store.load(ROSTERS, ["a"])).values()
    await desk.store.write([Change(ROSTERS, "a", kept["version"], {"cohort_id": "gone"})])

    with pytest.raises(ExceptionGroup, match="some could not be done"):
        await finish_what_was_started(replace(TODAY, now=NOW + timedelta(hours=1)), desk.works)

    assert "judged" == (await desk.works.open().rosters.of("b")).status
