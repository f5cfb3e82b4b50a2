"""What is missing, in words for people: Indonesian and English."""

from services.progress.domain.gates import Timeline, holds
from shared.events.plan import ApprovalRule, AttendanceRule, Gate, ScoreRule

Words = tuple[str, str]
"""The same sentence in Indonesian and in English."""

_ROLES = {
    "mentor": ("mentor", "mentor"),
    "coach": ("coach", "coach"),
    "examiner": ("penguji", "examiner"),
    "organiser": ("penyelenggara", "organiser"),
}


def missing(gate: Gate, timeline: Timeline) -> list[Words]:
    """Tell what a gate still asks for, without what people typed, which may be personal."""
    lacking: list[Words] = []
    for requirement in gate.all:
        if holds(timeline.steps(requirement)):
            continue
        if requirement.score:
            lacking.append(_score(requirement.score, timeline))
        elif requirement.attendance:
            lacking.append(_attendance(requirement.attendance, timeline))
        elif requirement.approved:
            lacking.append(_approval(requirement.approved, timeline))
        else:
            lacking += [
                (f"Selesaikan kegiatan {activity}", f"Complete the activity {activity}")
                for activity in requirement.completed or ()
                if not timeline.of("completed", activity)
            ]
    return lacking


def _score(rule: ScoreRule, timeline: Timeline) -> Words:
    id_role, en_role = _ROLES[rule.by] if rule.by else ("", "")
    id_by = f" dari {id_role}" if rule.by else ""
    en_by = f" by the {en_role}" if rule.by else ""
    found = [each for each in timeline.of("score", rule.activity) if rule.by in (None, each.by)]
    least = rule.at_least
    if not found:
        return (
            f"Nilai {rule.activity}{id_by} belum ada (paling rendah {_comma(least)})",
            f"No score in {rule.activity}{en_by} yet (at least {least:g})",
        )
    score = found[-1].value
    return (
        f"Nilai {rule.activity}{id_by} {_comma(score)}, paling rendah {_comma(least)}",
        f"The score in {rule.activity}{en_by} is {score:g}, at least {least:g} is needed",
    )


def _attendance(rule: AttendanceRule, timeline: Timeline) -> Words:
    there, of = timeline.attended(rule)
    least = rule.at_least_percent
    if not of:
        return (
            f"Sesi {rule.sessions} belum dijadwalkan",
            f"No sessions of {rule.sessions} are planned yet",
        )
    return (
        f"Hadir di {there} dari {of} sesi {rule.sessions}, paling sedikit {_comma(least)}%",
        f"Present in {there} of {of} sessions of {rule.sessions}, at least {least:g}% is needed",
    )


def _approval(rule: ApprovalRule, timeline: Timeline) -> Words:
    id_role, en_role = _ROLES[rule.by]
    if timeline.of("document", rule.document, rule.by):
        return (
            f"{rule.document} dikembalikan oleh {id_role} dan harus diperbaiki",
            f"{rule.document} was sent back by the {en_role} and must be revised",
        )
    return (
        f"{rule.document} belum disetujui oleh {id_role}",
        f"{rule.document} is not approved by the {en_role} yet",
    )


def _comma(number: float) -> str:
    return f"{number:g}".replace(".", ",")
