"""Facts that certification owns: certificates issued, superseded and revoked."""

from datetime import date

from shared.events.fact import Fact
from shared.events.plan import Band, ProgrammeRef


class Certified(Fact, type="id.corpu.certified.v1", topic="certification"):
    """A learner holds this certificate, the only live one of the enrolment."""

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


class CertificateSuperseded(Fact, type="id.corpu.certificate_superseded.v1", topic="certification"):
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


class CertificateRevoked(Fact, type="id.corpu.certificate_revoked.v1", topic="certification"):
    """A certificate is no longer live, and none stands in its place."""

    enrolment_id: str
    programme: ProgrammeRef
    agency: str
    number: str
    revision: int
    reason: str
    cohort_id: str = ""
    cohort_title: str = ""
