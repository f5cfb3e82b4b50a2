"""What progress tells an audit."""

from typing import Any

from services.progress.domain.attendance import Attendance
from services.progress.domain.digest import digest
from services.progress.domain.live import LiveSession, standing
from services.progress.domain.live.presence import attended_by
from services.progress.domain.passport import Entry, Passport
from services.progress.domain.record import Record
from services.progress.store import ProgressWork
from shared.kernel.ids import enrolment_id
from shared.store.works import Works


async def audit_rows(works: Works[ProgressWork], after: str, limit: int) -> list[dict[str, Any]]:
    """Tell the next rows of the audit: all closed sessions' attendance, every passport, every record."""
    work = works.open()
    rows: list[dict[str, Any]] = []
    if after < "attendance0":
        rows += await _attendance_rows(work, after.removeprefix("attendance/"), limit)
    if len(rows) < limit and after < "passport0":
        where = {"_id": {"$gt": after.removeprefix("passport/") if after > "attendance0" else ""}}
        rows += [
            _passport_row(each)
            for each in await work.passports.find(where, limit=limit - len(rows))
        ]
    if len(rows) < limit:
        where = {"_id": {"$gt": after.removeprefix("record/") if after > "passport0" else ""}}
        found = await work.records.find(where, limit=limit - len(rows))
        await work.passports.preload(each.learner_id for each in found)
        rows += [await _record_row(each, work) for each in found]
    return rows


async def _attendance_rows(work: ProgressWork, after: str, limit: int) -> list[dict[str, Any]]:
    """Tell who was present at which session whose attendance has become evidence, and of whom more is due."""
    rows: list[dict[str, Any]] = []
    # Ids begin with the session's, so that pages run through one session after the other.
    while len(rows) < limit:
        found = await work.attendance.find({"_id": {"$gt": after}}, limit=limit - len(rows))
        if not found:
            break
        await work.live_sessions.preload(each.session_id for each in found)
        for each in found:
            session = await work.live_sessions.of(each.session_id)
            if session.settled:
                rows.append(_attendance_row(each, session))
        after = found[-1].id
    return rows


def _attendance_row(attendance: Attendance, session: LiveSession) -> dict[str, Any]:
    learner, cohort = attendance.learner_id, session.place.cohort_id
    return {
        "id": f"attendance/{attendance.id}",
        "session_id": session.id,
        "learner_id": learner,
        "enrolment_id": enrolment_id(learner, cohort, session.host_node),
        "present": standing(session, attendance).met,
        "due": attendance.due,
    }


def _passport_row(passport: Passport) -> dict[str, Any]:
    return {
        "id": f"passport/{passport.id}",
        "learner_id": passport.id,
        "jp_by_enrolment": passport.jp_by_enrolment,
        "entries": [_entry_row(passport.id, each) for each in passport.entries],
    }


def _entry_row(learner_id: str, entry: Entry) -> dict[str, Any]:
    return {
        "enrolment_id": entry.enrolment_id,
        "node": entry.node,
        "programme": entry.programme.code if entry.programme else None,
        "status": entry.standing,
        "enrolled": entry.enrolled_at is not None,
        "withdrawn": entry.withdrawn_at is not None,
        "completed": entry.completed_at is not None,
        "outcome": entry.outcome,
        "phases": len(entry.phases),
        "numbers": [each.number for each in entry.certificates],
        "live": entry.live.number if entry.live else None,
        "signed": [each.number for each in entry.certificates if each.revision in entry.signed],
        "brought": entry.brought,
        "digest": digest(learner_id, entry),
    }


async def _record_row(record: Record, work: ProgressWork) -> dict[str, Any]:
    passport = await work.passports.of(record.learner_id)
    return {
        "id": f"record/{record.id}",
        "enrolment_id": record.id,
        "learner_id": record.learner_id,
        "cohort_id": record.cohort_id,
        "status": record.status,
        "phases": len(record.completed),
        "of": len(record.course.phases) if record.plan else 0,
        "jp": record.jp if record.plan else 0,
        "attended": attended_by(record.evidence),
        # Who moved was told in part by the one home and in part by the other.
        "guest": record.home_node not in ("", work.node) or bool(passport.moves),
    }
