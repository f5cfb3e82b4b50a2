"""Certificates come, are superseded and end, as the facts and people say."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.certification.domain.dossier import Signature
from services.certification.handlers import certifying as handlers
from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificateSuperseded,
    Certified,
)
from shared.events.fact import Fact
from shared.kernel.errors import Conflict, Invalid, NotFound
from tests.support.certification import (
    AUTOMATIC,
    PUBLIC_URL,
    CertificationNode,
    completed,
    decided,
    enrolled,
    plan,
    recorded,
    rescheduled,
    rules,
    withdrawn,
)

GRADUATED = (enrolled(), completed(), decided())
BETTER = completed(revision=2, scores={"seminar": 95.0, "attitude": 95.0})
NOW = datetime(2024, 7, 20, 3, 0, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def node() -> CertificationNode:
    """Give a node that has heard nothing."""
    return CertificationNode()


def kinds(facts: list[Fact]) -> list[str]:
    """Tell the facts' names."""
    return [type(fact).__name__ for fact in facts]


@pytest.mark.parametrize("late", [0, 1])
async def test_a_decision_waits_for_the_result_it_rests_on(
    node: CertificationNode, late: int
) -> None:
    """However late the corrected result is heard, its certificate is the first and only one."""
    story = [enrolled(), completed(), decided(result_revision=2)]
    await node.hear(*story[: len(story) - late], BETTER, *story[len(story) - late :])

    assert kinds(node.said()) == ["Certified"]
    assert (await node.dossier()).certificates[0].certified.final_score == 95.0


async def test_a_graduate_gets_a_certificate(node: CertificationNode) -> None:
    """What is certified is stated whole, under the first number of the year."""
    await node.hear(*GRADUATED)
    (fact,) = node.said()
    certificate = (await node.dossier()).certificates[0]

    assert isinstance(fact, Certified)
    assert fact.number == "35/PKA/2024/00001"
    assert (fact.learner_id, fact.enrolment_id, fact.agency) == ("l1", "e1", "35.73")
    assert (fact.jp, fact.final_score, fact.kind, fact.year) == (60, 87.0, "sttp", 2024)
    assert fact.predicate is not None
    assert fact.predicate.code == "memuaskan"
    assert fact.issued_on == date(2024, 7, 11)
    assert fact.verify_url == f"{PUBLIC_URL}/verify/{certificate.code}"
    assert len(certificate.code) == 32


async def test_a_programme_without_scores_certifies_completion(node: CertificationNode) -> None:
    """There is then neither score nor predicate."""
    await node.hear(enrolled(plan=plan(AUTOMATIC)), completed())
    (fact,) = node.said()

    assert isinstance(fact, Certified)
    assert (fact.final_score, fact.predicate, fact.kind) == (None, None, "certificate")


async def test_a_correction_supersedes(node: CertificationNode) -> None:
    """The old certificate points to the new, and is never edited."""
    await node.hear(*GRADUATED)
    before = (await node.dossier()).certificates[0]
    await node.hear(BETTER)
    old, new = (await node.dossier()).certificates
    _, superseded, certified = node.said()

    assert (old.state, new.state) == ("superseded", "live")
    assert (old.number, old.certified) == (before.number, before.certified)
    assert (old.superseded_by, new.supersedes) == (new.number, old.number)
    assert isinstance(superseded, CertificateSuperseded)
    assert isinstance(certified, Certified)
    assert (superseded.number, superseded.by_number) == (old.number, new.number)
    assert superseded.reason == "result-corrected"
    assert (certified.number, certified.supersedes) == ("35/PKA/2024/00002", old.number)
    assert certified.final_score == 95.0


async def test_a_correction_that_changes_nothing_certified_changes_nothing(
    node: CertificationNode,
) -> None:
    """The same result, told again with a higher revision, needs no other certificate."""
    await node.hear(*GRADUATED)
    await node.hear(completed(revision=2))

    assert len(node.said()) == 1
    assert (await node.dossier()).completions[0].revision == 2


async def test_a_correction_that_no_longer_passes_asks_for_review(node: CertificationNode) -> None:
    """The certificate stays until a person has looked."""
    await node.hear(*GRADUATED)
    await node.hear(completed(revision=5, scores={"seminar": 10.0, "attitude": 10.0}))
    dossier = await node.dossier()

    assert dossier.live is not None
    assert (dossier.status, dossier.review) == ("certified", "score-below-pass-mark")
    assert kinds(node.said()) == ["Certified"]


async def test_a_review_ends_with_the_correction_of_the_correction(node: CertificationNode) -> None:
    """A slip of the pen costs no number."""
    await node.hear(*GRADUATED)
    await node.hear(completed(revision=5, scores={"seminar": 8.0, "attitude": 90.0}))
    await node.hear(completed(revision=6))
    dossier = await node.dossier()

    assert (dossier.status, dossier.review) == ("certified", "")
    assert kinds(node.said()) == ["Certified"]


@pytest.mark.parametrize("outcome", ["deferred", "not_graduated", "left"])
async def test_another_decision_revokes(node: CertificationNode, outcome: str) -> None:
    """A graduate who is one no longer has no live certificate, and the reason is told."""
    await node.hear(*GRADUATED)
    await node.hear(decided(decision=2, outcome=outcome))  # type: ignore[arg-type]  # parametrised
    dossier = await node.dossier()
    revoked = node.said()[-1]

    assert isinstance(revoked, CertificateRevoked)
    assert revoked.reason == f"decision-{outcome.replace('_', '-')}"
    assert dossier.live is None
    assert dossier.status == outcome


async def test_who_is_decided_a_graduate_again_is_certified_again(node: CertificationNode) -> None:
    """The revoked certificate stays revoked; the next one takes the next number."""
    await node.hear(*GRADUATED)
    await node.hear(decided(decision=2, outcome="deferred"), decided(decision=3))
    dossier = await node.dossier()

    assert [each.state for each in dossier.certificates] == ["revoked", "live"]
    assert dossier.certificates[1].supersedes is None
    assert kinds(node.said()) == ["Certified", "CertificateRevoked", "Certified"]


async def test_a_withdrawal_revokes(node: CertificationNode) -> None:
    """Whoever has left holds nothing."""
    await node.hear(*GRADUATED)
    await node.hear(withdrawn())

    assert kinds(node.said()) == ["Certified", "CertificateRevoked"]
    assert (await node.dossier()).status == "withdrawn"


async def test_new_dates_supersede(node: CertificationNode) -> None:
    """A certificate that tells wrong dates is replaced."""
    await node.hear(*GRADUATED)
    await node.hear(rescheduled())

    assert (await node.dossier()).certificates[0].reason == "calendar-corrected"


async def test_a_deferred_graduation_is_certified_in_the_year_of_its_decision(
    node: CertificationNode,
) -> None:
    """The year comes from the fact."""
    later = decided(decision=2, decided_on="2025-02-01")
    await node.hear(enrolled(), completed(), decided(outcome="deferred"), later)
    live = (await node.dossier()).live

    assert live is not None
    assert live.number == "35/PKA/2025/00001"


async def test_names_are_kept_once(node: CertificationNode) -> None:
    """A card heard again is not written again."""
    await node.hear(recorded(), recorded(), recorded(version=2, name="Siti Aminah, S.E., M.M."))
    card = await node.works.open().cards.of("l1")

    assert [named.name for named in card.names] == ["Siti Aminah, S.E.", "Siti Aminah, S.E., M.M."]


async def sign(node: CertificationNode, signature: Signature, at: datetime = NOW) -> None:
    """Sign e1's certificate."""
    await node.works.run(lambda work: handlers.sign("e1", signature, at, work))


async def test_a_signature_is_noted_and_stated_once(node: CertificationNode) -> None:
    """The same again changes nothing; another is refused. A draft says that it is one."""
    await node.hear(*GRADUATED)
    signature = Signature(date(2024, 7, 12), "Dr. Ratna Dewi")
    await sign(node, signature)
    before = node.snapshot()
    await sign(node, signature, NOW + timedelta(days=1))

    assert before == node.snapshot()
    await node.relay.sweep(grace=0)
    certified, signed = node.said()
    assert isinstance(certified, Certified)
    assert isinstance(signed, CertificateSigned)
    assert (True, certified.number, certified.verify_url, NOW, date(2024, 7, 12)) == (
        certified.awaits_signature, signed.number, signed.verify_url, signed.at, signed.signed_on,
    )  # fmt: skip
    with pytest.raises(Conflict, match="already-signed"):
        await sign(node, Signature(date(2024, 7, 13), "Somebody else"))


@pytest.mark.parametrize("day", [date(2024, 7, 10), date(2024, 7, 21)])
async def test_a_signature_of_an_impossible_day_is_refused(
    node: CertificationNode, day: date
) -> None:
    """Nobody signs before the issue, nor ahead."""
    await node.hear(*GRADUATED)

    with pytest.raises(Invalid, match="wrong-date"):
        await sign(node, Signature(day, "Dr. Ratna Dewi"))


async def test_a_signature_waits_for_a_certificate(node: CertificationNode) -> None:
    """There must be one, and its rules must ask for a signature."""
    with pytest.raises(NotFound):
        await sign(node, Signature(TODAY, "Dr. Ratna Dewi"))
    await node.hear(enrolled(plan=plan(AUTOMATIC)))
    with pytest.raises(Conflict, match="no-live-certificate"):
        await sign(node, Signature(TODAY, "Dr. Ratna Dewi"))
    await node.hear(completed())
    with pytest.raises(Conflict, match="no-signature-asked"):
        await sign(node, Signature(TODAY, "Dr. Ratna Dewi"))


async def test_rules_may_ask_for_an_external_number(node: CertificationNode) -> None:
    """Then a signature without one is refused."""
    registered = plan(rules(document={"external_registration": True}))
    await node.hear(enrolled(plan=registered), completed(), decided())
    with pytest.raises(Invalid, match="external-number-missing"):
        await sign(node, Signature(TODAY, "Dr. Ratna Dewi"))
    await sign(node, Signature(TODAY, "Dr. Ratna Dewi", "LAN-1"))
    live = (await node.dossier()).live

    assert live is not None
    assert live.signature == Signature(TODAY, "Dr. Ratna Dewi", "LAN-1")


async def test_many_are_signed_together_and_each_is_refused_by_itself(
    node: CertificationNode,
) -> None:
    """One that cannot be signed keeps no other from it."""
    await node.hear(*GRADUATED, enrolled("e2"))
    signature = Signature(TODAY, "Dr. Ratna Dewi")
    asked = [(key, signature) for key in ("e1", "e2", "e3")]
    told = await node.works.run(lambda work: handlers.sign_many(asked, NOW, work))

    assert told == [("e1", ""), ("e2", "no-live-certificate"), ("e3", "unknown-dossiers")]


async def revoke(node: CertificationNode, reason: str = "forged") -> None:
    """Revoke e1's certificate."""
    await node.works.run(lambda work: handlers.revoke("e1", reason, NOW, work))


async def reissue(node: CertificationNode, reason: str = "misspelt", at: datetime = NOW) -> None:
    """Issue e1's certificate again."""
    await node.works.run(lambda work: handlers.reissue("e1", reason, at, work))


async def test_a_person_revokes_once(node: CertificationNode) -> None:
    """Asked again, nothing more happens; and no fact brings a certificate back."""
    await node.hear(*GRADUATED)
    await revoke(node)
    await revoke(node)
    await node.hear(BETTER, decided(decision=2))
    await node.relay.sweep(grace=0)
    dossier = await node.dossier()

    assert kinds(node.said()) == ["Certified", "CertificateRevoked"]
    assert dossier.live is None
    assert dossier.status == "revoked"


async def test_nothing_can_be_revoked_where_nothing_is_live(node: CertificationNode) -> None:
    """The refusal says so."""
    await node.hear(enrolled())

    with pytest.raises(Conflict, match="no-live-certificate"):
        await revoke(node)


async def test_a_person_issues_again(node: CertificationNode) -> None:
    """The new certificate names the learner as of now, under a number of the same year."""
    await node.hear(*GRADUATED)
    await reissue(node)
    old, new = (await node.dossier()).certificates

    assert (old.state, old.reason, new.state) == ("superseded", "misspelt", "live")
    assert (new.number, new.at) == ("35/PKA/2024/00002", NOW)
    assert new.certified == old.certified


async def test_an_answer_that_was_lost_issues_nothing_twice(node: CertificationNode) -> None:
    """The same request within a day is the same; a day later it is another."""
    await node.hear(*GRADUATED)
    await reissue(node)
    await reissue(node, at=NOW + timedelta(hours=23))
    after_lost = (await node.dossier()).numbers
    await reissue(node, at=NOW + timedelta(hours=24))

    assert len(after_lost) == 2
    assert len((await node.dossier()).numbers) == 3


async def test_what_was_revoked_by_mistake_is_issued_again(node: CertificationNode) -> None:
    """Only a person lifts what a person did."""
    await node.hear(*GRADUATED)
    await revoke(node)
    await reissue(node, "revoked by mistake")
    dossier = await node.dossier()

    assert [each.state for each in dossier.certificates] == ["revoked", "live"]
    assert (dossier.barred, dossier.status) == (False, "certified")


@pytest.mark.parametrize("facts", [(enrolled(), completed()), (*GRADUATED, withdrawn())])
async def test_nothing_is_issued_again_where_nothing_is_due(
    node: CertificationNode, facts: tuple[Fact, ...]
) -> None:
    """Issuing again corrects a certificate, and is no way around the rules."""
    for fact in facts:
        await node.hear(fact)

    with pytest.raises(Conflict, match="nothing-to-certify"):
        await reissue(node)
