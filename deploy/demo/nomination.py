"""The demo's first act: programmes published, cohorts opened, lists endorsed and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from deploy.client import Declined
from deploy.demo.cast import CITY, PROVINCE, Cast, workbook
from deploy.demo.evidence import Course, name_sessions
from deploy.demo.names import Civilian
from deploy.demo.stage import Stage

Row = dict[str, Any]
_OTHER = "PKP"
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Nominated:
    """What came of the list: the cohort's course and the judged rows."""

    cohort_id: str
    course: Course
    roster_id: str
    rows: Sequence[Row]

    def rows_of(self, status: str) -> list[Row]:
        """List the rows with this result."""
        return [row for row in self.rows if row["status"] == status]


@dataclass(frozen=True, slots=True)
class Staff:
    """The pseudonyms of those who accompany learners."""

    mentors: Sequence[str]
    coaches: Sequence[str]
    examiners: Sequence[str]


async def publish(stage: Stage, code: str) -> Mapping[str, Any]:
    """Publish a programme from the shipped catalogue, and tell it as the node holds it."""
    body = await stage.organiser.get("enrolment", f"/catalogue/{code}")
    path = f"/programmes/{code}/{body['version']}"
    await stage.organiser.put("enrolment", path, body)
    published: Mapping[str, Any] = await stage.organiser.post("enrolment", f"{path}/publication")
    return published


async def record_staff(stage: Stage, cast: Cast) -> Staff:
    """Upload the whole staff of city and training agency, and tell the companions' pseudonyms."""
    trainers = [*cast.coaches, *cast.examiners]
    known: dict[str, str] = {}
    for agency, staff in ((CITY, cast.city_staff), (PROVINCE, trainers)):
        content = workbook(staff, "DAFTAR PEGAWAI")
        path = f"/agencies/{agency}/staff"
        await stage.organiser.upload("enrolment", path, "pegawai.xlsx", content)
        async for each in stage.organiser.pages("enrolment", path):
            known[each["nip"]] = each["id"]
    groups = (cast.mentors, cast.coaches, cast.examiners)
    return Staff(*([known[each.nip] for each in group] for group in groups))


async def nominate(stage: Stage, cast: Cast, seats: int) -> Nominated:
    """Open the cohort, upload the list from Excel, have it endorsed, and tell how it was judged."""
    body = {**await stage.organiser.get("enrolment", "/examples/cohort"), "seats": seats}
    programme = await publish(stage, body["programme"]["code"])
    course = course_of(programme, body)
    residential = [phase["number"] for phase in course.phases if phase["place"] == "campus"]
    await train_elsewhere(stage, cast, body, course.days(residential[0])[0])
    cohort_id = body["id"]
    await _open(stage, body)
    content = workbook(cast.nominees, f"USULAN PESERTA {body['title'].upper()}")
    stage.keep("usulan-peserta.xlsx", content)
    draft = await stage.nominator.upload(
        "enrolment", f"/cohorts/{cohort_id}/rosters", "usulan-peserta.xlsx", content, agency=CITY
    )
    rows = await _endorse(stage, draft["id"], "800.2.4.1/0587/35.73.403/2024", date(2024, 2, 26))
    return Nominated(cohort_id, course, draft["id"], rows)


async def train_elsewhere(stage: Stage, cast: Cast, like: Row, wanted: date) -> None:
    """Enrol one nominee in another cohort that is on campus on a day wanted here."""
    programme = await publish(stage, _OTHER)
    campus = next(
        number for number, phase in enumerate(programme["phases"]) if phase["place"] == "campus"
    )
    first = wanted - campus * _WEEK
    calendar = [
        {"phase": phase["number"], "periods": [_week(first + number * _WEEK)]}
        for number, phase in enumerate(programme["phases"])
    ]
    body = {
        **like,
        "id": "pkp-iv-jatim-2024",
        "programme": {"code": programme["code"], "version": programme["version"]},
        "title": "PKP Angkatan IV Tahun 2024",
        "number": "IV",
        "seats": 40,
        "calendar": calendar,
        "sessions": {},
    }
    await _open(stage, {**body, "sessions": name_sessions(course_of(programme, body))})
    roster = await stage.nominator.post(
        "enrolment",
        f"/cohorts/{body['id']}/rosters",
        {"agency": CITY, "rows": [_row(cast.elsewhere)]},
    )
    rows = await _endorse(stage, roster["id"], "800.2.4.1/0412/35.73.403/2024", date(2024, 2, 5))
    if rows[0]["status"] != "accepted":
        why = f"the other cohort did not take row 1: {', '.join(rows[0]['reasons'])}"
        raise Declined("enrolment", 200, "not-accepted", why)


def course_of(programme: Mapping[str, Any], cohort: Mapping[str, Any]) -> Course:
    """Put a programme's phases and a cohort's calendar and sessions together."""
    periods = {
        entry["phase"]: [
            (date.fromisoformat(each["starts"]), date.fromisoformat(each["ends"]))
            for each in entry["periods"]
        ]
        for entry in cohort["calendar"]
    }
    return Course(programme["phases"], periods, cohort["sessions"], PROVINCE)


async def _open(stage: Stage, body: Row) -> None:
    path = f"/cohorts/{body['id']}"
    await stage.organiser.put("enrolment", path, body)
    await stage.organiser.post("enrolment", f"{path}/opening")


async def _endorse(stage: Stage, roster_id: str, letter: str, dated: date) -> list[Row]:
    """Endorse all rows of a list by a letter, and tell how each was judged."""
    said = {"letter_number": letter, "letter_date": str(dated), "rows": None}
    path = f"/rosters/{roster_id}/endorsement"
    judged: Row = await stage.endorser.post("enrolment", path, said)
    rows: list[Row] = judged["rows"]
    return rows


def _week(starts: date) -> dict[str, str]:
    return {"starts": str(starts), "ends": str(starts + _WEEK - timedelta(days=1))}


def _row(each: Civilian) -> Row:
    return {
        "nip": each.nip,
        "name": each.name,
        "position": each.position,
        "position_level": each.position_level.lower(),
        "employment": each.employment,
        "email": each.email,
        "phone": each.phone,
        "disability": each.disability,
        "duty_3t": each.duty_3t,
    }
