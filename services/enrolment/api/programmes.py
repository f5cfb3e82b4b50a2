"""Programmes, and the catalogue of shipped ones."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from services.enrolment import catalogue
from services.enrolment.api.asking import Code, Now, Opened, Version, new_router
from services.enrolment.domain.programme import Code as ProgrammeCode
from services.enrolment.domain.programme import Programme, ProgrammeDraft, programme_id
from services.enrolment.handlers.programmes import publish_programme, write_programme
from shared.events.plan import Origin
from shared.kernel.errors import Invalid
from shared.web.identity import ROLES, Access, allow
from shared.web.paging import After, Limit, Page, page

router = new_router("programmes")
_Anybody = Annotated[Access, allow(*ROLES)]
_Organiser = Annotated[Access, allow("organiser")]


class ProgrammeBody(ProgrammeDraft):
    """A programme as people send it; `code` and `version` may repeat the path's."""

    code: ProgrammeCode | None = None
    version: Annotated[int, Field(ge=1, le=10_000)] | None = None

    def draft(self, code: str, version: int) -> ProgrammeDraft:
        """Take out the draft; a body that names another programme is Invalid."""
        if self.code not in {None, code} or self.version not in {None, version}:
            raise Invalid("path-and-body-differ", "the body names another programme than the path")
        fields = {name: getattr(self, name) for name in ProgrammeDraft.model_fields}
        return ProgrammeDraft.model_validate(fields)


class ProgrammeView(ProgrammeDraft):
    """A programme version as it stands."""

    id: str
    code: str
    version: int
    status: str
    owner: str
    jp: int
    published_at: datetime | None
    offered: bool
    origin: Origin | None

    @classmethod
    def of(cls, programme: Programme) -> Self:
        """Show a programme."""
        fields = {name: getattr(programme.content, name) for name in ProgrammeDraft.model_fields}
        return cls.model_validate(
            {
                **fields,
                "id": programme.id,
                "code": programme.code,
                "version": programme.ref.version,
                "status": programme.status,
                "owner": programme.owner,
                "jp": programme.jp,
                "published_at": programme.published_at,
                "offered": programme.offered,
                "origin": programme.origin,
            }
        )


class CatalogueEntry(BaseModel):
    """A shipped programme in few words."""

    model_config = ConfigDict(extra="ignore")

    code: str
    version: int
    title: str
    title_en: str
    family: str


@router.put("/programmes/{code}/{version}")
async def put_programme(
    code: Code, version: Version, body: ProgrammeBody, who: _Organiser, works: Opened
) -> ProgrammeView:
    """Write a draft; a published version takes only what it already says."""
    key, draft = programme_id(code, version), body.draft(code, version)
    use_case = partial(write_programme, key, draft, who.scope.host or "")
    return ProgrammeView.of(await works.run(use_case, who.scope))


@router.post("/programmes/{code}/{version}/publication")
async def post_publication(
    code: Code, version: Version, who: _Organiser, works: Opened, now: Now
) -> ProgrammeView:
    """Publish a version for good."""
    key = programme_id(code, version)
    use_case = partial(publish_programme, key, now.now)
    return ProgrammeView.of(await works.run(use_case, who.scope))


@router.get("/programmes")
async def list_programmes(
    who: _Anybody, works: Opened, after: After = "", limit: Limit = 100
) -> Page[ProgrammeView]:
    """List programme versions by id."""
    where = {"_id": {"$gt": after}}
    found = await works.open(who.scope).programmes.find(where, limit=limit + 1)
    return page(found, limit, ProgrammeView.of, lambda each: each.id)


@router.get("/programmes/{code}/{version}")
async def get_programme(
    code: Code, version: Version, who: _Anybody, works: Opened
) -> ProgrammeView:
    """Show one version."""
    key = programme_id(code, version)
    return ProgrammeView.of(await works.open(who.scope).programmes.get(key))


@router.get("/catalogue")
async def list_catalogue(_: _Anybody) -> list[CatalogueEntry]:
    """List the programmes that are shipped as examples."""
    return [CatalogueEntry.model_validate(catalogue.entry(code)) for code in catalogue.entries()]


@router.get("/catalogue/{code}")
async def get_catalogue_entry(code: Code, _: _Anybody) -> dict[str, Any]:
    """Give a shipped programme as the body that `PUT /programmes/{code}/{version}` takes."""
    return catalogue.entry(code)
