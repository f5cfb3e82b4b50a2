"""Each kind of hostile record is refused for the reason that the fault run expects of it."""

from pathlib import Path

import pytest

from deploy.federation import hostile
from deploy.federation.segments import Kept
from shared.bus.memory import MemoryRecord
from shared.events.fact import LearnerFact
from shared.federation.keys import Federation
from shared.federation.seal import accept, vet
from shared.kernel.errors import Unprocessable
from tests.support.copies import copies
from tests.support.federation import Province, provinces
from tests.support.progress import phase_completed


@pytest.fixture
def both(tmp_path: Path) -> list[Province]:
    """Two provinces that know each other."""
    return provinces(tmp_path, "35", "62")


def _real(source: Province, count: int) -> list[Kept]:
    facts = [
        phase_completed(number).model_copy(update={"home_node": "62"})
        for number in range(1, count + 1)
    ]
    return [
        Kept(each.topic, each.partition, each.offset, b"k", each.value, tuple(each.headers))
        for each in copies(source, "62", *facts, service="progress")
    ]


def _refused(each: hostile.Hostile, federation: Federation) -> str:
    record = MemoryRecord(
        each.topic, 0, 0, tuple(each.message.to_headers()), each.message.data.encode()
    )
    try:
        message = accept(record, federation)
        fact = message.fact()
        if isinstance(fact, LearnerFact):
            vet(fact, "35", federation)
    except Unprocessable as why:
        return why.reason
    return ""


def test_every_forgery_has_its_own_reason(both: list[Province]) -> None:
    """What is forged is parked as what it is, whoever signed it."""
    jatim, kalteng = both
    forged = hostile.forge(_real(jatim, hostile.needed()), jatim.keys, "62")

    assert {each.what: _refused(each, kalteng.federation) for each in forged} == {
        each.what: each.reason for each in forged
    }
    assert len({each.what for each in forged}) == hostile.needed()


def test_a_replay_is_believed_as_it_was_the_first_time(both: list[Province]) -> None:
    """Word for word the same is no forgery: it is for the count of repeats to ignore it."""
    jatim, kalteng = both
    again = hostile.replays(_real(jatim, 3))

    assert [_refused(each, kalteng.federation) for each in again] == ["", "", ""]
