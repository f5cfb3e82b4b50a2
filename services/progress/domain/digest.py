"""What two nodes must agree on about one enrolment, in one hash: taught here, recorded there."""

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any

from services.progress.domain.passport import Certificate, Entry


def digest(learner_id: str, entry: Entry) -> str:
    """Digest an entry, SHA-256 in hex: the same at the host and at home once all is told.

    Numbers, revisions, signatures and the instants of decisions are left out: they tell how it came about,
    and no two runs of the same story have them alike.
    """
    programme, newest = entry.programme, entry.certificates[-1] if entry.certificates else None
    told = {
        "learner": learner_id,
        "enrolment": entry.enrolment_id,
        "programme": [programme.code, programme.version] if programme else None,
        "host": entry.node,
        "enrolled": entry.enrolled_at is not None,
        "withdrawn": entry.withdrawn_at is not None,
        "phases": [[each.phase, each.jp, _day(each.at)] for each in entry.phases],
        "completed": _day(entry.completed_at),
        "outcome": entry.outcome,
        "certificate": _certificate(newest, live=entry.live is not None) if newest else None,
        **({"draft": True} if entry.draft else {}),
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _certificate(newest: Certificate, *, live: bool) -> dict[str, Any]:
    return {
        "kind": newest.kind,
        "jp": newest.jp,
        "score": newest.final_score,
        "predicate": newest.predicate,
        "issued_on": _day(newest.issued_on),
        "valid_until": _day(newest.valid_until),
        "live": live,
    }


def _day(when: date | datetime | None) -> str | None:
    """Write a day or an instant, the latter in UTC."""
    if isinstance(when, datetime):
        return when.astimezone(UTC).isoformat()
    return when.isoformat() if when else None
