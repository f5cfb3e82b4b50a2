"""Facts that people are told, one builder each."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.events.certification import (
    CertificateRevoked,
    CertificateSigned,
    CertificateSuperseded,
    Certified,
)
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
from shared.kernel.ids import enrolment_id

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
    return {"learner_id": learner, "at": at, "enrolment_id": enrolment_id(learner, cohort, "35")}


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
    revision: int = 1, scored: bool = True, draft: bool = False,
) -> Certified:  # fmt: skip
    """Say that a certificate is issued; a later revision supersedes the one before."""
    return Certified(
        **_in_cohort(learner, cohort, at), home_node="35", host_node="35", host_agency="35",
        programme=PKA, number=f"35/2024/PKA/{revision:05}", revision=revision,
        supersedes=f"35/2024/PKA/{revision - 1:05}" if revision > 1 else None, jp=908,
        final_score=91.25 if scored else None, predicate=BAND if scored else None, kind="sttp",
        issued_on=date(2024, 7, 12), year=2024, verify_url=URL,
        valid_until=None if scored else date(2027, 7, 12), awaits_signature=draft,
    )  # fmt: skip


def certificate_signed(
    learner: str = AYU, cohort: str = COHORT, at: datetime = AT, *, revision: int = 1
) -> CertificateSigned:
    """Say that a certificate is signed."""
    return CertificateSigned(
        **_in_cohort(learner, cohort, at), programme=PKA, number=f"35/2024/PKA/{revision:05}",
        revision=revision, jp=908, signed_on=date(2024, 7, 19), external_number="LAN-7",
        verify_url=URL,
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
        programme_completed, phase_at_risk, graduation_decided, certified, certificate_signed,
        certificate_superseded, certificate_revoked,
    )  # fmt: skip
    return [make(learner, cohort, AT + timedelta(minutes=n)) for n, make in enumerate(makers)]
