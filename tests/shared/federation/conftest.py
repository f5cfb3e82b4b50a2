"""Two provinces with one small service each: the host frees seats, the home notes whose."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.bus.parking import PARKED, Parked
from shared.bus.subscription import Record
from shared.events.enrolment import SeatFreed
from shared.events.fact import Fact
from shared.federation.heads import INTAKES, Intake
from shared.federation.keys import Federation
from shared.federation.receiving import Incoming, ReceivingDelivery
from shared.federation.sharing import Outgoing
from shared.kernel.clock import SetClock
from shared.kernel.errors import Unprocessable
from shared.web.parts import Blueprint, Parts, open_parts
from shared.web.settings import ServiceSettings
from tests.support.boxes import AT, BOXES, Box, BoxWork
from tests.support.federation import Province, provinces
from tests.support.serving import clock

GUEST = "guest"


async def note(fact: SeatFreed, work: BoxWork) -> None:
    """Note an enrolment in the learner's box, and how often somebody told of one."""
    box = await work.boxes.of(fact.learner_id)
    tags = tuple(sorted({*box.tags, fact.enrolment_id}))
    work.boxes.keep(replace(box, tags=tags, count=box.count + 1))


async def known(learners: Sequence[str], work: BoxWork) -> set[str]:
    """Know whoever's box has a label."""
    return {each for each in learners if (await work.boxes.of(each)).label}


async def enrich(fact: Fact, to: str, work: Any, federation: Federation) -> Fact:  # noqa: ANN401 - any service's
    """Add to a copy what only its addressee can read."""
    del work
    assert isinstance(fact, SeatFreed)
    secret = federation.peers.encrypt(to, b"Sulastri")
    return fact.model_copy(update={"agency": secret})


def blueprint() -> Blueprint[BoxWork]:
    """Make the small service."""
    return Blueprint(
        name="enrolment",
        kinds=(BOXES,),
        work=BoxWork,
        subscriptions=(),
        outgoing=lambda federation: Outgoing((SeatFreed,), partial(enrich, federation=federation)),
        incoming=lambda _: Incoming({SeatFreed: note}, known),
    )


@dataclass
class Opened:
    """One province's service, opened."""

    province: Province
    parts: Parts[BoxWork]

    async def free(self, *numbers: int, learner: str = GUEST, home: str = "62") -> None:
        """State that seats are free, each of an enrolment of its own."""

        async def use_case(number: int, work: BoxWork) -> None:
            box = await work.boxes.of(f"e{number}")
            fact = SeatFreed(
                learner_id=learner, at=AT, enrolment_id=f"e{number}", cohort_id="c",
                agency="62.71", home_node=home,
            )  # fmt: skip
            work.boxes.keep(box.with_count(box.count + 1), [fact])

        for number in numbers:
            await self.parts.works.run(partial(use_case, number))
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything here was sent and heard."""
        while not self.parts.relay.idle:
            await asyncio.sleep(0)
        await self.province.engine.bus.quiet()

    async def label(self, learner: str = GUEST) -> None:
        """Make a learner known as the node's own."""

        async def use_case(work: BoxWork) -> None:
            work.boxes.keep(replace(await work.boxes.of(learner), label="card"))

        await self.parts.works.run(use_case)

    async def park(self, record: Record, why: Unprocessable) -> None:
        """Park a mirrored record, as an older release of this service would have."""
        parked = Parked.of(record, self.receiving.subscription.name, why)

        async def use_case(work: BoxWork) -> None:
            await work.room(PARKED).of(parked.id)
            work.room(PARKED).keep(parked)

        await self.parts.works.run(use_case)

    async def box(self, learner: str = GUEST) -> Box:
        """Load a learner's box."""
        return await self.parts.works.open().boxes.of(learner)

    async def parked(self) -> list[Parked]:
        """Load every parked message."""
        return await self.parts.works.open().room(PARKED).find({})

    async def intakes(self) -> list[Intake]:
        """Load every count of copies."""
        return await self.parts.works.open().room(INTAKES).find({})

    @property
    def receiving(self) -> ReceivingDelivery[BoxWork]:
        """Tell the delivery of copies."""
        return next(each for each in self.parts.deliveries if isinstance(each, ReceivingDelivery))


@pytest.fixture
def now() -> SetClock:
    """Make the clock that both provinces go by."""
    return clock()


@pytest.fixture
async def both(tmp_path: Path, now: SetClock) -> AsyncIterator[tuple[Opened, Opened]]:
    """Open Jatim, the host, and Kalteng, the home of the guest, whom it knows."""
    opened = []
    async with AsyncExitStack() as stack:
        for province in provinces(tmp_path, "35", "62"):
            parts = await stack.enter_async_context(
                open_parts(blueprint(), province.settings(ServiceSettings), province.engine, now)
            )
            opened.append(Opened(province, parts))
        host, home = opened
        await home.label()
        yield host, home
