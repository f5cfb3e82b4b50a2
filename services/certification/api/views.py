"""What the certificates' routes take and show."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.certification.domain.dossier import Certificate, Dossier, Status
from services.certification.domain.terms import Terms
from services.certification.domain.verdict import valid_until
from services.certification.papers.statement import (
    Person,
    Predicate,
    ShownState,
    address,
    predicate_of,
    state_of,
)
from shared.events.plan import ProgrammeRef

Reason = Annotated[str, Field(min_length=3, max_length=500, pattern=r"\S")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Key = Annotated[str, Field(min_length=1, max_length=100)]


class Asked(BaseModel):
    """A request's body, strict about unknown fields."""

    model_config = ConfigDict(extra="forbid")


class SignatureGiven(Asked):
    """Who signed and on which day; the national registration number where the rules ask for one."""

    signed_on: date
    signed_by: Name
    external_number: Annotated[str, Field(max_length=100)] | None = None


class SignedItem(Asked):
    """One of the certificates that were signed together."""

    enrolment_id: Key
    external_number: Annotated[str, Field(max_length=100)] | None = None


class SignaturesGiven(Asked):
    """Certificates that one person signed on one day."""

    signed_on: date
    signed_by: Name
    items: Annotated[list[SignedItem], Field(min_length=1, max_length=500)]


class SignedResult(BaseModel):
    """What became of one of them; `reason` is a refusal's stable code."""

    enrolment_id: str
    status: Literal["signed", "refused"]
    reason: str | None = None


class SignaturesTaken(BaseModel):
    """What became of certificates that were signed together."""

    results: list[SignedResult]
    signed: int
    refused: int


class ReasonGiven(Asked):
    """Why a certificate is revoked or issued again; shown to whoever verifies."""

    reason: Reason


class RevisionView(BaseModel):
    """One revision of an enrolment's certificate."""

    number: str
    revision: int
    state: ShownState
    final_score: float | None
    predicate: Predicate | None
    jp: int
    starts_on: date | None
    ends_on: date
    issued_on: date
    year: int
    valid_until: date | None
    signatory: Person | None
    signed_on: date | None
    signed_by: str | None
    external_number: str | None
    supersedes: str | None
    superseded_by: str | None
    reason: str | None
    ended_at: datetime | None
    verify_url: str


class CertificateView(BaseModel):
    """An enrolment's certificate: its newest revision at the top level, and all of them.

    `status` tells where the enrolment stands, `review` what a person should look at; what is of the
    newest revision is null while there is none.
    """

    enrolment_id: str
    learner_id: str
    cohort_id: str
    agency: str
    cohort_title: str | None
    programme: ProgrammeRef | None
    kind: Literal["sttp", "certificate"] | None
    cites: str | None
    status: Status
    review: str | None
    number: str | None
    revision: int | None
    state: ShownState | None
    final_score: float | None
    predicate: Predicate | None
    jp: int | None
    issued_on: date | None
    verify_url: str | None
    revisions: list[RevisionView]


class RegisterEntry(BaseModel):
    """One number of a register; `state` is null where the certificate is out of the asker's scope."""

    serial: int
    number: str
    enrolment_id: str | None
    revision: int | None
    state: ShownState | Literal["unused", "unaccounted"] | None


def certificate_view(dossier: Dossier, public_url: str) -> CertificateView:
    """Show a dossier's certificates."""
    terms = dossier.known_terms
    revisions = (
        [_revision(terms, each, public_url) for each in dossier.certificates] if terms else []
    )
    newest = revisions[-1] if revisions else None
    return CertificateView(
        enrolment_id=dossier.id,
        learner_id=dossier.learner_id,
        cohort_id=dossier.cohort_id,
        agency=dossier.agency,
        cohort_title=terms.cohort_title if terms else None,
        programme=terms.programme if terms else None,
        kind=terms.rules.document.kind if terms else None,
        cites=terms.cites if terms else None,
        status=dossier.status,
        review=dossier.review or None,
        number=newest.number if newest else None,
        revision=newest.revision if newest else None,
        state=newest.state if newest else None,
        final_score=newest.final_score if newest else None,
        predicate=newest.predicate if newest else None,
        jp=newest.jp if newest else None,
        issued_on=newest.issued_on if newest else None,
        verify_url=newest.verify_url if newest else None,
        revisions=revisions,
    )


def _revision(terms: Terms, certificate: Certificate, public_url: str) -> RevisionView:
    content, signature = certificate.certified, certificate.signature
    return RevisionView(
        number=certificate.number,
        revision=certificate.revision,
        state=state_of(terms, certificate),
        final_score=content.final_score,
        predicate=predicate_of(terms, content.predicate),
        jp=content.jp,
        starts_on=content.starts_on,
        ends_on=content.ends_on,
        issued_on=content.issued_on,
        year=content.issued_on.year,
        valid_until=valid_until(terms, content.issued_on),
        signatory=Person(name=content.signatory, position=content.position)
        if content.signatory
        else None,
        signed_on=signature.signed_on if signature else None,
        signed_by=signature.signed_by if signature else None,
        external_number=(signature.external_number or None) if signature else None,
        supersedes=certificate.supersedes,
        superseded_by=certificate.superseded_by,
        reason=certificate.reason or None,
        ended_at=certificate.ended_at,
        verify_url=address(public_url, certificate),
    )
