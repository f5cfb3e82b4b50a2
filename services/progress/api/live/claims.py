"""Claims of missed minutes: a learner gives a reason, an organiser decides."""

from datetime import datetime
from functools import partial
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.progress.api.live.joining import own_id
from services.progress.api.live.shapes import Minute, SessionPath, clock
from services.progress.api.parts import Learner, Organiser, ProgressWorks
from services.progress.domain.live import Claim, Step
from services.progress.handlers.claims import claim_minutes, decide_claim
from services.progress.handlers.judging import add_claimed
from services.progress.handlers.sessions import admit
from services.progress.store.live import KeptMinutes, claims_of
from shared.kernel.clock import Clock
from shared.store.scope import EVERYTHING
from shared.web.idempotency import IdempotentRoute
from shared.web.identity import Access, allow
from shared.web.paging import After, Limit, Page, page
from shared.web.problems import PROBLEMS

router = APIRouter(route_class=IdempotentRoute, responses=PROBLEMS, tags=["live sessions"])
_Reads = Annotated[Access, allow("organiser", "auditor", "learner")]
_ClaimPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,64}$")]
_Reason = Annotated[str, Field(min_length=1, max_length=2_000)]


class ClaimBody(BaseModel):
    """Minutes of a session, from one up to and with another, and why they were missed."""

    model_config = ConfigDict(extra="forbid")

    from_minute: Minute
    to_minute: Minute
    reason: _Reason

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_minute < self.from_minute:
            raise ValueError("a claim ends after it begins")
        return self


class DecisionBody(BaseModel):
    """What an organiser decides, and why; of the minutes only some may be accepted."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["accepted", "refused"]
    reason: Annotated[str, Field(max_length=2_000)] = ""
    from_minute: Minute | None = None
    to_minute: Minute | None = None


class StepShown(BaseModel):
    """What happened to a claim."""

    what: Literal["claimed", "accepted", "refused"]
    at: datetime
    by: str
    reason: str


class ClaimShown(BaseModel):
    """A claim as it stands, with every step."""

    id: str
    session_id: str
    learner_id: str
    from_minute: int
    to_minute: int
    state: str
    accepted_minutes: int
    steps: list[StepShown]

    @classmethod
    def of(cls, claim: Claim) -> Self:
        """Show a claim."""
        accepted = claim.state == "accepted"
        return cls(
            id=claim.id,
            session_id=claim.session_id,
            learner_id=claim.learner_id,
            from_minute=claim.from_minute,
            to_minute=claim.to_minute,
            state=claim.state,
            accepted_minutes=claim.accepted_to - claim.accepted_from + 1 if accepted else 0,
            steps=[
                StepShown(what=each.what, at=each.at, by=each.by, reason=each.reason)
                for each in claim.steps
            ],
        )


@router.post("/live/sessions/{session_id}/claims", status_code=201)
async def post_claim(
    session_id: SessionPath, body: ClaimBody, works: ProgressWorks, who: Learner,
    watch: Annotated[Clock, Depends(clock)],
) -> ClaimShown:  # fmt: skip
    """Claim minutes that were missed; the same claim again is the same one."""
    work = works.open()
    session = await work.live_sessions.get(session_id)
    learner = await admit(session, own_id(who), work)
    step = Step("claimed", watch.now(), who.person.subject, body.reason)
    minutes = (body.from_minute, body.to_minute)
    use_case = partial(claim_minutes, session, learner, minutes, step)
    # Who was admitted claims under the number that they are enrolled with, be it an earlier one.
    return ClaimShown.of(await works.run(use_case, EVERYTHING))


@router.get("/live/sessions/{session_id}/claims")
async def list_claims(
    session_id: SessionPath, works: ProgressWorks, who: _Reads,
    state: Literal["open", "accepted", "refused"] | None = None, after: After = "", limit: Limit = 100,
) -> Page[ClaimShown]:  # fmt: skip
    """List the claims about a session: for its organisers all, for a learner their own."""
    found = await claims_of(works.open(who.scope), session_id, state, after, limit + 1)
    return page(found, limit, ClaimShown.of, lambda each: each.id)


@router.post("/live/claims/{claim_id}/decision")
async def post_decision(
    claim_id: _ClaimPath, body: DecisionBody, works: ProgressWorks, who: Organiser,
    watch: Annotated[Clock, Depends(clock)],
) -> ClaimShown:  # fmt: skip
    """Accept a claim, or some of its minutes, or refuse it; what is accepted becomes new evidence."""
    step = Step(body.decision, watch.now(), who.person.subject, body.reason)

    def decide(claim: Claim) -> Claim:
        return claim.decide(step, body.from_minute, body.to_minute)

    claim = await works.run(partial(decide_claim, claim_id, decide), who.scope)
    await works.run(partial(add_claimed, claim_id, KeptMinutes(works.frame.store)))
    return ClaimShown.of(claim)
