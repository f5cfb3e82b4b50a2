"""The rules of the audit about what other nodes teach and certify of our people."""

from collections.abc import Iterator

from deploy.audit.books import Books, Disagreement


def credentials(books: Books) -> Iterator[Disagreement]:
    """Every credential of elsewhere is counted in a passport, and the other way round."""
    for key, entry in books.abroad.items():
        held = books.credentials.get(key)
        live = [] if held is None else held["live"]
        counted = [] if entry["live"] is None else [entry["live"]]
        if set(counted) - set(live):
            detail = (
                f"the passport counts {counted[0]} of node {entry['node']}, and nobody holds it"
            )
            yield Disagreement("certificate-without-credential", key, detail)
        elif set(live) - set(counted):
            detail = f"{live[0]} of node {entry['node']} is live, and the passport counts none"
            yield Disagreement("credential-not-in-passport", key, detail)
    for key, held in books.credentials.items():
        if key not in books.entries:
            detail = f"a credential of node {held['node']}, and no passport knows of it"
            yield Disagreement("credential-not-in-passport", key, detail)


def told_of_entries(books: Books) -> Iterator[Disagreement]:
    """Everything that another node told of one of ours was told to them, except what was before they came."""
    for key, entry in books.abroad.items():
        if entry["brought"]:
            continue
        happened = {
            "enrolled": entry["enrolled"],
            "withdrawn": entry["withdrawn"],
            "programme_completed": entry["completed"],
            "graduation_decided": entry["outcome"] is not None,
        }
        for kind, is_so in happened.items():
            if is_so and not books.notices[key, kind, ""]:
                detail = f"nobody was told: {kind} (node {entry['node']})"
                yield Disagreement("fact-without-notice", key, detail)
        told = books.notices[key, "phase_completed", ""]
        if told < entry["phases"]:
            detail = f"{entry['phases']} phases completed at node {entry['node']}, {told} told"
            yield Disagreement("fact-without-notice", key, detail)


def certified(books: Books) -> set[tuple[str, str]]:
    """Tell what other nodes certified of our people, by enrolment and number."""
    return {(key, number) for key, held in books.credentials.items() for number in held["numbers"]}


def was_brought(books: Books, key: str) -> bool:
    """Tell whether somebody who moved here brought an entry along: their old home told them of it."""
    return bool(books.entries.get(key, {}).get("brought"))
