"""Certificates as signed credentials: ours, those that other nodes issued to our people, and whether they hold."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.certification.domain.badge import MOST_SIGNS, Stated
from services.certification.domain.credential import Credential
from services.certification.domain.dossier import Dossier
from services.certification.domain.issuing import state_again
from services.certification.domain.register import owner_of, page_id
from services.certification.handlers.credentials import credential_of
from services.certification.papers.badges import NodeNotary, StatusList
from services.certification.papers.statement import address, state_of
from services.certification.store import CertificationWork, find_credentials, find_dossiers
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Invalid, NotFound, Unprocessable
from shared.store.works import Works
from shared.web.identity import Access, allow, public
from shared.web.paging import After, Limit, Page, page
from shared.web.parts import Parts, parts, works
from shared.web.problems import PROBLEMS

router = APIRouter(tags=["credentials"], responses=PROBLEMS)
_Works = Annotated[Works[CertificationWork], Depends(works)]
_Parts = Annotated[Parts[CertificationWork], Depends(parts)]
_Reader = Annotated[Access, allow("organiser", "nominator", "learner", "auditor")]
_Verifier = Annotated[
    Access,
    allow("organiser", "nominator", "endorser", "learner", "auditor", "talent-system"),
]
_Revision = Annotated[int | None, Query(ge=1, le=10_000)]
_Standing = Literal["live", "draft", "superseded", "revoked"]
_JWT = "application/vc+jwt"


class CredentialShown(BaseModel):
    """A certificate of this node as a signed Open Badge, a compact JWT, with what became of it."""

    enrolment_id: str
    learner_id: str
    revision: int
    number: str
    state: _Standing
    credential: str


class RevisionHeld(BaseModel):
    """One revision of another node's certificate; `superseded_by` is a number."""

    revision: int
    number: str
    state: _Standing
    reason: str | None
    superseded_by: str | None
    credential: str


class CredentialHeld(BaseModel):
    """What another node has certified of one of this node's people, every revision with its credential."""

    enrolment_id: str
    learner_id: str
    agency: str
    node: str
    live: str | None
    revisions: list[RevisionHeld]


class Shown(BaseModel):
    """A credential that somebody shows."""

    model_config = ConfigDict(extra="forbid")

    credential: Annotated[str, Field(min_length=1, max_length=MOST_SIGNS)]


class Verification(BaseModel):
    """What a credential says, proved by its issuer's key, and its state as far as this node was told."""

    valid: bool
    node: str
    learner_id: str
    enrolment_id: str
    revision: int
    number: str
    jp: float
    valid_from: str
    valid_until: str | None
    state: _Standing | Literal["unknown"]


@router.get("/certificates/{enrolment_id}/credential")
async def show_credential(
    opened: _Parts, who: _Reader, enrolment_id: str, revision: _Revision = None
) -> CredentialShown:
    """Show a certificate as a signed credential, the newest revision or the one asked for."""
    notary, work = _notary(opened), opened.works.open(who.scope)
    dossier = await work.dossiers.get(enrolment_id)
    terms = dossier.known_terms
    found = [each for each in dossier.certificates if revision in (None, each.revision)]
    if terms is None or not found:
        raise NotFound("unknown-certificate", "this enrolment has no such certificate")
    certificate = found[-1]
    fact = state_again(dossier, terms, certificate, address(work.public_url, certificate))
    signed = await credential_of(notary, fact, opened.works.open())
    return CredentialShown(
        enrolment_id=dossier.id,
        learner_id=dossier.learner_id,
        revision=certificate.revision,
        number=certificate.number,
        state=state_of(terms, certificate),
        credential=signed.credential,
    )


@router.get("/credentials")
async def list_credentials(
    opened: _Works,
    who: _Reader,
    learner: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    after: After = "",
    limit: Limit = 100,
) -> Page[CredentialHeld]:
    """List what other nodes have certified of this node's people, in id order."""
    work = opened.open(who.scope)
    found = await find_credentials(work, learner=learner, after=after, limit=limit + 1)
    return page(found, limit, _held, lambda each: each.id)


@router.post("/credentials/verification")
async def verify_credential(
    request: Request, opened: _Parts, _: _Verifier, shown: Shown
) -> Verification:
    """Verify a credential of this node or of a peer by keys that are here, without asking anybody."""
    try:
        stated = _notary(opened).read(shown.credential)
    except Unprocessable as untrue:
        raise Invalid(untrue.reason, untrue.detail) from untrue
    work = opened.works.open()
    own = stated.node == work.node
    state = await (_state_here if own else _state_told)(stated, work)
    clock: Clock = request.app.state.clock
    today = clock.now().isoformat()
    return Verification(
        valid=state == "live" and (not stated.valid_until or stated.valid_until > today),
        node=stated.node,
        learner_id=stated.learner_id,
        enrolment_id=stated.enrolment_id,
        revision=stated.revision,
        number=stated.number,
        jp=stated.jp,
        valid_from=stated.valid_from,
        valid_until=stated.valid_until or None,
        state=state,
    )


@router.get("/credentials/{enrolment_id}")
async def show_held(opened: _Works, who: _Reader, enrolment_id: str) -> CredentialHeld:
    """Show what another node has certified of one of this node's people."""
    return _held(await opened.open(who.scope).credentials.get(enrolment_id))


@router.get(
    "/statuses/{node}/{programme}/{year}/{number}",
    dependencies=[public()],
    response_class=Response,
    responses={200: {"content": {_JWT: {"schema": {"type": "string"}}}}},
)
async def show_statuses(
    request: Request,
    opened: _Parts,
    node: Annotated[str, Path(pattern=r"^[0-9]{2}(\.[0-9]{2})?$")],
    programme: Annotated[str, Path(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")],
    year: Annotated[int, Path(ge=1945, le=9999)],
    number: Annotated[int, Path(ge=1, le=999_999)],
) -> Response:
    """Publish which certificates of one page of a register hold no longer, as a signed Bitstring Status List."""
    notary, work = _notary(opened), opened.works.open()
    key = page_id(f"{node}/{programme}/{year}", number)
    found = await work.registers.of(key)
    if not found.page:
        raise NotFound("unknown-register", "there is no such page of a register")
    owners = [owner_of(entry.key) for entry in found.entries]
    dossiers = await find_dossiers(work, [enrolment_id for enrolment_id, _ in owners])
    ended = [n for n, owner in enumerate(owners) if _has_ended(dossiers.get(owner[0]), owner[1])]
    statuses = StatusList(f"{work.public_url}/statuses/{key}", ended, request.app.state.clock.now())
    return Response(
        notary.sign_statuses(statuses), media_type=_JWT, headers={"Cache-Control": "no-cache"}
    )


def _has_ended(dossier: Dossier | None, revision: int) -> bool:
    """Tell whether a number on a page stands for nothing that holds."""
    certificates = dossier.certificates if dossier else ()
    return not any(each.revision == revision and each.state == "live" for each in certificates)


async def _state_here(stated: Stated, work: CertificationWork) -> _Standing | Literal["unknown"]:
    dossier = await work.dossiers.of(stated.enrolment_id)
    terms = dossier.known_terms
    for each in dossier.certificates:
        if terms and each.revision == stated.revision:
            return state_of(terms, each)
    return "unknown"


async def _state_told(stated: Stated, work: CertificationWork) -> _Standing | Literal["unknown"]:
    credential = await work.credentials.of(stated.enrolment_id)
    known = any(each.revision == stated.revision for each in credential.revisions)
    return credential.standing(stated.revision) if known else "unknown"


def _held(credential: Credential) -> CredentialHeld:
    live = credential.live
    return CredentialHeld(
        enrolment_id=credential.id,
        learner_id=credential.learner_id,
        agency=credential.agency,
        node=credential.host_node,
        live=live.number if live else None,
        revisions=[
            RevisionHeld(
                revision=each.revision,
                number=each.number,
                state=credential.standing(each.revision),
                reason=ending.reason if ending else None,
                superseded_by=(ending.by_number or None) if ending else None,
                credential=each.credential,
            )
            for each in credential.revisions
            for ending in (credential.ending(each.revision),)
        ],
    )


def _notary(opened: Parts[CertificationWork]) -> NodeNotary:
    if opened.federation is None:
        raise Conflict("not-sharing", "this node has no keys to sign with: see `./corpu node init`")
    return NodeNotary(opened.federation)
