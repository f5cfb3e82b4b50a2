"""Certificates as organisers, nominators, learners and auditors meet them."""

from typing import Any

import httpx2
import pytest

from services.certification.handlers.certifying import account_for_numbers
from services.certification.store import CertificationWork
from shared.events.fact import Fact
from tests.support.certification import (
    AUTOMATIC,
    PUBLIC_URL,
    Served,
    completed,
    decided,
    enrolled,
    plan,
    recorded,
    rescheduled,
)

SIGNATURE = {"signed_on": "2024-07-12", "signed_by": "Dr. Ratna Dewi"}


def graduated(key: str = "e1", agency: str = "35.73") -> list[Fact]:
    """Tell the story of a graduate."""
    return [
        enrolled(key, agency=agency),
        completed(key, agency=agency),
        decided(key, agency=agency),
        recorded(key),
    ]


async def get(client: httpx2.AsyncClient, path: str, bearer: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """Ask for JSON that must be there."""
    answer = await client.get(path, headers=bearer)

    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_certificate_is_shown_with_its_revisions(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """The newest stands at the top; the superseded one points to it."""
    await served.hear(*graduated())
    await served.hear(completed(revision=2, scores={"seminar": 95.0, "attitude": 95.0}))
    shown = await get(client, "/certificates/e1", served.organiser())
    old, new = shown["revisions"]

    assert (shown["number"], shown["revision"], shown["state"]) == ("35/PKA/2024/00002", 2, "draft")
    assert (shown["final_score"], shown["predicate"]["code"]) == (95.0, "sangat-memuaskan")
    assert (shown["status"], shown["review"], shown["kind"]) == ("certified", None, "sttp")
    assert shown["verify_url"].startswith(f"{PUBLIC_URL}/verify/")
    assert (old["state"], old["superseded_by"], old["reason"]) == (
        "superseded",
        new["number"],
        "result-corrected",
    )
    assert new["supersedes"] == old["number"]


async def test_where_there_is_no_certificate_the_answer_tells_what_is_waited_for(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """NotFound says where the enrolment stands, and nothing of one that is not known."""
    await served.hear(enrolled(), completed())
    waiting = await client.get("/certificates/e1", headers=served.organiser())
    unknown = await client.get("/certificates/e2", headers=served.organiser())

    assert (waiting.status_code, waiting.json()["waits"]) == (404, "complete")
    assert unknown.status_code == 404


async def test_certificates_are_listed_in_pages(served: Served, client: httpx2.AsyncClient) -> None:
    """One item for each enrolment of the cohort that was certified."""
    for key in ("e1", "e2", "e3"):
        await served.hear(*graduated(key))
    await served.hear(enrolled("e4"), completed("e4"))
    other = plan(cohort="pka-iii")
    await served.hear(
        enrolled("e5", plan=other), completed("e5", cohort_id="pka-iii"), decided("e5")
    )
    path = "/certificates?cohort=pka-ii&limit=2"
    first = await get(client, path, served.organiser())
    second = await get(client, f"{path}&after={first['next']}", served.organiser())

    assert [each["enrolment_id"] for each in first["items"] + second["items"]] == ["e1", "e2", "e3"]
    assert second["next"] is None


async def test_whoever_waits_or_needs_a_look_can_be_listed(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """With a certificate or without one."""
    await served.hear(*graduated("e1"))
    await served.hear(enrolled("e2"), rescheduled("e3"))
    await served.hear(enrolled("e4"), completed("e4", scores={}), decided("e4"))
    waiting = await get(client, "/certificates?status=open", served.organiser())
    doubtful = await get(client, "/certificates?review=true", served.organiser())

    assert [(each["enrolment_id"], each["number"]) for each in waiting["items"]] == [
        ("e2", None),
        ("e3", None),
    ]
    assert waiting["items"][1]["programme"] is None
    assert [(each["enrolment_id"], each["review"]) for each in doubtful["items"]] == [
        ("e4", "score-missing")
    ]


async def test_everybody_sees_their_own(served: Served, client: httpx2.AsyncClient) -> None:
    """Learners themselves, agencies their people; other roles and other nodes nothing."""
    await served.hear(*graduated("e1"), *graduated("e2", agency="35.72"))
    bearer = served.issuer.bearer
    seen = {
        "learner": bearer("learner", learner_id="l1"),
        "nominator": bearer("nominator", agency="35.72"),
        "agency's organiser": bearer("organiser", agency="35.73"),
        "guest": bearer("learner", learner_id="l2", node="62"),
        "auditor": bearer("auditor"),
    }
    listed = {who: await get(client, "/certificates", header) for who, header in seen.items()}
    stranger = await client.get("/certificates/e2", headers=seen["learner"])
    printed = await client.get("/certificates/e2/pdf", headers=seen["learner"])
    foreign = await client.get("/certificates", headers=bearer("organiser", node="62"))

    assert {
        who: [each["enrolment_id"] for each in page["items"]] for who, page in listed.items()
    } == {
        "learner": ["e1"],
        "nominator": ["e2"],
        "agency's organiser": ["e1"],
        "guest": ["e2"],
        "auditor": ["e1", "e2"],
    }
    assert (stranger.status_code, printed.status_code, foreign.status_code) == (404, 404, 403)


async def test_a_signature_makes_a_draft_live(served: Served, client: httpx2.AsyncClient) -> None:
    """The answer is the certificate as it now is."""
    await served.hear(*graduated())
    answer = await client.post(
        "/certificates/e1/signature", json=SIGNATURE, headers=served.organiser()
    )

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["revisions"][0]["signed_on"]) == (
        "live",
        "2024-07-12",
    )


async def test_a_signature_from_the_future_is_refused(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """It is the node's own calendar day that counts."""
    await served.hear(*graduated())
    late = {**SIGNATURE, "signed_on": "2024-07-21"}
    answer = await client.post("/certificates/e1/signature", json=late, headers=served.organiser())

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:corpu:problem:wrong-date")


async def test_a_cohort_is_signed_in_one_call(served: Served, client: httpx2.AsyncClient) -> None:
    """Each is signed or refused by itself."""
    await served.hear(*graduated("e1"), *graduated("e2"), enrolled("e3", plan=plan(AUTOMATIC)))
    items = [
        {"enrolment_id": "e1", "external_number": "LAN-1"},
        {"enrolment_id": "e2"},
        {"enrolment_id": "e3"},
    ]
    body = {**SIGNATURE, "items": items}
    answer = await client.post("/certificates/signatures", json=body, headers=served.organiser())

    assert (answer.json()["signed"], answer.json()["refused"]) == (2, 1)
    assert answer.json()["results"][2] == {
        "enrolment_id": "e3", "status": "refused", "reason": "no-live-certificate",
    }  # fmt: skip
    shown = await get(client, "/certificates/e1", served.organiser())
    assert shown["revisions"][0]["external_number"] == "LAN-1"


async def test_a_certificate_is_revoked_and_issued_again(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """Both for a reason."""
    await served.hear(*graduated())
    revoked = await client.post(
        "/certificates/e1/revocation",
        json={"reason": "forged evidence"},
        headers=served.organiser(),
    )
    again = await client.post(
        "/certificates/e1/reissue",
        json={"reason": "revoked by mistake"},
        headers=served.organiser(),
    )

    assert (revoked.json()["state"], revoked.json()["status"]) == ("revoked", "revoked")
    assert (again.json()["state"], again.json()["revision"]) == ("draft", 2)


async def test_a_post_with_the_same_key_is_answered_once(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """A repeat gets the first answer again."""
    await served.hear(*graduated())
    header = {**served.organiser(), "Idempotency-Key": "once"}
    answers = [
        await client.post("/certificates/e1/reissue", json={"reason": "misspelt"}, headers=header)
        for _ in "ab"
    ]

    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("e1/signature", {**SIGNATURE, "more": 1}),
        ("e1/signature", {"signed_on": "12 July", "signed_by": "x"}),
        ("e1/signature", {"signed_on": "2024-07-12", "signed_by": " "}),
        ("e1/revocation", {}),
        ("e1/revocation", {"reason": "x" * 501}),
        ("e1/reissue", {"reason": "   "}),
        ("signatures", {**SIGNATURE, "items": []}),
        ("signatures", {**SIGNATURE, "items": [{"enrolment_id": "e"}] * 501}),
    ],
)
async def test_a_body_that_does_not_fit_is_refused(
    served: Served, client: httpx2.AsyncClient, path: str, body: dict[str, object]
) -> None:
    """With a problem document."""
    await served.hear(*graduated())
    answer = await client.post(f"/certificates/{path}", json=body, headers=served.organiser())

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:corpu:problem:invalid-request")


@pytest.mark.parametrize("path", ["e1/signature", "e1/revocation", "e1/reissue", "signatures"])
async def test_only_an_organiser_changes_certificates(
    served: Served, client: httpx2.AsyncClient, path: str
) -> None:
    """Neither the learner nor the agency that sent them."""
    for role in ("learner", "nominator", "auditor", "operator"):
        bearer = served.issuer.bearer(role, learner_id="l1", agency="35.73")
        answer = await client.post(f"/certificates/{path}", json={}, headers=bearer)

        assert answer.status_code == 403


async def test_an_organiser_changes_only_what_is_theirs(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """Another agency's certificate is not there for them."""
    await served.hear(*graduated())
    bearer = served.issuer.bearer("organiser", agency="35.72")
    answer = await client.post("/certificates/e1/signature", json=SIGNATURE, headers=bearer)

    assert answer.status_code == 404


async def test_a_register_lists_every_number(served: Served, client: httpx2.AsyncClient) -> None:
    """In order, each with what it became."""
    await served.hear(*graduated("e1"))
    await served.hear(*graduated("e2"))
    await client.post(
        "/certificates/e1/reissue", json={"reason": "misspelt"}, headers=served.organiser()
    )
    first = await get(client, "/registers/PKA/2024?limit=2", served.organiser())
    second = await get(
        client, f"/registers/PKA/2024?limit=2&after={first['next']}", served.organiser()
    )
    told = [
        (each["serial"], each["enrolment_id"], each["state"])
        for each in first["items"] + second["items"]
    ]

    assert told == [(1, "e1", "superseded"), (2, "e2", "draft"), (3, "e1", "draft")]
    assert second["next"] is None


async def test_a_register_hides_whose_numbers_are_out_of_scope(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """The number itself is no secret, for the register has no gap."""
    await served.hear(*graduated())
    listed = await get(
        client, "/registers/PKA/2024", served.issuer.bearer("organiser", agency="35.72")
    )

    assert listed["items"] == [
        {
            "serial": 1,
            "number": "35/PKA/2024/00001",
            "enrolment_id": None,
            "revision": None,
            "state": None,
        }
    ]


async def test_a_register_tells_numbers_without_a_certificate(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """At first nobody accounts for them; then they stand as left unused."""
    await served.hear(enrolled("e1"))
    works = served.app.state.parts.works

    async def break_off(work: CertificationWork) -> None:
        page = await work.registers.open_page("35/PKA/2024")
        work.registers.keep(page.add("e1.1", "35/PKA/2024/00001"))

    await works.run(break_off)
    before = await get(client, "/registers/PKA/2024", served.organiser())
    doubtful: set[str] = set()
    await account_for_numbers(works, doubtful)
    await account_for_numbers(works, doubtful)
    after = await get(client, "/registers/PKA/2024", served.organiser())

    assert [each["state"] for each in before["items"] + after["items"]] == ["unaccounted", "unused"]


async def test_a_register_nobody_wrote_in_is_empty(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """A year without certificates is no error."""
    assert (await get(client, "/registers/PKA/1999", served.organiser()))["items"] == []


async def test_audit_rows_come_in_pages_of_dossiers_and_then_registers(
    served: Served, client: httpx2.AsyncClient
) -> None:
    """Every number shows, and so would one without a certificate."""
    await served.hear(*graduated("e1"), enrolled("e2"))
    auditor = served.issuer.bearer("auditor")
    rows, after = [], ""
    while after is not None:
        told = await get(client, f"/operations/audit?limit=1&after={after}", auditor)
        rows += told["items"]
        after = told["next"]

    assert [row["id"] for row in rows] == ["e1", "e2", "register/35/PKA/2024/000001"]
    assert rows[0] == {
        "id": "e1", "learner_id": "l1", "status": "certified", "issue": "after_decision", "outcome": "graduated",
        "complete": True, "live": ["35/PKA/2024/00001"], "drafts": ["35/PKA/2024/00001"],
        "numbers": ["35/PKA/2024/00001"], "unused": [],
        "review": "", "jp": 60,
    }  # fmt: skip
    assert (rows[1]["outcome"], rows[1]["complete"], rows[1]["jp"]) == (None, False, 0)
    assert rows[2]["entries"] == [{"key": "e1.1", "number": "35/PKA/2024/00001"}]
