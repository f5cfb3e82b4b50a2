"""The passport: one training record for life, whichever province taught it."""

from collections.abc import Mapping
from datetime import date, datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.progress.api.parts import Learner, LearnerPath, ProgressWorks, SeesPassports
from services.progress.domain.card import Card
from services.progress.domain.ledger import Counted, counted, target_of, years
from services.progress.domain.passport import Certificate, Standing
from services.progress.store import ProgressWork, card_of, passports_of
from shared.events.plan import ProgrammeRef
from shared.kernel.clock import local_date
from shared.kernel.errors import NotFound
from shared.store.scope import Scope
from shared.store.works import Works
from shared.web.problems import PROBLEMS


class YearShown(BaseModel):
    """One calendar year's training hours against the target."""

    year: int
    jp: int
    target: int
    reached: bool


class Source(BaseModel):
    """Who taught it: the node, and the agency that was host."""

    node: str
    agency: str


class PhaseDone(BaseModel):
    """A completed phase with its training hours."""

    phase: int
    title: str
    title_en: str
    jp: int
    at: datetime


class CertificateShown(BaseModel):
    """The certificate that holds."""

    number: str
    revision: int
    kind: str
    issued_on: date
    valid_until: date | None
    final_score: float | None
    predicate: str
    predicate_en: str
    verify_url: str


class EntryShown(BaseModel):
    """One enrolment; `counted_jp` are the hours it adds to `year`, 0 while it adds none."""

    enrolment_id: str
    programme: ProgrammeRef
    cohort_id: str
    cohort_title: str
    status: Standing
    jp: int
    counted_jp: int
    year: int | None
    phases: list[PhaseDone]
    of: int
    completed_at: datetime | None
    certificate: CertificateShown | None
    source: Source


class PassportShown(BaseModel):
    """A learner's training record, under all ids of the person."""

    learner_id: str
    linked: list[str]
    name: str
    agency: str
    employment: str
    jp: int
    under_way_jp: int
    years: list[YearShown]
    entries: list[EntryShown]


class View:
    """How passports are shown at a node: with its present year and its targets."""

    def __init__(self, region: str, targets: Mapping[str, int]) -> None:
        """Show at a node in this region."""
        self._region = region
        self._targets = targets

    def this_year(self, request: Request) -> int:
        """Tell the present year, by the node's local date."""
        return local_date(request.app.state.clock.now(), self._region).year

    def target(self, card: Card) -> int:
        """Tell a person's target of training hours a year."""
        return target_of(card.employment, self._targets)

    async def show(
        self, works: Works[ProgressWork], scope: Scope, learner_id: str, this_year: int
    ) -> PassportShown:
        """Show the passport of a learner in scope; NotFound otherwise."""
        work = works.open(scope)
        card = await card_of(work, learner_id)
        passports = (await passports_of(work, [learner_id]))[learner_id]
        entries = counted(passports)
        return PassportShown(
            learner_id=learner_id,
            linked=[passport.id for passport in passports[1:]],
            name=card.name,
            agency=card.agency,
            employment=card.employment,
            jp=sum(each.jp for each in entries),
            under_way_jp=sum(
                each.entry.jp for each in entries if each.entry.standing in _UNDER_WAY
            ),
            years=[
                YearShown(year=each.year, jp=each.jp, target=each.target, reached=each.reached)
                for each in years(entries, self.target(card), this_year)
            ],
            entries=[_shown(each) for each in entries],
        )


_UNDER_WAY = frozenset({"under-way", "completed", "graduated", "deferred", "draft"})


def router_for(view: View) -> APIRouter:
    """Make the routes of passports."""
    router = APIRouter(responses=PROBLEMS, tags=["passports"])

    @router.get("/learners/me/passport")
    async def show_own(request: Request, works: ProgressWorks, who: Learner) -> PassportShown:
        """Show the learner's own training record."""
        if who.person.learner_id is None:
            raise NotFound("unknown-learner", "this token names no learner")
        return await view.show(works, who.scope, who.person.learner_id, view.this_year(request))

    @router.get("/learners/{learner_id}/passport")
    async def show_passport(
        request: Request, learner_id: LearnerPath, works: ProgressWorks, who: SeesPassports
    ) -> PassportShown:
        """Show a learner's training record: training hours a year, and what each came from."""
        return await view.show(works, who.scope, learner_id, view.this_year(request))

    return router


def _shown(each: Counted) -> EntryShown:
    entry = each.entry
    return EntryShown(
        enrolment_id=entry.enrolment_id,
        programme=each.programme,
        cohort_id=entry.cohort_id,
        cohort_title=entry.cohort_title,
        status=entry.standing,
        jp=entry.live.jp if entry.live else entry.jp,
        counted_jp=each.jp,
        year=each.year,
        phases=[
            PhaseDone(phase=one.phase, title=one.title, title_en=one.title_en, jp=one.jp, at=one.at)
            for one in entry.phases
        ],
        of=entry.of,
        completed_at=entry.completed_at,
        certificate=_certificate(entry.live) if entry.live else None,
        source=Source(node=entry.node, agency=entry.host_agency),
    )


def _certificate(live: Certificate) -> CertificateShown:
    return CertificateShown(
        number=live.number,
        revision=live.revision,
        kind=live.kind,
        issued_on=live.issued_on,
        valid_until=live.valid_until,
        final_score=live.final_score,
        predicate=live.predicate,
        predicate_en=live.predicate_en,
        verify_url=live.verify_url,
    )
