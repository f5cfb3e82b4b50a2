"""The rules of the audit: pure comparisons that name every disagreement between the books."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from deploy.audit import abroad
from deploy.audit.books import Books, Disagreement, Row


def compare(books: Books) -> list[Disagreement]:
    """Name every disagreement between the books, in a stable order."""
    rules: Sequence[Callable[[Books], Iterator[Disagreement]]] = (
        _records, _dossiers, _certificates, _numbers, _training_hours,
        _hours_counted, _attendance, _told_of_enrolments,
        _told_of_certificates, _told_of_signatures, abroad.credentials, abroad.told_of_entries,
    )  # fmt: skip
    return sorted({found for rule in rules for found in rule(books)})


def _records(books: Books) -> Iterator[Disagreement]:
    """Every enrolment has one progress record that tells the same, and no record stands alone."""
    for key, row in books.enrolments.items():
        record = books.records.get(key)
        if record is None:
            yield Disagreement(
                "enrolment-without-record", key, f"{row['status']}, and progress knows nothing"
            )
            continue
        left = record["status"] == "withdrawn"
        if left is not (row["status"] == "withdrawn"):
            yield _differs("status", key, "enrolment", row["status"], "progress", record["status"])
        for name in ("learner_id", "cohort_id"):
            if row[name] != record[name]:
                yield _differs(name, key, "enrolment", row[name], "progress", record[name])
        whole = record["phases"] == record["of"]
        if record["status"] == "completed" and not whole:
            detail = f"progress says completed with {record['phases']} of {record['of']} phases"
            yield Disagreement("completed-without-phases", key, detail)
    for key in books.records.keys() - books.enrolments.keys():
        yield Disagreement(
            "record-without-enrolment", key, "progress keeps a record that enrolment never made"
        )


def _attendance(books: Books) -> Iterator[Disagreement]:
    """Whoever attended a closed live session has evidence of it, and nobody has it without the minutes."""
    for (key, session), row in books.attendance.items():
        record = books.records.get(key)
        if record is None or record["status"] == "withdrawn":
            continue
        # A replay that was claimed in a hurry is judged only once it can have been played.
        if row["present"] and not row.get("due") and not record.get("attended", {}).get(session):
            detail = f"attended session {session}, and the record has no evidence of it"
            yield Disagreement("attended-without-evidence", key, detail)
    for key, record in books.records.items():
        for session, present in record.get("attended", {}).items():
            found = books.attendance.get((key, session))
            if present and not (found and found["present"]):
                detail = f"evidence of session {session}, and too few minutes for it"
                yield Disagreement("evidence-without-minutes", key, detail)


def _dossiers(books: Books) -> Iterator[Disagreement]:
    """Every enrolment has one dossier that tells the same, and no dossier stands alone."""
    for key, row in books.enrolments.items():
        dossier = books.dossiers.get(key)
        if dossier is None:
            yield Disagreement(
                "enrolment-without-dossier",
                key,
                f"{row['status']}, and certification knows nothing",
            )
            continue
        if (dossier["status"] == "withdrawn") is not (row["status"] == "withdrawn"):
            yield _differs(
                "status", key, "enrolment", row["status"], "certification", dossier["status"]
            )
        for name in ("learner_id", "outcome"):
            if row[name] != dossier[name]:
                yield _differs(name, key, "enrolment", row[name], "certification", dossier[name])
        record = books.records.get(key)
        completed = record is not None and record["status"] == "completed"
        if completed and not dossier["complete"]:
            yield _differs(
                "completion", key, "progress", "completed", "certification", "not complete"
            )
    for key in books.dossiers.keys() - books.enrolments.keys():
        detail = "certification keeps a dossier that enrolment never made"
        yield Disagreement("dossier-without-enrolment", key, detail)


def _certificates(books: Books) -> Iterator[Disagreement]:
    """Whoever is entitled has one live certificate, or a revoked one; nobody else has any."""
    for key, dossier in books.dossiers.items():
        live, numbers = dossier["live"], dossier["numbers"]
        if len(live) > 1:
            yield Disagreement("two-live-certificates", key, f"{', '.join(live)} are all live")
        for number in set(live) - set(numbers):
            yield Disagreement(
                "live-certificate-unknown", number, f"enrolment {key} has never had this number"
            )
        row = books.enrolments.get(key)
        if row is None:
            continue
        if live and row["status"] == "withdrawn":
            yield Disagreement(
                "certificate-of-withdrawn", key, f"{live[0]} is live and the learner has left"
            )
        elif live and not _is_entitled(books, key, row):
            yield Disagreement(
                "certificate-without-ground",
                key,
                f"{live[0]} is live, without decision or completion",
            )
        if not live and dossier["status"] != "revoked" and _is_entitled(books, key, row):
            title = "graduated" if row["outcome"] == "graduated" else "completed"
            why = f": {dossier['review']}" if dossier["review"] else ""
            yield Disagreement(
                "graduate-without-certificate", key, f"{title}, and no certificate is live{why}"
            )


def _is_entitled(books: Books, key: str, row: Row) -> bool:
    """Tell whether the other books say that an enrolment has earned its certificate."""
    if row["status"] == "withdrawn":
        return False
    if row["issue"] == "after_decision":
        return bool(row["outcome"] == "graduated")
    record = books.records.get(key)
    return record is not None and record["status"] == "completed"


def _numbers(books: Books) -> Iterator[Disagreement]:
    """Every number stands once in its register, without a hole, and belongs to one certificate."""
    holders: dict[str, list[str]] = {}
    for key, dossier in books.dossiers.items():
        for number in dossier["numbers"]:
            holders.setdefault(number, []).append(key)
    entered = Counter(entry["number"] for page in books.registers for entry in page["entries"])
    for number, keys in holders.items():
        if len(keys) > 1:
            yield Disagreement(
                "number-used-twice", number, f"enrolments {', '.join(sorted(keys))} share it"
            )
        if number not in entered:
            yield Disagreement(
                "certificate-not-in-register", number, f"enrolment {keys[0]} holds it"
            )
    for number, times in entered.items():
        if times > 1:
            yield Disagreement("number-used-twice", number, f"the register has it {times} times")
        if number not in holders:
            yield Disagreement(
                "number-without-certificate", number, "the register has it and nobody holds it"
            )
    yield from _holes(books)


def _holes(books: Books) -> Iterator[Disagreement]:
    """Pages follow one another and numbers count up by one, over all pages of a register."""
    registers: dict[str, list[Row]] = {}
    for page in sorted(books.registers, key=lambda row: str(row["id"])):
        registers.setdefault(str(page["id"]).partition("/")[2].rpartition("/")[0], []).append(page)
    for name, pages in registers.items():
        serial = 0
        for place, page in enumerate(pages, start=1):
            if int(str(page["id"]).rpartition("/")[2]) != place:
                yield Disagreement("hole-in-register", name, f"page {place} is missing")
                break
            for entry in page["entries"]:
                serial += 1
                if not re.search(rf"(?<![0-9])0*{serial}(?![0-9])", entry["number"]):
                    yield Disagreement(
                        "hole-in-register", name, f"{entry['number']} stands where {serial} belongs"
                    )


def _training_hours(books: Books) -> Iterator[Disagreement]:
    """Plan, record, certificate and passport tell the same hours; a programme counts once."""
    for key, row in books.enrolments.items():
        dossier, record = books.dossiers.get(key), books.records.get(key)
        if record is not None and record["status"] == "completed" and record["jp"] != row["jp"]:
            yield _differs("jp", key, "enrolment", row["jp"], "progress", record["jp"])
        if dossier is None or not _holds(dossier):
            continue
        if dossier["jp"] != row["jp"]:
            yield _differs("jp", key, "enrolment", row["jp"], "certification", dossier["jp"])
        passport = books.passports.get(row["learner_id"])
        counted = {} if passport is None else passport["jp_by_enrolment"]
        if key in counted:
            if counted[key] != dossier["jp"]:
                yield _differs("jp", key, "certification", dossier["jp"], "passport", counted[key])
        elif not any(_same_programme(books, row, other) for other in counted):
            detail = f"{dossier['jp']} JP certified, and the passport counts none of them"
            yield Disagreement("certificate-not-in-passport", key, detail)


def _hours_counted(books: Books) -> Iterator[Disagreement]:
    """No passport counts hours without a live certificate."""
    for learner, passport in books.passports.items():
        for key, jp in passport["jp_by_enrolment"].items():
            held = books.dossiers.get(key) or books.credentials.get(key)
            if jp and (held is None or not _holds(held)):
                detail = f"passport of {learner} counts {jp} JP without a live certificate"
                yield Disagreement("passport-without-certificate", key, detail)


def _holds(held: Row) -> bool:
    """Tell whether a live certificate counts: a draft waits for its signature."""
    return bool(set(held["live"]) - set(held.get("drafts", ())))


def _same_programme(books: Books, row: Row, other: str) -> bool:
    counted = books.enrolments.get(other) or books.entries.get(other)
    return counted is not None and counted["programme"] == row["programme"]


def _told_of_enrolments(books: Books) -> Iterator[Disagreement]:
    """Whatever happened to an enrolment was told once, and nothing was told that did not happen."""
    for key, row in books.enrolments.items():
        if books.is_guest(key):
            continue
        record = books.records.get(key)
        happened = {
            # Who left the waitlist was never enrolled.
            "enrolled": row["status"] == "enrolled",
            "withdrawn": row["status"] == "withdrawn",
            "programme_completed": record is not None and record["status"] == "completed",
            "graduation_decided": row["outcome"] is not None,
        }
        for kind, is_so in happened.items():
            if is_so and not books.notices[key, kind, ""]:
                yield Disagreement("fact-without-notice", key, f"nobody was told: {kind}")
        phases = record["phases"] if record is not None else 0
        if books.notices[key, "phase_completed", ""] < phases:
            detail = f"{phases} phases completed, {books.notices[key, 'phase_completed', '']} told"
            yield Disagreement("fact-without-notice", key, detail)
    for key, kind, _ in books.notices:
        known = books.enrolments.get(key)
        if known is None:
            if kind in _OF_AN_ENROLMENT and key not in books.entries:
                detail = f"somebody was told {kind} of no enrolment"
                yield Disagreement("notice-without-fact", key, detail)
        elif kind == "withdrawn" and known["status"] != "withdrawn":
            detail = "somebody was told withdrawn and is enrolled"
            yield Disagreement("notice-without-fact", key, detail)


_OF_AN_ENROLMENT = frozenset({
    "enrolled", "withdrawn", "rescheduled", "phase_completed", "phase_at_risk",
    "programme_completed", "graduation_decided",
})  # fmt: skip


def _told_of_certificates(books: Books) -> Iterator[Disagreement]:
    """Every certificate was told once to its holder, and none was told that nobody holds."""
    told = {
        (key, number): times
        for (key, kind, number), times in books.notices.items()
        if kind == "certified"
    }
    held = {
        (key, number)
        for key, dossier in books.dossiers.items()
        for number in dossier["numbers"]
        if number not in dossier["unused"]
    } | abroad.certified(books)
    for key, number in held:
        if books.is_guest(key) or abroad.was_brought(books, key):
            continue
        times = told.get((key, number), 0)
        if times == 0:
            yield Disagreement(
                "certificate-without-notice", number, f"the holder of enrolment {key} was not told"
            )
        elif times > 1:
            yield Disagreement(
                "notice-repeated", number, f"the holder of enrolment {key} was told {times} times"
            )
    for key, number in told.keys() - held:
        detail = f"enrolment {key} was told of a number that it never had"
        yield Disagreement("notice-without-fact", number, detail)


def _told_of_signatures(books: Books) -> Iterator[Disagreement]:
    """Whoever holds a certificate that was signed was told so, except what was before they came."""
    for key, entry in books.entries.items():
        if entry.get("brought") or books.is_guest(key):
            continue
        for number in entry.get("signed", ()):
            if not books.notices[key, "certificate_signed", number]:
                detail = f"the holder of enrolment {key} was not told that it is signed"
                yield Disagreement("fact-without-notice", number, detail)


def _differs(what: str, key: str, one: str, said: object, other: str, says: object) -> Disagreement:
    return Disagreement(
        f"{what.replace('_', '-')}-differs", key, f"{one} says {said}, {other} says {says}"
    )
