"""The recap of an agency: everybody's training hours in a year, the zeros too."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.progress.api.parts import AgencyPath, ProgressWorks, SeesPeople
from services.progress.api.passports import View
from services.progress.api.sheets import XLSX, Cell, Language, Table, refuse_more, workbook
from services.progress.domain.card import Card
from services.progress.domain.ledger import counted
from services.progress.domain.passport import Passport
from services.progress.store import ProgressWork, people_of
from shared.store.scope import Scope
from shared.store.works import Works
from shared.web.paging import After, Limit, Page, page
from shared.web.problems import PROBLEMS

_Year = Annotated[int | None, Query(ge=1990, le=2200, description="This year, if left out")]
_PAGE = 500


class PersonShown(BaseModel):
    """One person's training hours in a year; `programmes` are those that count."""

    learner_id: str
    nip: str
    name: str
    employment: str
    jp: int
    target: int
    reached: bool
    programmes: list[str]


class Summary(BaseModel):
    """An agency's training hours in a year, over all of its active people."""

    agency: str
    year: int
    people: int
    with_none: int
    reached: int
    jp: int


def router_for(view: View) -> APIRouter:
    """Make the routes of recaps."""
    router = APIRouter(responses=PROBLEMS, tags=["recaps"])

    @router.get("/agencies/{code:path}/jp")
    async def list_people(
        request: Request, code: AgencyPath, works: ProgressWorks, who: SeesPeople,
        year: _Year = None, after: After = "", limit: Limit = 100,
    ) -> Page[PersonShown]:  # fmt: skip
        """List an agency's active people with their training hours in a year, in id order."""
        asked = year or view.this_year(request)
        found = await people_of(works.open(who.scope), code, after, limit + 1)
        return page(found, limit, lambda each: _person(*each, asked, view), lambda each: each[0].id)

    @router.get("/agencies/{code:path}/jp/summary")
    async def summarise(
        request: Request, code: AgencyPath, works: ProgressWorks, who: SeesPeople,
        year: _Year = None,
    ) -> Summary:  # fmt: skip
        """Sum up an agency's training hours in a year."""
        asked = year or view.this_year(request)
        people = await _everybody(works, who.scope, code, asked, view)
        return Summary(
            agency=code,
            year=asked,
            people=len(people),
            with_none=sum(not each.jp for each in people),
            reached=sum(each.reached for each in people),
            jp=sum(each.jp for each in people),
        )

    @router.get("/agencies/{code:path}/jp.xlsx", response_class=Response, responses=XLSX)
    async def export(
        request: Request, code: AgencyPath, works: ProgressWorks, who: SeesPeople,
        year: _Year = None, language: Language = "id",
    ) -> Response:  # fmt: skip
        """Export an agency's people with their training hours in a year, as a workbook."""
        asked = year or view.this_year(request)
        people = await _everybody(works, who.scope, code, asked, view)
        return await workbook(_table(people, asked, language), f"jp-{code}-{asked}")

    return router


async def _everybody(
    works: Works[ProgressWork], scope: Scope, code: str, year: int, view: View
) -> list[PersonShown]:
    """Look at all people of an agency, a page at a time so that others get the loop."""
    people: list[PersonShown] = []
    after = ""
    while found := await people_of(works.open(scope), code, after, _PAGE):
        people += [_person(*each, year, view) for each in found]
        refuse_more(len(people))
        after = found[-1][0].id
    return sorted(people, key=lambda each: (each.name, each.learner_id))


def _person(card: Card, passports: Sequence[Passport], year: int, view: View) -> PersonShown:
    entries = [each for each in counted(passports) if each.year == year]
    jp, target = sum(each.jp for each in entries), view.target(card)
    return PersonShown(
        learner_id=card.id,
        nip=card.nip,
        name=card.name,
        employment=card.employment,
        jp=jp,
        target=target,
        reached=jp >= target,
        programmes=[each.programme.title for each in entries],
    )


_HEADINGS = {
    "id": ("No.", "NIP", "Nama", "Status", "JP {}", "Target", "Tercapai", "Program"),
    "en": ("No.", "NIP", "Name", "Status", "JP {}", "Target", "Reached", "Programmes"),
}
_SAYS = {"id": ("ya", "belum"), "en": ("yes", "no")}


def _table(people: Sequence[PersonShown], year: int, language: str) -> Table:
    def cells(place: int, each: PersonShown) -> list[Cell]:
        reached = _SAYS[language][not each.reached]
        programmes = "; ".join(each.programmes)
        return [
            place, each.nip, each.name, each.employment, each.jp, each.target, reached, programmes,
        ]  # fmt: skip

    headings = [heading.format(year) for heading in _HEADINGS[language]]
    return Table(f"JP {year}", headings, [cells(*each) for each in enumerate(people, 1)])
