"""The registers of numbers, gap-free per node, year and programme."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from services.certification.api.views import RegisterEntry
from services.certification.domain.dossier import Dossier
from services.certification.domain.register import owner_of
from services.certification.papers.statement import state_of
from services.certification.store import CertificationWork, Numbered, find_dossiers, numbers_of
from shared.store.works import Works
from shared.web.identity import Access, allow
from shared.web.paging import Limit, Page, page
from shared.web.parts import works
from shared.web.problems import PROBLEMS

router = APIRouter(prefix="/registers", tags=["registers"], responses=PROBLEMS)
_Programme = Annotated[str, Path(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
_Year = Annotated[int, Path(ge=1945, le=9999)]


@router.get("/{programme}/{year}")
async def show_register(
    request: Request,
    opened: Annotated[Works[CertificationWork], Depends(works)],
    who: Annotated[Access, allow("organiser", "auditor")],
    programme: _Programme,
    year: _Year,
    after: Annotated[
        int, Query(ge=0, le=100_000_000, description="The serial at which the page before ended")
    ] = 0,
    limit: Limit = 100,
) -> Page[RegisterEntry]:
    """List this node's numbers of one programme and year in their order, each with what it became."""
    work = opened.open(who.scope)
    register = f"{request.app.state.settings.node}/{programme}/{year}"
    numbers = await numbers_of(work, register, after, limit + 1)
    found = await find_dossiers(work, [owner_of(each.key)[0] for each in numbers])
    return page(numbers, limit, lambda each: _entry(each, found), lambda each: str(each.serial))


def _entry(numbered: Numbered, found: dict[str, Dossier]) -> RegisterEntry:
    enrolment_id, revision = owner_of(numbered.key)
    dossier = found.get(enrolment_id)
    terms = dossier.known_terms if dossier else None
    if dossier is None or terms is None:
        return RegisterEntry(
            serial=numbered.serial,
            number=numbered.number,
            enrolment_id=None,
            revision=None,
            state=None,
        )
    entry = RegisterEntry(
        serial=numbered.serial, number=numbered.number, enrolment_id=enrolment_id, revision=revision,
        state="unaccounted",
    )  # fmt: skip
    for certificate in dossier.certificates:
        if certificate.number == numbered.number:
            return entry.model_copy(update={"state": state_of(terms, certificate)})
    if numbered.number in dossier.numbers:
        return entry.model_copy(update={"state": "unused"})
    return entry
