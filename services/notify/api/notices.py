"""What became of notices, for those who run a cohort or the node."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.notify.api.parts import NoticeId, NotifyWorks
from services.notify.domain.notices import Mail, Notice
from services.notify.handlers import retry_failed_letter
from services.notify.store import summarise, undelivered
from shared.web.idempotency import IdempotentRoute
from shared.web.identity import Access, allow
from shared.web.paging import After, Limit, Page, page
from shared.web.problems import PROBLEMS

router = APIRouter(
    prefix="/notices", tags=["notices"], route_class=IdempotentRoute, responses=PROBLEMS
)

_Runner = Annotated[Access, allow("organiser", "operator")]
_Cohort = Annotated[
    str | None, Query(min_length=1, max_length=100, description="Only this cohort's")
]


class Counted(BaseModel):
    """Notices by type, e-mails by what became of them; `undelivered` are pending or failed."""

    total: int
    notices: dict[str, int]
    email: dict[str, int]
    undelivered: int


class Undelivered(BaseModel):
    """A notice whose e-mail did not arrive; the person finds it in the inbox."""

    id: str
    learner_id: str
    type: str
    enrolment_id: str
    cohort_id: str
    mail: Mail
    reason: str
    tries: int


@router.get("/summary")
async def count_notices(who: _Runner, works: NotifyWorks, cohort: _Cohort = None) -> Counted:
    """Count notices by type, of one cohort or of all."""
    summary = await summarise(works.open(who.scope), cohort)
    return Counted(
        total=sum(summary.notices.values()),
        notices=summary.notices,
        email={mail: count for mail, count in summary.email.items() if mail != "none"},
        undelivered=summary.email["pending"] + summary.email["failed"],
    )


@router.get("/undelivered")
async def list_undelivered(
    who: _Runner, works: NotifyWorks, cohort: _Cohort = None, after: After = "", limit: Limit = 100
) -> Page[Undelivered]:
    """List the notices whose e-mail has failed, with the reason."""
    found = await undelivered(works.open(who.scope), cohort, after=after, limit=limit + 1)
    return page(found, limit, _shown, lambda notice: notice.id)


@router.post("/{notice_id}/mail", status_code=202)
async def send_again(who: _Runner, works: NotifyWorks, notice_id: NoticeId) -> Undelivered:
    """Let an e-mail that failed be tried again."""
    await works.run(partial(retry_failed_letter, notice_id), who.scope)
    return _shown(await works.open(who.scope).notices.get(notice_id))


def _shown(notice: Notice) -> Undelivered:
    return Undelivered(
        id=notice.id,
        learner_id=notice.learner_id,
        type=notice.type,
        enrolment_id=notice.enrolment_id,
        cohort_id=notice.cohort_id,
        mail=notice.mail,
        reason=notice.mail_reason,
        tries=notice.mail_tries,
    )
