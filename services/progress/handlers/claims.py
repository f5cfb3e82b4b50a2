"""Minutes that people tell of: reports, lists of sites, claims and the decisions on them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from services.progress.domain.live import Claim, HandedIn, LiveSession, Step
from services.progress.handlers.sessions import admit
from services.progress.ports import Work
from shared.kernel.errors import Conflict, Forbidden, Invalid
from shared.kernel.ids import derived
from shared.kernel.values import replace

Refused = Literal["not-enrolled", "unknown-learner", "withdrawn", "not-your-people"]


async def sift(
    session: LiveSession, learners: Iterable[str], agency: str | None, work: Work
) -> tuple[dict[str, str], dict[str, Refused]]:
    """Tell under which id each of these attends a session, or why their minutes cannot be taken.

    With an agency, only its own people's are.
    """
    asked = list(dict.fromkeys(learners))
    await work.cards.preload(asked)
    await work.passports.preload(asked)
    admitted: dict[str, str] = {}
    refused: dict[str, Refused] = {}
    for learner in asked:
        card = await work.cards.of(learner)
        if agency is not None and card.agency != agency:
            refused[learner] = "not-your-people"
            continue
        try:
            admitted[learner] = await admit(session, learner, work)
        except Forbidden as why:
            unknown = not card.number and session.audience != "cohort"
            refused[learner] = "unknown-learner" if unknown else _reason(why)
    return admitted, refused


def _reason(why: Forbidden) -> Refused:
    return "withdrawn" if why.slug == "withdrawn" else "not-enrolled"


async def hand_in(about: HandedIn, minutes: Mapping[str, int], work: Work) -> HandedIn:
    """Keep minutes that somebody hands in; the same minutes again are the same list."""
    listed = json.dumps(sorted(minutes.items())).encode()
    digest = hashlib.sha256(listed).hexdigest()
    key = derived("handed-in", about.session_id, about.source, about.owner, digest)
    handed = await work.handed_in.of(key)
    if not handed.session_id:
        handed = replace(about, id=key).take(minutes)
        work.handed_in.keep(handed)
    return handed


async def claim_minutes(
    session: LiveSession, learner_id: str, minutes: tuple[int, int], step: Step, work: Work
) -> Claim:
    """Claim missed minutes of a session that is over, or their part that has passed."""
    if not session.is_over:
        raise Conflict("not-over", "minutes are claimed once the session is over", session.when)
    first, last = minutes
    if first > last or not session.minutes & ((1 << (last + 1)) - (1 << first)):
        raise Invalid("outside-session", "these are no minutes of the session")
    key = derived("claim", session.id, learner_id, first, last, step.reason)
    claim = await work.claims.of(key)
    card = await work.cards.of(learner_id)
    about = Claim(
        key,
        session_id=session.id,
        learner_id=learner_id,
        agency=card.agency,
        owner=session.owner,
        from_minute=first,
        to_minute=last,
    )
    claim = claim.make(about, step)
    work.claims.keep(claim)
    return claim


async def decide_claim(key: str, decide: Callable[[Claim], Claim], work: Work) -> Claim:
    """Decide on a claim."""
    claim = decide(await work.claims.get(key))
    work.claims.keep(claim)
    return claim
