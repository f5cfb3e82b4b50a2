"""Credentials across provinces: what a host signs, what a home believes, and who verifies it."""

import base64
import gzip
from datetime import date, datetime

import pytest

from services.certification.domain.badge import badge_of, claims_of, stated_by
from services.certification.papers.badges import NodeNotary
from shared.events.certification import CertificateSigned, Certified
from shared.kernel.ids import enrolment_id
from tests.support.certificates_abroad import BUDI, SITI, Two, moved, payload, story, superseded
from tests.support.certification import Served, plan
from tests.support.serving import serving


async def test_the_home_keeps_and_verifies_the_credential(two: Two) -> None:
    """It came with the certificate's copy, and only there; whoever shows it need ask nobody."""
    told = await two.certified(*story())
    await two.sign(told)

    key = enrolment_id(SITI, "pka-ii", "35")
    held = (await two.kalteng.get(f"/credentials/{key}")).json()
    assert (["live"], "35") == ([each["state"] for each in held["revisions"]], held["node"])
    assert told.credential == held["revisions"][0]["credential"]
    said = (await two.kalteng.verify(told.credential)).json()
    assert (True, "live", told.number) == (said["valid"], said["state"], said["number"])
    assert [""] == [
        fact.credential
        for each in two.jatim.province.engine.bus.messages("certification")
        if isinstance(fact := each.fact(), Certified)
    ]
    mine = {"learner_id": SITI, "agency": None}
    assert [key] == [
        each["enrolment_id"]
        for each in (await two.kalteng.get("/credentials", "learner", **mine)).json()["items"]
    ]
    other = f"/credentials?learner={BUDI}"
    assert [] == (await two.kalteng.get(other)).json()["items"]
    assert (
        404
        == (await two.kalteng.get(f"/credentials/{key}", "learner", learner_id=BUDI)).status_code
    )


async def test_a_credential_is_a_draft_at_home_until_it_is_signed(two: Two) -> None:
    """As it is at the host; nobody may take the paper for one that holds, whichever word comes first."""
    told = await two.certified(*story())
    await two.mirror()

    path = f"/credentials/{told.enrolment_id}"
    for node in (two.jatim, two.kalteng):
        said = (await node.verify(told.credential)).json()
        assert (False, "draft") == (said["valid"], said["state"])
    held = (await two.kalteng.get(path)).json()
    assert (None, ["draft"]) == (held["live"], [each["state"] for each in held["revisions"]])
    assert [] == (await two.kalteng.rows())[f"credential/{told.enrolment_id}"]["live"]
    assert [told.number] == (await two.jatim.rows())[told.enrolment_id]["drafts"]

    await two.sign(told)

    for node in (two.jatim, two.kalteng):
        said = (await node.verify(told.credential)).json()
        assert (True, "live") == (said["valid"], said["state"])
    assert told.number == (await two.kalteng.get(path)).json()["live"]
    assert [] == (await two.jatim.rows())[told.enrolment_id]["drafts"]


async def test_what_a_peer_says_is_signed_is_its_own_word_about_its_own_cohorts(two: Two) -> None:
    """Heard before the certificate it waits; about another node's enrolment it is parked."""
    told = await two.certified(*story())
    await two.jatim.client.post(
        f"/certificates/{told.enrolment_id}/signature",
        json={"signed_on": "2024-07-15", "signed_by": "Dr. Ratna Dewi"},
        headers=two.jatim.served.organiser(),
    )
    await two.jatim.served.settle()
    (signed,) = [
        fact
        for each in two.jatim.province.engine.bus.messages("share.62")
        if isinstance(fact := each.fact(), CertificateSigned)
    ]
    elsewhere = signed.model_copy(update={"enrolment_id": "another"})
    theirs = signed.model_copy(update={"home_node": "35"})
    await two.tell(signed, elsewhere, theirs, told)

    held = (await two.kalteng.get(f"/credentials/{told.enrolment_id}")).json()
    assert told.number == held["live"]
    assert ["not-their-enrolment"] == await two.kalteng.parked()
    assert 1 == len((await two.kalteng.get("/credentials")).json()["items"])


async def test_a_corrected_and_a_revoked_certificate_are_so_at_home(two: Two) -> None:
    """Superseded and revoked travel; the old credential still proves what it said, and holds no longer."""
    first = await two.certified(*story())
    await two.jatim.served.hear(story(score=95, revision=2)[1])
    await two.mirror()

    key = first.enrolment_id
    held = (await two.kalteng.get(f"/credentials/{key}")).json()
    assert ["superseded", "draft"] == [each["state"] for each in held["revisions"]]
    assert held["revisions"][0]["superseded_by"] == held["revisions"][1]["number"]
    said = (await two.kalteng.verify(first.credential)).json()
    assert (False, "superseded") == (said["valid"], said["state"])

    path, body = f"/certificates/{key}/revocation", {"reason": "issued in error"}
    await two.jatim.client.post(path, json=body, headers=two.jatim.served.organiser())
    await two.jatim.served.settle()
    await two.mirror()

    held = (await two.kalteng.get(f"/credentials/{key}")).json()
    assert (None, "revoked") == (held["live"], held["revisions"][1]["state"])
    row = (await two.kalteng.rows())[f"credential/{key}"]
    assert ([], 2, "35") == (row["live"], len(row["numbers"]), row["node"])
    assert any(name.startswith("register/") for name in await two.jatim.rows())


async def test_the_host_shows_the_same_credential_and_its_state(two: Two) -> None:
    """To the learner and the organiser; a revision that is not there is not found."""
    told = await two.certified(*story())
    path = f"/certificates/{told.enrolment_id}/credential"

    shown = (await two.jatim.get(path)).json()
    assert (told.credential, "draft") == (shown["credential"], shown["state"])
    assert shown == (await two.jatim.get(f"{path}?revision=1", "learner", learner_id=SITI)).json()
    assert 404 == (await two.jatim.get(f"{path}?revision=2")).status_code
    assert 404 == (await two.jatim.get(path, "learner", learner_id=BUDI)).status_code
    said = (await two.jatim.verify(told.credential)).json()
    assert (False, "draft") == (said["valid"], said["state"])


async def test_an_unpublished_credential_is_of_unknown_state(two: Two) -> None:
    """A key proves who said it; what became of it, only who was told knows."""
    told = await two.certified(*story())
    stranger = told.model_copy(update={"enrolment_id": "another", "revision": 7})
    forged = NodeNotary(two.jatim.province.federation).sign(badge_of(stranger))

    for node in (two.jatim, two.kalteng):
        said = (await node.verify(forged)).json()
        assert (False, "unknown") == (said["valid"], said["state"])


async def test_what_nobody_signed_is_refused(two: Two) -> None:
    """A word that is none, one of a stranger, and one under another's key."""
    told = await two.certified(*story())
    notary = NodeNotary(two.kalteng.province.federation)
    of_stranger = told.model_copy(update={"host_node": "31"})

    for shown, why in (
        ("not a token", "wrong-credential"),
        (told.credential[:-4] + "AAAA", "wrong-credential"),
        (notary.sign(badge_of(told)), "wrong-credential"),
        (notary.sign(badge_of(of_stranger)), "unknown-issuer"),
    ):
        answer = await two.kalteng.verify(shown)
        assert (422, True) == (answer.status_code, answer.json()["type"].endswith(why)), shown


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"credential": ""}, "wrong-credential"),
        ({"jp": 900}, "wrong-credential"),
        ({"number": "35/PKA/2024/99999"}, "wrong-credential"),
        ({"host_node": "62"}, "not-their-enrolment"),
        ({"enrolment_id": "of another node"}, "not-their-enrolment"),
        ({"verify_url": "x", "programme": plan(code="PKP").programme}, "wrong-credential"),
    ],
)
async def test_a_credential_that_does_not_prove_its_fact_is_parked(
    two: Two, change: dict[str, object], why: str
) -> None:
    """And nothing of it is kept."""
    told = await two.certified(*story())
    await two.tell(told.model_copy(update=change))

    assert [why] == await two.kalteng.parked()
    assert [] == (await two.kalteng.get("/credentials")).json()["items"]


async def test_what_a_peer_says_of_its_own_people_is_not_kept(two: Two) -> None:
    """Neither a certificate nor its end."""
    told = await two.certified(*story())
    theirs = told.model_copy(update={"home_node": "35"})
    ended = [
        each.fact().model_copy(update={"home_node": "35"})
        for each in await superseded(two)
    ]  # fmt: skip
    await two.tell(theirs, *ended)

    assert [] == await two.kalteng.parked()
    assert [] == (await two.kalteng.get("/credentials")).json()["items"]


async def test_the_statuses_of_a_register_are_published(two: Two) -> None:
    """Anybody reads which of a page's certificates hold no longer, signed by the host."""
    told = await two.certified(*story())
    await superseded(two)
    listed = payload(told.credential)["credentialStatus"]["statusListCredential"]
    path = listed.partition(".go.id")[2]

    answer = await two.jatim.client.get(path)

    assert (200, "application/vc+jwt") == (answer.status_code, answer.headers["content-type"])
    assert {0: True, 1: False} == {place: _is_set(answer.text, place) for place in (0, 1)}
    assert 404 == (await two.jatim.client.get("/statuses/35/PKA/2023/1")).status_code


def _is_set(token: str, place: int) -> bool:
    packed = payload(token)["credentialSubject"]["encodedList"][1:]
    bits = gzip.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    assert 131_072 == len(bits) * 8
    return bool(bits[place // 8] & (0x80 >> place % 8))


async def test_a_repeated_certificate_changes_nothing(two: Two) -> None:
    """Nor does its end; a certificate that stands in no register has no published status."""
    told = await two.certified(*story())
    (ended,) = await superseded(two)
    end = ended.fact()
    await two.mirror()
    before = (await two.kalteng.get("/credentials")).json()

    await two.tell(told, end)

    assert before == (await two.kalteng.get("/credentials")).json()
    unregistered = told.model_copy(update={"revision": 9, "credential": ""})
    await two.jatim.served.hear(unregistered)
    copies = two.jatim.province.engine.bus.messages("share.62")
    copied = [fact for each in copies if isinstance(fact := each.fact(), Certified)][-1]
    assert "credentialStatus" not in payload(copied.credential)
    second = before["items"][0]["revisions"][1]["credential"]
    assert "draft" == (await two.jatim.verify(second)).json()["state"]


async def test_a_move_told_twice_over_is_one(two: Two) -> None:
    """What went to the new home already is not told again."""
    await two.jatim.served.hear(moved(day=1))
    await two.jatim.served.hear(*story(BUDI, "35"))
    await two.jatim.served.hear(moved(day=2))

    said = [each.type for each in two.jatim.province.engine.bus.messages("certification")]
    assert ["id.corpu.certified.v1"] == said


async def test_a_certificate_without_results_is_a_badge_as_well(two: Two) -> None:
    """A lecture has neither score nor predicate, and may be valid for some years."""
    told = await two.certified(*story())
    plain = told.model_copy(
        update={"final_score": None, "predicate": None, "valid_until": date(2027, 7, 12)}
    )
    claims = claims_of(badge_of(plain))

    assert ((), "2027-07-12T23:59:59Z") == (
        stated_by(claims).results,
        stated_by(claims).valid_until,
    )
    assert int(datetime.fromisoformat("2027-07-12T23:59:59Z").timestamp()) == claims["exp"]
    for broken in ({**claims, "iss": "urn:x"}, {**claims, "id": "x"}, {}):
        with pytest.raises(ValueError, match="no badge"):
            stated_by(broken)
    strange = {**claims, "iss": "urn:x", "issuer": {"id": "urn:x"}}
    with pytest.raises(ValueError, match="no badge"):
        stated_by(strange)


async def test_a_node_without_keys_has_no_credentials() -> None:
    """It says why."""
    served = Served()
    async with serving(served.app) as client:
        await served.hear(*story(BUDI, "35"))
        path = f"/certificates/{enrolment_id(BUDI, 'pka-ii', '35')}/credential"

        answer = await client.get(path, headers=served.organiser())

        assert (409, True) == (answer.status_code, answer.json()["type"].endswith("not-sharing"))
