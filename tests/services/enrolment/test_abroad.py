"""A province nominates its people to another one's cohort, and both know the same of them."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path

import pytest

from services.enrolment.domain.learner import Learner
from services.enrolment.domain.learner import certified as holds
from services.enrolment.handlers.guests import guest_list
from shared.events.certification import CertificateRevoked
from shared.events.enrolment import NominationRefused
from shared.events.exchange import Nominated, NominationWithdrawn
from tests.support.abroad import (
    AGREEMENT,
    COHORT,
    LATER,
    PALANGKA,
    Node,
    agree,
    exchange,
    nominate,
    offer,
    people,
    place,
    say,
    served_nodes,
    sitting_for,
    statuses,
)
from tests.support.enrolment import NOW, SESSIONS, certified, completed, nip, person, row


def certified_in(learner: Learner) -> bool:
    """Tell whether somebody holds the course's certificate."""
    return holds([learner], "DUA", date(2024, 7, 20))


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    """Serve 35, which offers a cohort of two seats, and 62, which has agreed to send people."""
    async with served_nodes(tmp_path, "35", "62") as (host, home):
        await agree(host, home)
        await offer(host)
        await exchange(host, home)
        yield host, home


async def test_guests_are_seated_and_their_home_knows(both: tuple[Node, Node]) -> None:
    """Rows are judged by the host in their order; each row at home says what became of it."""
    host, home = both

    roster = await nominate(home, people(1, 2, 3))
    await exchange(host, home)

    assert [] == await host.parked() == await home.parked()
    assert ["nominated"] * 3 == [each["status"] for each in roster["rows"]]
    assert [("enrolled", []), ("enrolled", []), ("waitlisted", [])] == await statuses(home, roster)
    enrolment = await host.work.enrolments.get(place(1))
    assert ("62", "enrolled") == (enrolment.home_node, enrolment.status)
    learner = await host.work.learners.get(person(1))
    assert ("62", "Peserta 1", False) == (learner.home_node, learner.name, learner.own)


async def test_nothing_personal_travels_in_clear(both: tuple[Node, Node]) -> None:
    """Only the host's copy of a nomination holds the person, encrypted; purpose and basis are recorded."""
    host, home = both
    roster = await nominate(home, people(1))
    await exchange(host, home)

    topics = {**home.province.engine.bus.topics, **host.province.engine.bus.topics}
    seen = b"".join(
        each.value or b"" for name, log in topics.items() if name != "learners" for each in log
    )
    leaked = [
        word for word in ("Peserta 1", nip(1), "@palangkaraya.go.id") if word.encode() in seen
    ]
    (copy,) = home.told("35", Nominated)
    guests = await host.work.rosters.get(guest_list("62", roster["id"]))

    assert [] == leaked
    assert b"Peserta 1" in host.province.keys.decrypt(copy.personal)
    assert AGREEMENT["purpose"] == copy.purpose == guests.purpose
    assert AGREEMENT["legal_basis"] == copy.legal_basis == guests.legal_basis
    assert AGREEMENT["number"] == copy.agreement_id == guests.agreement_id


async def test_the_host_refuses_with_reasons(both: tuple[Node, Node]) -> None:
    """What the host alone finds reaches the nominator row by row, and frees the claimed days."""
    host, home = both
    await host.ask("DELETE", f"/cohorts/{COHORT}/offer")

    roster = await nominate(home, people(1))
    before = await home.work.learners.get(person(1))
    await exchange(host, home)

    assert [("refused", ["offer-closed"])] == await statuses(home, roster)
    after = await home.work.learners.get(person(1))
    assert [False] == [each.released for each in before.claims.values()]
    assert [True] == [each.released for each in after.claims.values()]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"valid_until": "2024-07-01"}, "agreement-expired"),
        ({"programmes": ["PKA"]}, "programme-not-covered"),
        ({"parties": [{"node": "62"}, {"node": "33"}]}, "no-agreement"),
    ],
)
async def test_home_refuses_without_an_agreement(
    both: tuple[Node, Node], terms: dict[str, object], reason: str
) -> None:
    """What no agreement covers is not sent at all; the learner hears of the refusal."""
    host, home = both
    await agree(home, **terms)

    roster = await nominate(home, people(1))
    await exchange(host, home)

    assert [("refused", [reason])] == await statuses(home, roster)
    assert [] == home.told("35", Nominated)
    # A copy may be published twice; what counts is its id.
    told = {each.id: each.fact() for each in home.province.engine.bus.messages("enrolment")}
    refusals = [each for each in told.values() if isinstance(each, NominationRefused)]
    assert [(reason,)] == [each.reasons for each in refusals]


async def test_the_host_judges_by_its_own_register(both: tuple[Node, Node]) -> None:
    """An agreement that only the home still believes in admits nobody."""
    host, home = both
    await agree(host, valid_until="2024-07-01")

    roster = await nominate(home, people(1))
    await exchange(host, home)

    assert [("refused", ["agreement-expired"])] == await statuses(home, roster)


async def test_home_refuses_what_it_can_know(both: tuple[Node, Node]) -> None:
    """Cells, position, a place held already: such rows take no way at all."""
    host, home = both
    first = await nominate(home, people(1))
    await exchange(host, home)

    rows = [*people(1, 4, 4), row(5, nip="1"), row(6, position_level="pelaksana")]
    second = await nominate(home, rows)
    await exchange(host, home)

    assert [("enrolled", [])] == await statuses(home, first)
    expected = [
        ("refused", ["already-enrolled"]), ("enrolled", []), ("refused", ["duplicate-in-list"]),
        ("refused", ["malformed-nip"]), ("refused", ["not-eligible-position-level"]),
    ]  # fmt: skip
    assert expected == await statuses(home, second)
    assert 1 == home.told("35", Nominated)[-1].of


async def test_a_list_goes_only_where_it_may(both: tuple[Node, Node]) -> None:
    """No offer, a taken back one, a stranger, an auditor, another province's agency: nothing is drafted."""
    host, home = both
    sent = {"agency": PALANGKA, "rows": people(1)}

    async def slug(path: str, body: Mapping[str, object] = sent) -> str:
        answer = await home.served.ask("POST", path, json=body)
        return str(answer.json()["type"].rpartition(":")[2])

    unknown = await slug("/offers/cohorts/35/other/rosters")
    stranger = await slug(f"/offers/cohorts/33/{COHORT}/rosters")
    foreign = await slug(f"/offers/cohorts/35/{COHORT}/rosters", {**sent, "agency": "35.73"})
    await host.ask("DELETE", f"/cohorts/{COHORT}/offer")
    await exchange(host, home)
    closed = await slug(f"/offers/cohorts/35/{COHORT}/rosters")
    home.province.know(host.province, role="auditor")
    auditor = await slug(f"/offers/cohorts/35/{COHORT}/rosters")

    expected = (
        "unknown-offered-cohorts",
        "unknown-peer",
        "not-our-agency",
        "offer-closed",
        "peer-is-auditor",
    )
    assert expected == (unknown, stranger, foreign, closed, auditor)


async def test_a_guest_who_leaves_frees_the_seat(both: tuple[Node, Node]) -> None:
    """Home takes one back; the next in line, another guest, is promoted, and both show at home."""
    host, home = both
    roster = await nominate(home, people(1, 2, 3))
    await exchange(host, home)

    claims = {"agency": PALANGKA}
    leaving = {"reason": "tugas lain", "on": "2024-07-20"}
    path = f"/enrolments/{place(1)}/withdrawal"
    asked = await home.ask("POST", path, "nominator", claims=claims, json=leaving)
    again = await home.ask("POST", path, "nominator", claims=claims, json=leaving)
    await exchange(host, home)

    assert ("enrolled", "35", 1) == (asked["status"], asked["host_node"], asked["version"])
    assert asked == again
    expected: list[tuple[str, list[str]]] = [("withdrawn", []), ("enrolled", []), ("enrolled", [])]
    assert expected == await statuses(home, roster)
    assert 1 == len(home.told("35", NominationWithdrawn))
    learner = await home.work.learners.get(person(1))
    assert [True] == [each.released for each in learner.claims.values()]
    shown = await home.ask(
        "GET", f"/enrolments/{place(1)}", "learner", claims={"learner_id": person(1)}
    )
    assert ("withdrawn", "tugas lain") == (shown["status"], shown["withdrawal_reason"])


async def test_one_in_line_leaves_it(both: tuple[Node, Node]) -> None:
    """A waitlisted guest whom home takes back waits no more."""
    host, home = both
    roster = await nominate(home, people(1, 2, 3))
    await exchange(host, home)

    leaving = {"reason": "batal", "on": "2024-07-20"}
    await home.ask("POST", f"/enrolments/{place(3)}/withdrawal", json=leaving)
    await exchange(host, home)

    assert [] == (await host.work.cohorts.get(COHORT)).waiting
    assert ("withdrawn", []) == (await statuses(home, roster))[2]


async def test_one_is_taken_back_before_being_judged(both: tuple[Node, Node]) -> None:
    """Both facts arrive together: the list is judged, and the seat goes to somebody else."""
    host, home = both
    roster = await nominate(home, people(1, 2, 3))
    leaving = {"reason": "batal", "on": "2024-07-20"}
    await home.ask("POST", f"/enrolments/{place(1)}/withdrawal", json=leaving)
    await exchange(host, home)

    stands = [status for status, _ in await statuses(home, roster)]
    cohort = await host.work.cohorts.get(COHORT)
    assert ["enrolled", "enrolled"] == stands[1:]
    assert stands[0] in {"withdrawn", "refused"}
    assert (2, []) == (cohort.seated, cohort.waiting)


async def test_the_host_moves_dates_and_graduates(both: tuple[Node, Node]) -> None:
    """New dates move the claim at home; decisions and certificates count there as if taught there."""
    host, home = both
    await nominate(home, people(1))
    await exchange(host, home)
    later = [{"phase": 2, "periods": [{"starts": "2024-10-01", "ends": "2024-10-04"}]}, LATER[0]]

    calendar = {"calendar": later, "sessions": SESSIONS}
    await host.ask("PUT", f"/cohorts/{COHORT}/calendar", json=calendar)
    programme = await host.work.programmes.get("DUA.1")
    done = completed(programme, 1, enrolment_id=place(1), home_node="62")
    await say(host, "progress", done)
    body = sitting_for((place(1), "graduated"))
    await host.ask("POST", f"/cohorts/{COHORT}/graduation", json=body)
    certificate = certified("DUA", 1, enrolment_id=place(1), cohort_id=COHORT, home_node="62")
    await say(host, "certification", certificate)
    await say(host, "progress", done)
    await exchange(host, home)

    assert [] == await home.parked()
    learner = await home.work.learners.get(person(1))
    (claim,) = learner.claims.values()
    assert [date(2024, 10, 1)] == [each.starts for each in claim.periods]
    assert ["DUA"] == [each.programme for each in learner.certificates.values()]
    shown = await home.ask("GET", f"/enrolments/{place(1)}")
    assert (True, "graduated", 2) == (
        shown["completed"],
        shown["outcome"],
        shown["calendar_version"],
    )
    refused = await home.served.ask(
        "POST", f"/enrolments/{place(1)}/withdrawal", json={"reason": "x", "on": "2024-07-20"}
    )
    assert 409 == refused.status_code
    again = await nominate(home, people(1, 2))
    assert ["already-enrolled"] == again["rows"][0]["reasons"]
    revoked = CertificateRevoked(
        learner_id=person(1), at=NOW, home_node="62", enrolment_id=place(1), cohort_id=COHORT,
        programme=certificate.programme, agency=PALANGKA, number="x", revision=1, reason="keliru",
    )  # fmt: skip
    await say(host, "certification", revoked)
    await exchange(host, home)
    assert not certified_in(await home.work.learners.get(person(1)))


async def test_the_host_counts_guests_as_nobodys_staff(both: tuple[Node, Node]) -> None:
    """A guest is no staff of the host, whose own list of such a number is refused."""
    host, home = both
    await host.ask("DELETE", f"/cohorts/{COHORT}/offer")
    await nominate(home, people(1))
    await exchange(host, home)

    staff = await host.ask("GET", f"/agencies/{PALANGKA}/staff")
    own = {"agency": "35.73", "rows": people(1)}
    roster = await host.ask("POST", f"/cohorts/{COHORT}/rosters", json=own)
    letter = {"letter_number": "1", "letter_date": "2024-07-19"}
    judged = await host.ask(
        "POST",
        f"/rosters/{roster['id']}/endorsement",
        "endorser",
        claims={"agency": "35.73"},
        json=letter,
    )

    assert [] == staff["items"]
    assert ["home-elsewhere"] == judged["rows"][0]["reasons"]
    abroad = await home.ask("GET", "/placements?host=35")
    assert [place(1)] == [each["id"] for each in abroad["items"]]
    lists = await home.ask("GET", f"/offers/cohorts/35/{COHORT}/rosters")
    assert ["sent"] == [each["status"] for each in lists["items"]]
    assert [] == (await home.ask("GET", f"/cohorts/{COHORT}/rosters"))["items"]


async def test_nobody_nominates_the_hosts_own_people(both: tuple[Node, Node]) -> None:
    """A number that the host knows as its own is refused, and its card stays what it was."""
    host, home = both
    own = {"agency": "35.73", "rows": [row(1, position_level="pelaksana")]}
    roster = await host.ask("POST", f"/cohorts/{COHORT}/rosters", json=own)
    letter = {"letter_number": "1", "letter_date": "2024-07-19"}
    claims = {"agency": "35.73"}
    await host.ask(
        "POST", f"/rosters/{roster['id']}/endorsement", "endorser", claims=claims, json=letter
    )

    sent = await nominate(home, people(1))
    await exchange(host, home)

    assert [("refused", ["home-elsewhere"])] == await statuses(home, sent)
    learner = await host.work.learners.get(person(1))
    assert (True, "35.73", "p1@malangkota.go.id") == (learner.own, learner.agency, learner.email)


async def test_a_file_goes_abroad_as_it_would_here(both: tuple[Node, Node]) -> None:
    """Rows keep the numbers of the file, and a bad cell is a row's error; the same file is the same list."""
    _, home = both
    sheet = f"nip;nama;jabatan;eselon\n{nip(1)};Satu;Lurah;IV.a\n123;Dua;Lurah;IV.a\n".encode()
    sent = {"data": {"agency": PALANGKA}, "files": {"file": ("daftar.csv", sheet)}}
    path = f"/offers/cohorts/35/{COHORT}/rosters"

    roster = await home.ask("POST", path, "nominator", claims={"agency": PALANGKA}, **sent)
    again = await home.ask("POST", path, "nominator", claims={"agency": PALANGKA}, **sent)

    assert roster == again
    assert [(2, "draft", []), (3, "refused", ["malformed-nip"])] == [
        (each["row"], each["status"], each["reasons"]) for each in roster["rows"]
    ]
    assert ("35", place(1)) == (roster["host_node"], roster["rows"][0]["enrolment_id"])
