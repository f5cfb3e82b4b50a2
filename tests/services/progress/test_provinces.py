"""Passports across provinces: what a host tells, what a home keeps, and what a person takes along."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.progress.domain.passport import Passport
from services.progress.domain.telling import take_in
from services.progress.jobs import warn_of_risks
from shared.bus.parking import PARKED
from shared.events.fact import Fact, LearnerFact
from shared.events.progress import PassportTold, PhaseAtRisk
from shared.federation.receiving import ReceivingDelivery
from shared.kernel.ids import enrolment_id
from tests.support.copies import tell_abroad
from tests.support.federation import Province, mirror, provinces
from tests.support.progress import (
    BUDI,
    COHORT,
    MALANG,
    SITI,
    certified,
    day,
    decided,
    enrolled,
    item,
    linked,
    phase_completed,
    plan,
    programme_completed,
    recorded,
    revoked,
    superseded,
    transferred,
    whole_story,
    withdrawn,
)
from tests.support.served_progress import ServedProgress, served_at

_ENROLMENT = enrolled().enrolment_id
_KOTA = "62.71"


@dataclass
class Two:
    """Jatim (35), the host, and Kalteng (62), the home of its guests."""

    jatim: Province
    kalteng: Province
    host: ServedProgress
    home: ServedProgress

    async def mirror(self) -> None:
        """Mirror both ways until nobody has anything left to say."""
        for _ in range(3):
            await self.host.settle()
            await self.home.settle()
            mirror(self.jatim, self.kalteng)
            mirror(self.kalteng, self.jatim)
        await self.host.settle()
        await self.home.settle()

    async def told(self, *facts: LearnerFact) -> None:
        """Have Jatim's other services state facts, at home and to Kalteng."""
        await self.host.hear(*facts)
        await tell_abroad(self.jatim, self.kalteng, *(f for f in facts if f.home_node == "62"))


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two provinces, and a guest from Kalteng who is known in both."""
    jatim, kalteng = provinces(tmp_path, "35", "62")
    async with served_at(jatim) as host, served_at(kalteng) as home:
        await home.hear(recorded(agency=_KOTA, name="Siti"))
        await host.hear(recorded(agency=_KOTA, name="Siti", home="62"))
        yield Two(jatim, kalteng, host, home)


async def _passport(node: ServedProgress, learner: str = SITI) -> dict[str, Any]:
    shown: dict[str, Any] = (await node.get(f"/learners/{learner}/passport")).json()
    return shown


async def _rows(node: ServedProgress) -> dict[str, Any]:
    found = (await node.get("/operations/audit", "auditor")).json()
    return {row["id"]: row for row in found["items"]}


async def _digests(node: ServedProgress, learner: str = SITI) -> dict[str, str]:
    entries = (await _rows(node))[f"passport/{learner}"]["entries"]
    return {each["enrolment_id"]: each["digest"] for each in entries}


async def _parked(province: Province) -> list[str]:
    found = await province.engine.stores["progress"].find(PARKED, {"status": "parked"})
    return sorted(each["reason"] for each in found)


async def _readmitted(node: ServedProgress) -> None:
    """Let what waited for its learner be handled again."""
    receiving = node.parts.deliveries[-1]
    assert isinstance(receiving, ReceivingDelivery)
    await receiving.readmit()
    await node.settle()


def _guest(fact: Fact, home: str = "62") -> Any:  # noqa: ANN401 - the same fact
    return fact.model_copy(update={"home_node": home})


async def test_a_guests_phases_show_at_home_as_they_complete(two: Two) -> None:
    """The host's evidence becomes entries of the home's passport, with their provenance."""
    await two.told(enrolled(home="62", agency=_KOTA))
    items = [item(piece, _ENROLMENT) for piece in whole_story()[:3]]
    assert 3 == (await two.host.send(items))["accepted"]

    await two.mirror()

    entry = (await _passport(two.home))["entries"][0]
    assert {"node": "35", "agency": "BPSDM Provinsi Jawa Timur"} == entry["source"]
    assert ["Tahap 1"] == [each["title"] for each in entry["phases"]]
    assert (3, "under-way") == (entry["of"], entry["status"])


async def test_host_and_home_agree_by_hash_and_the_hours_count_at_home(two: Two) -> None:
    """From the enrolment to the certificate and its correction, each told by its own service."""
    await two.told(enrolled(home="62", agency=_KOTA))
    await two.host.send([item(piece, _ENROLMENT) for piece in whole_story()])
    told = (decided(), certified(), certified(revision=2, jp=62), superseded(1))
    await two.told(*map(_guest, told))
    await two.mirror()

    assert await _digests(two.host) == await _digests(two.home)
    passport = await _passport(two.home)
    assert (62, "certified") == (passport["jp"], passport["entries"][0]["status"])

    before = await _digests(two.home)
    await two.told(_guest(revoked(2)))

    assert await _digests(two.host) == await _digests(two.home) != before
    assert 0 == (await _passport(two.home))["jp"]


async def test_a_withdrawal_travels(two: Two) -> None:
    """Before anything else was heard, too."""
    await two.told(_guest(withdrawn()))

    row = (await _rows(two.home))[f"passport/{SITI}"]["entries"][0]
    assert ("35", True, False) == (row["node"], row["withdrawn"], row["brought"])
    assert (await _rows(two.host))[f"record/{_ENROLMENT}"]["guest"]


async def test_guests_are_in_the_figures_of_their_home_only(two: Two) -> None:
    """Even where their agency's code is asked for at the host."""
    asked = f"/agencies/{_KOTA}/jp"

    assert [] == (await two.host.get(asked)).json()["items"]
    assert [SITI] == [each["learner_id"] for each in (await two.home.get(asked)).json()["items"]]


async def test_a_fact_waits_for_the_card_of_its_learner(two: Two) -> None:
    """Who is not known yet is parked, and readmitted once known."""
    await tell_abroad(two.jatim, two.kalteng, enrolled(BUDI, home="62"))
    assert ["unknown-learner"] == await _parked(two.kalteng)

    await two.home.hear(recorded(BUDI, agency=_KOTA))
    await _readmitted(two.home)

    assert [] == await _parked(two.kalteng)
    assert 1 == len((await _passport(two.home, BUDI))["entries"])


@pytest.mark.parametrize(
    "meddling",
    [
        _guest(phase_completed(1)).model_copy(update={"enrolment_id": enrolment_id(SITI, COHORT, "62")}),
        _guest(certified(node="31")),
        enrolled(home="62").model_copy(update={"plan": plan().model_copy(update={"host_node": "62"})}),
    ],
    ids=["an enrolment of ours", "a certificate of a third", "a plan of ours"],
)  # fmt: skip
async def test_a_node_speaks_of_its_own_cohorts_only(two: Two, meddling: Fact) -> None:
    """What it says of another's enrolment is parked and changes nothing."""
    await tell_abroad(two.jatim, two.kalteng, meddling)

    assert ["not-their-enrolment"] == await _parked(two.kalteng)
    assert [] == (await _passport(two.home))["entries"]


async def test_what_a_node_says_of_its_own_people_is_not_kept(two: Two) -> None:
    """A passport is for our own, and for our guests, of whom we know by ourselves."""
    await tell_abroad(two.jatim, two.kalteng, _guest(phase_completed(1, BUDI), "35"))

    assert [] == await _parked(two.kalteng)
    assert f"passport/{BUDI}" not in await _rows(two.home)


async def test_a_deadline_that_nears_is_told_to_the_home(two: Two) -> None:
    """The copy goes to where the learner's inbox is."""
    near = two.host.clock.now().date()
    await two.told(enrolled(home="62", of=plan(ends=[near] * 3)))

    await warn_of_risks(two.host.parts.works, two.host.clock, "35", 3)
    await two.host.settle()

    told = two.jatim.engine.bus.messages("share.62")
    assert 3 == sum(each.type == PhaseAtRisk.type for each in told)


async def test_who_transfers_takes_the_passport_along(two: Two) -> None:
    """All that stood in it, and all that the old home hears later; the hours count once."""
    await two.host.hear(
        recorded(BUDI, agency=MALANG), enrolled(BUDI), phase_completed(1, BUDI),
        certified(BUDI, "older", code="MOOC", jp=5),
    )  # fmt: skip
    await two.host.hear(transferred(BUDI, "62"), recorded(BUDI, 2, agency=MALANG, home="62"))
    await two.mirror()
    assert ["unknown-learner"] == await _parked(two.kalteng)

    await tell_abroad(two.jatim, two.kalteng, transferred(BUDI, "62"))
    await two.home.hear(recorded(BUDI, agency=_KOTA))
    await _readmitted(two.home)
    await two.host.hear(phase_completed(2, BUDI), programme_completed(1, BUDI))
    await two.mirror()

    passport = await _passport(two.home, BUDI)
    assert ["MOOC", "PKA"] == [each["programme"]["code"] for each in passport["entries"]]
    assert (5, 2) == (passport["jp"], len(passport["entries"][1]["phases"]))
    assert await _digests(two.host, BUDI) == await _digests(two.home, BUDI)
    entries = (await _rows(two.home))[f"passport/{BUDI}"]["entries"]
    assert [True, True] == [each["brought"] for each in entries]


async def test_what_is_completed_after_a_transfer_is_told_to_the_new_home(two: Two) -> None:
    """The record of who was ours when enrolled follows them."""
    await two.host.hear(recorded(BUDI), enrolled(BUDI), transferred(BUDI, "62"))
    about = enrolled(BUDI).enrolment_id
    await two.host.send([item(piece, about) for piece in whole_story()[:3]])
    await two.host.settle()

    told = [each.fact() for each in two.jatim.engine.bus.messages("progress")]
    assert ["62"] == [each.home_node for each in told if each.type.endswith("phase_completed.v1")]  # type: ignore[attr-defined]
    assert (await _rows(two.host))[f"record/{about}"]["guest"]


async def test_who_moves_on_takes_along_what_was_brought(two: Two) -> None:
    """Through every home, each entry once; what the next home taught it knows by itself."""
    there = transferred(BUDI, "62")
    back = transferred(BUDI, "35", home="62", at=day(9))
    await two.host.hear(recorded(BUDI), certified(BUDI), there)
    await two.home.hear(recorded(BUDI, agency=_KOTA))
    await tell_abroad(two.jatim, two.kalteng, there)
    await two.mirror()
    await _readmitted(two.home)
    await two.home.hear(certified(BUDI, "theirs", code="MOOC", jp=4, node="62"))
    before = two.kalteng.engine.bus.messages("progress")

    await two.home.hear(back)
    await tell_abroad(two.kalteng, two.jatim, back)
    await two.mirror()
    await _readmitted(two.host)

    news = two.kalteng.engine.bus.messages("progress")[len(before) :]
    (told,) = [each.fact() for each in news]
    assert isinstance(told, PassportTold)
    assert ["62"] == [each.node for each in told.entries]
    passport = await _passport(two.host, BUDI)
    assert {"35", "62"} == {each["source"]["node"] for each in passport["entries"]}


async def test_linked_ids_move_together(two: Two) -> None:
    """Under each id the passport is told, and the new home reads them as one person's."""
    old = "d" * 32
    move = transferred(BUDI, "62", linked=[old])
    await two.host.hear(recorded(BUDI), recorded(old, active=False), linked(BUDI, old))
    await two.host.hear(certified(old, "a"), certified(BUDI, "b"), move)
    await two.home.hear(recorded(BUDI, agency=_KOTA), recorded(old, agency=_KOTA, active=False))
    await tell_abroad(two.jatim, two.kalteng, move)
    await two.mirror()
    await _readmitted(two.home)

    passport = await _passport(two.home, BUDI)
    assert ([old], 60, 2) == (passport["linked"], passport["jp"], len(passport["entries"]))


async def test_a_guests_numbers_are_linked_at_the_host(two: Two) -> None:
    """The home tells it, of its own people only: ours it may neither bind to its own nor send away."""
    other = "d" * 32
    await tell_abroad(two.kalteng, two.jatim, _guest(linked(SITI, other)))
    assert [other] == (await _passport(two.host))["linked"]

    await two.host.hear(recorded(BUDI))
    await tell_abroad(two.kalteng, two.jatim, _guest(linked(SITI, BUDI)))
    await tell_abroad(two.kalteng, two.jatim, transferred(BUDI, "31", home="62"))

    assert ["not-their-learner", "unknown-learner"] == await _parked(two.jatim)
    assert [other] == (await _passport(two.host))["linked"]


async def test_a_guest_who_moves_on_is_told_of_at_the_new_home(two: Two) -> None:
    """The host hears of the move, and is no home that had to tell the passport."""
    await two.host.hear(enrolled(home="62"))
    await tell_abroad(two.kalteng, two.jatim, transferred(SITI, "31", home="62"))
    await two.host.send([item(piece, _ENROLMENT) for piece in whole_story()[:3]])
    await two.host.settle()

    (told,) = two.jatim.engine.bus.messages("progress")
    assert ("31",) == told.fact().addressees


async def test_who_has_no_passport_takes_none_along(two: Two) -> None:
    """And what was told already is not told again."""
    await two.host.hear(transferred(BUDI, "62"))
    assert [] == two.jatim.engine.bus.messages("progress")

    await two.host.hear(certified(BUDI), certified(BUDI), transferred(BUDI, "62"))
    (told,) = [each.fact() for each in two.jatim.engine.bus.messages("progress")]
    assert isinstance(told, PassportTold)
    taken = take_in(Passport(BUDI), told, "62")
    assert taken is take_in(taken, told, "62")
    assert Passport(BUDI) == take_in(Passport(BUDI), told, "35")
