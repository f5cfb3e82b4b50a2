"""How certificates come and go in a dossier, and the facts that say so."""

from datetime import date, datetime
from typing import Any

from services.certification.domain.dossier import Certificate, Dossier, Signature, Unused
from services.certification.domain.terms import Terms
from services.certification.domain.verdict import Due, is_draft, valid_until
from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificateSuperseded,
    Certified,
)
from shared.events.fact import Fact
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.values import replace

Told = tuple[Dossier, list[Fact]]


def issue(dossier: Dossier, due: Due, *, number: str, code: str, address: str, reason: str) -> Told:
    """Issue the next certificate; a live one is superseded by it, for a reason, and never edited."""
    before, certificates = dossier.live, dossier.certificates
    told: list[Fact] = []
    if before:
        ended = replace(
            before, state="superseded", superseded_by=number, reason=reason, ended_at=due.at
        )
        certificates = (*certificates[:-1], ended)
        told.append(_superseded(dossier, due.terms, ended, number))
    after = Certificate(
        revision=dossier.next_revision,
        number=number,
        code=code,
        at=due.at,
        certified=due.content,
        cause=reason,
        supersedes=before.number if before else None,
    )
    told.append(state_again(dossier, due.terms, after, address))
    return replace(dossier, certificates=(*certificates, after)), told


def end(dossier: Dossier, reason: str, at: datetime) -> Told:
    """Revoke the live certificate for a reason; nothing happens where none is live."""
    live, terms = dossier.live, dossier.known_terms
    if live is None or terms is None:
        return dossier, []
    ended = replace(live, state="revoked", reason=reason, ended_at=at)
    fact = CertificateRevoked(
        **_about(dossier, terms, live),
        at=at,
        reason=reason,
    )
    return replace(dossier, certificates=(*dossier.certificates[:-1], ended)), [fact]


def leave_unused(dossier: Dossier, revision: int, number: str) -> Dossier:
    """Account for a number that a certificate took and will not be issued under."""
    return replace(dossier, unused=(*dossier.unused, Unused(revision, number)))


def sign(
    dossier: Dossier, signature: Signature, at: datetime, today: date, public_url: str
) -> Told:
    """Note who signed the live certificate, and state that; the same signature again changes nothing."""
    live, terms = _standing(dossier)
    if live.signature == signature:
        return dossier, []
    if live.signature:
        raise Conflict("already-signed", f"{live.number} was signed on {live.signature.signed_on}")
    if not is_draft(terms, live):
        raise Conflict("no-signature-asked", "this programme's rules ask for no signature")
    if not live.certified.issued_on <= signature.signed_on <= today:
        raise Invalid(
            "wrong-date", "a certificate is signed from the day of its issue on, and not ahead"
        )
    if terms.rules.document.external_registration and not signature.external_number:
        raise Invalid(
            "external-number-missing", "this programme's rules ask for a registration number"
        )
    signed = replace(live, signature=signature)
    fact = CertificateSigned(
        **_about(dossier, terms, live),
        at=at,
        jp=live.certified.jp,
        signed_on=signature.signed_on,
        external_number=signature.external_number,
        verify_url=f"{public_url}/verify/{live.code}",
    )
    return replace(dossier, certificates=(*dossier.certificates[:-1], signed)), [fact]


def _standing(dossier: Dossier) -> tuple[Certificate, Terms]:
    """Tell the live certificate and its terms; Conflict where none is live."""
    live, terms = dossier.live, dossier.known_terms
    if live is None or terms is None:
        raise Conflict("no-live-certificate", "no certificate of this enrolment is live")
    return live, terms


def state_again(
    dossier: Dossier, terms: Terms, certificate: Certificate, address: str
) -> Certified:
    """State what a certificate certifies, as when it was issued."""
    content = certificate.certified
    bands = terms.rules.bands
    return Certified(
        **_about(dossier, terms, certificate),
        at=certificate.at,
        host_node=terms.host_node,
        host_agency=terms.host_agency,
        supersedes=certificate.supersedes,
        jp=content.jp,
        final_score=content.final_score,
        predicate=next((band for band in bands if band.code == content.predicate), None),
        kind=terms.rules.document.kind,
        issued_on=content.issued_on,
        year=content.issued_on.year,
        valid_until=valid_until(terms, content.issued_on),
        verify_url=address,
        awaits_signature=terms.rules.document.signed,
    )


def _about(dossier: Dossier, terms: Terms, certificate: Certificate) -> dict[str, Any]:
    """Tell what every fact of a certificate says of whose it is, and which."""
    return {
        "learner_id": dossier.learner_id,
        "home_node": dossier.home_node,
        "enrolment_id": dossier.id,
        "cohort_id": dossier.cohort_id,
        "cohort_title": terms.cohort_title,
        "agency": dossier.agency,
        "programme": terms.programme,
        "number": certificate.number,
        "revision": certificate.revision,
    }


def _superseded(
    dossier: Dossier, terms: Terms, ended: Certificate, number: str
) -> CertificateSuperseded:
    return CertificateSuperseded(
        **_about(dossier, terms, ended),
        at=ended.ended_at or ended.at,
        by_number=number,
        reason=ended.reason,
    )
