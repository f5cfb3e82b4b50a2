"""Certification's use cases: certify what is due, end what is not, and account for every number."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from services.certification.domain import issuing
from services.certification.domain.cards import Seal, unkept
from services.certification.domain.dossier import Dossier, Signature, Story
from services.certification.domain.leaving import follow
from services.certification.domain.register import Page, key_of, owner_of, register_of, spell
from services.certification.domain.verdict import (
    Due,
    judge,
    may_be_due,
    why_ended,
    why_superseded,
)
from services.certification.ports import Work, Works
from shared.events.enrolment import LearnerErased, LearnerRecorded
from shared.events.fact import Fact
from shared.kernel.clock import local_date
from shared.kernel.errors import Conflict, Refusal
from shared.kernel.ids import derived
from shared.kernel.tasks import each
from shared.kernel.values import replace

_SAME_REQUEST = timedelta(days=1)
_PAGES = 20
"""Pages looked at in one round."""


async def certify_when_complete(fact: Story, work: Work) -> None:
    """Take in a fact of the enrolment's story, and issue, supersede or revoke what follows from it."""
    before = await work.dossiers.of(fact.enrolment_id)
    dossier = before.hear(fact)
    if dossier is not before:
        card = await work.cards.of(dossier.learner_id)
        dossier, told = follow(dossier, card, work.node, work.public_url)
        await _settle(dossier, work, told)


async def look_up_numbers(facts: Sequence[Story], work: Work) -> None:
    """Find together the numbers that certificates due in this batch may hold already, and the cards."""
    await work.cards.preload(fact.learner_id for fact in facts)
    keys = []
    for fact in facts:
        dossier = await work.dossiers.of(fact.enrolment_id)
        if may_be_due(dossier, fact):
            keys.append(key_of(dossier.id, dossier.next_revision))
    if keys:
        await work.registers.look_up(keys)


async def keep_names(fact: LearnerRecorded, work: Work) -> None:
    """Keep the names that a person had, for certificates name the learner as of their issue."""
    before = await work.cards.of(fact.learner_id)
    card = before.hear(fact)
    if card is not before:
        seal = await _seal_of(fact.learner_id, work) if card.erased_at else unkept
        work.cards.keep(card.blanked(seal))


async def seal_names(fact: LearnerErased, work: Work) -> None:
    """Blank the names of an erased person; those of certificates stay, sealed for the node alone."""
    before = await work.cards.of(fact.learner_id)
    card = before.erase(fact, await _seal_of(fact.learner_id, work))
    if card is not before:
        work.cards.keep(card)


async def _seal_of(learner_id: str, work: Work) -> Seal:
    """Tell how names are sealed: not at all for whom nothing was ever certified."""
    dossiers = await work.dossiers.find({"learner_id": learner_id})
    return work.seal if any(each.certificates for each in dossiers) else unkept


async def sign(enrolment_id: str, signature: Signature, at: datetime, work: Work) -> Dossier:
    """Note who signed the live certificate, so that it is a draft no longer, here and at the learner's home."""
    before = await work.dossiers.get(enrolment_id)
    today = local_date(at, work.node)
    dossier, told = issuing.sign(before, signature, at, today, work.public_url)
    if told:
        work.dossiers.keep(dossier, told)
    return dossier


async def sign_many(
    signatures: Sequence[tuple[str, Signature]], at: datetime, work: Work
) -> list[tuple[str, str]]:
    """Note many signatures together; tell for each enrolment the code of its refusal, or "" where there is none."""
    await work.dossiers.preload([enrolment_id for enrolment_id, _ in signatures])
    told: list[tuple[str, str]] = []
    for enrolment_id, signature in signatures:
        try:
            await sign(enrolment_id, signature, at, work)
        except Refusal as refusal:
            told.append((enrolment_id, refusal.slug))
        else:
            told.append((enrolment_id, ""))
    return told


async def revoke(enrolment_id: str, reason: str, at: datetime, work: Work) -> Dossier:
    """Revoke the live certificate because a person says so; nothing is issued again by itself."""
    dossier = await work.dossiers.get(enrolment_id)
    if not dossier.barred:
        dossier, told = issuing.end(dossier, reason, at)
        if not told:
            raise Conflict("no-live-certificate", "no certificate of this enrolment is live")
        dossier = replace(dossier, barred=True, status="revoked")
        work.dossiers.keep(dossier, told)
    return dossier


async def reissue(enrolment_id: str, reason: str, at: datetime, work: Work) -> Dossier:
    """Issue what is due once more, named as of now, in the place of what is live or was revoked.

    Asked again within a day for the same reason, it is the same request, whose answer was lost.
    """
    dossier = await work.dossiers.get(enrolment_id)
    live = dossier.live
    if live and live.cause == reason and at - live.at < _SAME_REQUEST:
        return dossier
    verdict = judge(dossier)
    if verdict.due is None or not dossier.certificates:
        raise Conflict("nothing-to-certify", f"nothing is due: the enrolment is {verdict.status}")
    dossier = replace(dossier, barred=False, status=verdict.status, review=verdict.review)
    dossier, told = await _issue(dossier, replace(verdict.due, at=at), reason, work)
    work.dossiers.keep(dossier, told)
    return dossier


async def account_for_numbers(works: Works, doubtful: set[str]) -> None:
    """Make every number on a page stand in a dossier, as a certificate's or as one left unused.

    `doubtful` remembers, from one round to the next, keys whose dossier did not know them: only a
    second look decides, since a work in progress writes its page shortly before its dossiers.
    """
    await each(await works.run(_find_unsettled), partial(_account_for_page, works, doubtful))


async def _account_for_page(works: Works, doubtful: set[str], page: Page) -> None:
    entries = page.entries[page.accounted :]
    owners = [owner_of(entry.key)[0] for entry in entries]
    known = await works.run(partial(_numbers_of, owners))
    doubts = {entry.key for entry in entries if entry.number not in known}
    for key in sorted(doubts & doubtful):
        await works.run(partial(_explain, key))
    doubtful.difference_update(entry.key for entry in entries)
    doubtful |= doubts
    if not doubts:
        await works.run(partial(_account, page.id, len(page.entries)))


async def _find_unsettled(work: Work) -> list[Page]:
    return await work.registers.unsettled(_PAGES)


async def _numbers_of(owners: Sequence[str], work: Work) -> set[str]:
    return await work.numbers_of(owners)


async def _explain(key: str, work: Work) -> None:
    """Use a number that nobody came back for, if a certificate is due; else note that it is left unused."""
    enrolment_id, revision = owner_of(key)
    held = await work.registers.holding(key)
    dossier = await _settle(await work.dossiers.of(enrolment_id), work)
    if held and held[1] not in dossier.numbers:
        work.dossiers.keep(issuing.leave_unused(dossier, revision, held[1]))


async def _account(page_id: str, accounted: int, work: Work) -> None:
    page = await work.registers.of(page_id)
    work.registers.keep(page.account(accounted))


async def _settle(dossier: Dossier, work: Work, before: Sequence[Fact] = ()) -> Dossier:
    """Make the certificates what they ought to be, and state what changes, after what went before."""
    verdict, live = judge(dossier), dossier.live
    due = None if dossier.barred else verdict.due
    status = "revoked" if verdict.due and dossier.barred else verdict.status
    if (dossier.status, dossier.review) != (status, verdict.review):
        dossier = replace(dossier, status=status, review=verdict.review)
    told: list[Fact] = []
    if due and (live is None or live.certified != due.content):
        reason = why_superseded(live.certified, due.content) if live else ""
        dossier, told = await _issue(dossier, due, reason, work)
    elif live and verdict.at:
        dossier, told = issuing.end(dossier, why_ended(verdict), verdict.at)
    work.dossiers.keep(dossier, [*before, *told])
    return dossier


async def _issue(dossier: Dossier, due: Due, reason: str, work: Work) -> issuing.Told:
    """Issue what is due under the next number, and derive the code by which it is verified."""
    dossier, number = await _take_number(dossier, due, work)
    code = _code(dossier.id, dossier.next_revision)
    address = f"{work.public_url}/verify/{code}"
    return issuing.issue(dossier, due, number=number, code=code, address=address, reason=reason)


async def _take_number(dossier: Dossier, due: Due, work: Work) -> tuple[Dossier, str]:
    """Take the next number of the year's register, or the one that an interrupted work took before."""
    year = due.content.issued_on.year
    register = register_of(due.terms, year)
    while True:
        # The page comes first: a key that somebody wrote on it meanwhile is seen by `holding`.
        page = await work.registers.open_page(register)
        revision = dossier.next_revision
        key = key_of(dossier.id, revision)
        held = await work.registers.holding(key)
        if held is None:
            number = spell(due.terms, year, page.next_serial)
            work.registers.keep(page.add(key, number))
            return dossier, number
        taken_in, number = held
        if taken_in == register:
            return dossier, number
        # The year has changed since: the number stays where it is, accounted for.
        dossier = issuing.leave_unused(dossier, revision, number)


def _code(enrolment_id: str, revision: int) -> str:
    """Derive the 32 hex digits under which anybody who holds a certificate verifies it."""
    return derived("certificate", enrolment_id, revision).replace("-", "")
