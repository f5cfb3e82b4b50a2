"""What another node tells this one: how our people fare there, whom it sends, who moves here, what it offers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from services.certification.consumers import incoming as certification
from services.certification.domain.badge import badge_of
from services.certification.papers.badges import NodeNotary
from services.enrolment.consumers import incoming as enrolment
from services.enrolment.domain.learner import Card, Learner
from services.enrolment.domain.traveller import Mover, Traveller
from services.notify.consumers import incoming as notify
from services.progress.consumers import incoming as progress
from services.progress.domain.live import Place
from services.progress.handlers.records import open_record_of_enrolment
from services.progress.handlers.sessions import session_id
from services.progress.ports import Work
from shared.bus.delivery import Delivery
from shared.bus.memory import MemoryRecord
from shared.events.catalogue import certification as c
from shared.events.catalogue import enrolment as e
from shared.events.catalogue import exchange as x
from shared.events.catalogue import offers as o
from shared.events.catalogue import progress as p
from shared.events.fact import EVERYBODY, Fact, LearnerFact
from shared.events.message import Message
from shared.federation.keys import Card as NodeCard
from shared.federation.keys import Federation, NodeKeys, Peers
from shared.federation.receiving import Incoming
from shared.federation.seal import mirrored_topic, seal
from shared.kernel.ids import enrolment_id, learner_id
from shared.store.memory import MemoryStore
from tests.shared.store.conftest import Outgoing
from tests.support import stories
from tests.support.enrolment import COURSE, DAY, KEY, NOW, nip, person

HOME, HOST = "35", "62"
COHORT, OWN_COHORT = "pka-62", "sendiri-62"
KOTA = "62.71"
_LECTURE = "kuliah-35"
GUEST, FORMER, MOVER = 6, 7, 8
"""Serials of people of the other node: a guest, the same one's former number, and one who moves here."""


class _Known(Peers):
    """Peers without a file."""

    def __init__(self, *keys: NodeKeys) -> None:
        super().__init__(Path("/nowhere"))
        self._known = {each.node: each.card(each.node) for each in keys}

    @property
    def cards(self) -> Mapping[str, NodeCard]:
        """Tell them."""
        return self._known


_OURS, _THEIRS = NodeKeys.make(HOME), NodeKeys.make(HOST)
OURS = Federation(_OURS, _Known(_THEIRS))
THEIRS = Federation(_THEIRS, _Known(_OURS))
INCOMING: Mapping[str, Callable[[Federation], Incoming[Any]]] = {
    "enrolment": partial(enrolment, lambda number: learner_id(number, KEY)),
    "progress": progress,
    "certification": certification,
    "notify": notify,
}
"""What each service that hears from other nodes hears from them."""

_OWNERS = {"learners": "enrolment"}
_STAY_AT_HOME = (
    e.LearnerRecorded, e.LearnerErased, e.LearnerLinked, x.LearnerTransferred, p.PassportTold,
    p.LectureAttended,
)  # fmt: skip


def _place(learner: str, cohort: str = COHORT) -> str:
    return enrolment_id(learner, cohort, HOST)


def _there(fact: Fact) -> Fact:
    """Tell a fact of our cohort's story as one of theirs, about the same learner of ours."""
    assert isinstance(fact, LearnerFact)
    changes: dict[str, object] = {
        "enrolment_id": _place(fact.learner_id), "home_node": HOME, "cohort_id": COHORT,
    }  # fmt: skip
    if isinstance(fact, e.Enrolled):
        del changes["cohort_id"]
        changes["plan"] = fact.plan.model_copy(update={"host_node": HOST, "cohort_id": COHORT})
    told = fact.model_copy(update=changes)
    return _signed(told) if isinstance(told, c.Certified) else told


def _signed(fact: c.Certified) -> c.Certified:
    hosted = fact.model_copy(update={"host_node": HOST})
    credential = NodeNotary(THEIRS).sign(badge_of(hosted))
    return hosted.model_copy(update={"credential": credential})


def _as_host() -> list[Fact]:
    """Tell how our people fare in a cohort there, as the same story goes in one of ours."""
    ours = {stories.ANI, stories.BUDI, stories.CITRA, stories.DEWI}
    known = {each.learner_id for each in ours}
    told = [
        each
        for each in stories.STORY
        if not isinstance(each, _STAY_AT_HOME) and each.subject in known
    ]
    return [_there(each) for each in (*told, stories.DEWI.refused())]


def _nomination(row: int, serial: int) -> Fact:
    who = Traveller(nip=nip(serial), name=f"Tamu {serial}", employment="PNS")
    return x.Nominated(
        learner_id=person(serial), at=NOW, home_node=HOST, host_node=HOME, cohort_id=stories.COHORT,
        enrolment_id=enrolment_id(person(serial), stories.COHORT, HOME), agency=KOTA, list_id="daftar",
        row=row, of=2, letter_number="800/7", letter_dated=DAY, agreement_id="1/2024",
        purpose="pelatihan", legal_basis="UU 27/2022",
        personal=THEIRS.peers.encrypt(HOME, who.model_dump_json().encode()),
    )  # fmt: skip


def _as_home() -> list[Fact]:
    """Nominate two; take one back, tell their other number, and in the end have them erased."""
    withdrawn = x.NominationWithdrawn(
        learner_id=person(GUEST), at=NOW + timedelta(days=1), home_node=HOST, host_node=HOME,
        cohort_id=stories.COHORT, agency=KOTA, reason="sakit", on=date(2024, 2, 2),
        enrolment_id=enrolment_id(person(GUEST), stories.COHORT, HOME),
    )  # fmt: skip
    linked = e.LearnerLinked(
        learner_id=person(GUEST), at=NOW, home_node=HOST, other_id=person(FORMER), hosts=(HOME,)
    )
    erased = e.ErasureOrdered(
        learner_id=person(GUEST), at=NOW + timedelta(days=99), home_node=HOST, basis="permintaan",
        nodes=(HOME,),
    )  # fmt: skip
    return [_nomination(1, GUEST), _nomination(2, MOVER), withdrawn, linked, erased]


def _as_former_home() -> list[Fact]:
    """Send one of theirs here for good, with passport and certificate."""
    who = {"learner_id": person(MOVER), "home_node": HOST}
    card = Card(nip(MOVER), "Pindah", KOTA, "PNS")
    mover = Mover(Learner(person(MOVER)).record(card, DAY))
    moved = x.LearnerTransferred.model_validate(
        {
            **who, "at": NOW + timedelta(days=90), "to_node": HOME, "moved_on": "2024-05-01",
            "agency": "35.72", "personal": THEIRS.peers.encrypt(HOME, mover.write()),
        }
    )  # fmt: skip
    place = _place(person(MOVER), OWN_COHORT)
    certificate = next(each for each in stories.STORY if isinstance(each, c.Certified))
    certified = _signed(
        certificate.model_copy(update={**who, "enrolment_id": place, "cohort_id": OWN_COHORT})
    )
    entry = p.EntryTold(
        enrolment_id=place, programme=certified.programme, cohort_id=OWN_COHORT, node=HOST, jp=50, of=2,
        enrolled_at=NOW, signed=(1,),
    )  # fmt: skip
    passport = p.PassportTold.model_validate(
        {**who, "at": NOW + timedelta(days=91), "to_node": HOME, "entries": [entry]}
    )
    papers = c.CertificatesTold.model_validate(
        {
            **who, "at": NOW + timedelta(days=91), "to_node": HOME, "enrolment_id": place,
            "certified": [certified], "signed": [1],
        }
    )  # fmt: skip
    return [moved, passport, papers]


def _offers() -> list[Fact]:
    """Offer a programme twice and take it back; offer a cohort, and again with new dates."""
    about = {"at": NOW, "node": HOST, "code": "DUA", "version": 1}
    cohort = {
        "at": NOW, "node": HOST, "cohort_id": COHORT, "programme": stories.PLAN.programme, "jp": 50,
        "eligible": COURSE["eligible"], "title": "PKA Kalteng", "number": "I", "year": 2024,
        "host_agency": "BPSDM Kalteng", "seats": 30, "nominations_until": "2024-04-01",
    }  # fmt: skip
    return [
        o.ProgrammeOffered.model_validate({**about, "offer": 1, "syllabus": COURSE}),
        o.ProgrammeOffered.model_validate({**about, "offer": 2, "open": False}),
        o.ProgrammeOffered.model_validate({**about, "offer": 3, "syllabus": COURSE}),
        *(
            o.CohortOffered.model_validate({**cohort, "offer": number, "calendar_version": number})
            for number in (1, 2)
        ),
    ]


def _lectures() -> list[Fact]:
    """Offer a lecture to all, begin it, and take it back; tell what a guest has watched of one held here."""
    lecture = session_id(Place(COHORT, "stream", "live"), HOST)
    about = {
        "at": NOW, "node": HOST, "session_id": lecture, "cohort_id": COHORT, "group": "stream",
        "session": "live", "title": "Kuliah Umum", "kind": "lecture", "starts_at": NOW,
        "ends_at": NOW + timedelta(hours=1), "threshold": 75, "grace": 300,
        "stream": {"kind": "hls", "url": "https://siaran.test/a.m3u8"},
    }  # fmt: skip
    guest = _lecture_guest()
    watched = {
        "learner_id": guest.learner_id, "at": NOW, "home_node": HOST, "host_node": HOME,
        "session_id": _LECTURE, "cohort_id": _LECTURE, "enrolment_id": guest.enrolment_id,
    }  # fmt: skip
    return [
        p.SessionOffered.model_validate({**about, "offer": 1, "state": "scheduled"}),
        p.SessionOffered.model_validate({**about, "offer": 2, "state": "live", "began_at": NOW}),
        p.SessionOffered.model_validate({**about, "offer": 3, "state": "live", "open": False}),
        p.MinutesWatched.model_validate({**watched, "live": "f0"}),
        p.MinutesWatched.model_validate({**watched, "live": "ff", "replay": "100"}),
    ]


def _lecture_guest() -> e.Enrolled:
    """Enrol somebody of theirs in the lecture that is held here."""
    plan = stories.PLAN.model_copy(update={"cohort_id": _LECTURE})
    place = enrolment_id(stories.ANI.learner_id, _LECTURE, HOME)
    return e.Enrolled(
        learner_id=stories.ANI.learner_id, at=NOW, enrolment_id=place, agency=KOTA, home_node=HOST,
        plan=plan,
    )  # fmt: skip


ABROAD: Sequence[Fact] = [*_offers(), *_lectures(), *_as_host(), *_as_home(), *_as_former_home()]
"""What node 62 tells node 35, in an order in which it may happen."""


def copies() -> list[MemoryRecord]:
    """Make the mirrored records: signed, each with its place among the copies of its aggregate."""
    counted: Counter[str] = Counter()
    made = []
    for place, fact in enumerate(ABROAD):
        service = _OWNERS.get(fact.topic, fact.topic)
        to = EVERYBODY if EVERYBODY in fact.addressees else HOME
        aggregate = f"shares/{to}/{service}/{getattr(fact, 'enrolment_id', fact.subject)}"
        counted[service + aggregate] += 1
        message = Message.of(
            fact, source=f"/corpu/{HOST}/{service}", aggregate=aggregate,
            seq=counted[service + aggregate], epoch=1, to=to,
        )  # fmt: skip
        sealed = seal(message, THEIRS)
        made.append(
            MemoryRecord(
                mirrored_topic(HOST, to), 0, place, tuple(sealed.to_headers()), sealed.data.encode()
            )
        )
    return made


COPIES: Sequence[MemoryRecord] = copies()


async def _hold_lecture(work: Work) -> None:
    place = Place(_LECTURE, "stream", "live")
    blank = await work.live_sessions.of(_LECTURE)
    held = replace(blank, place=place, audience="all", state="closed", host_node=HOME)
    work.live_sessions.keep(held)


async def seed(house: stories.House, store: MemoryStore) -> None:
    """Keep what a service knows before another node tells it anything: its cohort, and its people's cards."""
    await stories.seed(house, store)
    if house.name == "progress":
        works = house.works(store, Outgoing())
        await works.run(partial(open_record_of_enrolment, _lecture_guest()))
        await works.run(_hold_lecture)
    keep = next((s for s in house.subscriptions if s.name == f"{house.name}.keep-cards"), None)
    if keep:
        cards = [each for each in stories.STORY if isinstance(each, e.LearnerRecorded)]
        works = house.works(store, Outgoing())
        await Delivery(keep, works).deliver(stories.records(cards, keep.topics))
