"""What every service lets go of once a person is erased."""

from collections.abc import Sequence

from shared.bus.memory import MemoryRecord
from shared.bus.parking import PARKED, Parked
from shared.events.enrolment import LearnerRecorded
from shared.events.fact import Fact
from shared.events.message import Message
from shared.kernel.errors import Unprocessable
from shared.kernel.ids import derived
from shared.web.idempotency import ANSWERS
from tests.support.box_service import Served
from tests.support.boxes import AT
from tests.support.deliveries import failing, left

ANI, BUDI = "a" * 32, "b" * 32


def recorded(learner: str, name: str) -> LearnerRecorded:
    """Tell a card."""
    return LearnerRecorded(
        learner_id=learner, at=AT, version=1, nip="198001012005011002", name=name, agency="35.73",
        agency_name="Kota Malang", employment="PNS",
    )  # fmt: skip


async def park(service: Served, facts: Sequence[Fact]) -> list[str]:
    """Park facts that could not be handled, and tell under which ids."""
    keys = []
    for place, fact in enumerate(facts):
        message = Message.of(fact, source="/corpu/35/x", aggregate=f"x/{place}", seq=1, epoch=1)
        record = MemoryRecord("t", 0, place, tuple(message.to_headers()), message.value)
        parked = Parked.of(record, "boxes.note", Unprocessable("handler-failed", "x"))

        async def keep(work: object, parked: Parked = parked) -> None:
            room = work.aggregates(PARKED)  # type: ignore[attr-defined]  # any service's work
            await room.of(parked.id)
            room.keep(parked)

        await service.app.state.parts.works.run(keep)
        keys.append(parked.id)
    return keys


async def test_parked_messages_that_name_a_person_are_emptied(service: Served) -> None:
    """By subject where the type tells who somebody is, by words wherever they stand; no other is touched."""
    facts = [
        recorded(ANI, "Ani"),
        failing("x", enrolment="about ANI Lestari"),
        left("e", learner=ANI),
        recorded(BUDI, "Budi"),
    ]
    keys = await park(service, facts)
    body = {"learner_ids": [ANI], "words": ["Ani Lestari"]}

    told = await service.ask("POST", "/operations/erasure", "operator", json=body)

    found = await service.engine.store.load(PARKED, keys)
    assert {"parked": 2, "answers": 0} == told.json()
    assert [("dropped", None), ("dropped", None)] == [
        (found[key]["status"], found[key]["raw_value"]) for key in keys[:2]
    ]
    assert ["parked", "parked"] == [found[key]["status"] for key in keys[2:]]
    assert all(found[key]["raw_value"] for key in keys[2:])


async def test_kept_answers_that_tell_of_a_person_go(service: Served) -> None:
    """By their id, and by the words that name them."""
    for key in ("one", "two", "three"):
        await service.ask("POST", "/boxes", json={"label": key}, headers={"Idempotency-Key": key})
    body = {"learner_ids": [derived("box", "one")], "words": [derived("box", "two").upper()]}

    first = await service.ask("POST", "/operations/erasure", "operator", json=body)
    again = await service.ask("POST", "/operations/erasure", "operator", json=body)

    assert [2, 0] == [each.json()["answers"] for each in (first, again)]
    assert 1 == await service.engine.store.count(ANSWERS, {})


async def test_only_an_operator_erases_and_nothing_is_repeated_in_a_refusal(
    service: Served,
) -> None:
    """A problem names no person."""
    organiser = await service.ask("POST", "/operations/erasure", json={"learner_ids": [ANI]})
    short = await service.ask(
        "POST", "/operations/erasure", "operator", json={"learner_ids": ["Siti"], "words": []}
    )

    assert [403, 422] == [organiser.status_code, short.status_code]
    assert "Siti" not in short.text
