"""What is handed in: a meeting tool's report, and lists of sites that watch together."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Request, UploadFile
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, WithJsonSchema

from services.progress.api.evidence import Instant
from services.progress.api.live.shapes import SessionPath, clock
from services.progress.api.parts import Organiser, ProgressWorks
from services.progress.domain.attendance import attendance_id
from services.progress.domain.live import HandedIn, LiveSession
from services.progress.domain.live.handed import merged
from services.progress.domain.live.reports import Fault, nip_in, read_registrations, read_report
from services.progress.handlers.claims import Refused, hand_in, sift
from services.progress.handlers.judging import add_handed_in
from services.progress.store.live import KeptMinutes
from shared.events.plan import Slug
from shared.kernel.clock import Clock, zone_of
from shared.kernel.errors import Conflict, Forbidden, Unavailable
from shared.kernel.ids import learner_id
from shared.web.idempotency import IdempotentRoute
from shared.web.problems import PROBLEMS

router = APIRouter(route_class=IdempotentRoute, responses=PROBLEMS, tags=["live sessions"])
_MOST_ITEMS = 5_000
_SIFTED = 200
_AHEAD = timedelta(minutes=1)
Reason = (
    Fault
    | Refused
    | Literal["invalid", "malformed-nip", "out-before-in", "outside-session", "from-the-future"]
)


class RowShown(BaseModel):
    """What became of a row: `repeated` where all of its minutes were known; `reason` where it was refused."""

    row: int
    status: Literal["accepted", "repeated", "refused"]
    reason: Reason | None = None
    learner_id: str | None = None
    minutes: int = 0


class RowsShown(BaseModel):
    """What became of each row, and how many there were of each."""

    rows: list[RowShown]
    accepted: int
    repeated: int
    refused: int


class Visit(BaseModel):
    """Somebody who was at a site from one instant to another, by the site's device."""

    model_config = ConfigDict(extra="forbid")

    nip: Annotated[str, Field(min_length=1, max_length=40)]
    in_: Annotated[Instant, Field(alias="in")]
    out: Instant


_visit = TypeAdapter(Visit)
_SCHEMA = {
    "type": "array",
    "maxItems": _MOST_ITEMS,
    "items": {"anyOf": [_visit.json_schema(), {"description": "refused as `invalid`"}]},
}


class VisitsBody(BaseModel):
    """Up to 5,000 visits of one site, in as many batches as it takes, sent as late as it must be.

    `sent_at` is the device's clock as it sends; where that is a minute or more off, so are its times.
    """

    model_config = ConfigDict(extra="forbid")

    site: Slug
    sent_at: Instant | None = None
    items: Annotated[list[Any], Field(max_length=_MOST_ITEMS), WithJsonSchema(_SCHEMA)]


class _Row(BaseModel):
    """A row read: whose it is, and its minutes or what is wrong with it."""

    number: int
    nip: str = ""
    minutes: int = 0
    fault: Reason | None = None


@router.post("/live/sessions/{session_id}/reports")
async def post_report(
    session_id: SessionPath, request: Request, works: ProgressWorks, who: Organiser,
    watch: Annotated[Clock, Depends(clock)], file: Annotated[UploadFile, File()],
    registrations: Annotated[UploadFile | None, File()] = None,
) -> RowsShown:  # fmt: skip
    """Take a meeting tool's attendance report (CSV), people named by NIP or by their registration.

    `registrations` tells which e-mail address is whose NIP. Times are local to the node unless they name a
    zone. Each row is judged for itself, and a file that cannot be read changes nothing.
    """
    session = await _begun(session_id, works)
    if not who.scope.everything and who.scope.host != session.owner:
        raise Forbidden("out-of-scope", "only the session's own organiser takes its report")
    content = await file.read()
    registered = (
        await asyncio.to_thread(read_registrations, await registrations.read())
        if registrations
        else {}
    )
    zone = zone_of(request.app.state.settings.node)
    seen = await asyncio.to_thread(read_report, content, registered, session, zone)
    rows = [
        _Row(number=each.row, nip=each.nip, minutes=each.minutes, fault=each.fault or None)
        for each in seen
    ]
    about = HandedIn("", session.id, "import", session.owner, who.person.subject, watch.now())
    return await _take(rows, about, session, None, works, _pseudonym(request))


@router.post("/live/sessions/{session_id}/site")
async def post_visits(
    session_id: SessionPath, body: VisitsBody, request: Request, works: ProgressWorks, who: Organiser,
    watch: Annotated[Clock, Depends(clock)],
) -> RowsShown:  # fmt: skip
    """Take who watched together at a site; an agency's organiser tells of its own people only."""
    session, now = await _begun(session_id, works), watch.now()
    skew = _skew(body.sent_at, now)
    rows: list[_Row] = []
    for number, item in enumerate(body.items):
        if number % _SIFTED == _SIFTED - 1:
            await asyncio.sleep(0)
        rows.append(_visited(number, item, session, skew, now))
    agency = who.scope.host if not who.scope.everything else None
    owner = agency if agency is not None else session.owner
    about = HandedIn("", session.id, f"site:{body.site}", owner, who.person.subject, now)
    return await _take(rows, about, session, agency, works, _pseudonym(request))


async def _begun(session_id: str, works: ProgressWorks) -> LiveSession:
    session = await works.open().live_sessions.get(session_id)
    if session.state in {"", "scheduled"}:
        raise Conflict("not-live", "this session has not begun", session.when)
    return session


def _skew(sent_at: datetime | None, now: datetime) -> timedelta:
    """Tell by how many whole minutes a device's clock is off, so that sending again tells the same minutes."""
    if sent_at is None:
        return timedelta()
    return timedelta(minutes=round((now - sent_at.astimezone(UTC)) / timedelta(minutes=1)))


def _visited(
    number: int, item: object, session: LiveSession, skew: timedelta, now: datetime
) -> _Row:
    try:
        visit = _visit.validate_python(item)
    except ValidationError:
        return _Row(number=number, fault="invalid")
    nip = nip_in(visit.nip)
    begins, ends = visit.in_.astimezone(UTC) + skew, visit.out.astimezone(UTC) + skew
    fault: Reason | None = None
    if not nip:
        fault = "malformed-nip"
    elif ends <= begins:
        fault = "out-before-in"
    elif ends > now + _AHEAD:
        fault = "from-the-future"
    minutes = 0 if fault else session.attended(begins, ends) & session.minutes
    return _Row(
        number=number,
        nip=nip,
        minutes=minutes,
        fault=fault or (None if minutes else "outside-session"),
    )


async def _take(
    rows: Sequence[_Row], about: HandedIn, session: LiveSession, agency: str | None,
    works: ProgressWorks, pseudonym: Callable[[str], str],
) -> RowsShown:  # fmt: skip
    """Keep what is accepted of a list, add it, and tell of each row what became of it."""
    people = {each.nip: pseudonym(each.nip) for each in rows if each.nip and not each.fault}
    admitted: dict[str, str] = {}
    refused: dict[str, Refused] = {}
    known: dict[str, int] = {}
    asked = sorted(set(people.values()))
    for start in range(0, len(asked), _SIFTED):
        work = works.open()
        found, reasons = await sift(session, asked[start : start + _SIFTED], agency, work)
        admitted, refused = admitted | found, refused | reasons
        await work.attendance.preload(attendance_id(session.id, each) for each in found.values())
        for each in found.values():
            attendance = await work.attendance.of(attendance_id(session.id, each))
            known[each] = attendance.live_minutes
    ids = {nip: admitted[each] for nip, each in people.items() if each in admitted}
    reasons = {nip: refused[each] for nip, each in people.items() if each in refused}
    shown = [_judged(each, ids, reasons, known) for each in rows]
    taken = merged(
        (ids[row.nip], row.minutes)
        for row, judged in zip(rows, shown, strict=True)
        if judged.status == "accepted"
    )
    if taken:
        handed = await works.run(partial(hand_in, about, taken))
        await works.run(partial(add_handed_in, handed.id, KeptMinutes(works.frame.store)))
    counts = {name: sum(each.status == name for each in shown) for name in _STATUSES}
    return RowsShown(rows=shown, **counts)


_STATUSES = ("accepted", "repeated", "refused")


def _judged(
    row: _Row, ids: Mapping[str, str], refused: Mapping[str, Refused], known: Mapping[str, int]
) -> RowShown:
    fault = row.fault or refused.get(row.nip)
    if fault:
        return RowShown(row=row.number, status="refused", reason=fault)
    learner = ids[row.nip]
    fresh = row.minutes & ~known[learner]
    return RowShown(
        row=row.number,
        status="accepted" if fresh else "repeated",
        learner_id=learner,
        minutes=row.minutes.bit_count(),
    )


def _pseudonym(request: Request) -> Callable[[str], str]:
    """Tell a number's learner id; Unavailable while the key of pseudonyms cannot be read."""
    try:
        key: bytes = request.app.state.pseudonym_key()
    except (OSError, ValueError) as broken:
        raise Unavailable("the pseudonym key cannot be read") from broken
    return lambda nip: learner_id(nip, key)
