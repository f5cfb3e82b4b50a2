"""Builders for enrolment's tests: programmes, cohorts, people, and the service in memory."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

from services.enrolment.app import create_app
from services.enrolment.consumers import SUBSCRIPTIONS
from services.enrolment.domain.cohort import Cohort, CohortDraft, SittingDecision
from services.enrolment.domain.enrolment import Enrolment
from services.enrolment.domain.learner import Learner
from services.enrolment.domain.programme import Programme, ProgrammeDraft
from services.enrolment.domain.roster import Letter, Listed, Result, Roster, examine
from services.enrolment.handlers.cohorts import open_cohort, write_cohort
from services.enrolment.handlers.programmes import publish_programme, write_programme
from services.enrolment.handlers.rosters import (
    Nomination,
    Today,
    draft_roster,
    endorse_roster,
    judge_roster,
)
from services.enrolment.settings import Settings
from services.enrolment.store import KINDS, EnrolmentWork
from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryBus
from shared.events.certification import CertificateRevoked, Certified
from shared.events.fact import Fact
from shared.events.message import Message
from shared.events.plan import ProgrammeRef
from shared.events.progress import PhaseDone, ProgrammeCompleted
from shared.kernel.clock import SetClock
from shared.kernel.ids import derived, enrolment_id, learner_id
from shared.store.memory import MemoryStore
from shared.store.port import Store
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.support.federation import Province
from tests.support.serving import AUDIENCE, ISSUER, Issuer, MemoryEngine, clock, serving

NOW = datetime(2024, 2, 1, 3, 0, tzinfo=UTC)
DAY = date(2024, 2, 1)
TODAY = Today(NOW, DAY, "35")
KEY = bytes(range(32))
MALANG = "35.73"
BLITAR = "35.72"

COURSE: dict[str, Any] = {
    "title": "Pelatihan Dua Fase",
    "title_en": "Two-phase training",
    "family": "leadership",
    "phases": [
        {
            "number": 1, "code": "mooc", "title": "MOOC", "title_en": "MOOC", "mode": "mooc",
            "place": "workplace", "jp": 20, "gate": {"all": [{"completed": ["mooc-1"]}]},
        },
        {
            "number": 2, "code": "class", "title": "Klasikal", "title_en": "Classroom",
            "mode": "classroom", "place": "campus", "jp": 30,
            "gate": {
                "all": [
                    {"attendance": {"sessions": "class", "at_least_percent": 80}},
                    {"score": {"activity": "seminar", "by": "examiner", "at_least": 70}},
                ]
            },
        },
    ],
    "rules": {
        "cites": "PerLAN 6/2022",
        "weights": {"seminar": 100},
        "pass_mark": 70,
        "issue": "after_decision",
        "document": {"kind": "sttp", "title": "STTP", "title_en": "Certificate", "signed": True},
    },
    "eligible": {"employment": ["PNS"], "position_levels": ["administrator", "pengawas"]},
}  # fmt: skip
LECTURE: dict[str, Any] = {
    "title": "Kuliah Umum",
    "title_en": "Public lecture",
    "family": "public-lecture",
    "phases": [
        {
            "number": 1, "code": "stream", "title": "Siaran", "title_en": "Stream",
            "mode": "live-stream", "place": "online", "jp": 3,
            "gate": {"all": [{"attendance": {"sessions": "stream", "at_least_percent": 75}}]},
        }
    ],
    "rules": {
        "cites": "PerLAN 10/2018",
        "issue": "automatic",
        "document": {"title": "Sertifikat", "title_en": "Certificate"},
    },
}  # fmt: skip
DATES: list[dict[str, Any]] = [
    {"phase": 1, "periods": [{"starts": "2024-03-01", "ends": "2024-03-10"}]},
    {"phase": 2, "periods": [{"starts": "2024-03-11", "ends": "2024-03-15"}]},
]
LATER: list[dict[str, Any]] = [
    {"phase": 1, "periods": [{"starts": "2024-05-01", "ends": "2024-05-10"}]},
    {"phase": 2, "periods": [{"starts": "2024-05-13", "ends": "2024-05-17"}]},
]
SESSIONS = {"class": ["day-1", "day-2"]}


def changed(body: Mapping[str, Any], **changes: object) -> dict[str, Any]:
    """Copy a body with other members."""
    return {**deepcopy(dict(body)), **changes}


def cohort_body(**changes: object) -> dict[str, Any]:
    """Make the body of a seated cohort of COURSE."""
    usual: dict[str, Any] = {
        "programme": {"code": "DUA", "version": 1},
        "title": "Dua Fase Angkatan I",
        "number": "I",
        "year": 2024,
        "seats": 2,
        "host_agency": "BPSDM Provinsi Jawa Timur",
        "nominating_agencies": [
            {"code": MALANG, "name": "BKPSDM Kota Malang"},
            {"code": BLITAR, "name": "BKPSDM Kota Blitar"},
        ],
        "calendar": DATES,
        "sessions": SESSIONS,
    }
    return changed(usual, **changes)


def lecture_body(**changes: object) -> dict[str, Any]:
    """Make the body of an open cohort of LECTURE."""
    usual = cohort_body(
        programme={"code": "KULIAH", "version": 1}, title="Kuliah Umum Mei", seats=None,
        nominating_agencies=[], calendar=[], sessions={"stream": ["live"]},
    )  # fmt: skip
    return changed(usual, **changes)


def nip(serial: int) -> str:
    """Make the valid number of a PNS, born in 1980 and appointed in 2005."""
    return (
        f"19800101200501{1 + serial % 2}{serial % 999 + 1:03d}" if serial < 999 else _older(serial)
    )


def _older(serial: int) -> str:
    year, rest = 1980 + serial // 999 % 10, serial % 999
    month = serial // 9990 % 12 + 1
    return f"{year}{month:02d}012010011{rest + 1:03d}"


def pppk_nip(serial: int = 1) -> str:
    """Make the valid number of a PPPK, whose digits 13-14 are no month."""
    return f"1990091320232110{serial:02d}"


def row(serial: int = 1, **changes: object) -> dict[str, Any]:
    """Make one row of a JSON list."""
    usual: dict[str, Any] = {
        "nip": nip(serial),
        "name": f"Peserta {serial}",
        "position": "Kepala Seksi",
        "position_level": "pengawas",
        "email": f"p{serial}@malangkota.go.id",
        "phone": "0812",
        "disability": False,
        "duty_3t": False,
    }
    return changed(usual, **changes)


def listed(number: int, serial: int | None = None, **changes: Any) -> Listed:  # noqa: ANN401 - a row's fields
    """Make one row of a list."""
    who = number if serial is None else serial
    usual: dict[str, Any] = {
        "nip": nip(who), "name": f"Peserta {who}", "position_level": "pengawas",
        "email": f"p{who}@malangkota.go.id",
    }  # fmt: skip
    return Listed(number, **{**usual, **changes})


def person(serial: int = 1) -> str:
    """Tell the learner id of the person whose number `nip` makes."""
    return learner_id(nip(serial), KEY)


def seat(serial: int = 1, cohort: str = "dua-i") -> str:
    """Tell the enrolment id of that person in a cohort."""
    return enrolment_id(person(serial), cohort, "35")


class Desk:
    """Enrolment's use cases and subscriptions on memory twins, driven step by step."""

    def __init__(self, store: Store | None = None, bus: MemoryBus | None = None) -> None:
        """Stand on a store and a bus, empty ones unless given."""
        self.store = store or MemoryStore()
        self.bus = bus or MemoryBus()
        self.relay = Relay(self.store, KINDS, self.bus.publish)
        frame = Frame(self.store, "/corpu/35/enrolment")
        self.works = Works(EnrolmentWork, frame, self.relay)
        self.deliveries = [Delivery(each, self.works) for each in SUBSCRIPTIONS]

    async def settle(self) -> None:
        """Publish what was stated and deliver it, until nothing is left to say."""
        await self.bus.settle(self.deliveries)
        while await self.relay.sweep(0):
            await self.bus.settle(self.deliveries)

    def told(self, kind: type[Fact] | None = None) -> list[Any]:
        """Tell every fact that was published, of one type or of all."""
        topics = ("enrolment", "learners")
        facts = [message.fact() for topic in topics for message in self.bus.messages(topic)]
        return [fact for fact in facts if kind is None or isinstance(fact, kind)]

    async def hear(self, *facts: Fact) -> None:
        """Publish facts as other services would, each the first of its aggregate, and settle."""
        await self.bus.publish([message_of(fact) for fact in facts])
        await self.bus.settle(self.deliveries)
        await self.settle()

    async def programme(self, key: str = "DUA.1", body: Mapping[str, Any] = COURSE) -> Programme:
        """Write and publish a programme."""
        draft = ProgrammeDraft.model_validate(body)
        await self.works.run(lambda work: write_programme(key, draft, "", work))
        return await self.works.run(lambda work: publish_programme(key, NOW, work))

    async def cohort(self, key: str = "dua-i", body: Mapping[str, Any] | None = None) -> Cohort:
        """Write and open a cohort."""
        draft = CohortDraft.model_validate(body or cohort_body())
        await self.works.run(lambda work: write_cohort(key, draft, "35", "", work))
        return await self.works.run(lambda work: open_cohort(key, NOW, work))

    async def begin(self, **changes: object) -> Cohort:
        """Publish the course and open one cohort of it."""
        await self.programme()
        return await self.cohort(body=cohort_body(**changes))

    async def draft(
        self, rows: Sequence[Listed], *, cohort: str = "dua-i", agency: str = MALANG, key: str = ""
    ) -> Roster:
        """Draft a list."""

        def identify(number: str) -> tuple[str, str]:
            learner = learner_id(number, KEY)
            return learner, enrolment_id(learner, cohort, "35")

        roster_id = key or derived("roster", agency, cohort, repr(rows))
        nomination = Nomination(cohort, agency, examine(rows, DAY, identify))
        return await self.works.run(lambda work: draft_roster(roster_id, nomination, NOW, work))

    async def endorse(self, roster: Roster, rows: tuple[int, ...] | None = None) -> Roster:
        """Endorse a list without having it judged yet."""
        letter = Letter("800/123/2024", DAY, rows)
        return await self.works.run(lambda work: endorse_roster(roster.id, letter, NOW, work))

    async def nominate(
        self, rows: Sequence[Listed], *, cohort: str = "dua-i", agency: str = MALANG, key: str = ""
    ) -> Roster:
        """Draft, endorse and judge a list."""
        roster = await self.endorse(await self.draft(rows, cohort=cohort, agency=agency, key=key))
        return await judge_roster(roster.id, TODAY, self.works)

    async def programme_now(self, key: str = "DUA.1") -> Programme:
        """Load a programme."""
        return await self.works.open().programmes.of(key)

    async def cohort_now(self, key: str = "dua-i") -> Cohort:
        """Load a cohort."""
        return await self.works.open().cohorts.of(key)

    async def learner(self, serial: int = 1) -> Learner:
        """Load the learner whose number `nip` makes."""
        return await self.works.open().learners.of(person(serial))

    async def enrolment(self, serial: int = 1, cohort: str = "dua-i") -> Enrolment:
        """Load that learner's enrolment in a cohort."""
        return await self.works.open().enrolments.of(seat(serial, cohort))


def message_of(fact: Fact) -> Message:
    """State a fact; one of other contents has another id."""
    aggregate = derived(fact.type, fact.write())
    return Message.of(fact, source="/corpu/35/others", aggregate=aggregate, seq=1, epoch=1)


def outcomes(roster: Roster) -> list[tuple[str, tuple[str, ...]]]:
    """Tell what became of a list's rows, in their order."""
    results: list[Result] = [roster.results[str(each.row)] for each in roster.rows]
    return [(each.status, each.reasons) for each in results]


@dataclass(frozen=True)
class Served:
    """The enrolment service served in memory, with its parts in reach."""

    app: FastAPI
    client: httpx2.AsyncClient
    engine: MemoryEngine
    issuer: Issuer
    clock: SetClock
    node: str = "35"

    async def ask(
        self, method: str, path: str, *roles: str, claims: Mapping[str, object] | None = None,
        **sent: Any,  # noqa: ANN401 - what the client takes
    ) -> httpx2.Response:  # fmt: skip
        """Ask as a person with these roles, the organiser unless named."""
        held: dict[str, object] = {"node": self.node, **(claims or {})}
        headers = self.issuer.bearer(*(roles or ("organiser",)), **held)
        headers |= sent.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **sent)

    async def settled(self) -> None:
        """Wait until everything stated is published and heard."""
        parts = self.app.state.parts
        while await parts.relay.sweep(0):
            await self.engine.bus.quiet()


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    """Serve enrolment on memory twins; `folder` holds its pseudonym key."""
    key = folder / "pseudonym.hex"
    key.write_text(KEY.hex(), encoding="ascii")
    engine, watch = MemoryEngine(), clock()
    issuer = Issuer(watch)
    settings = Settings.model_validate(
        {"CORPU_ISSUER": ISSUER, "CORPU_AUDIENCE": AUDIENCE, "CORPU_PSEUDONYM_KEY_FILE": key}
    )
    app = create_app(settings, engine, watch, issuer)
    async with serving(app) as client:
        yield Served(app, client, engine, issuer, watch)


@asynccontextmanager
async def served_at(province: Province) -> AsyncIterator[Served]:
    """Serve a node's enrolment on its memory twins; every node has the same pseudonym key."""
    key = province.folder / "pseudonym.hex"
    key.write_text(KEY.hex(), encoding="ascii")
    watch = clock()
    issuer = Issuer(watch)
    held = {"CORPU_ISSUER": ISSUER, "CORPU_AUDIENCE": AUDIENCE, "CORPU_PSEUDONYM_KEY_FILE": key}
    app = create_app(province.settings(Settings, **held), province.engine, watch, issuer)
    async with serving(app) as client:
        yield Served(app, client, province.engine, issuer, watch, province.node)


def programme_of() -> Programme:
    """Make the course as it stands once written."""
    return Programme("DUA.1").write(ProgrammeDraft.model_validate(COURSE), "")


def completed(
    programme: Programme, serial: int = 1, revision: int = 1, **changes: object
) -> ProgrammeCompleted:
    """Tell that somebody has completed every phase."""
    usual: dict[str, Any] = {
        "learner_id": person(serial), "at": NOW, "enrolment_id": seat(serial),
        "cohort_id": "dua-i", "cohort_title": "Dua Fase Angkatan I", "agency": MALANG,
        "home_node": "35", "programme": programme.ref, "jp": 49 + revision, "revision": revision,
        "phases": (PhaseDone(phase=1, at=NOW),), "scores": {"seminar": 80},
    }  # fmt: skip
    return ProgrammeCompleted(**{**usual, **changes})


def certified(code: str, serial: int = 1, revision: int = 1, **changes: object) -> Certified:
    """Tell that somebody holds a certificate of a programme."""
    reference = ProgrammeRef(code=code, version=1, title="x", title_en="x", family="leadership")
    usual: dict[str, Any] = {
        "learner_id": person(serial), "at": NOW, "enrolment_id": f"earlier-{code}",
        "cohort_id": "earlier", "cohort_title": "Angkatan dahulu", "agency": MALANG,
        "home_node": "35", "host_node": "35", "host_agency": "BPSDM", "programme": reference,
        "number": f"{code}/{revision}", "revision": revision, "jp": 40, "final_score": None,
        "predicate": None, "kind": "certificate", "issued_on": date(2022, 1, 1), "year": 2022,
        "verify_url": "https://corpu.test/verify/x",
    }  # fmt: skip
    return Certified(**{**usual, **changes})


def revoked(code: str, serial: int = 1, revision: int = 1) -> CertificateRevoked:
    """Tell that this certificate holds no longer."""
    held = certified(code, serial, revision)
    return CertificateRevoked(
        learner_id=held.learner_id, at=NOW, enrolment_id=held.enrolment_id,
        programme=held.programme, agency=MALANG, number=held.number, revision=revision,
        reason="keliru",
    )  # fmt: skip


def sitting(*decisions: tuple[int, str], minutes: str = "BA/1") -> SittingDecision:
    """Make a sitting that decides on learners by their serials; deferred ones until the year's end."""
    return SittingDecision.model_validate(
        {
            "decided_on": "2024-07-12",
            "minutes": minutes,
            "signatory": {"name": "Kepala", "position": "Kepala BPSDM"},
            "decisions": [
                {
                    "enrolment_id": seat(serial),
                    "outcome": outcome,
                    "until": "2024-12-31" if outcome == "deferred" else None,
                }
                for serial, outcome in decisions
            ],
        }
    )
