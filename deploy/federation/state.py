"""What two nodes hold in the end, read by their public APIs and reduced to what a second run must equal."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.client import SERVICES, Voice
from deploy.demo.stage import Stage

Row = Mapping[str, Any]
_FEW = 8
_ENTRY = (
    "enrolment_id", "node", "programme", "status", "enrolled", "withdrawn", "completed", "outcome",
    "phases",
)  # fmt: skip
_PLACED = ("id", "learner_id", "cohort_id", "status", "completed", "outcome", "jp")
_TOLD = {
    "enrolment": ("id", "learner_id", "cohort_id", "programme", "status", "outcome", "jp"),
    "progress": (
        "id",
        "learner_id",
        "cohort_id",
        "status",
        "phases",
        "of",
        "jp",
        "jp_by_enrolment",
    ),
    "certification": ("id", "learner_id", "status", "outcome", "complete", "jp"),
    "notify": ("type", "enrolment_id", "learner_id"),
}
"""What of the audit's rows depends neither on when nor in which order something came about."""


async def read_rows(operator: Voice) -> dict[str, list[Row]]:
    """Read the audit's rows of all services."""

    async def rows(service: str) -> list[Row]:
        return [each async for each in operator.pages(service, "/operations/audit")]

    read = await asyncio.gather(*(rows(service) for service in SERVICES))
    return dict(zip(SERVICES, read, strict=True))


def reduced(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Any]]:
    """Reduce rows to what is the same however the story went: no times, numbers, revisions or signatures."""
    return {
        service: sorted(
            (_told(service, row) for row in found if not str(row["id"]).startswith("register/")),
            key=lambda each: json.dumps(each, sort_keys=True),
        )
        for service, found in rows.items()
    }


def _told(service: str, row: Row) -> dict[str, Any]:
    told = {name: row[name] for name in _TOLD[service] if name in row}
    told |= {name: len(row[name]) for name in ("live", "drafts") if name in row}
    if "entries" in row:
        told["entries"] = [
            {**{name: entry[name] for name in _ENTRY}, "live": entry["live"] is not None}
            for entry in sorted(row["entries"], key=lambda entry: str(entry["enrolment_id"]))
        ]
    return told


def digests(rows: Mapping[str, Sequence[Row]]) -> dict[tuple[str, str], str]:
    """Tell the digest of every passport entry by learner and enrolment, as two nodes compare them."""
    return {
        (row["learner_id"], entry["enrolment_id"]): entry["digest"]
        for row in rows["progress"]
        for entry in row.get("entries", ())
    }


def hashed(state: Any) -> str:  # noqa: ANN401 - any JSON
    """Hash what JSON can tell, SHA-256 in hex."""
    text = json.dumps(state, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differing(one: Sequence[Any], other: Sequence[Any]) -> dict[str, list[Any]]:
    """Tell what stands on one side only, the first few of it."""
    texts = [
        Counter(json.dumps(each, sort_keys=True, ensure_ascii=False) for each in side)
        for side in (one, other)
    ]
    return {
        name: [json.loads(text) for text in sorted((texts[here] - texts[1 - here]).elements())][
            :_FEW
        ]
        for here, name in enumerate(("undisturbed", "disturbed"))
    }


async def rosters(stage: Stage, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Read how lists were judged, row by row."""
    told = []
    for each in ids:
        roster = await stage.nominator.get("enrolment", f"/rosters/{each}")
        told.append({
            "status": roster["status"],
            "rows": [
                {name: row.get(name) for name in ("row", "nip", "status", "reasons", "enrolment_id")}
                for row in roster["rows"]
            ],
        })  # fmt: skip
    return told


async def placements(stage: Stage) -> list[dict[str, Any]]:
    """Read how a node's people stand in the cohorts of others."""
    return [
        {name: each.get(name) for name in _PLACED}
        async for each in stage.organiser.pages("enrolment", "/placements")
    ]


async def parked(operator: Voice) -> Counter[str]:
    """Count what is parked, by service and reason."""
    found: Counter[str] = Counter()
    for service in SERVICES:
        async for each in operator.pages(service, "/operations/parked"):
            found[f"{service} {each['reason']}"] += 1
    return found


async def peers(operator: Voice) -> dict[str, Row]:
    """Tell how the one peer stands with each service."""
    told = {}
    for service in SERVICES:
        answer = await operator.get(service, "/operations/peers")
        if answer:
            told[service] = answer[0]
    return told
