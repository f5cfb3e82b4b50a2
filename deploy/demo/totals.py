"""What the demo ends with: figures asked of the node, and what falls short of a whole cohort."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.audit import Books, Disagreement
from deploy.client import SERVICES
from deploy.demo.graduation import Printed
from deploy.demo.nomination import Nominated
from deploy.demo.replay import Replayed
from deploy.demo.stage import Stage
from shared.events.catalogue import CATALOGUE

_STATED = re.compile(r'^corpu_facts_stated_total\{type="([^"]+)"\} ([0-9.e+]+)$', re.MULTILINE)
_OWN = {"enrolment": "enrolment", "learners": "enrolment"}


@dataclass(frozen=True, slots=True)
class Line:
    """One learner in the table at the end."""

    name: str
    phases: str
    score: str
    predicate: str
    number: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that the demo came to, except how long it took."""

    totals: dict[str, Any]
    lines: Sequence[Line]

    def shortfalls(self, seats: int) -> list[str]:
        """Say what a whole cohort of so many seats would have and this one has not."""
        phases = self.totals["phases_of"] * seats
        wanted = {
            "enrolled": seats, "waitlisted_promoted": 1, "withdrawn": 1, "phases_completed": phases,
            "graduated": seats, "certified": seats, "parked": 0,
        }  # fmt: skip
        short = [
            f"{name} is {self.totals[name]} and should be {number}"
            for name, number in wanted.items()
            if self.totals[name] != number
        ]
        found = self.totals["audit"]["disagreements"]
        return [*short, *([f"the audit found {len(found)} disagreements"] if found else [])]


async def tally(
    stage: Stage,
    nominated: Nominated,
    replayed: Replayed,
    printed: Sequence[Printed],
    books: Books,
    disagreements: Sequence[Disagreement],
) -> Outcome:
    """Ask the node for every figure."""
    path = f"/cohorts/{nominated.cohort_id}/enrolments"
    enrolments = [each async for each in stage.organiser.pages("enrolment", path)]
    status = {each["id"]: each["status"] for each in enrolments}
    current = [key for key, each in status.items() if each == "enrolled"]
    records = {key: books.records[key] for key in current}
    waitlisted = {row["enrolment_id"] for row in nominated.rows_of("waitlisted")}
    refused = Counter(reason for row in nominated.rows_of("refused") for reason in row["reasons"])
    summary = await stage.organiser.get("notify", "/notices/summary")
    held = [each for each in printed if each.certificate["state"] == "live"]
    totals: dict[str, Any] = {
        "cohort": nominated.cohort_id,
        "enrolled": len(current),
        "waitlisted_promoted": len(waitlisted & set(current)),
        "withdrawn": sum(each == "withdrawn" for each in status.values()),
        "refused": dict(sorted(refused.items())),
        "phases_completed": sum(record["phases"] for record in records.values()),
        "phases_of": len(nominated.course.phases),
        "evidence": {
            **{name: replayed.said[name] for name in ("accepted", "repeated", "refused")},
            "refusals": dict(replayed.refusals),
        },
        "missing_on_the_way": {
            "attendance": list(replayed.missed),
            "approval": list(replayed.sent_back),
        },
        "graduated": sum(each["outcome"] == "graduated" for each in enrolments),
        "certified": len(held),
        "certificates": [_shown(each) for each in printed],
        "notices": {kind: count for kind, count in summary["notices"].items() if count},
        "facts": await facts(stage),
        "parked": sum([await _parked(stage, service) for service in SERVICES]),
        "audit": {
            "checked": books.sizes,
            "disagreements": [each.as_json() for each in disagreements],
        },
    }
    names = {each["id"]: str(each["name"]) for each in enrolments}
    phases = {key: f"{record['phases']}/{record['of']}" for key, record in records.items()}
    return Outcome(totals, [_line(each.certificate, names, phases) for each in printed])


async def facts(stage: Stage) -> dict[str, int]:
    """Count the facts stated by type, each by the service that owns it."""
    counted: dict[str, int] = {}
    for service in SERVICES:
        text = (await stage.client.nobody().read(service, "/metrics")).decode()
        for type_, count in _STATED.findall(text):
            topic = CATALOGUE[type_].topic if type_ in CATALOGUE else service
            if _OWN.get(topic, topic) == service:
                counted[type_] = int(float(count))
    return dict(sorted(counted.items()))


async def _parked(stage: Stage, service: str) -> int:
    # Listed and not asked of the status, which tells none while the store is away, and does not wait for it.
    return len([each async for each in stage.operator.pages(service, "/operations/parked")])


def _shown(printed: Printed) -> dict[str, str | None]:
    """Tell of a certificate what its reader wants to check."""
    held = printed.certificate
    return {
        "number": held["number"],
        "predicate": _predicate(held),
        "pdf": str(printed.pdf),
        "verify_url": held["verify_url"],
    }


def _predicate(held: Mapping[str, Any]) -> str | None:
    return str(held["predicate"]["title"]) if held["predicate"] else None


def _line(held: Mapping[str, Any], names: Mapping[str, str], phases: Mapping[str, str]) -> Line:
    key = held["enrolment_id"]
    score, predicate = f"{held['final_score']}", _predicate(held) or ""
    return Line(names[key], phases[key], score, predicate, held["number"])
