"""One cohort's whole story as facts of every topic, and the services that hear it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from services.certification.consumers import SUBSCRIPTIONS as CERTIFICATION
from services.certification.store import KINDS as CERTIFICATION_KINDS
from services.certification.store import CertificationWork
from services.enrolment.consumers import SUBSCRIPTIONS as ENROLMENT
from services.enrolment.store import KINDS as ENROLMENT_KINDS
from services.enrolment.store import EnrolmentWork
from services.notify.consumers import SUBSCRIPTIONS as NOTIFY
from services.notify.store import KINDS as NOTIFY_KINDS
from services.notify.store import NotifyWork
from services.progress.consumers import SUBSCRIPTIONS as PROGRESS
from services.progress.store import KINDS as PROGRESS_KINDS
from services.progress.store import ProgressWork
from shared.bus.memory import MemoryRecord
from shared.bus.subscription import Subscription
from shared.events.catalogue import certification as c
from shared.events.catalogue import enrolment as e
from shared.events.catalogue import exchange as x
from shared.events.catalogue import progress as p
from shared.events.fact import Fact
from shared.events.message import Message
from shared.events.plan import Period, Plan
from shared.store.kind import Document, Kind
from shared.store.memory import MemoryStore
from shared.store.port import Store
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.shared.store.conftest import Outgoing
from tests.support.enrolment import (
    COURSE,
    DATES,
    MALANG,
    SESSIONS,
    Desk,
    cohort_body,
    lecture_body,
    listed,
    nip,
    person,
    seat,
)  # fmt: skip
from tests.support.enrolment import LECTURE as LECTURE_COURSE

PUBLIC_URL = "https://corpu.jatimprov.go.id"
COHORT, LECTURE = "dua-i", "kuliah-mei"
TITLE = "Dua Fase Angkatan I"
_BEGAN = datetime(2024, 2, 1, 3, tzinfo=UTC)
_PROGRAMME = {
    "code": "DUA", "version": 1, "title": COURSE["title"], "title_en": COURSE["title_en"],
    "family": "leadership",
}  # fmt: skip
PLAN = Plan.model_validate(
    {
        "programme": _PROGRAMME, "cohort_id": COHORT, "cohort_title": TITLE, "host_node": "35",
        "host_agency": "BPSDM Provinsi Jawa Timur", "sessions": SESSIONS, "rules": COURSE["rules"],
        "phases": [
            {**phase, "periods": dates["periods"]}
            for phase, dates in zip(COURSE["phases"], DATES, strict=True)
        ],
    }
)  # fmt: skip


def _say(kind: type[Fact], /, **parts: object) -> Fact:
    return kind.model_validate(parts)


def _at(day: int) -> datetime:
    return _BEGAN + timedelta(days=day)


def _planned(version: int) -> Fact:
    plan = PLAN.model_copy(update={"calendar_version": version})
    return _say(e.CohortPlanned, at=_at(version - 1), plan=plan)


class Learner:
    """One learner of the cohort, who says what happens to them."""

    def __init__(self, serial: int) -> None:
        """Be the person whose number `nip` makes from a serial."""
        self._serial = serial
        self._who = {"learner_id": person(serial)}
        self._about = {**self._who, "enrolment_id": seat(serial, COHORT), "agency": MALANG}
        self._cohort = {**self._about, "cohort_id": COHORT, "cohort_title": TITLE}

    def recorded(self, version: int) -> Fact:
        """Say what the card tells."""
        return _say(e.LearnerRecorded,
            **self._who, at=_at(version), version=version, nip=nip(self._serial), agency=MALANG,
            name=f"Peserta {self._serial}", agency_name="Kota Malang", employment="PNS",
            email=f"v{version}@malangkota.go.id",
        )  # fmt: skip

    def erased(self, day: int) -> Fact:
        """Have one's data erased."""
        return _say(e.LearnerErased, **self._who, at=_at(day))

    def waitlisted(self) -> Fact:
        """Wait."""
        return _say(e.Waitlisted, **self._cohort, at=_at(1), position=1)

    def seated(self, day: int = 1, *, promoted: bool = False) -> Fact:
        """Get a seat."""
        about = {**self._about, "cohort_id": COHORT}
        return _say(e.SeatGiven, **about, at=_at(day), home_node="35", promoted=promoted)

    def enrolled(self, day: int = 1) -> Fact:
        """Be enrolled."""
        return _say(e.Enrolled, **self._about, at=_at(day), home_node="35", plan=PLAN)

    def left(self) -> list[Fact]:
        """Withdraw, and so free the seat."""
        about = {**self._about, "cohort_id": COHORT}
        return [
            _say(e.Withdrawn, **self._cohort, at=_at(3), reason="promoted"),
            _say(e.SeatFreed, **about, at=_at(3)),
        ]

    def refused(self) -> Fact:
        """Be refused."""
        return _say(e.NominationRefused, **self._cohort, at=_at(1), reasons=("no-seat",))

    def rescheduled(self, version: int) -> Fact:
        """Hear of new dates."""
        period = Period(starts=date(2024, 3, 1), ends=date(2024, 3, 10 + version))
        about = {name: part for name, part in self._cohort.items() if name != "agency"}
        return _say(e.Rescheduled,
            **about, at=_at(version), calendar_version=version, sessions=SESSIONS,
            calendar=({"phase": 1, "periods": [period]},),
        )  # fmt: skip

    def phase(self, number: int) -> Fact:
        """Complete a phase."""
        phase = PLAN.phases[number - 1]
        return _say(p.PhaseCompleted,
            **self._cohort, at=_at(30 + number), home_node="35", programme=PLAN.programme, phase=number,
            of=2, title=phase.title, title_en=phase.title_en, jp=phase.jp,
        )  # fmt: skip

    def at_risk(self) -> Fact:
        """Lack something a few days before the end."""
        return _say(p.PhaseAtRisk,
            **self._cohort, at=_at(35), phase=2, title="Klasikal", title_en="Classroom",
            due=date(2024, 3, 15), missing=("seminar",), missing_en=("seminar",),
        )  # fmt: skip

    def completed(self, revision: int, score: float) -> Fact:
        """Complete the programme, or have a score corrected."""
        phases = [{"phase": number, "at": _at(30 + number)} for number in (1, 2)]
        return _say(p.ProgrammeCompleted,
            **self._cohort, at=_at(31 + revision), home_node="35", programme=PLAN.programme, jp=50,
            revision=revision, phases=phases, scores={"seminar": score},
        )  # fmt: skip

    def decided(self, decision: int, outcome: e.Outcome) -> Fact:
        """Graduate, or not yet."""
        return e.GraduationDecided.model_validate(
            {
                **self._cohort, "at": _at(40 + decision), "outcome": outcome, "decision": decision,
                "decided_on": date(2024, 3, 20 + decision), "minutes": "BA-1",
                "until": date(2024, 9, 1) if outcome == "deferred" else None,
                "signatory": {"name": "Dr. Ratna Dewi", "position": "Kepala BPSDM"},
            }
        )  # fmt: skip

    def certified(self, revision: int) -> list[Fact]:
        """Get a certificate; a later one takes the earlier one's place."""
        told = {**self._about, "programme": PLAN.programme}
        number = f"35/DUA/2024/{self._serial * 10 + revision:05}"
        before = f"35/DUA/2024/{self._serial * 10 + revision - 1:05}" if revision > 1 else None
        facts: list[Fact] = [
            _say(c.Certified,
                **self._cohort, at=_at(50 + revision), home_node="35", host_node="35",
                host_agency=PLAN.host_agency, programme=PLAN.programme, number=number, revision=revision,
                supersedes=before, jp=50, final_score=80, predicate=None, kind="sttp",
                issued_on=date(2024, 3, 25), year=2024, verify_url=f"{PUBLIC_URL}/verify/{number[-5:]}",
                awaits_signature=True,
            )
        ]  # fmt: skip
        if before:
            earlier = {"number": before, "revision": revision - 1, "by_number": number}
            facts.append(
                _say(
                    c.CertificateSuperseded,
                    **told,
                    at=_at(50 + revision),
                    **earlier,
                    reason="corrected",
                )
            )
        return facts

    def signed(self, revision: int) -> Fact:
        """Have it signed, so that it holds."""
        number = f"35/DUA/2024/{self._serial * 10 + revision:05}"
        return _say(c.CertificateSigned,
            **self._cohort, at=_at(55 + revision), programme=PLAN.programme, number=number,
            revision=revision, jp=50, signed_on=date(2024, 4, 1),
            verify_url=f"{PUBLIC_URL}/verify/{number[-5:]}",
        )  # fmt: skip

    def revoked(self, revision: int) -> Fact:
        """Lose it."""
        number = f"35/DUA/2024/{self._serial * 10 + revision:05}"
        told = {**self._about, "programme": PLAN.programme, "number": number, "revision": revision}
        return _say(c.CertificateRevoked, **told, at=_at(60), reason="issued in error")

    def attended(self) -> Fact:
        """Attend a lecture without being enrolled in it."""
        return _say(p.LectureAttended,
            **self._who, at=_at(65), enrolment_id=seat(self._serial, LECTURE), cohort_id=LECTURE,
            session_id="kuliah", title="Kuliah Umum",
        )  # fmt: skip

    def watched(self) -> Fact:
        """Watch some of a lecture that another node holds."""
        return _say(p.MinutesWatched,
            **self._who, at=_at(66), enrolment_id=seat(self._serial, LECTURE), cohort_id=LECTURE,
            session_id="kuliah", host_node="62", live="ff",
        )  # fmt: skip

    def linked(self, other: "Learner") -> Fact:
        """Turn out to be known under another number as well."""
        return _say(e.LearnerLinked, **self._who, at=_at(70), other_id=other.learner_id)

    def moved(self, to: str) -> Fact:
        """Have another home from now on."""
        return _say(x.LearnerTransferred,
            **self._who, at=_at(80), home_node="35", to_node=to, moved_on=date(2024, 4, 20),
        )  # fmt: skip

    @property
    def learner_id(self) -> str:
        """Tell the pseudonym."""
        return self._who["learner_id"]


ANI, BUDI, CITRA, DEWI, EKO = (Learner(serial) for serial in range(1, 6))
STORY: Sequence[Fact] = sorted(
    [
        *(_planned(version) for version in (1, 2)),
        *(each.recorded(version) for each in (ANI, BUDI, CITRA, DEWI) for version in (1, 2)),
        ANI.seated(), ANI.enrolled(), ANI.rescheduled(2), ANI.rescheduled(3), ANI.phase(1), ANI.at_risk(),
        ANI.phase(2), ANI.completed(1, 75), ANI.completed(2, 92), ANI.decided(1, "deferred"),
        ANI.decided(2, "graduated"), *ANI.certified(1), ANI.signed(1), *ANI.certified(2), ANI.signed(2),
        ANI.linked(EKO), ANI.attended(),
        BUDI.seated(), BUDI.enrolled(), BUDI.phase(1), *BUDI.left(),
        CITRA.waitlisted(), CITRA.seated(4, promoted=True), CITRA.enrolled(4), CITRA.phase(1),
        CITRA.phase(2), CITRA.completed(1, 80), CITRA.decided(1, "graduated"), *CITRA.certified(1),
        CITRA.signed(1), CITRA.revoked(1), CITRA.moved("62"),
        DEWI.waitlisted(), EKO.refused(),
        BUDI.erased(90), BUDI.erased(91), DEWI.erased(1), CITRA.erased(95), CITRA.recorded(96),
    ],
    key=lambda fact: fact.at,
)  # fmt: skip
"""What one cohort tells, in order: a correction, a withdrawal, a promotion, a deferral, a revocation, a move.

Some are erased in the end, or before their newest card.
"""


def records(facts: Iterable[Fact], topics: Iterable[str]) -> list[MemoryRecord]:
    """Make the records that a subscription to these topics reads."""
    wanted = set(topics)
    told = [
        Message.of(
            fact, source="/corpu/35/story", aggregate=f"facts/{fact.write()}", seq=1, epoch=1
        )
        for fact in facts
        if fact.topic in wanted
    ]
    return [
        MemoryRecord(each.topic, 0, place, tuple(each.to_headers()), each.data.encode())
        for place, each in enumerate(told)
    ]


@dataclass(frozen=True)
class House:
    """A service without its doors: what it keeps, how it works, what it hears."""

    name: str
    kinds: Sequence[Kind[Any]]
    make: Any
    subscriptions: Sequence[Subscription[Any]]

    def works(self, store: Store, outgoing: Outgoing) -> Works[Any]:
        """Stand on a store and a broker."""
        relay = Relay(store, self.kinds, outgoing.publish)
        return Works(self.make, Frame(store, f"/corpu/35/{self.name}"), relay)


HOUSES: Sequence[House] = (
    House("enrolment", ENROLMENT_KINDS, EnrolmentWork, ENROLMENT),
    House("progress", PROGRESS_KINDS, ProgressWork, PROGRESS),
    House(
        "certification", CERTIFICATION_KINDS, partial(CertificationWork, public_url=PUBLIC_URL),
        CERTIFICATION,
    ),
    House("notify", NOTIFY_KINDS, NotifyWork, NOTIFY),
)  # fmt: skip
SUBSCRIPTIONS: Mapping[str, tuple[House, Subscription[Any]]] = {
    subscription.name: (house, subscription)
    for house in HOUSES
    for subscription in house.subscriptions
}


async def seed(house: House, store: MemoryStore) -> None:
    """Keep what a service knows before any fact arrives: enrolment planned the cohort and judged its list."""
    if house.name != "enrolment":
        return
    desk = Desk(store)
    await desk.programme()
    await desk.cohort(body=cohort_body())
    await desk.programme("KULIAH.1", LECTURE_COURSE)
    await desk.cohort(LECTURE, lecture_body())
    await desk.nominate([listed(serial) for serial in range(1, 5)])
    await desk.relay.sweep(0)


def what_stands(store: MemoryStore) -> dict[str, Any]:
    """Tell what is kept, apart from what only says how it came about."""
    return {
        f"{room}/{key}": _stands(room, document)
        for room, documents in store.snapshot().items()
        for key, document in documents.items()
        if not (room == "registers" or (room == "parked" and document.get("status") != "parked"))
    }


_BOOKKEEPING = {"version", "seq", "outbox", "stated"}
_ON_THE_WAY = {"certificates", "unused"}
"""Which certificates came and went depends on when their facts came; what the live one says does not."""


def _stands(room: str, document: Document) -> Document:
    kept = {name: part for name, part in document.items() if name not in _BOOKKEEPING}
    if room != "dossiers":
        return kept
    live = [each["certified"] for each in kept.get("certificates", ()) if each["state"] == "live"]
    return {**{name: part for name, part in kept.items() if name not in _ON_THE_WAY}, "live": live}


def numbers(store: MemoryStore) -> list[str]:
    """Tell every number that a register gave, in its order."""
    pages = store.snapshot().get("registers", {})
    return [
        entry["number"] for _, page in sorted(pages.items()) for entry in page.get("entries", ())
    ]


def stated(store: MemoryStore) -> set[tuple[str, str, str]]:
    """Tell the facts that were stated, apart from their place in the story and their time."""
    told: set[tuple[str, str, str]] = set()
    for documents in store.snapshot().values():
        for document in documents.values():
            for message in document.get("stated", ()):
                fact = message.fact().model_dump(mode="json", exclude={"at"})
                told.add((message.aggregate, message.type, repr(sorted(fact.items()))))
    return told
