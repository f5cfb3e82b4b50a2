"""Certificates for those whom they concern: lists, PDFs, signatures, revocations and reissues."""

import re
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.certification.api.views import (
    CertificateView,
    ReasonGiven,
    SignatureGiven,
    SignaturesGiven,
    SignaturesTaken,
    SignedResult,
    certificate_view,
)
from services.certification.domain.dossier import Dossier, Signature, Status
from services.certification.handlers import certifying as handlers
from services.certification.papers.statement import state_what
from services.certification.store import CertificationWork, find_certificates
from shared.kernel.clock import local_date
from shared.kernel.errors import Conflict, NotFound
from shared.store.works import Works
from shared.web.idempotency import IdempotentRoute
from shared.web.identity import Access, allow
from shared.web.paging import After, Limit, Page, page
from shared.web.parts import works
from shared.web.problems import PROBLEMS

router = APIRouter(
    prefix="/certificates", tags=["certificates"], route_class=IdempotentRoute, responses=PROBLEMS
)
_Works = Annotated[Works[CertificationWork], Depends(works)]
_Reader = Annotated[Access, allow("organiser", "nominator", "learner", "auditor")]
_Organiser = Annotated[Access, allow("organiser")]


@router.get("")
async def list_certificates(
    opened: _Works,
    who: _Reader,
    cohort: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    status: Annotated[
        Status | None, Query(description="Enrolments that stand so, certified or not")
    ] = None,
    review: Annotated[bool, Query(description="Only those that a person should look at")] = False,  # noqa: FBT002
    after: After = "",
    limit: Limit = 100,
) -> Page[CertificateView]:
    """List certificates, one item for each enrolment that ever had one."""
    work = opened.open(who.scope)
    found = await find_certificates(
        work, cohort=cohort, status=status, review=review, after=after, limit=limit + 1
    )
    return page(
        found, limit, partial(certificate_view, public_url=work.public_url), lambda each: each.id
    )


@router.get("/{enrolment_id}")
async def show_certificate(opened: _Works, who: _Reader, enrolment_id: str) -> CertificateView:
    """Show an enrolment's certificate with all of its revisions; NotFound while there is none."""
    work = opened.open(who.scope)
    return certificate_view(await _certified(work, enrolment_id), work.public_url)


@router.get(
    "/{enrolment_id}/pdf",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def print_certificate(
    request: Request,
    opened: _Works,
    who: _Reader,
    enrolment_id: str,
    revision: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Response:
    """Print a certificate, the newest revision or the one asked for, as PDF/A-2a and PDF/UA-1."""
    work = opened.open(who.scope)
    dossier = await _certified(work, enrolment_id)
    terms = dossier.known_terms
    asked = revision or dossier.certificates[-1].revision
    certificate = next((each for each in dossier.certificates if each.revision == asked), None)
    if certificate is None or terms is None:
        raise NotFound("unknown-revision", f"this enrolment has no certificate of revision {asked}")
    # Whoever may see the certificate may see whom it names.
    card = await opened.open().cards.of(dossier.learner_id)
    named = card.at(certificate.at)
    if named is None:
        raise Conflict(
            "card-not-known-yet", "the learner's name has not arrived here yet; try again"
        )
    if named.erased:
        raise Conflict("holder-erased", "the holder's name was erased: this is printed no more")
    today = local_date(request.app.state.clock.now(), terms.host_node)
    statement = state_what(dossier, terms, certificate, named, work.public_url, today)
    printed = await request.app.state.press.print(statement, terms, named.nip)
    name = re.sub(r"[^A-Za-z0-9.]+", "-", certificate.number)
    headers = {
        "Content-Disposition": f'inline; filename="{name}.pdf"',
        "Cache-Control": "private, no-cache",
    }
    return Response(printed, media_type="application/pdf", headers=headers)


@router.post("/signatures")
async def take_signatures(
    request: Request, opened: _Works, who: _Organiser, given: SignaturesGiven
) -> SignaturesTaken:
    """Note that one person signed many certificates on one day; each is signed or refused by itself."""
    signatures = [
        (each.enrolment_id, Signature(given.signed_on, given.signed_by, each.external_number or ""))
        for each in given.items
    ]
    now = request.app.state.clock.now()
    refused = await opened.run(partial(handlers.sign_many, signatures, now), who.scope)
    results = [
        SignedResult(
            enrolment_id=key, status="refused" if reason else "signed", reason=reason or None
        )
        for key, reason in refused
    ]
    signed = sum(each.status == "signed" for each in results)
    return SignaturesTaken(results=results, signed=signed, refused=len(results) - signed)


@router.post("/{enrolment_id}/signature")
async def take_signature(
    request: Request, opened: _Works, who: _Organiser, enrolment_id: str, given: SignatureGiven
) -> CertificateView:
    """Note who signed the live certificate, so that it is a draft no longer."""
    signature = Signature(given.signed_on, given.signed_by, given.external_number or "")
    use_case = partial(handlers.sign, enrolment_id, signature, request.app.state.clock.now())
    return _shown(await opened.run(use_case, who.scope), opened)


@router.post("/{enrolment_id}/revocation")
async def revoke_certificate(
    request: Request, opened: _Works, who: _Organiser, enrolment_id: str, given: ReasonGiven
) -> CertificateView:
    """Revoke the live certificate; nothing is issued again until somebody asks for it."""
    use_case = partial(handlers.revoke, enrolment_id, given.reason, request.app.state.clock.now())
    return _shown(await opened.run(use_case, who.scope), opened)


@router.post("/{enrolment_id}/reissue")
async def reissue_certificate(
    request: Request, opened: _Works, who: _Organiser, enrolment_id: str, given: ReasonGiven
) -> CertificateView:
    """Issue the certificate again under a new number, naming the learner as of now."""
    use_case = partial(handlers.reissue, enrolment_id, given.reason, request.app.state.clock.now())
    return _shown(await opened.run(use_case, who.scope), opened)


async def _certified(work: CertificationWork, enrolment_id: str) -> Dossier:
    dossier = await work.dossiers.get(enrolment_id)
    if not dossier.certificates:
        detail = f"this enrolment has no certificate yet: it is {dossier.status}"
        raise NotFound("unknown-certificate", detail, {"waits": dossier.status})
    return dossier


def _shown(dossier: Dossier, opened: Works[CertificationWork]) -> CertificateView:
    return certificate_view(dossier, opened.open().public_url)
