"""What one certificate says, to whoever may see it: the verification page, its JSON and the PDF."""

from datetime import date
from typing import Literal

from pydantic import BaseModel

from services.certification.domain.cards import RETENTION_BASIS, Named
from services.certification.domain.dossier import Certificate, Dossier
from services.certification.domain.terms import Terms
from services.certification.domain.verdict import is_draft, valid_until
from shared.events.plan import Band, ProgrammeRef
from shared.kernel.clock import local_date

ShownState = Literal["live", "draft", "superseded", "revoked"]


class Person(BaseModel):
    """Who signs: the post and the name of its holder."""

    name: str
    position: str


class Predicate(BaseModel):
    """A predicate in both languages."""

    code: str
    title: str
    title_en: str


class Successor(BaseModel):
    """The certificate that stands in the place of a superseded one."""

    number: str
    verify_url: str


class Statement(BaseModel):
    """What was certified, and whether it still holds: `valid` only while live, signed and not expired.

    `name` is the learner's name as of the certificate; None while the learner's card is not known, and
    once it was `erased` on request, with the basis on which the rest is kept.
    """

    state: ShownState
    valid: bool
    expired: bool
    number: str
    revision: int
    kind: Literal["sttp", "certificate"]
    title: str
    title_en: str
    name: str | None
    erased: bool = False
    retention_basis: str | None = None
    programme: ProgrammeRef
    cohort_title: str
    host_agency: str
    jp: int
    starts_on: date | None
    ends_on: date
    issued_on: date
    valid_until: date | None
    predicate: Predicate | None
    final_score: float | None
    decimals: int
    signatory: Person | None
    signed_on: date | None
    external_number: str | None
    cites: str
    supersedes: str | None
    superseded_by: Successor | None
    reason: str | None
    ended_on: date | None
    verify_url: str


def address(public_url: str, certificate: Certificate) -> str:
    """Tell where anybody verifies a certificate."""
    return f"{public_url}/verify/{certificate.code}"


def state_of(terms: Terms, certificate: Certificate) -> ShownState:
    """Tell a certificate's state, where a live one not yet signed is a draft."""
    return "draft" if is_draft(terms, certificate) else certificate.state


def predicate_of(terms: Terms, code: str | None) -> Predicate | None:
    """Tell a predicate by its code in the rules that a certificate was issued under."""
    found: Band | None = next((band for band in terms.rules.bands if band.code == code), None)
    return Predicate(**found.model_dump(include={"code", "title", "title_en"})) if found else None


def state_what(
    dossier: Dossier, terms: Terms, certificate: Certificate, named: Named | None, public_url: str, today: date
) -> Statement:  # fmt: skip
    """State what a certificate certifies, as of today."""
    content, document, signature = (
        certificate.certified,
        terms.rules.document,
        certificate.signature,
    )
    last, erased = valid_until(terms, content.issued_on), named is not None and named.erased
    state, expired = state_of(terms, certificate), last is not None and last < today
    after = next(
        (each for each in dossier.certificates if each.number == certificate.superseded_by), None
    )
    ended_at = certificate.ended_at
    return Statement(
        state=state,
        valid=state == "live" and not expired,
        expired=expired,
        number=certificate.number,
        revision=certificate.revision,
        kind=document.kind,
        title=document.title,
        title_en=document.title_en,
        name=named.name if named and not named.erased else None,
        erased=erased,
        retention_basis=RETENTION_BASIS if erased else None,
        programme=terms.programme,
        cohort_title=terms.cohort_title,
        host_agency=terms.host_agency,
        jp=content.jp,
        starts_on=content.starts_on,
        ends_on=content.ends_on,
        issued_on=content.issued_on,
        valid_until=last,
        predicate=predicate_of(terms, content.predicate),
        final_score=content.final_score,
        decimals=terms.rules.decimals,
        signatory=Person(name=content.signatory, position=content.position)
        if content.signatory
        else None,
        signed_on=signature.signed_on if signature else None,
        external_number=(signature.external_number or None) if signature else None,
        cites=terms.cites,
        supersedes=certificate.supersedes,
        superseded_by=Successor(number=after.number, verify_url=address(public_url, after))
        if after
        else None,
        reason=certificate.reason or None,
        ended_on=local_date(ended_at, terms.host_node) if ended_at else None,
        verify_url=address(public_url, certificate),
    )
