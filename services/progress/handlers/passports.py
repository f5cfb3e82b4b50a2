"""What goes into passports and cards, whoever teaches, and what moves with a person."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.progress.domain.passport import Passport
from services.progress.domain.telling import take_in, tell_news
from services.progress.handlers.sessions import mark_enrolled
from services.progress.ports import Work
from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificateSuperseded,
    Certified,
)
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerErased,
    LearnerLinked,
    LearnerRecorded,
    Withdrawn,
)
from shared.events.exchange import LearnerTransferred
from shared.events.fact import Fact, LearnerFact
from shared.events.hosting import is_hosted_by
from shared.events.progress import PassportTold, PhaseCompleted, ProgrammeCompleted
from shared.kernel.errors import Unprocessable

F = TypeVar("F", bound=LearnerFact)


async def note_enrolment(fact: Enrolled, work: Work) -> None:
    """Note an enrolment in the learner's passport."""
    await _note(fact, work, lambda passport: passport.enrolled(fact))


async def note_withdrawal(fact: Withdrawn, work: Work) -> None:
    """Note a withdrawal in the learner's passport."""
    await _note(fact, work, lambda passport: passport.withdrawn(fact))


async def note_phase(fact: PhaseCompleted, work: Work) -> None:
    """Note a completed phase in the learner's passport."""
    await _note(fact, work, lambda passport: passport.phase_completed(fact))


async def note_completion(fact: ProgrammeCompleted, work: Work) -> None:
    """Note a completed programme in the learner's passport."""
    await _note(fact, work, lambda passport: passport.programme_completed(fact))


async def note_decision(fact: GraduationDecided, work: Work) -> None:
    """Note the decision on graduation in the learner's passport."""
    await _note(fact, work, lambda passport: passport.decided(fact))


async def credit_certificate(fact: Certified, work: Work) -> None:
    """Credit the training hours of a certificate to the learner's passport, where it is signed if it must be."""
    await _note(fact, work, lambda passport: passport.certified(fact))


async def note_signature(fact: CertificateSigned, work: Work) -> None:
    """Note that a certificate is signed, from when on its training hours count."""
    await _note(fact, work, lambda passport: passport.signed(fact))


async def discredit_certificate(
    fact: CertificateSuperseded | CertificateRevoked, work: Work
) -> None:
    """Take a certificate that is no longer live out of the learner's training hours."""
    await _note(fact, work, lambda passport: passport.ended(fact))


async def link_numbers(fact: LearnerLinked, work: Work) -> None:
    """Note in a passport that another is the same person's; readers follow it both ways."""
    await _note(fact, work, lambda passport: passport.link(fact))


async def _note(fact: LearnerFact, work: Work, change: Callable[[Passport], Passport]) -> None:
    """Change a passport, and tell the home to which the person has moved from here."""
    before = await work.passports.of(fact.learner_id)
    changed = change(before)
    if changed is before:
        return
    if key := getattr(fact, "enrolment_id", ""):
        changed = changed.taught_at(key, work.teller)
    work.passports.keep(changed, tell_news(before, changed, work.node, fact.at))


async def take_passport_along(fact: LearnerTransferred, work: Work) -> None:
    """Tell the person's new home all that stands in the passport, under every id of the person."""
    for learner_id in dict.fromkeys((fact.learner_id, *fact.linked)):
        moved = fact.model_copy(update={"learner_id": learner_id})
        await _note(moved, work, lambda passport: passport.move(fact))


async def hear_from_host(note: Callable[[F, Work], Awaitable[None]], fact: F, work: Work) -> None:
    """Note what another node says of one of our people in a cohort of its own, and of nobody else."""
    if not is_hosted_by(fact, work.teller):
        raise Unprocessable("not-their-enrolment", "a node speaks of its own cohorts only")
    if fact.home_node == work.node:
        await note(fact, work)


async def hear_enrolment(fact: Enrolled, work: Work) -> None:
    """Note that a host has enrolled one of our people; what they have watched here is to be told then."""
    before = await work.passports.of(fact.learner_id)
    await hear_from_host(note_enrolment, fact, work)
    news = await work.passports.of(fact.learner_id) is not before
    await mark_enrolled(fact, work.teller, work, news=news)


async def link_guests_numbers(fact: LearnerLinked, work: Work) -> None:
    """Note that two of another node's people are one person; ours it may not bind to its own."""
    for learner_id in (fact.learner_id, fact.other_id):
        if await _is_ours(learner_id, work):
            raise Unprocessable("unknown-learner", "this is one of our own people (yet)")
    await link_numbers(fact, work)


async def _is_ours(learner_id: str, work: Work) -> bool:
    card = await work.cards.of(learner_id)
    return card.known and card.home_node in ("", work.node)


async def follow_to_new_home(fact: LearnerTransferred, work: Work) -> None:
    """Note that another node's person has a new home, this one perhaps; ours are not its to send away."""
    for learner_id in (fact.learner_id, *fact.linked):
        if fact.to_node != work.node and await _is_ours(learner_id, work):
            raise Unprocessable("not-their-learner", "this is one of our own people")
    await take_passport_along(fact, work)


async def take_over_passport(fact: PassportTold, work: Work) -> None:
    """Take in the passport that the old home of somebody who moved here tells."""
    passport = await work.passports.of(fact.learner_id)
    if fact.to_node != work.node or not passport.came_from(work.teller):
        raise Unprocessable("unknown-learner", "nobody of this id has moved here from there (yet)")
    await _note(fact, work, lambda before: take_in(before, fact, work.node))


async def know_learners(learner_ids: Sequence[str], work: Work) -> set[str]:
    """Tell which of these are this node's own people, or were."""
    await work.cards.preload(learner_ids)
    cards = [await work.cards.of(each) for each in learner_ids]
    return {card.id for card in cards if card.known}


async def prepare_passports(facts: Sequence[Fact], work: Work) -> None:
    """Load together what a batch from other nodes is about."""
    learners = [fact.learner_id for fact in facts if isinstance(fact, LearnerFact)]
    await work.cards.preload(learners)
    await work.passports.preload(learners)


async def keep_newest_card(fact: LearnerRecorded, work: Work) -> None:
    """Keep who a learner is, as their newest card tells."""
    card = await work.cards.of(fact.learner_id)
    newer = card.record(fact, work.node)
    if newer is not card:
        work.cards.keep(newer)


async def forget_erased_learner(fact: LearnerErased, work: Work) -> None:
    """Forget who a learner was whose data is erased; what they learnt stays under the pseudonym."""
    card = await work.cards.of(fact.learner_id)
    blank = card.erase(fact)
    if blank is not card:
        work.cards.keep(blank)
    for claim in await work.claims.find({"learner_id": fact.learner_id}):
        work.claims.keep(claim.forget(fact.at))
