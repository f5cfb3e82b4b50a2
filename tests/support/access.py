"""Every operation of a service: whom it admits, and how to ask it for one agency's data, writes with a sound body."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from services.enrolment.catalogue import example_cohort
from shared.web.identity import Allow, policy_of
from tests.support.enrolment import COURSE, DATES, SESSIONS, cohort_body, row

Sent = dict[str, Any]
ENDLESS = {("notify", "/inbox/stream"), ("progress", "/live/sessions/{session_id}/audience/stream")}
"""Answers without an end, which a walk cannot wait for; their own service's tests read them."""


@dataclass(frozen=True)
class Route:
    """One operation of one service, and who it admits: roles, or None for everybody."""

    service: str
    method: str
    path: str
    admits: frozenset[str] | None

    def __str__(self) -> str:
        """Read as a line of a log."""
        return f"{self.service}: {self.method} {self.path}"


def routes_of(service: str, app: FastAPI) -> Iterator[Route]:
    """List an application's operations; AssertionError for one without a policy."""
    for context in iter_route_contexts(app.routes):
        path = context.path or ""
        if path == "/openapi.json":
            continue
        policy = policy_of(context.dependant)
        for method in context.methods or ():
            assert policy is not None, f"no policy names {service}: {method} {path}"
            admits = policy.roles if isinstance(policy, Allow) else None
            yield Route(service, method, path, admits)


def fill(path: str, names: Mapping[str, str]) -> str:
    """Put the agency's ids into a path."""
    special = {
        "/programmes/{code}/{version}": {"code": "PKA", "version": "1"},
        "/catalogue/{code}": {"code": "PKA"},
        "/agencies/{code:path}": {"code": names["agency"]},
        "/verify/{code}": {"code": names["verification"]},
        "/live/player/{edition}/{name}": {"edition": "0123456789abcdef", "name": "main.js"},
        "/registers/{programme}/{year}": {"programme": "PKA", "year": "2024"},
    }
    values = {**names}
    for prefix, own in special.items():
        if path.startswith(prefix):
            values |= own
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
    query = "?year=2024" if "/jp" in path else ""
    return path + query


def live_session() -> dict[str, Any]:
    """Make the body of a live session of the demo's cohort, on the day on which the clock stands."""
    cohort: Any = example_cohort()
    group, names = next(iter(cohort["sessions"].items()))
    return {
        "title": "Kelas virtual", "kind": "class", "cohort_id": cohort["id"], "group": group,
        "session": names[0], "starts_at": "2024-07-20T03:00:00Z", "ends_at": "2024-07-20T05:00:00Z",
        "stream": {"kind": "meeting", "url": "https://meet.test/pka"},
    }  # fmt: skip


def _json(body: object) -> Callable[[], Sent]:
    return lambda: {"json": body}


def _file() -> Sent:
    return {"files": {"file": ("staff.csv", b"nip;nama\r\n", "text/csv")}}


_AGREED: Sent = {
    "number": "119/041/PKS/2024", "parties": [{"node": "35"}, {"node": "62"}],
    "valid_from": "2024-01-01", "valid_until": "2024-12-31", "legal_basis": "UU 27/2022",
    "purpose": "Pelatihan ASN",
}  # fmt: skip
_SEEN: Sent = {
    "kind": "completed",
    "activity": "mooc",
    "at": "2024-05-01T02:00:00Z",
    "source": "lms",
}
_GRADUATION: Sent = {
    "decided_on": "2024-07-12", "minutes": "BA-1",
    "signatory": {"name": "Dr. Ratna Dewi", "position": "Kepala BPSDM"}, "decisions": [],
}  # fmt: skip
BODIES: Mapping[tuple[str, str, str], Callable[[], Sent]] = {
    ("enrolment", "PUT", "/programmes/{code}/{version}"): _json(COURSE),
    ("enrolment", "PUT", "/cohorts/{cohort_id}"): _json(cohort_body()),
    ("enrolment", "POST", "/cohorts/{cohort_id}/offer"): _json({"nominations_until": "2030-01-01"}),
    ("enrolment", "POST", "/programmes/adoption"): _json(
        {"node": "62", "code": "PKA", "version": 1}
    ),
    ("enrolment", "PUT", "/agreements/{agreement_id}"): _json(_AGREED),
    ("enrolment", "POST", "/agreements/{agreement_id}/termination"): _json(
        {"on": "2024-07-01", "reason": "ended"}
    ),
    ("enrolment", "PUT", "/cohorts/{cohort_id}/calendar"): _json(
        {"calendar": DATES, "sessions": SESSIONS}
    ),
    ("enrolment", "POST", "/cohorts/{cohort_id}/graduation"): _json(_GRADUATION),
    ("enrolment", "POST", "/cohorts/{cohort_id}/rosters"): _json(
        {"agency": "35.73", "rows": [row(900)]}
    ),
    ("enrolment", "POST", "/rosters/{roster_id}/endorsement"): _json(
        {"letter_number": "1", "letter_date": "2024-02-01", "rows": None}
    ),
    ("enrolment", "POST", "/enrolments/{enrolment_id}/withdrawal"): _json(
        {"reason": "moved", "on": "2024-07-01"}
    ),
    ("enrolment", "POST", "/learners/{learner_id}/number"): _json(
        {"nip": "199001012015011001", "since": "2024-07-01"}
    ),
    ("enrolment", "POST", "/agencies/{code:path}/staff"): _file,
    ("progress", "POST", "/enrolments/{enrolment_id}/evidence"): _json(_SEEN),
    ("progress", "POST", "/evidence"): _json({"items": []}),
    ("progress", "PUT", "/cohorts/{cohort_id}/companions"): _json({"items": []}),
    ("progress", "POST", "/live/sessions"): lambda: {"json": live_session()},
    ("progress", "POST", "/live/sessions/{session_id}/extend"): _json(
        {"ends_at": "2024-07-20T09:00:00Z"}
    ),
    ("progress", "POST", "/live/sessions/{session_id}/resume"): _json(
        {"ended_at": "2024-07-20T03:00:00Z"}
    ),
    ("progress", "POST", "/live/sessions/{session_id}/join"): _json({"device": "phone"}),
    ("progress", "POST", "/live/sessions/{session_id}/claims"): _json(
        {"from_minute": 0, "to_minute": 9, "reason": "padam"}
    ),
    ("progress", "POST", "/live/claims/{claim_id}/decision"): _json({"decision": "accepted"}),
    ("progress", "POST", "/live/sessions/{session_id}/site"): _json(
        {"site": "aula", "items": [{}]}
    ),
    ("progress", "POST", "/live/sessions/{session_id}/reports"): lambda: {
        "files": {"file": ("zoom.csv", b"NIP,Join Time,Leave Time\r\n", "text/csv")}
    },
    ("certification", "POST", "/certificates/signatures"): _json({"items": []}),
    ("certification", "POST", "/certificates/{enrolment_id}/signature"): _json(
        {"signed_on": "2024-07-13", "signed_by": "Dr. Ratna Dewi"}
    ),
    ("certification", "POST", "/certificates/{enrolment_id}/revocation"): _json(
        {"reason": "error"}
    ),
    ("certification", "POST", "/certificates/{enrolment_id}/reissue"): _json({"reason": "error"}),
    ("notify", "PUT", "/preferences"): _json({"channels": {}}),
}
"""Sound bodies, so that only the policy stands between a stranger and the data."""
