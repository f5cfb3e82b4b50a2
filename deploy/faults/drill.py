"""A small cohort, taught in seconds, that passes every durable operation of every service."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from deploy.client import Declined, Voice, until

AGENCY = "35.73"
SEATS = 3
NOMINEES = 5
WITHDRAWN = 1
PHASES = 2
CODE = "DRILL"
_BEGAN = datetime(2024, 3, 4, 1, 0, tzinfo=UTC)
_PATIENCE = 120.0

PROGRAMME: dict[str, Any] = {
    "title": "Latihan ketahanan",
    "title_en": "Resilience drill",
    "family": "technical",
    "phases": [
        {
            "number": number, "code": f"phase-{number}", "title": f"Tahap {number}",
            "title_en": f"Phase {number}", "mode": "e-learning", "place": place, "jp": 5,
            "gate": {"all": [{"completed": [f"task-{number}"]},
                             {"score": {"activity": f"test-{number}", "at_least": 60}}]},
        }
        for number, place in ((1, "online"), (2, "campus"))
    ],
    "rules": {
        "cites": "Drill rules",
        "weights": {"test-1": 40, "test-2": 60},
        "bands": [{"floor": 0, "inclusive": True, "code": "lulus", "title": "lulus", "title_en": "passed"}],
        "pass_mark": 60,
        "issue": "after_decision",
        "document": {"kind": "certificate", "title": "Sertifikat", "title_en": "Certificate"},
    },
    "eligible": {"employment": ["PNS"], "position_levels": []},
    "prerequisites": [],
    "sdg_goals": [4],
    "rpjmd_goals": [],
}  # fmt: skip


@dataclass(frozen=True)
class Voices:
    """The people of the drill."""

    organiser: Voice
    endorser: Voice
    operator: Voice


async def prepare(voices: Voices) -> None:
    """Publish the drill's programme."""
    await voices.organiser.put("enrolment", f"/programmes/{CODE}/1", PROGRAMME)
    await voices.organiser.post("enrolment", f"/programmes/{CODE}/1/publication")


async def teach(voices: Voices, number: int, agency: str = AGENCY) -> None:
    """Take one cohort from its nomination to its certificates; every step may be asked again after a crash.

    Five are nominated for three seats: two wait, one withdraws, the first who waits takes the seat.
    """
    cohort = f"drill-{number:04d}"
    say = voices.organiser
    day = date(2024, 3, 4) + timedelta(days=7 * number)
    period = {"starts": day.isoformat(), "ends": (day + timedelta(days=4)).isoformat()}
    await say.put("enrolment", f"/cohorts/{cohort}", {
        "programme": {"code": CODE, "version": 1}, "title": f"Latihan {number}", "number": str(number),
        "year": 2024, "seats": SEATS, "host_agency": "BPSDM",
        "nominating_agencies": [{"code": agency, "name": "BKPSDM"}],
        "calendar": [{"phase": phase, "periods": [period]} for phase in range(1, PHASES + 1)],
        "sessions": {},
    })  # fmt: skip
    await say.post("enrolment", f"/cohorts/{cohort}/opening")
    rows = [_nominee(number, place, agency) for place in range(NOMINEES)]
    roster = await say.post(
        "enrolment", f"/cohorts/{cohort}/rosters", {"agency": agency, "rows": rows}
    )
    letter = {"letter_number": f"800/{number}", "letter_date": "2024-02-01", "rows": None}
    judged = await voices.endorser.post("enrolment", f"/rosters/{roster['id']}/endorsement", letter)
    seated = [row["enrolment_id"] for row in judged["rows"] if row["status"] == "accepted"]
    waiting = [row["enrolment_id"] for row in judged["rows"] if row["status"] == "waitlisted"]
    leaver, promoted = seated[0], waiting[0]
    await _known(say, seated)
    reason = {"reason": "mutasi", "on": "2024-03-05"}
    await say.post("enrolment", f"/enrolments/{leaver}/withdrawal", reason)
    taught = [*seated[1:], promoted]
    await _known(say, taught)
    for phase in range(1, PHASES + 1):
        items = [item for enrolment in taught for item in _evidence(enrolment, phase, day)]
        answer = await say.post("progress", "/evidence", {"items": items})
        if answer["refused"]:
            message = f"the drill's evidence was refused: {answer['results']}"
            raise RuntimeError(message)
    await until("every learner has completed", lambda: _completed(say, taught), within=_PATIENCE)
    await until("enrolment knows of it", lambda: _decided(say, cohort, taught), within=_PATIENCE)
    await until("certificates are issued", lambda: _certified(say, taught), within=_PATIENCE)


def _nominee(number: int, place: int, agency: str) -> dict[str, Any]:
    born = date(1980, 1, 1) + timedelta(days=NOMINEES * number + place)
    return {
        "nip": f"{born:%Y%m%d}2006041{place + 1:03d}",
        "name": f"Peserta {number}-{place}",
        "position": "Analis",
        "position_level": "pelaksana",
        "employment": "PNS",
        "agency": agency,
        "email": f"peserta{number}.{place}@example.go.id",
        "phone": "",
        "disability": False,
        "duty_3t": False,
    }


def _evidence(enrolment: str, phase: int, day: date) -> list[dict[str, Any]]:
    at = (datetime.combine(day, _BEGAN.timetz()) + timedelta(days=phase)).isoformat()
    said = {"enrolment_id": enrolment, "at": at, "source": "drill"}
    return [
        {**said, "kind": "completed", "activity": f"task-{phase}"},
        {**said, "kind": "score", "activity": f"test-{phase}", "score": 75},
    ]


async def _known(say: Voice, enrolments: list[str]) -> None:
    """Wait until progress has opened these records."""

    async def known() -> bool:
        return all([await _found(say, "progress", f"/enrolments/{each}") for each in enrolments])

    await until("progress knows the enrolled", known, within=_PATIENCE)


async def _completed(say: Voice, enrolments: list[str]) -> bool:
    records = await asyncio.gather(
        *(say.get("progress", f"/enrolments/{each}") for each in enrolments)
    )
    return all(record["status"] == "completed" for record in records)


async def _decided(say: Voice, cohort: str, enrolments: list[str]) -> bool:
    """Decide that all have graduated, once enrolment has heard that they completed."""
    decision = {
        "decided_on": "2024-12-20", "minutes": "BA-1", "signatory": {"name": "Kepala", "position": "Kepala BPSDM"},
        "decisions": [{"enrolment_id": each, "outcome": "graduated"} for each in enrolments],
    }  # fmt: skip
    try:
        await say.post("enrolment", f"/cohorts/{cohort}/graduation", decision)
    except Declined as declined:
        if declined.status in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
            return False
        raise
    return True


async def _certified(say: Voice, enrolments: list[str]) -> bool:
    return all([await _found(say, "certification", f"/certificates/{each}") for each in enrolments])


async def _found(say: Voice, service: str, path: str) -> bool:
    try:
        await say.get(service, path)
    except Declined as declined:
        if declined.status == HTTPStatus.NOT_FOUND:
            return False
        raise
    return True
