"""Our people at other nodes: lists for cohorts abroad, and people who move there."""

from functools import partial
from typing import Annotated, Literal, Self

from fastapi import Path, Request
from pydantic import BaseModel, Field

from services.enrolment.api.asking import (
    AgencyInPath,
    CohortId,
    Id,
    Key,
    Now,
    Opened,
    new_router,
)
from services.enrolment.api.rosters import (
    SENT,
    RosterSummary,
    RosterView,
    read_nomination,
    show_roster,
)
from services.enrolment.domain.agreements import NodeCode
from services.enrolment.domain.cohort.shape import AgencyCode, Day
from services.enrolment.domain.enrolment import guard_day
from services.enrolment.domain.handover import Handover, Move
from services.enrolment.domain.traveller import in_region
from services.enrolment.handlers.abroad import draft_roster_abroad
from services.enrolment.handlers.rosters import Today
from services.enrolment.handlers.transferring import ask_to_move, hand_over
from shared.events.fact import Value
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.web.identity import Access, allow
from shared.web.paging import After, Limit, Page, page
from shared.web.parts import parts

router = new_router("abroad")
_Sender = Annotated[Access, allow("nominator", "organiser")]
_Reader = Annotated[Access, allow("nominator", "endorser", "organiser")]
_Organiser = Annotated[Access, allow("organiser", whole=True)]
_Host = Annotated[NodeCode, Path()]


class MoveBody(Value):
    """Where to, since which day, by which letter; `agency` is the new one's code, "" where it stays."""

    to_node: NodeCode
    on: Day
    letter_number: Annotated[str, Field(min_length=1, max_length=100)]
    agency: AgencyCode | Literal[""] = ""

    def move(self, today: Today) -> Move:
        """Take out the move; one that has not come, leads nowhere or to a strange agency is Invalid."""
        guard_day(self.on, today.day)
        if self.to_node == today.node:
            raise Invalid("moves-nowhere", "this is the node that they are at")
        if self.agency and not in_region(self.agency, self.to_node):
            raise Invalid("not-their-agency", f"{self.agency} is no agency of {self.to_node}")
        return Move(self.to_node, self.on, self.letter_number, self.agency)


class MoveView(BaseModel):
    """A move to another node; `moved` counts the records, one for each number of a person.

    It is `asked` while people of a large agency are still on their way, and then `done`.
    """

    whose: str
    to_node: str
    status: str
    moved: int

    @classmethod
    def of(cls, handover: Handover) -> Self:
        """Show a move."""
        return cls(
            whose=handover.whose,
            to_node=handover.to_node,
            status=handover.status,
            moved=handover.moved,
        )


def _guard_peer(request: Request, node: str) -> None:
    """Refuse to send anybody where nothing can be encrypted for, or where people are not taken."""
    federation = parts(request).federation
    if federation is None:
        raise Conflict(
            "not-sharing", "this node has no keys to share with: see `./corpu node init`"
        )
    card = federation.peers.cards.get(node)
    if card is None:
        raise NotFound("unknown-peer", f"{node} is no peer of this node")
    if card.role == "auditor":
        raise Invalid("peer-is-auditor", f"{node} reads along and takes nobody")


@router.post("/offers/cohorts/{node}/{cohort_id}/rosters", status_code=201, openapi_extra=SENT)
async def post_roster_abroad(
    node: _Host, cohort_id: CohortId, request: Request, who: _Sender, works: Opened, key: Key,
    now: Now,
) -> RosterView:  # fmt: skip
    """Draft a list for a cohort of another node, in the same forms as for one here."""
    _guard_peer(request, node)
    roster_id, nomination = await read_nomination(request, cohort_id, node, (key, now))
    use_case = partial(draft_roster_abroad, roster_id, node, nomination, now)
    return await show_roster(await works.run(use_case, who.scope), works)


@router.get("/offers/cohorts/{node}/{cohort_id}/rosters")
async def list_rosters_abroad(
    node: _Host, cohort_id: CohortId, who: _Reader, works: Opened, after: After = "",
    limit: Limit = 100,
) -> Page[RosterSummary]:  # fmt: skip
    """List our lists for a cohort of another node."""
    where = {"cohort_id": cohort_id, "host_node": node, "_id": {"$gt": after}}
    found = await works.open(who.scope).rosters.find(where, limit=limit + 1)
    return page(found, limit, RosterSummary.of, lambda each: each.id)


@router.post("/learners/{learner_id}/transfer")
async def post_transfer(
    learner_id: Id, body: MoveBody, request: Request, _: _Organiser, works: Opened, now: Now
) -> MoveView:
    """Move a person, under all of their numbers, to another node, which keeps their record from now on."""
    move = body.move(now)
    _guard_peer(request, move.to_node)
    asking = partial(ask_to_move, learner_id, move, now.now, whole_agency=False)
    handover = await works.run(asking)
    return MoveView.of(await hand_over(handover.id, now, works))


@router.post("/agencies/{code:path}/transfer")
async def post_agency_transfer(
    code: AgencyInPath, body: MoveBody, request: Request, _: _Organiser, works: Opened, now: Now
) -> MoveView:
    """Move everybody of an agency, and of the offices in it, to another node; many move by and by."""
    move = body.move(now)
    _guard_peer(request, move.to_node)
    asking = partial(ask_to_move, code, move, now.now, whole_agency=True)
    handover = await works.run(asking)
    return MoveView.of(await hand_over(handover.id, now, works))


@router.get("/transfers")
async def list_transfers(
    who: _Organiser, works: Opened, after: After = "", limit: Limit = 100
) -> Page[MoveView]:
    """List the moves to other nodes."""
    found = await works.open(who.scope).handovers.find({"_id": {"$gt": after}}, limit=limit + 1)
    return page(found, limit, MoveView.of, lambda each: each.id)
