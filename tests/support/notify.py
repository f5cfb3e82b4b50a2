"""Facts that people are told, and written fakes of what notify speaks with."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from fastapi import FastAPI
from starlette.types import Message as AsgiMessage

from services.notify.app import create_app
from services.notify.consumers import SUBSCRIPTIONS
from services.notify.domain.letters import Letter, Outcome
from services.notify.ports import Letters, Postman
from services.notify.settings import Settings
from services.notify.store import KINDS, NotifyWork
from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryBus
from shared.events.certification import CertificateRevoked, CertificateSuperseded, Certified
from shared.events.enrolment import (
    Enrolled,
    GraduationDecided,
    LearnerRecorded,
    NewPeriods,
    NominationRefused,
    Rescheduled,
    Waitlisted,
    Withdrawn,
)
from shared.events.enrolment import (
    Outcome as Graduation,
)
from shared.events.fact import Fact
from shared.events.message import Message
from shared.events.plan import (
    Band,
    DocumentRule,
    Gate,
    Period,
    Plan,
    PlannedPhase,
    ProgrammeRef,
    Requirement,
    Rules,
    Signatory,
)
from shared.events.progress import PhaseAtRisk, PhaseCompleted, PhaseDone, ProgrammeCompleted
from shared.kernel.clock import SetClock
from shared.kernel.errors import Unavailable
from shared.kernel.ids import enrolment_id
from shared.kernel.tasks import end, start
from shared.store.memory import MemoryStore
from shared.store.port import Store
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.support.serving import AUDIENCE, ISSUER, Issuer, MemoryEngine

AYU, BAGUS = "a" * 32, "b" * 32
COHORT = "pka-ii-2024"
TITLE = "PKA Angkatan II Tahun 2024"
AGENCY = "35.73"
AT = datetime(2024, 7, 12, 2, 15, tzinfo=UTC)
PKA = ProgrammeRef(
    code="PKA",
    version=1,
    title="Pelatihan Kepemimpinan Administrator",
    title_en="Leadership for Administrators",
    family="leadership",
)
BAND = Band(floor=90, code="excellent", title="Sangat Memuaskan", title_en="Excellent")
SIGNATORY = Signatory(name="Ir. Sri Wahyuni, M.Si.", position="Kepala BPSDM Jawa Timur")
URL = "https://corpu.jatimprov.go.id/verify/k3y"

_Values = dict[str, Any]


def _about(learner: str, cohort: str, at: datetime) -> _Values:
    return {"learner_id": learner, "at": at, "enrolment_id": enrolment_id(learner, cohort)}


def _in_cohort(learner: str, cohort: str, at: datetime) -> _Values:
    title = {"cohort_id": cohort, "cohort_title": TITLE, "agency": AGENCY}
    return {**_about(learner, cohort, at), **title}


def plan(cohort: str = COHORT, *, dated: bool = True) -> Plan:
    """Make a plan of one phase; an undated one is an open cohort's."""
    period = Period(starts=date(2024, 3, 4), ends=date(2024, 3, 8))
    phase = PlannedPhase(
        number=1, code="mooc", title="Pembelajaran Mandiri", title_en="Self-study", mode="mooc",
        place="online", jp=12, gate=Gate(all=(Requirement(completed=("quiz",)),)),
        periods=(period,) if dated else (),
    )  # fmt: skip
    document = DocumentRule(title="Surat Tanda Tamat Pelatihan", title_en="Certificate")
    return Plan(
        programme=PKA, cohort_id=cohort, cohort_title=TITLE, host_node="35", host_agency="35",
        phases=(phase,), rules=Rules(cites="PerLAN 6/2022", issue="automatic", document=document),
    )  # fmt: skip


def waitlisted(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *, position: int = 3
) -> Waitlisted:
    """Say that a learner waits for a seat."""
    return Waitlisted(**_in_cohort(learner, cohort, at), position=position)


def nomination_refused(
    learner: str = AYU,
    cohort: str = COHORT,
    at: datetime = AT,
    *,
    reasons: Sequence[str] = ("no-seat",),
) -> NominationRefused:
    """Say that a nomination was refused."""
    return NominationRefused(**_in_cohort(learner, cohort, at), reasons=tuple(reasons))


def enrolled(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *, dated: bool = True
) -> Enrolled:
    """Say that a learner is enrolled."""
    about = _about(learner, cohort, at)
    return Enrolled(**about, agency=AGENCY, home_node="35", plan=plan(cohort, dated=dated))


def withdrawn(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *, reason: str = "mutasi"
) -> Withdrawn:
    """Say that a learner has left."""
    return Withdrawn(**_in_cohort(learner, cohort, at), reason=reason)


def rescheduled(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *, calendar_version: int = 2
) -> Rescheduled:
    """Say that dates have changed: those of phase 4, while phase 1 has none."""
    period = Period(starts=date(2024, 6, 3), ends=date(2024, 6, 7))
    return Rescheduled(
        **_in_cohort(learner, cohort, at),
        calendar_version=calendar_version,
        calendar=(NewPeriods(phase=1, periods=()), NewPeriods(phase=4, periods=(period,))),
    )


def phase_completed(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *, phase: int = 1
) -> PhaseCompleted:
    """Say that a phase is completed."""
    return PhaseCompleted(
        **_in_cohort(learner, cohort, at), home_node="35", programme=PKA, phase=phase, of=6,
        title="Komitmen Bersama", title_en="Joint Commitment", jp=9,
    )  # fmt: skip


def programme_completed(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *, revision: int = 1
) -> ProgrammeCompleted:
    """Say that a programme is completed, or its results corrected."""
    return ProgrammeCompleted(
        **_in_cohort(learner, cohort, at), home_node="35", programme=PKA, jp=908, revision=revision,
        phases=(PhaseDone(phase=1, at=at),), scores={"seminar": 88.5},
    )  # fmt: skip


def phase_at_risk(
    learner: str = AYU,
    cohort: str = COHORT,
    at: datetime = AT,
    *,
    phase: int = 2,
    due: date = date(2024, 7, 15),
) -> PhaseAtRisk:
    """Say that a deadline nears."""
    return PhaseAtRisk(
        **_in_cohort(learner, cohort, at), phase=phase, title="E-learning", title_en="E-learning",
        due=due, missing=("kuis modul 3",), missing_en=("quiz of module 3",),
    )  # fmt: skip


def graduation_decided(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *,
    outcome: Graduation = "graduated", decision: int = 1, until: date | None = None,
) -> GraduationDecided:  # fmt: skip
    """Say what was decided on graduation."""
    return GraduationDecided(
        **_in_cohort(learner, cohort, at), outcome=outcome, decision=decision, until=until,
        decided_on=date(2024, 7, 11), minutes="BA-12/2024", signatory=SIGNATORY,
    )  # fmt: skip


def certified(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *,
    revision: int = 1, scored: bool = True,
) -> Certified:  # fmt: skip
    """Say that a certificate is issued; a later revision supersedes the one before."""
    return Certified(
        **_in_cohort(learner, cohort, at), home_node="35", host_node="35", host_agency="35",
        programme=PKA, number=f"35/2024/PKA/{revision:05}", revision=revision,
        supersedes=f"35/2024/PKA/{revision - 1:05}" if revision > 1 else None, jp=908,
        final_score=91.25 if scored else None, predicate=BAND if scored else None, kind="sttp",
        issued_on=date(2024, 7, 12), year=2024, verify_url=URL,
        valid_until=None if scored else date(2027, 7, 12),
    )  # fmt: skip


def certificate_superseded(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *, revision: int = 1
) -> CertificateSuperseded:
    """Say that a certificate gave way to the next."""
    return CertificateSuperseded(
        **_in_cohort(learner, cohort, at), programme=PKA, revision=revision,
        number=f"35/2024/PKA/{revision:05}", by_number=f"35/2024/PKA/{revision + 1:05}",
        reason="perbaikan nilai seminar",
    )  # fmt: skip


def certificate_revoked(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *, revision: int = 1
) -> CertificateRevoked:
    """Say that a certificate is revoked."""
    return CertificateRevoked(
        **_in_cohort(learner, cohort, at), programme=PKA, revision=revision,
        number=f"35/2024/PKA/{revision:05}", reason="terbit karena kekeliruan",
    )  # fmt: skip


def card(
    learner: str = AYU, *, version: int = 1, at: datetime = AT, **changes: object
) -> LearnerRecorded:
    """Say how to reach a learner."""
    usual: _Values = {
        "learner_id": learner, "at": at, "version": version, "nip": "198001012005011001",
        "name": "Ayu Lestari, S.Sos.", "agency": AGENCY, "agency_name": "Kota Malang",
        "employment": "PNS", "email": "ayu@malangkota.go.id",
    }  # fmt: skip
    return LearnerRecorded(**{**usual, **changes})


def each_once(learner: str = AYU, cohort: str = COHORT) -> Sequence[Fact]:
    """Make one fact of each type, a minute apart."""
    makers: Sequence[Callable[[str, str, datetime], Fact]] = (
        waitlisted, nomination_refused, enrolled, withdrawn, rescheduled, phase_completed,
        programme_completed, phase_at_risk, graduation_decided, certified, certificate_superseded,
        certificate_revoked,
    )  # fmt: skip
    return [make(learner, cohort, AT + timedelta(minutes=n)) for n, make in enumerate(makers)]


def stated(facts: Iterable[Fact]) -> Sequence[Message]:
    """State facts, each as the first of an aggregate of its own."""
    return [
        Message.of(fact, source="/corpu/35/test", aggregate=f"tests/{n}", seq=1, epoch=1)
        for n, fact in enumerate(facts)
    ]


class Desk:
    """notify's subscriptions on memory twins, without its doors to people."""

    def __init__(self, store: Store | None = None, works: Works[NotifyWork] | None = None) -> None:
        """Put a store and works together; both are made where none is given."""
        self.memory = MemoryStore()
        self.store = store or self.memory
        self.bus = MemoryBus()
        relay = Relay(self.store, KINDS, self.bus.publish)
        self.works = works or Works(NotifyWork, Frame(self.store, "/corpu/35/notify"), relay)
        self.deliveries = [Delivery(each, self.works) for each in SUBSCRIPTIONS]

    async def hear(self, facts: Iterable[Fact], batch: int = 500) -> None:
        """Hear facts in this order, in batches of at most so many."""
        await self.bus.publish(stated(facts))
        await self.bus.settle(self.deliveries, batch)

    def kept(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """Tell all that is kept in memory, without the count of the writes that it took."""
        return {
            name: {
                key: {part: value for part, value in document.items() if part != "version"}
                for key, document in room.items()
            }
            for name, room in self.memory.snapshot().items()
        }


@dataclass
class MemoryLetters:
    """A mail server in memory; `says` are its next answers, after which it takes everything."""

    says: list[Outcome] = field(default_factory=list)
    away: bool = False
    opened_times: int = 0
    tried: list[Letter] = field(default_factory=list)
    taken: list[Letter] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Postman]:
        """Open a line, or be away."""
        self.opened_times += 1
        if self.away:
            raise Unavailable("the mail server cannot be used (test)")
        yield self

    async def send(self, letter: Letter) -> Outcome:
        """Take a letter, or answer as told."""
        self.tried.append(letter)
        outcome = self.says.pop(0) if self.says else Outcome("sent")
        if outcome.kind == "sent":
            self.taken.append(letter)
        return outcome


@dataclass
class Node:
    """notify as an application on memory twins."""

    app: FastAPI
    engine: MemoryEngine
    issuer: Issuer
    clock: SetClock

    async def hear(self, *facts: Fact) -> None:
        """Have facts published and heard."""
        await self.engine.bus.publish(stated(facts))
        await self.engine.bus.quiet()

    def learner(self, learner: str = AYU, **claims: object) -> dict[str, str]:
        """Sign a learner in."""
        return self.issuer.bearer("learner", **{"sub": learner, "learner_id": learner, **claims})


def node(clock: SetClock, letters: Letters | None = None, **settings: object) -> Node:
    """Make notify with an issuer of its own."""
    engine, issuer = MemoryEngine(), Issuer(clock)
    given = {"CORPU_ISSUER": ISSUER, "CORPU_AUDIENCE": AUDIENCE, **settings}
    app = create_app(Settings.model_validate(given), engine, clock, issuer, letters)
    return Node(app, engine, issuer, clock)


@dataclass(frozen=True)
class Told:
    """One server-sent event."""

    event: str
    data: Any
    id: str | None


class Stream:
    """Reads a live stream from an application, event by event, and ends it."""

    def __init__(
        self, app: FastAPI, path: str, headers: Mapping[str, str], query: str = ""
    ) -> None:
        """Ask for a path."""
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "server": ("corpu.test", 80), "client": ("test", 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self._app = app
        self._sent: asyncio.Queue[AsgiMessage] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self._text = ""
        self.status = 0

    async def _receive(self) -> AsgiMessage:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def __aenter__(self) -> Self:
        """Ask, and wait for the answer to begin."""

        async def ask() -> None:
            await self._app(self._scope, self._receive, self._sent.put)

        self._task = start(ask(), "a stream")
        self.status = (await self._sent.get())["status"]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        self._gone.set()
        await end(self._task)

    async def next(self) -> Told | None:
        """Read the next event; None at the end of the stream."""
        while True:
            head, found, self._text = self._text.partition("\r\n\r\n")
            if not found:
                self._text = head
                message = await asyncio.wait_for(self._sent.get(), 20)
                self._text += message.get("body", b"").decode()
                if not message.get("more_body"):
                    return None
            elif not head.startswith(":"):
                fields = dict(line.split(": ", 1) for line in head.split("\r\n"))
                return Told(fields["event"], json.loads(fields["data"]), fields.get("id"))
