"""A certificate as an Open Badge: an OpenBadgeCredential 3.0, which is a W3C Verifiable Credential 2.0.

Its members are those of 1EdTech's "Open Badges Specification", version 3.0. It names the learner by the
pseudonym only, so that whoever holds it learns no more than whoever is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from shared.events.certification import Certified

Badge = dict[str, Any]

_CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
]
_SCHEMA = {
    "id": "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json",
    "type": "1EdTechJsonSchemaValidator2019",
}
_CERTIFICATE, _NODE, _LEARNER = "urn:corpu:certificate:", "urn:corpu:node:", "urn:corpu:learner:"
MOST_SIGNS = 16_000
"""Signs in a signed badge: far more than any needs, and few enough to be read whole."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a published list of statuses tells whether a certificate still holds."""

    address: str
    place: int


def badge_of(fact: Certified, status: Entry | None = None) -> Badge:
    """Make the badge of a certificate."""
    programme, site = fact.programme, fact.verify_url.partition("/verify/")[0]
    achievement = f"urn:corpu:programme:{fact.host_node}:{programme.code}:{programme.version}"
    results, descriptions = _results(fact, achievement)
    badge: Badge = {
        "@context": _CONTEXT,
        "id": f"{_CERTIFICATE}{fact.enrolment_id}:{fact.revision}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": programme.title,
        "issuer": {
            "id": f"{_NODE}{fact.host_node}",
            "type": ["Profile"],
            "name": fact.host_agency,
            "url": site,
        },
        "validFrom": _instant(fact.issued_on, time()),
        "credentialSubject": {
            "id": f"{_LEARNER}{fact.learner_id}",
            "type": ["AchievementSubject"],
            "licenseNumber": fact.number,
            "creditsEarned": fact.jp,
            "achievement": {
                "id": achievement,
                "type": ["Achievement"],
                "achievementType": "CertificateOfCompletion",
                "name": programme.title,
                "description": f"{programme.title} / {programme.title_en}",
                "criteria": {"narrative": f"{fact.cohort_title}: {fact.jp} JP"},
                "creditsAvailable": fact.jp,
                "humanCode": programme.code,
                "version": str(programme.version),
                "inLanguage": "id",
                **({"resultDescription": descriptions} if descriptions else {}),
            },
            **({"result": results} if results else {}),
        },
        "evidence": [{"id": fact.verify_url, "type": ["Evidence"]}],
        "credentialSchema": [_SCHEMA],
    }
    if fact.valid_until:
        badge["validUntil"] = _instant(fact.valid_until, time(23, 59, 59))
    if status:
        badge["credentialStatus"] = {
            "id": f"{status.address}#{status.place}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(status.place),
            "statusListCredential": status.address,
        }
    return badge


def _results(fact: Certified, achievement: str) -> tuple[list[Badge], list[Badge]]:
    found: list[tuple[str, Badge]] = []
    if fact.final_score is not None:
        kind = {
            "name": "Nilai akhir",
            "resultType": "WeightedAverage",
            "valueMax": "100",
            "valueMin": "0",
        }
        found.append((f"{fact.final_score:g}", kind))
    if fact.predicate:
        kind = {"name": "Predikat", "resultType": "LetterGrade"}
        found.append((fact.predicate.title, kind))
    results, descriptions = [], []
    for place, (value, kind) in enumerate(found, 1):
        name = f"{achievement}:result:{place}"
        results.append({"type": ["Result"], "resultDescription": name, "value": value})
        descriptions.append({"id": name, "type": ["ResultDescription"], **kind})
    return results, descriptions


def claims_of(badge: Badge) -> Badge:
    """Write the payload of a badge's JWT: the badge itself, and the registered claims that repeat it."""
    claims = {
        **badge,
        "iss": badge["issuer"]["id"],
        "sub": badge["credentialSubject"]["id"],
        "jti": badge["id"],
        "nbf": _seconds(badge["validFrom"]),
    }
    return claims | ({"exp": _seconds(badge["validUntil"])} if "validUntil" in badge else {})


@dataclass(frozen=True, slots=True)
class Stated:
    """What a badge says that a certificate says as well."""

    enrolment_id: str
    revision: int
    node: str
    learner_id: str
    number: str
    achievement: str
    jp: float
    valid_from: str
    valid_until: str
    results: tuple[str, ...]


def stated_by(claims: Mapping[str, Any]) -> Stated:
    """Read what a badge states; ValueError where it is none of this form, or contradicts itself."""
    try:
        subject, issuer = claims["credentialSubject"], claims["issuer"]["id"]
        enrolment_id, _, revision = str(claims["id"]).removeprefix(_CERTIFICATE).rpartition(":")
        _refuse_contradiction(claims, {"iss": issuer, "sub": subject["id"], "jti": claims["id"]})
        return Stated(
            enrolment_id=enrolment_id,
            revision=int(revision),
            node=_after(issuer, _NODE),
            learner_id=_after(subject["id"], _LEARNER),
            number=str(subject["licenseNumber"]),
            achievement=str(subject["achievement"]["id"]),
            jp=float(subject["creditsEarned"]),
            valid_from=str(claims["validFrom"]),
            valid_until=str(claims.get("validUntil", "")),
            results=tuple(str(each["value"]) for each in subject.get("result", ())),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as broken:
        raise ValueError("this is no badge of a certificate") from broken


def _refuse_contradiction(claims: Mapping[str, Any], said: Mapping[str, Any]) -> None:
    if any(claims[name] != each for name, each in said.items()):
        raise ValueError


def _after(text: str, prefix: str) -> str:
    if not text.startswith(prefix):
        raise ValueError
    return text.removeprefix(prefix)


def _instant(day: date, at: time) -> str:
    return datetime.combine(day, at, UTC).isoformat().replace("+00:00", "Z")


def _seconds(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp())
