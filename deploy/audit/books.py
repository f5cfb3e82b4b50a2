"""What the four services hold, entered by what an audit looks it up by."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Disagreement:
    """Books that do not tell the same: a stable kind, of what, and in words."""

    kind: str
    subject: str
    detail: str

    def as_json(self) -> dict[str, str]:
        """Tell it as a program would read it."""
        return {"kind": self.kind, "subject": self.subject, "detail": self.detail}


@dataclass(slots=True)
class Books:
    """The rows of all services; `notices` counts (enrolment, type, certificate number).

    `attendance` is that of closed live sessions, by enrolment and session. `entries` are those of
    all passports by enrolment, `credentials` what other nodes certified of our people.
    """

    enrolments: dict[str, Row] = field(default_factory=dict)
    records: dict[str, Row] = field(default_factory=dict)
    attendance: dict[tuple[str, str], Row] = field(default_factory=dict)
    passports: dict[str, Row] = field(default_factory=dict)
    entries: dict[str, Row] = field(default_factory=dict)
    credentials: dict[str, Row] = field(default_factory=dict)
    dossiers: dict[str, Row] = field(default_factory=dict)
    registers: list[Row] = field(default_factory=list)
    notices: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def enter(self, service: str, row: Row) -> None:
        """Enter one service's row."""
        key = str(row["id"])
        if service == "enrolment":
            self.enrolments[key] = row
        elif service == "notify":
            number = str(row.get("subject_number") or "")
            self.notices[str(row.get("enrolment_id") or ""), str(row["type"]), number] += 1
        elif service == "progress" and key.startswith("attendance/"):
            self.attendance[str(row["enrolment_id"]), str(row["session_id"])] = row
        elif service == "progress":
            room = self.passports if key.startswith("passport/") else self.records
            room[key.partition("/")[2]] = row
            self.entries |= {str(each["enrolment_id"]): each for each in row.get("entries", ())}
        elif key.startswith("register/"):
            self.registers.append(row)
        elif key.startswith("credential/"):
            self.credentials[str(row["enrolment_id"])] = row
        else:
            self.dossiers[key] = row

    @property
    def abroad(self) -> dict[str, Row]:
        """Tell the passport entries of what other nodes teach."""
        return {key: each for key, each in self.entries.items() if key not in self.enrolments}

    def is_guest(self, key: str) -> bool:
        """Tell whether an enrolment is a guest's, who hears of it at home."""
        return bool(self.records.get(key, {}).get("guest"))

    @property
    def sizes(self) -> dict[str, int]:
        """Tell how much there is of each."""
        return {
            "enrolments": len(self.enrolments),
            "records": len(self.records),
            "passports": len(self.passports),
            "dossiers": len(self.dossiers),
            "numbers": sum(len(page["entries"]) for page in self.registers),
            "notices": self.notices.total(),
            **({"attendance": len(self.attendance)} if self.attendance else {}),
            **({"abroad": len(self.abroad)} if self.abroad else {}),
            **({"credentials": len(self.credentials)} if self.credentials else {}),
        }
