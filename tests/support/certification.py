"""Builders of an enrolment's story as certification hears it, and a node's certification in memory."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from services.certification.app import create_app
from services.certification.consumers import SUBSCRIPTIONS
from services.certification.domain.dossier import Dossier
from services.certification.settings import Settings
from services.certification.store import KINDS, REGISTERS, CertificationWork
from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryBus
from shared.bus.parking import PARKED
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerRecorded,
    NewPeriods,
    Outcome,
    Rescheduled,
    Withdrawn,
)
from shared.events.fact import Fact
from shared.events.message import Message
from shared.events.plan import Plan, Signatory
from shared.events.progress import PhaseDone, ProgrammeCompleted
from shared.store.memory import MemoryStore
from shared.store.port import Store
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.support.federation import Province
from tests.support.serving import ISSUER, Issuer, MemoryEngine, clock

COMPLETED = datetime(2024, 7, 10, 9, 0, tzinfo=UTC)
DECIDED = datetime(2024, 7, 11, 2, 0, tzinfo=UTC)
PUBLIC_URL = "https://corpu.jatimprov.go.id"

BANDS = (
    {"floor": 90, "code": "sangat-memuaskan", "title": "Sangat Memuaskan", "title_en": "Excellent"},
    {"floor": 80, "code": "memuaskan", "title": "Memuaskan", "title_en": "Very good"},
    {"floor": 70, "inclusive": True, "code": "cukup-memuaskan", "title": "Cukup Memuaskan", "title_en": "Good"},
    {"floor": 60, "code": "kurang-memuaskan", "title": "Kurang Memuaskan", "title_en": "Fair"},
    {"floor": 0, "code": "tidak-memuaskan", "title": "Tidak Memuaskan", "title_en": "Poor"},
)  # fmt: skip
DOCUMENT = {
    "kind": "sttp",
    "title": "Surat Tanda Tamat Pelatihan",
    "title_en": "Training completion certificate",
    "signed": True,
}
RULES: dict[str, Any] = {
    "cites": "KepKaLAN 2/K.1/PDP.07/2023",
    "weights": {"seminar": 60, "attitude": 40},
    "bands": BANDS,
    "pass_mark": 70,
    "issue": "after_decision",
    "document": DOCUMENT,
}
AUTOMATIC: dict[str, Any] = {
    "cites": "Peraturan BPSDM 1/2024",
    "issue": "automatic",
    "document": {
        "title": "Sertifikat",
        "title_en": "Certificate",
        "signatory": {"name": "Dr. Ratna Dewi", "position": "Kepala BPSDM"},
    },
}
SCORES = {"seminar": 85.0, "attitude": 90.0}
_PHASES = ((1, "Klasikal I", "Classroom I", 20), (2, "Klasikal II", "Classroom II", 40))
_GATE = {"all": [{"completed": ["report"]}]}


def rules(**changes: object) -> dict[str, Any]:
    """Make a leadership programme's rules; changes replace parts, `document` is merged."""
    document = {**DOCUMENT, **changes.pop("document", {})}  # type: ignore[dict-item]  # a test's own
    return {**RULES, "document": document, **changes}


def plan(
    rules: Mapping[str, Any] = RULES, *, code: str = "PKA", cohort: str = "pka-ii", node: str = "35"
) -> Plan:
    """Make a cohort's plan of two phases; a programme that certifies automatically has no periods."""
    dated = rules["issue"] == "after_decision"
    periods = [
        [{"starts": "2024-03-09", "ends": "2024-03-22"}],
        [{"starts": "2024-07-08", "ends": "2024-07-11"}],
    ]
    phases = [
        {
            "number": number, "code": f"phase-{number}", "title": title, "title_en": title_en,
            "mode": "classroom", "place": "campus", "jp": jp, "gate": _GATE,
            "periods": periods[number - 1] if dated else [],
        }
        for number, title, title_en, jp in _PHASES
    ]  # fmt: skip
    programme = {
        "code": code, "version": 1, "title": "Pelatihan Kepemimpinan Administrator",
        "title_en": "Leadership training for administrators", "family": "leadership",
    }  # fmt: skip
    return Plan.model_validate(
        {
            "programme": programme, "cohort_id": cohort, "cohort_title": "PKA Angkatan II Tahun 2024",
            "host_node": node, "host_agency": "BPSDM Provinsi Jawa Timur", "phases": phases, "rules": rules,
        }
    )  # fmt: skip


def enrolled(key: str = "e1", **changes: object) -> Enrolled:
    """Say that a learner is enrolled; learner `l1` has the enrolment `e1`."""
    usual: dict[str, object] = {
        "learner_id": f"l{key[1:]}", "at": datetime(2024, 3, 1, tzinfo=UTC), "enrolment_id": key,
        "agency": "35.73", "home_node": "35", "plan": plan(),
    }  # fmt: skip
    return Enrolled.model_validate({**usual, **changes})


def completed(key: str = "e1", revision: int = 1, **changes: object) -> ProgrammeCompleted:
    """Say that a learner has completed the programme; each revision is told a day later."""
    usual: dict[str, object] = {
        "learner_id": f"l{key[1:]}", "at": COMPLETED + timedelta(days=revision - 1), "enrolment_id": key,
        "cohort_id": "pka-ii", "cohort_title": "PKA Angkatan II Tahun 2024", "agency": "35.73",
        "home_node": "35", "programme": plan().programme, "jp": 60, "revision": revision,
        "phases": (PhaseDone(phase=1, at=COMPLETED - timedelta(days=90)), PhaseDone(phase=2, at=COMPLETED)),
        "scores": SCORES,
    }  # fmt: skip
    return ProgrammeCompleted.model_validate({**usual, **changes})


def decided(
    key: str = "e1", decision: int = 1, outcome: Outcome = "graduated", **changes: object
) -> GraduationDecided:
    """Say that the organiser has decided on a learner's graduation."""
    usual: dict[str, object] = {
        "learner_id": f"l{key[1:]}", "at": DECIDED + timedelta(days=decision - 1), "enrolment_id": key,
        "cohort_id": "pka-ii", "cohort_title": "PKA Angkatan II Tahun 2024", "agency": "35.73",
        "outcome": outcome, "decision": decision, "decided_on": date(2024, 7, 10 + decision),
        "minutes": "BA-1", "signatory": Signatory(name="Dr. Ratna Dewi", position="Kepala BPSDM"),
    }  # fmt: skip
    return GraduationDecided.model_validate({**usual, **changes})


def withdrawn(key: str = "e1", **changes: object) -> Withdrawn:
    """Say that a learner has left."""
    usual: dict[str, object] = {
        "learner_id": f"l{key[1:]}", "at": datetime(2024, 4, 1, tzinfo=UTC), "enrolment_id": key,
        "cohort_id": "pka-ii", "cohort_title": "PKA Angkatan II Tahun 2024", "agency": "35.73",
        "reason": "moved to another agency",
    }  # fmt: skip
    return Withdrawn.model_validate({**usual, **changes})


def rescheduled(key: str = "e1", version: int = 2, ends: date = date(2024, 7, 18)) -> Rescheduled:
    """Say that the cohort ends on another day."""
    periods = {"starts": "2024-03-09", "ends": ends}
    return Rescheduled(
        learner_id=f"l{key[1:]}", at=datetime(2024, 6, 1, tzinfo=UTC), enrolment_id=key, cohort_id="pka-ii",
        cohort_title="PKA Angkatan II Tahun 2024", calendar_version=version,
        calendar=(NewPeriods.model_validate({"phase": 1, "periods": [periods]}),),
    )  # fmt: skip


def recorded(
    key: str = "e1", version: int = 1, name: str = "Siti Aminah, S.E.", **changes: object
) -> LearnerRecorded:
    """Say what a learner's card tells; each version is a day younger than the one before."""
    usual: dict[str, object] = {
        "learner_id": f"l{key[1:]}", "at": datetime(2024, 2, version, tzinfo=UTC), "version": version,
        "nip": "198501012010012001", "name": name, "agency": "35.73", "agency_name": "Kota Malang",
        "employment": "PNS",
    }  # fmt: skip
    return LearnerRecorded.model_validate({**usual, **changes})


def told(facts: Sequence[Fact], node: str = "35") -> list[Message]:
    """Put facts into messages, as if each came from an aggregate of its own."""
    return [
        Message.of(fact, source=f"/corpu/{node}/test", aggregate=f"test/{place}", seq=1, epoch=1)
        for place, fact in enumerate(facts)
    ]


class CertificationNode:
    """One node's certification on memory twins."""

    def __init__(self, store: Store | None = None) -> None:
        """Start on a store that may be shared with another worker, and a bus of its own."""
        self.memory = MemoryStore()
        self.store: Store = store or self.memory
        self.bus = MemoryBus()
        self.relay = Relay(self.store, KINDS, self.bus.publish)
        make = partial(CertificationWork, public_url=PUBLIC_URL)
        frame = Frame(self.store, "/corpu/35/certification")
        self.works: Works[CertificationWork] = Works(make, frame, self.relay)
        self.deliveries = [Delivery(each, self.works) for each in SUBSCRIPTIONS]

    async def hear(self, *facts: Fact, batch: int = 500) -> None:
        """Let it hear facts, in this order and in batches of this size."""
        await self.bus.publish(told(facts))
        await self.bus.settle(self.deliveries, batch)

    async def dossier(self, key: str = "e1") -> Dossier:
        """Tell one dossier."""
        return await self.works.open().dossiers.of(key)

    async def pages(self) -> list[dict[str, Any]]:
        """Tell the registers' pages."""
        return await self.store.find(REGISTERS, {})

    async def parked(self) -> int:
        """Count parked messages."""
        return await self.store.count(PARKED, {})

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Copy all that its own memory holds."""
        return self.memory.snapshot()

    def said(self) -> list[Fact]:
        """Tell what certification has stated, in order."""
        return [message.fact() for message in self.bus.messages("certification")]


def what_stands(dossier: Dossier) -> dict[str, Any]:
    """Tell what a dossier comes to in any order: all but which certificates came and went on the way."""
    stands = dict(vars(dossier))
    del stands["certificates"], stands["unused"]
    return {**stands, "live": dossier.live.certified if dossier.live else None}


class Served:
    """certification on memory twins as people and strangers meet it; the clock stands at 20 July 2024."""

    def __init__(self, province: Province | None = None, **settings: object) -> None:
        """Make the application, of a node that shares or of 35; settings are given by their environment names."""
        self.clock = clock()
        self.issuer = Issuer(self.clock)
        self.engine = province.engine if province else MemoryEngine()
        self.node = province.node if province else "35"
        given = {"CORPU_ISSUER": ISSUER, "CORPU_PUBLIC_URL": PUBLIC_URL, **settings}
        told = province.settings(Settings, **given) if province else Settings.model_validate(given)
        self.app = create_app(told, self.engine, self.clock, self.issuer)

    async def hear(self, *facts: Fact) -> None:
        """Let it hear facts, and wait until it has."""
        await self.engine.bus.publish(told(facts, self.node))
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything stated is published and heard."""
        while not self.app.state.parts.relay.idle:
            await asyncio.sleep(0)
        await self.engine.bus.quiet()

    def organiser(self) -> dict[str, str]:
        """Give the header of an organiser of the whole node."""
        return self.issuer.bearer("organiser", node=self.node)
