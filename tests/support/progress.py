"""Builders for the tests of progress: a plan with every kind of gate, and facts about learners in it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.progress.domain.evidence import Evidence, EvidenceKind, Giver, in_order
from services.progress.domain.record import Record
from services.progress.domain.story import enrol
from services.progress.store import KINDS, ProgressWork
from shared.bus.memory import MemoryBus
from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificateSuperseded,
    Certified,
)
from shared.events.enrolment import (
    CohortPlanned,
    Enrolled,
    GraduationDecided,
    LearnerErased,
    LearnerLinked,
    LearnerRecorded,
    Rescheduled,
    Withdrawn,
)
from shared.events.exchange import LearnerTransferred
from shared.events.fact import Fact
from shared.events.message import Message
from shared.events.plan import Judge, Plan
from shared.events.progress import PhaseCompleted, PhaseDone, ProgrammeCompleted
from shared.kernel.ids import enrolment_id
from shared.store.kind import BOOKKEEPING, Document
from shared.store.memory import MemoryStore
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works

SITI = "a" * 32
BUDI = "b" * 32
COHORT = "pka-ii-malang-2024"
MALANG = "35.73"
DAY = datetime(2024, 3, 1, 3, 0, tzinfo=UTC)
ORGANISER = Giver("bpsdm", frozenset({"organiser"}))


def day(number: float) -> datetime:
    """Tell the instant so many days after the cohort's first."""
    return DAY + timedelta(days=number)


def programme(code: str = "PKA") -> dict[str, Any]:
    """Name a programme."""
    return {
        "code": code,
        "version": 1,
        "title": "Pelatihan Kepemimpinan Administrator",
        "title_en": "Leadership training for administrators",
        "family": "leadership",
    }


GATES: tuple[list[dict[str, Any]], ...] = (
    [{"completed": ["mooc-1", "mooc-2"]}, {"score": {"activity": "mooc-test", "at_least": 70}}],
    [{"attendance": {"sessions": "virtual-class", "at_least_percent": 80}}],
    [
        {"approved": {"document": "design", "by": "coach"}},
        {"score": {"activity": "seminar", "by": "examiner", "at_least": 60}},
    ],
)
SESSIONS: dict[str, list[str]] = {"virtual-class": ["vc-1", "vc-2", "vc-3", "vc-4", "vc-5"]}


def plan(
    gates: Sequence[list[dict[str, Any]]] = GATES,
    *,
    sessions: dict[str, list[str]] | None = None,
    code: str = "PKA",
    cohort: str = COHORT,
    version: int = 1,
    ends: Sequence[date | None] = (),
    weights: dict[str, float] | None = None,
) -> Plan:
    """Make a cohort's plan with these gates; phases of 20 JP that end ten days after each other."""
    last = ends or [(DAY + timedelta(days=10 * n)).date() for n in range(1, len(gates) + 1)]
    phases = [
        {
            "number": number,
            "code": f"phase-{number}",
            "title": f"Tahap {number}",
            "title_en": f"Phase {number}",
            "mode": "classroom",
            "place": "online",
            "jp": 20,
            "gate": {"all": gate},
            "periods": [{"starts": end - timedelta(days=9), "ends": end}] if end else [],
        }
        for number, (gate, end) in enumerate(zip(gates, last, strict=True), 1)
    ]
    signed = {"title": "STTP", "title_en": "Certificate"}
    return Plan.model_validate(
        {
            "programme": programme(code),
            "cohort_id": cohort,
            "cohort_title": "PKA Angkatan II Tahun 2024",
            "host_node": "35",
            "host_agency": "BPSDM Provinsi Jawa Timur",
            "calendar_version": version,
            "phases": phases,
            "sessions": SESSIONS if sessions is None else sessions,
            "rules": {
                "cites": "KepKaLAN 2/2023",
                "issue": "automatic",
                "weights": weights or {},
                "document": signed,
            },
        }
    )


def enrolled(
    learner: str = SITI, of: Plan | None = None, *, agency: str = MALANG, home: str = "35"
) -> Enrolled:
    """Enrol a learner."""
    taught = of or plan()
    return Enrolled(
        learner_id=learner,
        at=DAY,
        enrolment_id=enrolment_id(learner, taught.cohort_id, "35"),
        agency=agency,
        home_node=home,
        plan=taught,
    )


def planned(of: Plan | None = None, *, version: int = 1) -> CohortPlanned:
    """Tell a cohort's plan."""
    return CohortPlanned(at=DAY, plan=of or plan(version=version))


def withdrawn(learner: str = SITI, cohort: str = COHORT, *, at: datetime = DAY) -> Withdrawn:
    """Have a learner leave."""
    return Withdrawn(
        learner_id=learner,
        at=at,
        enrolment_id=enrolment_id(learner, cohort, "35"),
        cohort_id=cohort,
        cohort_title="PKA Angkatan II Tahun 2024",
        agency=MALANG,
        reason="mutasi",
    )


def rescheduled(
    version: int,
    learner: str = SITI,
    *,
    at: datetime = DAY,
    ends: dict[int, date] | None = None,
    sessions: dict[str, list[str]] | None = None,
) -> Rescheduled:
    """Move phases to end on other days, or give the cohort other sessions."""
    moved = [
        {"phase": number, "periods": [{"starts": end, "ends": end}]}
        for number, end in (ends or {}).items()
    ]
    return Rescheduled.model_validate(
        {
            "learner_id": learner,
            "at": at,
            "enrolment_id": enrolment_id(learner, COHORT, "35"),
            "cohort_id": COHORT,
            "cohort_title": "PKA Angkatan II Tahun 2024",
            "calendar_version": version,
            "calendar": moved,
            "sessions": sessions or {},
        }
    )


def record(of: Plan | None = None) -> Record:
    """Open Siti's record."""
    fact = enrolled(of=of)
    return enrol(Record(fact.enrolment_id), fact)[0]


def evidence(
    kind: EvidenceKind,
    about: str,
    at: float,
    value: float = 1.0,
    *,
    by: Judge | None = "organiser",
    group: str = "",
) -> Evidence:
    """Make a piece of evidence, so many days after the cohort's first."""
    return Evidence(kind, about, day(at), value, by or "", "lms", group)


def attended(session: int, at: float, *, present: bool = True) -> Evidence:
    """Make evidence of one session of the virtual class."""
    return evidence("attendance", f"vc-{session}", at, float(present), group="virtual-class")


def whole_story() -> list[Evidence]:
    """Make the evidence of a learner who meets every gate in time, in order."""
    return [
        evidence("completed", "mooc-1", 1),
        evidence("completed", "mooc-2", 2),
        evidence("score", "mooc-test", 3, 82.5),
        *(attended(number, 10 + number) for number in range(1, 5)),
        evidence("document", "design", 20, by="coach"),
        evidence("score", "seminar", 21, 75, by="examiner"),
    ]


def in_order_of(pieces: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Order evidence as records keep it."""
    return tuple(sorted(pieces, key=in_order))


def phase_completed(number: int, learner: str = SITI, cohort: str = COHORT) -> PhaseCompleted:
    """Complete a phase."""
    return PhaseCompleted.model_validate(
        {
            **_whose(learner, cohort),
            "at": day(number),
            "home_node": "35",
            "programme": programme(),
            "phase": number,
            "of": 3,
            "title": f"Tahap {number}",
            "title_en": f"Phase {number}",
            "jp": 20,
        }
    )


def programme_completed(
    revision: int = 1, learner: str = SITI, cohort: str = COHORT
) -> ProgrammeCompleted:
    """Complete the programme; a higher revision a day later."""
    return ProgrammeCompleted.model_validate(
        {
            **_whose(learner, cohort),
            "at": day(30 + revision),
            "home_node": "35",
            "programme": programme(),
            "jp": 60,
            "revision": revision,
            "phases": [PhaseDone(phase=n, at=day(10 * n + revision)) for n in (1, 2, 3)],
            "scores": {"seminar": 75},
        }
    )


def decided(
    decision: int = 1, outcome: str = "graduated", learner: str = SITI
) -> GraduationDecided:
    """Decide on a learner's graduation."""
    return GraduationDecided.model_validate(
        {
            **_whose(learner, COHORT),
            "at": day(40),
            "outcome": outcome,
            "decision": decision,
            "decided_on": date(2024, 7, 12),
            "minutes": "BA-1",
            "signatory": {"name": "Kepala", "position": "Kepala BPSDM"},
        }
    )


def certified(  # noqa: PLR0913 - a certificate says many things, and each test its own
    learner: str = SITI,
    cohort: str = COHORT,
    *,
    revision: int = 1,
    code: str = "PKA",
    jp: int = 60,
    issued_on: date = date(2024, 7, 15),
    valid_until: date | None = None,
    node: str = "35",
    draft: bool = False,
) -> Certified:
    """Certify a learner."""
    return Certified.model_validate(
        {
            **_whose(learner, cohort),
            "at": day(45),
            "home_node": "35",
            "host_node": node,
            "host_agency": "BPSDM Provinsi Jawa Timur" if node == "35" else f"BPSDM {node}",
            "programme": programme(code),
            "number": f"{code}/{cohort}/{revision}",
            "revision": revision,
            "jp": jp,
            "final_score": 81.5,
            "predicate": {
                "floor": 80,
                "code": "memuaskan",
                "title": "memuaskan",
                "title_en": "satisfactory",
            },
            "kind": "sttp",
            "issued_on": issued_on,
            "year": issued_on.year,
            "valid_until": valid_until,
            "verify_url": "http://127.0.0.1:8103/verify/x",
            "awaits_signature": draft,
        }
    )


def signed(revision: int = 1, learner: str = SITI) -> CertificateSigned:
    """Sign a revision of Siti's certificate."""
    return CertificateSigned.model_validate(
        {
            **_whose(learner, COHORT), "at": day(46), "programme": programme(),
            "number": f"PKA/{COHORT}/{revision}", "revision": revision, "jp": 60,
            "signed_on": date(2024, 7, 16), "verify_url": "http://127.0.0.1:8103/verify/x",
        }
    )  # fmt: skip


def superseded(revision: int = 1, learner: str = SITI) -> CertificateSuperseded:
    """Supersede a revision of Siti's certificate."""
    return CertificateSuperseded.model_validate(
        {**_ended(revision, learner), "by_number": "2", "reason": "koreksi nilai"}
    )


def revoked(revision: int = 1, learner: str = SITI) -> CertificateRevoked:
    """Revoke a revision of Siti's certificate."""
    return CertificateRevoked.model_validate({**_ended(revision, learner), "reason": "keliru"})


def linked(one: str, other: str) -> LearnerLinked:
    """Tell that two pseudonyms are one person."""
    return LearnerLinked(learner_id=one, at=DAY, other_id=other)


def erased(learner: str, on: int) -> LearnerErased:
    """Tell that a learner's data is erased."""
    return LearnerErased(learner_id=learner, at=day(on))


def transferred(
    learner: str = SITI, to: str = "62", *, home: str = "35", at: datetime = DAY, linked: Sequence[str] = ()
) -> LearnerTransferred:  # fmt: skip
    """Tell that a learner's home is another node from now on."""
    return LearnerTransferred(
        learner_id=learner, at=at, home_node=home, to_node=to, moved_on=at.date(), linked=tuple(linked)
    )  # fmt: skip


def recorded(
    learner: str = SITI, version: int = 1, *, agency: str = MALANG, active: bool = True,
    name: str = "Siti Aminah", employment: str = "PNS", home: str = "",
) -> LearnerRecorded:  # fmt: skip
    """Tell a learner's card."""
    return LearnerRecorded.model_validate(
        {
            "learner_id": learner,
            "at": day(version),
            "home_node": home,
            "version": version,
            "nip": "198001012006041001",
            "name": name,
            "agency": agency,
            "agency_name": "Kota Malang",
            "employment": employment,
            "active": active,
        }
    )


def item(piece: Evidence, enrolment: str) -> dict[str, Any]:
    """Write a piece of evidence as a caller sends it."""
    said: dict[str, Any] = {
        "enrolment_id": enrolment,
        "at": piece.at.isoformat(),
        "source": piece.source,
    }
    if piece.by:
        said["by"] = piece.by
    if piece.kind == "attendance":
        told = {"sessions": piece.group, "session": piece.about, "present": bool(piece.value)}
        return {**said, "kind": "attendance", **told}
    if piece.kind == "document":
        kind = "approved" if piece.value else "sent-back"
        reason = {} if piece.value else {"reason": piece.reason or "perbaiki"}
        return {**said, "kind": kind, "document": piece.about, **reason}
    score = {"score": piece.value} if piece.kind == "score" else {}
    return {**said, "kind": piece.kind, "activity": piece.about, **score}


async def publish(bus: MemoryBus, *facts: Fact, node: str = "35") -> None:
    """Have a stranger state facts, as another service would."""
    await bus.publish(
        [
            Message.of(
                fact, source=f"/corpu/{node}/other", aggregate="others/1", seq=number, epoch=1
            )
            for number, fact in enumerate(facts, 1)
        ]
    )


def _whose(learner: str, cohort: str) -> dict[str, Any]:
    return {
        "learner_id": learner,
        "enrolment_id": enrolment_id(learner, cohort, "35"),
        "cohort_id": cohort,
        "cohort_title": "PKA Angkatan II Tahun 2024",
        "agency": MALANG,
    }


def _ended(revision: int, learner: str) -> dict[str, Any]:
    return {
        "learner_id": learner,
        "at": day(50),
        "enrolment_id": enrolment_id(learner, COHORT, "35"),
        "cohort_id": COHORT,
        "cohort_title": "PKA Angkatan II Tahun 2024",
        "programme": programme(),
        "agency": MALANG,
        "number": "1",
        "revision": revision,
    }


def works_on(store: MemoryStore, bus: MemoryBus, node: str = "35") -> Works[ProgressWork]:
    """Open works of progress on memory twins."""
    source = f"/corpu/{node}/progress"
    return Works(ProgressWork, Frame(store, source), Relay(store, KINDS, bus.publish))


def states(store: MemoryStore) -> dict[str, dict[str, Document]]:
    """Tell what is kept, without versions and facts."""
    return {
        name: {
            key: {part: each for part, each in document.items() if part not in BOOKKEEPING}
            for key, document in room.items()
        }
        for name, room in store.snapshot().items()
    }
