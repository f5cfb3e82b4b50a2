"""Provinces whose enrolment is served in memory, with a mirror between them, and lists from one to the other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.enrolment.handlers.finishing import finish_what_was_started
from services.enrolment.handlers.rosters import Today
from services.enrolment.store import EnrolmentWork
from shared.bus.parking import PARKED
from shared.events.fact import Fact
from shared.events.message import Message
from shared.federation.seal import seal
from shared.kernel.clock import local_date
from shared.kernel.ids import derived, enrolment_id
from tests.support.enrolment import COURSE, Served, changed, cohort_body, person, row, served_at
from tests.support.federation import Province, mirror, provinces

PALANGKA = "62.71"
COHORT = "dua-i"
GUEST_TERMS = {"agreements": ["jatim-kalteng"], "nominations_until": "2024-08-31"}
AGREEMENT = {
    "number": "120/1/2024",
    "parties": [{"node": "35"}, {"node": "62"}],
    "valid_from": "2024-01-01",
    "valid_until": "2024-12-31",
    "legal_basis": "UU 27/2022 Pasal 20 ayat (2) huruf e",
    "purpose": "pelatihan bersama",
}
LATER: list[dict[str, Any]] = [
    {"phase": 1, "periods": [{"starts": "2024-09-01", "ends": "2024-09-10"}]},
    {"phase": 2, "periods": [{"starts": "2024-09-11", "ends": "2024-09-15"}]},
]


@dataclass
class Node:
    """One province: its enrolment served, and its keys, bus and peers."""

    served: Served
    province: Province

    @property
    def code(self) -> str:
        """Tell the node's code."""
        return self.province.node

    @property
    def work(self) -> EnrolmentWork:
        """Open a work to look with."""
        opened: EnrolmentWork = self.served.app.state.parts.works.open()
        return opened

    async def ask(self, method: str, path: str, *roles: str, **sent: Any) -> Any:  # noqa: ANN401 - JSON
        """Ask as a person with these roles, and give what a good answer says."""
        answer = await self.served.ask(method, path, *roles, **sent)
        assert answer.is_success, answer.text
        return answer.json()

    async def settle(self) -> None:
        """Finish what was started, and let everything said be heard."""
        now = self.served.clock.now()
        today = Today(now, local_date(now, self.code), self.code)
        await finish_what_was_started(today, self.served.app.state.parts.works)
        await self.served.settled()
        await self.province.engine.bus.quiet()

    async def parked(self) -> list[str]:
        """Tell why messages were parked."""
        found = await self.work.room(PARKED).find({"status": "parked"})
        return [each.reason for each in found]

    def told(self, to: str, kind: type[Fact]) -> list[Any]:
        """Tell the copies of one type that were made for a node."""
        messages = self.province.engine.bus.messages(f"share.{to}")
        return [each.fact() for each in messages if each.type == kind.type]


async def exchange(*nodes: Node) -> None:
    """Mirror and settle until nobody has anything left to say."""
    before: Sequence[int] = ()
    while True:
        for node in nodes:
            await node.settle()
        for one in nodes:
            for other in nodes:
                if one is not other:
                    mirror(one.province, other.province)
        for node in nodes:
            await node.settle()
        said = [sum(map(len, node.province.engine.bus.topics.values())) for node in nodes]
        if said == before:
            return
        before = said


@asynccontextmanager
async def served_nodes(folder: Path, *codes: str) -> AsyncIterator[list[Node]]:
    """Serve enrolment at nodes that are all each other's peers."""
    async with AsyncExitStack() as stack:
        yield [
            Node(await stack.enter_async_context(served_at(each)), each)
            for each in provinces(folder, *codes)
        ]


async def agree(*nodes: Node, **changes: object) -> None:
    """Let nodes record their agreement."""
    for node in nodes:
        await node.ask("PUT", "/agreements/jatim-kalteng", json=changed(AGREEMENT, **changes))


async def offer(host: Node, **changes: object) -> None:
    """Open a cohort of the course at a node, and offer it to all."""
    await host.ask("PUT", "/programmes/DUA/1", json=COURSE)
    await host.ask("POST", "/programmes/DUA/1/publication")
    body = cohort_body(calendar=LATER, **changes)
    await host.ask("PUT", f"/cohorts/{COHORT}", json=body)
    await host.ask("POST", f"/cohorts/{COHORT}/opening")
    await host.ask("POST", f"/cohorts/{COHORT}/offer", json=GUEST_TERMS)


async def nominate(
    home: Node, rows: Sequence[dict[str, Any]], host: str = "35", agency: str = PALANGKA
) -> dict[str, Any]:
    """Draft and endorse a list for a cohort of another node."""
    claims = {"agency": agency}
    path = f"/offers/cohorts/{host}/{COHORT}/rosters"
    sent = {"agency": agency, "rows": list(rows)}
    roster = await home.ask("POST", path, "nominator", claims=claims, json=sent)
    letter = {"letter_number": "800/7/2024", "letter_date": "2024-07-19"}
    endorsed: dict[str, Any] = await home.ask(
        "POST", f"/rosters/{roster['id']}/endorsement", "endorser", claims=claims, json=letter
    )
    return endorsed


async def statuses(home: Node, roster: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Tell how a list's rows stand now."""
    shown = await home.ask("GET", f"/rosters/{roster['id']}")
    return [(each["status"], each["reasons"]) for each in shown["rows"]]


def place(serial: int, host: str = "35") -> str:
    """Tell the enrolment id of a person in a node's cohort."""
    return enrolment_id(person(serial), COHORT, host)


def people(*serials: int) -> list[dict[str, Any]]:
    """Make rows of people of Kalteng."""
    return [row(serial, email=f"p{serial}@palangkaraya.go.id") for serial in serials]


async def say(node: Node, service: str, fact: Fact) -> None:
    """Let another service of a node state a fact, and share it with the learner's home."""
    aggregate = derived(fact.type, fact.write())
    message = Message.of(
        fact, source=f"/corpu/{node.code}/{service}", aggregate=aggregate, seq=1, epoch=1
    )
    await node.province.engine.bus.publish([message])
    for to in fact.addressees:
        copy = Message.of(
            fact, source=message.source, aggregate=f"shares/{to}/{aggregate}", seq=1, epoch=1, to=to
        )
        await node.province.engine.bus.publish([seal(copy, node.province.federation)])
    await node.settle()


def sitting_for(*decisions: tuple[str, str]) -> dict[str, Any]:
    """Make the body of a sitting that decides on these enrolments."""
    return {
        "decided_on": "2024-07-18",
        "minutes": "BA/1",
        "signatory": {"name": "Kepala", "position": "Kepala BPSDM"},
        "decisions": [{"enrolment_id": key, "outcome": outcome} for key, outcome in decisions],
    }
