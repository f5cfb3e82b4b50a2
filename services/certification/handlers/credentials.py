"""Credentials that other nodes issued to our people: taken in only when they prove true, and told on to a new home."""

from collections.abc import Sequence
from typing import Any

from services.certification.domain.badge import Entry, badge_of, claims_of, stated_by
from services.certification.domain.credential import Credential, Ended, ended_of, tell_all
from services.certification.domain.leaving import follow
from services.certification.domain.register import key_of
from services.certification.ports import Notary, Work
from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificatesTold,
    CertificateSuperseded,
    Certified,
)
from shared.events.exchange import LearnerTransferred
from shared.events.fact import Fact
from shared.events.hosting import is_hosted_by
from shared.kernel.errors import Unprocessable


async def enclose(notary: Notary, fact: Fact, _: str, work: Work) -> Fact:
    """Put the signed credential into the copy of a certificate that this node issued."""
    if isinstance(fact, Certified):
        return await credential_of(notary, fact, work)
    if isinstance(fact, CertificatesTold):
        told = [
            each if each.credential else await credential_of(notary, each, work)
            for each in fact.certified
        ]
        return fact.model_copy(update={"certified": tuple(told)})
    return fact


async def credential_of(notary: Notary, fact: Certified, work: Work) -> Certified:
    """Sign a certificate's badge, which says where its status is published."""
    found = await work.registers.place(key_of(fact.enrolment_id, fact.revision))
    status = Entry(f"{work.public_url}/statuses/{found[0]}", found[1]) if found else None
    return fact.model_copy(update={"credential": notary.sign(badge_of(fact, status))})


async def keep_credential(notary: Notary, fact: Certified, work: Work) -> None:
    """Keep the credential of a certificate that another node issued to one of our people."""
    if not _is_for_us(fact, work):
        return
    _refuse_untrue(fact, notary)
    before = await work.credentials.of(fact.enrolment_id)
    await _keep(before, before.hold(fact), work)


async def note_end(fact: CertificateSuperseded | CertificateRevoked, work: Work) -> None:
    """Note that a certificate of another node holds no longer."""
    if not _is_for_us(fact, work):
        return
    before = await work.credentials.of(fact.enrolment_id)
    after = before.end(fact.learner_id, fact.agency, work.teller, ended_of(fact))
    await _keep(before, after, work)


async def note_signature(fact: CertificateSigned, work: Work) -> None:
    """Note that a certificate of another node is signed, and so a draft no longer."""
    if not _is_for_us(fact, work):
        return
    before = await work.credentials.of(fact.enrolment_id)
    after = before.sign(fact.learner_id, fact.agency, work.teller, fact.revision)
    await _keep(before, after, work)


def _is_for_us(
    fact: Certified | CertificateSigned | CertificateSuperseded | CertificateRevoked, work: Work
) -> bool:
    """Tell whether a fact is about one of our people; Unprocessable where its teller is not the host."""
    if not is_hosted_by(fact, work.teller):
        raise Unprocessable("not-their-enrolment", "a node speaks of its own cohorts only")
    return fact.home_node == work.node


def _refuse_untrue(fact: Certified, notary: Notary) -> None:
    """Refuse a credential that its issuer did not sign, or that says something else than the fact."""
    if notary.read(fact.credential) != stated_by(claims_of(badge_of(fact))):
        raise Unprocessable("wrong-credential", "the credential says something else than the fact")


async def _keep(before: Credential, after: Credential, work: Work) -> None:
    """Keep what has changed, and tell it to the home that the person has moved to meanwhile."""
    if after is before:
        return
    card = await work.cards.of(after.learner_id)
    to = card.next_home(work.node)
    work.credentials.keep(after, tell_all(after, to, work.node) if to else [])


async def follow_who_moves(fact: LearnerTransferred, work: Work) -> None:
    """Tell a person's new home all certificates, ours and those of other nodes, under every id."""
    for learner_id in dict.fromkeys((fact.learner_id, *fact.linked)):
        before = await work.cards.of(learner_id)
        card = before.move(fact)
        if card is before:
            continue
        work.cards.keep(card)
        for dossier in await work.dossiers.find({"learner_id": learner_id}):
            moved, told = follow(dossier, card, work.node, work.public_url)
            if moved is not dossier:
                work.dossiers.keep(moved, told)
        to = card.next_home(work.node)
        held = await work.credentials.find({"learner_id": learner_id}) if to else []
        for credential in held:
            if told_on := tell_all(credential, to, work.node):
                work.credentials.keep(credential, told_on)


async def follow_guest(fact: LearnerTransferred, work: Work) -> None:
    """Follow another node's person to a new home, this one perhaps; ours are not its to send away."""
    for learner_id in (fact.learner_id, *fact.linked):
        card = await work.cards.of(learner_id)
        if fact.to_node != work.node and card.known(work.node) and not card.home:
            raise Unprocessable("not-their-learner", "this is one of our own people")
    await follow_who_moves(fact, work)


async def take_over_credentials(notary: Notary, fact: CertificatesTold, work: Work) -> None:
    """Take over the credentials that the old home of somebody who moved here tells."""
    card = await work.cards.of(fact.learner_id)
    if fact.to_node != work.node or not card.came_from(work.teller):
        raise Unprocessable("unknown-learner", "nobody of this id has moved here from there (yet)")
    before = after = await work.credentials.of(fact.enrolment_id)
    for certified in fact.certified:
        about = (certified.learner_id, certified.enrolment_id)
        if about != (fact.learner_id, fact.enrolment_id) or not is_hosted_by(
            certified, certified.host_node
        ):
            raise Unprocessable("wrong-credential", "this is about another enrolment")
        if certified.host_node == work.node:
            return
        _refuse_untrue(certified, notary)
        after = after.hold(certified)
    for told in fact.ended:
        ended = Ended(told.revision, told.number, told.state, told.reason, told.by_number)
        after = after.end(fact.learner_id, "", "", ended)
    for revision in fact.signed:
        after = after.sign(fact.learner_id, "", "", revision)
    await _keep(before, after, work)


async def know_learners(learner_ids: Sequence[str], work: Work) -> set[str]:
    """Tell which of these are this node's own people, or were."""
    await work.cards.preload(learner_ids)
    cards = [await work.cards.of(learner_id) for learner_id in learner_ids]
    return {card.id for card in cards if card.known(work.node)}


async def prepare_credentials(facts: Sequence[Any], work: Work) -> None:
    """Load together what a batch from other nodes is about."""
    await work.cards.preload(fact.learner_id for fact in facts)
    about = (getattr(fact, "enrolment_id", "") for fact in facts)
    await work.credentials.preload(key for key in about if key)
