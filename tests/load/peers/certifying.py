"""The step that every peer does, without any of the libraries: terms, completions, and the certificate they earn.

All peers read and write JSON by orjson, the fastest there is, and read only the records that concern them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

ENROLLED, COMPLETED = b"id.corpu.enrolled.v1", b"id.corpu.programme_completed.v1"
CERTIFIED = b"id.corpu.certified.v1"
CONCERNED = frozenset({ENROLLED, COMPLETED})
TOPICS = ["enrolment", "progress"]
Headers = Iterable[tuple[str, Any]]
Document = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """One record that concerns certification: what it is, of which enrolment, and what is kept of it."""

    type: bytes
    enrolment_id: str
    kept: Document

    @property
    def field(self) -> str:
        """Tell where it is kept in the dossier."""
        return "terms" if self.type == ENROLLED else "completed"


def type_of(headers: Headers) -> bytes:
    """Tell a record's type."""
    return next((value for name, value in headers if name == "ce_type"), b"")


def read(headers: Headers, value: bytes | None) -> Told | None:
    """Read what concerns certification; None for the rest, whose value is never looked at."""
    type_ = type_of(headers)
    if type_ not in CONCERNED or value is None:
        return None
    data = orjson.loads(value)
    kept = _terms(data) if type_ == ENROLLED else data
    return Told(type_, data["enrolment_id"], kept)


def _terms(data: Mapping[str, Any]) -> Document:
    plan = data["plan"]
    return {
        "host_node": plan["host_node"],
        "host_agency": plan["host_agency"],
        "weights": plan["rules"]["weights"],
        "bands": plan["rules"]["bands"],
        "kind": plan["rules"]["document"]["kind"],
    }


def register_of(completed: Mapping[str, Any]) -> str:
    """Name the register that counts the year's certificates of a programme."""
    return f"35/{completed['programme']['code']}/{completed['at'][:4]}"


def certified(terms: Mapping[str, Any], completed: Mapping[str, Any], number: str) -> bytes:
    """Write the fact that a certificate is held."""
    scores, weights = completed["scores"], terms["weights"]
    score = sum(scores[activity] * weight for activity, weight in weights.items()) / 100
    fact: Document = {
        name: completed[name]
        for name in (
            "at", "learner_id", "enrolment_id", "cohort_id", "cohort_title", "agency", "home_node",
            "programme", "jp",
        )
    }  # fmt: skip
    fact |= {
        "host_node": terms["host_node"],
        "host_agency": terms["host_agency"],
        "number": number,
        "revision": 1,
        "final_score": score,
        "predicate": next((band for band in terms["bands"] if score >= band["floor"]), None),
        "kind": terms["kind"],
        "issued_on": completed["at"][:10],
        "year": int(completed["at"][:4]),
        "verify_url": f"http://127.0.0.1/verify/{number}",
    }
    written: bytes = orjson.dumps(fact)
    return written


def headers_of(completed: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Write the headers of the fact."""
    learner, enrolment = completed["learner_id"].encode(), completed["enrolment_id"].encode()
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", enrolment),
        ("ce_type", CERTIFIED),
        ("ce_source", b"/corpu/35/peer"),
        ("ce_subject", learner),
        ("ce_time", completed["at"].encode()),
        ("ce_aggregate", enrolment),
        ("ce_seq", b"1"),
        ("ce_epoch", b"1"),
        ("content-type", b"application/json"),
    ]


def merged(dossiers: Mapping[str, Document], heard: Sequence[Told]) -> dict[str, Document]:
    """Put what was heard in a batch into the dossiers it concerns; those that are not kept yet are new."""
    changed: dict[str, Document] = {}
    for told in heard:
        key = told.enrolment_id
        dossier = changed.setdefault(key, dict(dossiers.get(key, {"_id": key})))
        dossier.setdefault(told.field, told.kept)
    return changed


def is_due(dossier: Mapping[str, Any]) -> bool:
    """Tell whether a dossier earns a certificate and has none."""
    return "terms" in dossier and "completed" in dossier and "number" not in dossier
