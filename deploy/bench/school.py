"""Cohorts of any size, taught through the public APIs as fast as these take it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from deploy.client import Voice, until

AGENCY = "35.73"
CODE = "BENCH"
PHASES = 6
_CHUNK = 1_000
_LARGEST_COHORT = 5_000
_PATIENCE = 3_600.0

PROGRAMME: dict[str, Any] = {
    "title": "Pelatihan enam tahap",
    "title_en": "Training in six phases",
    "family": "technical",
    "phases": [
        {
            "number": number, "code": f"phase-{number}", "title": f"Tahap {number}",
            "title_en": f"Phase {number}", "mode": "e-learning", "place": "online", "jp": 10,
            "gate": {"all": [{"score": {"activity": f"test-{number}", "at_least": 60}}]},
        }
        for number in range(1, PHASES + 1)
    ],
    "rules": {
        "cites": "Benchmark rules",
        "weights": {"test-1": 50, "test-6": 50},
        "bands": [{"floor": 0, "inclusive": True, "code": "lulus", "title": "lulus", "title_en": "passed"}],
        "issue": "automatic",
        "document": {"kind": "certificate", "title": "Sertifikat", "title_en": "Certificate"},
    },
    "eligible": {"employment": ["PNS"], "position_levels": []},
    "prerequisites": [],
    "sdg_goals": [],
    "rpjmd_goals": [],
}  # fmt: skip


async def publish(organiser: Voice) -> None:
    """Publish the programme."""
    await organiser.put("enrolment", f"/programmes/{CODE}/1", PROGRAMME)
    await organiser.post("enrolment", f"/programmes/{CODE}/1/publication")


async def enrol(organiser: Voice, endorser: Voice, first: int, count: int) -> list[str]:
    """Nominate, endorse and seat `count` learners who nobody was before; give their enrolments."""
    enrolments: list[str] = []
    for start in range(first, first + count, _LARGEST_COHORT):
        size = min(_LARGEST_COHORT, first + count - start)
        cohort = f"bench-{start:07d}"
        await organiser.put("enrolment", f"/cohorts/{cohort}", {
            "programme": {"code": CODE, "version": 1}, "title": f"Angkatan {start}", "number": str(start),
            "year": 2024, "seats": size, "host_agency": "BPSDM",
            "nominating_agencies": [{"code": AGENCY, "name": "BKPSDM"}], "calendar": [], "sessions": {},
        })  # fmt: skip
        await organiser.post("enrolment", f"/cohorts/{cohort}/opening")
        rows = [nominee(start + place) for place in range(size)]
        roster = await organiser.post(
            "enrolment", f"/cohorts/{cohort}/rosters", {"agency": AGENCY, "rows": rows}
        )
        letter = {"letter_number": "800/1", "letter_date": "2024-02-01", "rows": None}
        judged = await endorser.post("enrolment", f"/rosters/{roster['id']}/endorsement", letter)
        seated = [row["enrolment_id"] for row in judged["rows"] if row["status"] == "accepted"]
        if len(seated) != size:
            message = f"only {len(seated)} of {size} nominees were accepted"
            raise RuntimeError(message)
        enrolments += seated
    return enrolments


async def teach(organiser: Voice, enrolments: list[str], counted: Callable[[], Any]) -> None:
    """Send what completes six phases, phase by phase, once progress knows everybody, as `counted` tells."""
    await until("progress knows the enrolled", counted, within=_PATIENCE, every=2.0)
    for phase in range(1, PHASES + 1):
        at = f"2024-0{phase}-15T03:00:00Z"
        said = {
            "kind": "score",
            "at": at,
            "source": "bench",
            "activity": f"test-{phase}",
            "score": 80,
        }
        for start in range(0, len(enrolments), _CHUNK):
            items = [{**said, "enrolment_id": each} for each in enrolments[start : start + _CHUNK]]
            answer = await organiser.post("progress", "/evidence", {"items": items})
            # On a machine that is busy an answer may come too late, and the same is sent again.
            known = answer["accepted"] + answer["repeated"]
            if known != len(items):
                message = f"only {known} of {len(items)} pieces of evidence were accepted"
                raise RuntimeError(message)


def nominee(number: int) -> dict[str, Any]:
    """Make the nominee with this number."""
    # Old enough in 2006 to be appointed, whatever the number.
    born = date(1970, 1, 1) + timedelta(days=number % 7000)
    return {
        "nip": f"{born:%Y%m%d}2006{1 + number // 7000 % 12:02d}1{1 + number // 84_000:03d}",
        "name": f"Peserta {number}",
        "position": "Analis",
        "position_level": "pelaksana",
        "employment": "PNS",
        "agency": AGENCY,
        "email": "",
        "phone": "",
        "disability": False,
        "duty_3t": False,
    }
