"""Facts that certification owns: certificates issued, signed, superseded, revoked, and taken along."""

from datetime import date
from typing import Literal

from shared.events.fact import LearnerFact, Value
from shared.events.plan import Band, ProgrammeRef


class Certified(LearnerFact, type="id.corpu.certified.v1", topic="certification"):
    """A learner holds this certificate, the only live one of the enrolment.

    One that `awaits_signature` is a draft, which does not hold, until it is stated to be signed.
    """

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    home_node: str
    host_node: str
    host_agency: str
    programme: ProgrammeRef
    number: str
    revision: int
    supersedes: str | None = None
    jp: int
    final_score: float | None
    predicate: Band | None
    kind: str
    issued_on: date
    year: int
    valid_until: date | None = None
    verify_url: str
    awaits_signature: bool = False
    credential: str = ""
    """The certificate as a signed Open Badge (W3C Verifiable Credential), in the home node's copy only."""


class CertificateSigned(LearnerFact, type="id.corpu.certificate_signed.v1", topic="certification"):
    """A certificate whose rules ask for a signature has one, and is a draft no longer."""

    enrolment_id: str
    cohort_id: str
    cohort_title: str
    agency: str
    programme: ProgrammeRef
    number: str
    revision: int
    jp: int
    signed_on: date
    external_number: str = ""
    verify_url: str


class CertificateSuperseded(
    LearnerFact, type="id.corpu.certificate_superseded.v1", topic="certification"
):
    """A certificate is no longer live, and this one stands in its place."""

    enrolment_id: str
    programme: ProgrammeRef
    agency: str
    number: str
    revision: int
    by_number: str
    reason: str
    cohort_id: str = ""
    cohort_title: str = ""


class CertificateRevoked(
    LearnerFact, type="id.corpu.certificate_revoked.v1", topic="certification"
):
    """A certificate is no longer live, and none stands in its place."""

    enrolment_id: str
    programme: ProgrammeRef
    agency: str
    number: str
    revision: int
    reason: str
    cohort_id: str = ""
    cohort_title: str = ""


class CertificateEnded(Value):
    """That a revision of a certificate is live no longer; `by_number` stands in its place, if any."""

    revision: int
    number: str
    state: Literal["superseded", "revoked"]
    reason: str
    by_number: str = ""


class CertificatesTold(LearnerFact, type="id.corpu.certificates_told.v1", topic="certification"):
    """A learner's old home tells the new one the certificates of one enrolment; more may follow.

    `signed` are the revisions that awaited a signature and have one.
    """

    home_node: str
    to_node: str
    enrolment_id: str
    certified: tuple[Certified, ...] = ()
    ended: tuple[CertificateEnded, ...] = ()
    signed: tuple[int, ...] = ()

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the new home."""
        return (self.to_node,)
