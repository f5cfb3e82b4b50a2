"""Notices in English, plain and short."""

from services.notify.domain.phrases import Phrases, Template

_TEMPLATES = {
    "waitlisted": Template(
        "On the waiting list: {cohort}",
        (
            "You are on the waiting list of {cohort}, at place {position}.",
            (
                "When a seat becomes free, seats are given in the order of the list and you will "
                "be told here. "
                "You need not do anything."
            ),
        ),
    ),
    "nomination_refused": Template(
        "Nomination not accepted: {cohort}",
        (
            "Your nomination for {cohort} could not be accepted, because:\n{reasons}",
            (
                "For an explanation, or to have your data corrected, please ask the personnel "
                "officer of your "
                "agency."
            ),
        ),
    ),
    "enrolled": Template(
        "You are enrolled in {cohort}",
        (
            "You are now a participant of {cohort}, in the programme {programme}.",
            "The programme has {phases} phases and {jp} training hours (JP).",
            "It runs from {starts} to {ends}.",
        ),
    ),
    "withdrawn": Template(
        "Participation ended: {cohort}",
        (
            "Your participation in {cohort} has ended.",
            "Reason: {reason}",
            "If this is not right, please contact the organiser.",
        ),
    ),
    "rescheduled": Template(
        "New dates: {cohort}",
        (
            "The dates of {cohort} have changed (calendar version {number}):\n{calendar}",
            "This calendar replaces the earlier one.",
        ),
    ),
    "phase_completed": Template(
        "Phase {phase} of {of} completed: {cohort}",
        (
            (
                "You have completed phase {phase} of {of}, {title} ({jp} JP), in the programme "
                "{programme}."
            ),
        ),
    ),
    "programme_completed": Template(
        "All phases completed: {cohort}",
        (
            "You have completed all phases of the programme {programme} ({jp} JP).",
            "You will be told separately about graduation or your certificate.",
        ),
    ),
    "programme_completed.corrected": Template(
        "Results corrected: {cohort}",
        (
            (
                "Your results in the programme {programme} have been corrected (revision "
                "{revision})."
            ),
            (
                "If a certificate has been issued already, you will be told separately about its "
                "replacement."
            ),
        ),
    ),
    "phase_at_risk": Template(
        "Deadline ahead: phase {phase}, {cohort}",
        (
            "Phase {phase}, {title}, of {cohort} ends on {due} and is not complete yet.",
            "Still missing:\n{missing}",
        ),
    ),
    "graduation_decided.graduated": Template(
        "Graduated: {cohort}",
        (
            "Congratulations. You have graduated from {cohort}.",
            "Decided on {decided_on}, minutes {minutes}, by {signatory} ({position}).",
        ),
    ),
    "graduation_decided.deferred": Template(
        "Graduation deferred: {cohort}",
        (
            "The decision on your graduation from {cohort} has been deferred.",
            "It is deferred until {until}.",
            "Decided on {decided_on}, minutes {minutes}, by {signatory} ({position}).",
        ),
    ),
    "graduation_decided.not_graduated": Template(
        "Decision on graduation: {cohort}",
        (
            "You have not graduated from {cohort}.",
            "Decided on {decided_on}, minutes {minutes}, by {signatory} ({position}).",
            "For an explanation, please contact the organiser.",
        ),
    ),
    "graduation_decided.left": Template(
        "Decision on graduation: {cohort}",
        (
            "You are recorded as having left {cohort}.",
            "Decided on {decided_on}, minutes {minutes}, by {signatory} ({position}).",
        ),
    ),
    "certified": Template(
        "Certificate issued: {programme}",
        (
            (
                "Your certificate for the programme {programme} was issued under number {number} "
                "({jp} JP) on "
                "{issued_on}."
            ),
            "Final score: {score}",
            "Predicate: {predicate}",
            "Valid until {valid_until}.",
            "Number {draft} is a draft until it is signed; you will be told when it is.",
            "Anybody can check that the certificate is genuine at this address:",
            "{verify_url}",
        ),
    ),
    "certified.again": Template(
        "Replacement certificate issued: {programme}",
        (
            (
                "Your certificate for the programme {programme} was issued under number {number} "
                "({jp} JP) on "
                "{issued_on}, in place of number {supersedes}."
            ),
            "Final score: {score}",
            "Predicate: {predicate}",
            "Valid until {valid_until}.",
            "Number {draft} is a draft until it is signed; you will be told when it is.",
            "Anybody can check that the certificate is genuine at this address:",
            "{verify_url}",
        ),
    ),
    "certificate_signed": Template(
        "Certificate signed: {programme}",
        (
            (
                "Your certificate number {number} for the programme {programme} was signed on "
                "{signed_on}. It is valid from now on, and its {jp} training hours (JP) count."
            ),
            "National registration number: {external_number}",
            "Anybody can check that the certificate is genuine at this address:",
            "{verify_url}",
        ),
    ),
    "certificate_superseded": Template(
        "Certificate replaced: {number}",
        (
            (
                "Certificate number {number} for the programme {programme} is no longer valid; "
                "number "
                "{by_number} stands in its place."
            ),
            "Reason: {reason}",
        ),
    ),
    "certificate_revoked": Template(
        "Certificate revoked: {number}",
        (
            (
                "Certificate number {number} for the programme {programme} has been revoked and is "
                "no longer "
                "valid."
            ),
            "Reason: {reason}",
            "If this is not right, please contact the organiser.",
        ),
    ),
}

_REASONS = {
    "malformed-nip": "the employee number (NIP) does not have 18 digits",
    "impossible-nip": "the employee number (NIP) holds a date or digits that cannot be",
    "duplicate-in-list": "named more than once in the list",
    "not-eligible-position-level": "the position level is not eligible for the programme",
    "not-eligible-employment": "the employment status is not eligible for the programme",
    "prerequisite-missing": "a programme required before this one is missing",
    "overlapping-training": "the dates overlap with another residential training",
    "already-certified": "a valid certificate of this programme is held already",
    "not-endorsed": "the nomination was not endorsed by the agency's officer",
    "no-seat": "no seat is left",
    "already-enrolled": "enrolled in this cohort already",
    "withdrew-earlier": "withdrew from this cohort earlier",
}

_DESK = {
    "waitlisted": "On the waiting list of {cohort}, at place {position}",
    "nomination_refused": "Nomination for {cohort} not accepted, because:\n{reasons}",
    "enrolled": "Enrolled in {cohort}",
    "withdrawn": "Participation in {cohort} ended: {reason}",
    "rescheduled": "New dates of {cohort}:\n{calendar}",
    "phase_completed": "Phase {phase} of {of}, {title}, of {cohort} completed",
    "programme_completed": "All phases of {cohort} completed ({jp} JP)",
    "programme_completed.corrected": "Results in {cohort} corrected (revision {revision})",
    "phase_at_risk": "Phase {phase} of {cohort} ends on {due} and is not complete yet:\n{missing}",
    "graduation_decided.graduated": "Graduated from {cohort}",
    "graduation_decided.deferred": "Graduation from {cohort} deferred",
    "graduation_decided.not_graduated": "Did not graduate from {cohort}",
    "graduation_decided.left": "Recorded as having left {cohort}",
    "certified": "Certificate of {programme} issued, number {number} ({jp} JP)",
    "certified.again": "Replacement certificate of {programme} issued, number {number} ({jp} JP)",
    "certificate_signed": "Certificate of {programme} signed, number {number} ({jp} JP)",
    "certificate_superseded": "Certificate number {number} replaced by number {by_number}",
    "certificate_revoked": "Certificate number {number} revoked: {reason}",
}

PHRASES = Phrases(
    templates=_TEMPLATES,
    desk=_DESK,
    reasons=_REASONS,
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    decimal=".",
    salutation="Dear {name},",
    stranger="colleague",
    closing="CorpU sent this message by itself; please do not reply. You can change how you are "
    "notified in CorpU.",
    scheduled="Phase {phase}: {starts} to {ends}",
    unscheduled="Phase {phase}: no fixed dates",
)  # fmt: skip
"""Everything that notices say in English."""
