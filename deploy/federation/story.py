"""The story of two provinces: one offers a cohort, the other sends people, all are taught and certified.

Both nodes are played through their public APIs only. Every step may be asked again after a crash.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from deploy.client import until
from deploy.demo import evidence
from deploy.demo.cast import workbook
from deploy.demo.evidence import ORGANISER, Participant, Sent
from deploy.demo.graduation import graduate, sign, sign_and_print
from deploy.demo.names import Civilian
from deploy.demo.nomination import Nominated, Staff, course_of, publish
from deploy.demo.replay import Play, Replayed
from deploy.demo.stage import Stage
from deploy.federation.cast import HOME_CITY, HOST_AGENCY, HOST_CITY, Cast
from deploy.federation.provinces import HOME, HOST
from shared.kernel.clock import SystemClock
from shared.kernel.ids import learner_id

AGREEMENT = "jatim-kalteng-2024"
COHORT = "pka-jatim-kalteng-2024"
_ABROAD = f"/offers/cohorts/{HOST}/{COHORT}/rosters"
_NUMBER = "120.23/118/011.2/2024"
_LETTER = {"letter_number": "800.2.4.1/0587/2024", "letter_date": "2024-02-26", "rows": None}
_AT_ONCE = 4
Reached = Callable[[str], Awaitable[None]]
"""Hears which point of the story is reached, and may disturb what comes next."""


async def undisturbed(point: str) -> None:
    """Let the story go on."""
    del point


@dataclass
class Story:
    """The story under way: both stages, who takes part, and who hears of each point."""

    host: Stage
    home: Stage
    cast: Cast
    key: bytes
    reached: Reached = undisturbed
    amends: bool = False
    """Whether a guest leaves for another who waits, and in the end one certificate is revoked and one issued again."""
    replayed: Replayed = field(default_factory=Replayed)
    course: evidence.Course | None = None
    enrolments: dict[str, str] = field(default_factory=dict)
    """Every learner's enrolment, by pseudonym."""
    rosters: dict[str, list[str]] = field(default_factory=dict)
    """The lists by their agencies."""
    replaced: bool = False

    def ids(self, people: Sequence[Civilian]) -> dict[str, Civilian]:
        """Tell people by their pseudonyms."""
        return {learner_id(each.nip, self.key): each for each in people}

    @property
    def guests(self) -> dict[str, Civilian]:
        """Tell the guests who learn by their pseudonyms."""
        leaver, *others = self.cast.guests
        return self.ids([*others, self.cast.later[0] if self.replaced else leaver])

    @property
    def learners(self) -> int:
        """Tell how many learn."""
        return len(self.cast.own) + len(self.cast.guests)

    async def play(self) -> None:
        """Play from the first card to the last certificate."""
        await self.prepare()
        await self.reached("prepared")
        await self.nominate()
        await self.reached("nominated")
        await self.judged()
        await self.reached("enrolled")
        if self.amends:
            await self.replace()
            await self.reached("a guest left, and who waited is enrolled")
        await self.teach()
        await self.reached("taught")
        await self.certify()
        await self.reached("certified")
        if self.amends:
            await self.amend()
            await self.reached("amended")

    async def prepare(self) -> None:
        """Record the staff of both, register the agreement at both, publish, open and offer."""
        trainers = [*self.cast.coaches, *self.cast.examiners]
        await _record(self.host, HOST_CITY, [*self.cast.own, *self.cast.host_mentors])
        await _record(self.host, HOST_AGENCY, trainers)
        await _record(self.home, HOME_CITY, self.cast.homes_people)
        for stage in (self.host, self.home):
            await stage.organiser.put("enrolment", f"/agreements/{AGREEMENT}", _AGREED)
        programme = await publish(self.host, "PKA")
        organiser = self.host.organiser
        code, version = programme["code"], programme["version"]
        await organiser.post("enrolment", f"/programmes/{code}/{version}/offer")
        body = {
            **await organiser.get("enrolment", "/examples/cohort"),
            "id": COHORT,
            "title": "PKA Angkatan III Jawa Timur dan Kalimantan Tengah Tahun 2024",
            "seats": self.learners,
            "nominating_agencies": [{"code": HOST_CITY, "name": "BKPSDM Kota Malang"}],
        }
        self.course = course_of(programme, body)
        await organiser.put("enrolment", f"/cohorts/{COHORT}", body)
        await organiser.post("enrolment", f"/cohorts/{COHORT}/opening")
        last = SystemClock().now().date() + timedelta(days=30)
        terms = {
            "agreements": [AGREEMENT],
            "nominations_until": str(last),
            "seats_for_guests": len(self.cast.guests),
        }
        await organiser.post("enrolment", f"/cohorts/{COHORT}/offer", terms)

    async def nominate(self) -> None:
        """Nominate as soon as the offer is seen over there; both lists are endorsed at home."""
        await until("the offer is seen", self._offer_seen, within=self.home.patience)
        await self._send_list(self.home, self.cast.guests, _ABROAD)
        await self._send_list(self.host, self.cast.own, f"/cohorts/{COHORT}/rosters")

    async def _send_list(self, stage: Stage, people: Sequence[Civilian], path: str) -> None:
        content = workbook(people, "USULAN PESERTA PKA ANGKATAN III")
        draft = await stage.nominator.upload(
            "enrolment", path, "usulan.xlsx", content, agency=stage.agency
        )
        await stage.endorser.post("enrolment", f"/rosters/{draft['id']}/endorsement", _LETTER)
        self.rosters.setdefault(stage.agency, []).append(draft["id"])

    async def judged(self) -> None:
        """Wait until everybody is enrolled at the host, and until their home knows."""
        await until("everybody is enrolled", self._all_enrolled, within=self.host.patience)
        await until("their home knows", self._all_accepted, within=self.home.patience)

    async def replace(self) -> None:
        """Nominate one more, who waits; let a guest's home take that guest back, so that who waits is enrolled."""
        (waiting,), (leaver, *_) = self.ids(self.cast.later[:1]), self.ids(self.cast.guests)
        await self._send_list(self.home, self.cast.later[:1], _ABROAD)
        within = self.home.patience
        await until("one waits", partial(self._stand, {waiting: "waitlisted"}), within=within)
        path = f"/enrolments/{self.enrolments[leaver]}/withdrawal"
        said = {"on": str(SystemClock().now().date()), "reason": "Tugas mendesak di daerah"}
        await self.home.organiser.post("enrolment", path, said)
        self.replaced = True
        changed = {leaver: "withdrawn", waiting: "enrolled"}
        await until("home knows who learns now", partial(self._stand, changed), within=within)
        await until("everybody is enrolled", self._all_enrolled, within=self.host.patience)

    async def _stand(self, wanted: Mapping[str, str]) -> bool:
        """Tell whether these people stand so in the host's cohort, as far as their home knows."""
        pages = self.home.organiser.pages("enrolment", "/placements")
        stands = {each["learner_id"]: each["status"] async for each in pages}
        return all(stands.get(learner) == status for learner, status in wanted.items())

    async def teach(self) -> None:
        """Send the evidence wave by wave, as the host's people do."""
        nominated = self.nominated
        participants = self._participants()
        staff = Staff(*(list(self.ids(each)) for each in self._companions))
        play = Play(self.host, nominated, staff)
        await self._assign(participants)
        voices = {ORGANISER: self.host.organiser}
        for role, people in zip(("mentor", "coach", "examiner"), self._companions, strict=True):
            voices |= {each: self.host.companion(role, each) for each in self.ids(people)}
        stories = [
            evidence.story(nominated.course, each, seed) for seed, each in enumerate(participants)
        ]
        # Some of each province's have a mark corrected when all else is in, or evidence told late.
        for number in range(0, len(stories), 7):
            stories[number] = evidence.corrected(stories[number], nominated.course)
        for number in range(3, len(stories), 7):
            stories[number] = evidence.late(stories[number], wave=2, until=4)
        for wave in range(1, evidence.last_wave(stories) + 1):
            sent: list[Sent] = [each for story in stories for each in story if each.wave == wave]
            await play.send(voices, sent, self.replayed)
            await self.reached(f"wave {wave}")

    async def certify(self) -> None:
        """Decide on all in one call, sign what was drafted, print it, and see it in every passport."""
        participants = self._participants()
        await graduate(self.host, self.nominated, participants)
        await self.reached("decided")
        await sign_and_print(self.host, self.nominated, len(participants))
        await until("every passport has its certificate", self._credited, within=self.host.patience)

    async def _credited(self) -> bool:
        places = set(self.enrolments.values())
        rows = self.host.operator.pages("progress", "/operations/audit")
        entries = [entry async for row in rows for entry in row.get("entries", ())]
        live = {each["enrolment_id"] for each in entries if each["live"]}
        return len(live & places) == self.learners

    async def amend(self) -> None:
        """Revoke the first guest's certificate, issue the second's again, and have that one signed."""
        reason = {"reason": "Perbaikan data peserta"}
        revoked, again = (
            f"/certificates/{self.enrolments[each]}" for each in sorted(self.guests)[:2]
        )
        await self.host.organiser.post("certification", f"{revoked}/revocation", reason)
        held = await self.host.organiser.post("certification", f"{again}/reissue", reason)
        await sign(self.host, [held], SystemClock().now().date())

    @property
    def nominated(self) -> Nominated:
        """Tell the cohort as the demo's acts know it."""
        if self.course is None:
            message = "nothing was prepared yet"
            raise RuntimeError(message)
        return Nominated(COHORT, self.course, "", ())

    @property
    def _companions(self) -> tuple[Sequence[Civilian], Sequence[Civilian], Sequence[Civilian]]:
        return self.cast.host_mentors, self.cast.coaches, self.cast.examiners

    def _participants(self) -> list[Participant]:
        """Give everybody who learns a coach and an examiner, and the host's own a mentor."""
        mentors, coaches, examiners = (list(self.ids(each)) for each in self._companions)
        begins = self.nominated.course.days(1)[0]
        # What a guest's superior at home signs is handed in, and recorded by the organiser.
        return [
            Participant(
                enrolment_id=enrolment,
                mentor=ORGANISER if learner in self.guests else mentors[number % len(mentors)],
                coach=coaches[number % len(coaches)],
                examiner=examiners[number % len(examiners)],
                joined=begins,
            )
            for number, (learner, enrolment) in enumerate(sorted(self.enrolments.items()))
        ]

    async def _assign(self, participants: Sequence[Participant]) -> None:
        wanted = {each.enrolment_id for each in participants}
        await until(
            "progress knows everybody", partial(self._known, wanted), within=self.host.patience
        )
        items = [
            {
                "enrolment_id": each.enrolment_id,
                **({} if each.mentor == ORGANISER else {"mentor": each.mentor}),
                "coach": each.coach,
                "examiners": [each.examiner],
            }
            for each in participants
        ]
        path = f"/cohorts/{COHORT}/companions"
        await self.host.organiser.put("progress", path, {"items": items})

    async def _known(self, wanted: set[str]) -> bool:
        pages = self.host.organiser.pages("progress", f"/cohorts/{COHORT}/progress")
        return wanted <= {row["enrolment_id"] async for row in pages}

    async def _offer_seen(self) -> bool:
        pages = self.home.nominator.pages("enrolment", "/offers/cohorts", node=HOST)
        return any([each["cohort_id"] == COHORT async for each in pages])

    async def _all_enrolled(self) -> bool:
        pages = self.host.organiser.pages("enrolment", f"/cohorts/{COHORT}/enrolments")
        self.enrolments = {
            each["learner_id"]: each["id"] async for each in pages if each["status"] == "enrolled"
        }
        return len(self.enrolments) == self.learners

    async def _all_accepted(self) -> bool:
        (sent,) = self.rosters[HOME_CITY]
        roster = await self.home.nominator.get("enrolment", f"/rosters/{sent}")
        said = Counter(row["status"] for row in roster["rows"])
        return said["enrolled"] + said["accepted"] == len(self.cast.guests)


_AGREED: Mapping[str, Any] = {
    "number": _NUMBER,
    "parties": [{"node": HOST}, {"node": HOME}],
    "valid_from": "2024-01-02",
    "valid_until": "2031-12-31",
    "programmes": ["PKA"],
    "legal_basis": "UU 27/2022 Pasal 20 ayat (2) huruf e; PP 28/2018 tentang Kerja Sama Daerah",
    "purpose": "Penyelenggaraan pelatihan kepemimpinan bagi ASN kedua provinsi",
}


async def _record(stage: Stage, agency: str, people: Sequence[Civilian]) -> None:
    """Upload an agency's whole staff."""
    content = workbook(people, "DAFTAR PEGAWAI")
    path = f"/agencies/{agency}/staff"
    await stage.organiser.upload("enrolment", path, "pegawai.xlsx", content)
