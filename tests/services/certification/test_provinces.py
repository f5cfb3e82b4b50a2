"""Who moves takes the certificates along, to every next home, and only the old home is believed."""

from contextlib import AsyncExitStack
from pathlib import Path

from shared.events.certification import CertificatesTold, Certified
from shared.events.fact import LearnerFact
from shared.kernel.ids import enrolment_id
from tests.support.certificates_abroad import BUDI, SITI, Node, Two, moved, story
from tests.support.certification import Served, recorded
from tests.support.copies import tell_abroad
from tests.support.federation import mirror, provinces
from tests.support.serving import NOW, serving


async def test_who_moves_takes_the_certificates_along(two: Two) -> None:
    """Ours with their credentials, signed or not, and what ended; what comes later goes there at once."""
    await two.jatim.served.hear(*story(BUDI, "35"), story(BUDI, "35", score=95, revision=2)[1])
    newest = [
        fact
        for each in two.jatim.province.engine.bus.messages("certification")
        if isinstance(fact := each.fact(), Certified)
    ][-1]
    await two.sign(newest)
    await two.jatim.served.hear(moved())
    await two.mirror()
    assert ["unknown-learner"] == await two.kalteng.parked()

    await two.kalteng.served.hear(recorded(learner_id=BUDI, agency="62.71"))
    await two.tell(moved())
    await two.kalteng.readmit()

    key = enrolment_id(BUDI, "pka-ii", "35")
    held = (await two.kalteng.get(f"/credentials/{key}")).json()
    assert ["superseded", "live"] == [each["state"] for each in held["revisions"]]
    await two.jatim.served.hear(story(BUDI, "35", score=75, revision=3)[1])
    await two.mirror()
    held = (await two.kalteng.get(f"/credentials/{key}")).json()
    assert ["superseded", "superseded", "draft"] == [each["state"] for each in held["revisions"]]
    await two.sign(newest)
    assert (await two.kalteng.verify(held["revisions"][2]["credential"])).json()["state"] == "live"


async def test_a_story_that_is_heard_after_the_move_is_told_to_the_new_home(two: Two) -> None:
    """Whatever was certified before its enrolment was known to have moved, too."""
    await two.jatim.served.hear(moved())
    await two.jatim.served.hear(*story(BUDI, "35"))

    messages = two.jatim.province.engine.bus.messages("share.62")
    (told,) = [fact for each in messages if isinstance(fact := each.fact(), LearnerFact)]
    assert isinstance(told, Certified)
    assert "62" == told.home_node


async def test_credentials_of_others_move_on_with_their_holder(two: Two) -> None:
    """To the next home, now and when one more comes late; what that home issued it knows."""
    lan = moved(SITI, "35", home="62", day=3)
    await two.certified(*story())
    await two.mirror()
    await two.kalteng.served.hear(lan)
    await tell_abroad(two.kalteng.province, two.jatim.province, lan)
    await two.mirror()

    said = [each.fact() for each in two.kalteng.province.engine.bus.messages("certification")]
    assert [] == [each for each in said if isinstance(each, CertificatesTold)]
    assert [] == (await two.jatim.get("/credentials")).json()["items"]


async def test_a_third_home_is_told_what_is_held(tmp_path: Path) -> None:
    """Held credentials are told as they were signed, and proved again by their issuer's own card."""
    async with AsyncExitStack() as stack:
        nodes = []
        for province in provinces(tmp_path, "35", "62", "31"):
            served = Served(province)
            client = await stack.enter_async_context(serving(served.app))
            nodes.append(Node(province, served, client))
        jatim, kalteng, jakarta = nodes
        two = Two(jatim, kalteng)
        await kalteng.served.hear(recorded(learner_id=SITI, agency="62.71"))
        first = await two.certified(*story())
        await two.mirror()
        move = moved(SITI, "31", home="62", day=3)
        await jakarta.served.hear(recorded(learner_id=SITI, agency="31.71"))
        await kalteng.served.hear(move, move)
        await tell_abroad(kalteng.province, jakarta.province, move)
        mirror(kalteng.province, jakarta.province)
        await jakarta.served.settle()
        # Jatim has not heard of the move yet, and tells the old home of a correction.
        await jatim.served.hear(story(score=95, revision=2)[1])
        await two.sign(first)
        mirror(kalteng.province, jakarta.province)
        await jakarta.served.settle()

        held = (await jakarta.get(f"/credentials/{first.enrolment_id}")).json()
        assert ["superseded", "live"] == [each["state"] for each in held["revisions"]]
        assert first.credential == held["revisions"][0]["credential"]


async def test_only_the_old_home_of_who_moved_is_believed(two: Two) -> None:
    """About whom it is, about which enrolment, and never about what this node issued."""
    told = await two.certified(*story())
    move = moved(SITI, "62", home="35")
    await two.tell(move)

    def along(*certified: Certified, **changes: object) -> CertificatesTold:
        usual: dict[str, object] = {
            "learner_id": SITI, "at": NOW, "home_node": "35", "to_node": "62",
            "enrolment_id": told.enrolment_id, "certified": certified,
        }  # fmt: skip
        return CertificatesTold.model_validate({**usual, **changes})

    ours = told.model_copy(
        update={"host_node": "62", "enrolment_id": enrolment_id(SITI, "pka-ii", "62")}
    )
    await two.tell(
        along(told, to_node="31"),
        along(told, learner_id=BUDI),
        along(told, enrolment_id="another"),
        along(told.model_copy(update={"host_node": "31"})),
        along(told.model_copy(update={"jp": 1})),
        along(ours, enrolment_id=ours.enrolment_id),
    )

    expected = ["unknown-learner"] * 2 + ["wrong-credential"] * 3
    assert expected == await two.kalteng.parked()
    assert [] == (await two.kalteng.get("/credentials")).json()["items"]


async def test_our_own_people_are_not_for_others_to_send_away(two: Two) -> None:
    """A guest may be sent on, and the dossier follows."""
    await two.jatim.served.hear(*story())
    await tell_abroad(
        two.kalteng.province,
        two.jatim.province,
        moved(BUDI, "31", home="62"),
        moved(SITI, "31", home="62"),
    )

    assert ["not-their-learner"] == await two.jatim.parked()
    dossier = await two.jatim.served.app.state.parts.works.open().dossiers.of(
        enrolment_id(SITI, "pka-ii", "35")
    )
    assert "31" == dossier.home_node
