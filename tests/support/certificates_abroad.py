"""Certification of two provinces in memory, the stories told there, and what a signed badge says."""

import base64
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx2

from shared.bus.parking import PARKED
from shared.events.certification import Certified
from shared.events.exchange import LearnerTransferred
from shared.events.fact import Fact
from shared.federation.receiving import ReceivingDelivery
from shared.kernel.ids import enrolment_id
from tests.support.certification import Served, completed, decided, enrolled
from tests.support.copies import tell_abroad
from tests.support.federation import Province, mirror
from tests.support.serving import NOW

SITI, BUDI = "a" * 32, "b" * 32


def story(
    learner: str = SITI, home: str = "62", score: float = 85.0, revision: int = 1
) -> list[Fact]:
    """Tell what makes a learner a graduate at Jatim."""
    key = enrolment_id(learner, "pka-ii", "35")
    about: dict[str, Any] = {"learner_id": learner, "enrolment_id": key, "home_node": home}
    scores = {"seminar": score, "attitude": 90.0}
    return [
        enrolled(**about),
        completed(**about, revision=revision, scores=scores),
        decided(**about),
    ]


def moved(
    learner: str = BUDI, to: str = "62", home: str = "35", day: int = 1
) -> LearnerTransferred:
    """Tell that a learner has another home from now on."""
    moved_on = date(2024, 7, day)
    at = NOW.replace(day=day)
    return LearnerTransferred(
        learner_id=learner, at=at, home_node=home, to_node=to, moved_on=moved_on
    )


@dataclass
class Node:
    """One province's certification with a client of it."""

    province: Province
    served: Served
    client: httpx2.AsyncClient

    async def get(self, path: str, *roles: str, **claims: object) -> httpx2.Response:
        """Ask as somebody with these roles and claims, an organiser unless told otherwise."""
        bearer = self.served.issuer.bearer(
            *(roles or ("organiser",)), **{"node": self.province.node, **claims}
        )
        return await self.client.get(path, headers=bearer)

    async def verify(self, credential: str) -> httpx2.Response:
        """Show a credential to be verified."""
        path, body = "/credentials/verification", {"credential": credential}
        return await self.client.post(path, json=body, headers=self.served.organiser())

    async def parked(self) -> list[str]:
        """Tell why copies were parked."""
        found = await self.province.engine.stores["certification"].find(
            PARKED, {"status": "parked"}
        )
        return sorted(each["reason"] for each in found)

    async def readmit(self) -> None:
        """Let what waited be handled again."""
        receiving = self.served.app.state.parts.deliveries[-1]
        assert isinstance(receiving, ReceivingDelivery)
        await receiving.readmit()
        await self.served.settle()

    async def rows(self) -> dict[str, Any]:
        """Tell the rows of the audit, asked for one by one."""
        rows: dict[str, Any] = {}
        after = ""
        while True:
            path = f"/operations/audit?limit=1&after={after}"
            answer = (await self.get(path, "auditor")).json()
            rows |= {row["id"]: row for row in answer["items"]}
            if not answer["next"]:
                return rows
            after = answer["next"]


@dataclass
class Two:
    """Jatim (35), the host, and Kalteng (62), the home of its guests."""

    jatim: Node
    kalteng: Node

    async def mirror(self) -> None:
        """Mirror both ways until nobody has anything left to say."""
        for _ in range(3):
            mirror(self.jatim.province, self.kalteng.province)
            mirror(self.kalteng.province, self.jatim.province)
            await self.jatim.served.settle()
            await self.kalteng.served.settle()

    async def sign(self, certified: Certified, day: int = 15) -> None:
        """Have Jatim's signatory sign a certificate, and mirror what that says."""
        path, said = f"/certificates/{certified.enrolment_id}/signature", f"2024-07-{day}"
        body = {"signed_on": said, "signed_by": "Dr. Ratna Dewi"}
        answer = await self.jatim.client.post(
            path, json=body, headers=self.jatim.served.organiser()
        )
        assert answer.is_success, answer.text
        await self.jatim.served.settle()
        await self.mirror()

    async def tell(self, *facts: Fact) -> None:
        """Have Jatim tell Kalteng facts that no service of it stated."""
        await tell_abroad(
            self.jatim.province, self.kalteng.province, *facts, service="certification"
        )

    async def certified(self, *facts: Fact) -> Certified:
        """Let Jatim certify, and tell the first copy that this leads to."""
        await self.jatim.served.hear(*facts)
        for message in self.jatim.province.engine.bus.messages("share.62"):
            if isinstance(fact := message.fact(), Certified):
                return fact
        raise AssertionError("nothing was certified")


async def superseded(two: Two) -> list[Any]:
    """Let Jatim correct what Siti was certified, and tell what that says of the first certificate."""
    await two.jatim.served.hear(story(score=95, revision=2)[1])
    found = two.jatim.province.engine.bus.messages("certification")
    return [each for each in found if each.type.endswith("superseded.v1")]


def payload(token: str) -> Any:  # noqa: ANN401 - any JSON
    """Read what a signed badge, or a list of statuses, says."""
    said = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
