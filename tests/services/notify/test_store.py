"""The views of notices, the same on both twins."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from services.notify.domain.letters import Outcome
from services.notify.domain.notices import NAMES, Notice, notice_id
from services.notify.handlers import note_outcome, note_reading_of_some, take_due_letters
from services.notify.store import (
    KINDS,
    NotifyWork,
    audit_rows,
    how_many,
    newest,
    summarise,
    undelivered,
)
from shared.kernel.ids import fresh
from shared.store.memory import MemoryStore
from shared.store.mongo import open_mongo
from shared.store.port import Store
from shared.store.relay import Relay
from shared.store.scope import Scope
from shared.store.work import Frame
from shared.store.works import Works
from tests.support import notify as say
from tests.support.notify import AGENCY, AYU, BAGUS, COHORT
from tests.support.notify_desk import Desk
from tests.support.serving import NOW

OWN = Scope(learner=AYU)


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.real)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Give each twin, empty."""
    if request.param == "memory":
        yield MemoryStore()
        return
    uri = request.getfixturevalue("mongo")
    async with open_mongo(uri, f"notify-{fresh()[:8]}", KINDS) as opened:
        yield opened


@pytest.fixture
async def desk(store: Store) -> Desk:
    """Give a desk that has heard two people's stories, and Ayu's card."""
    desk = Desk(store)
    await desk.hear([say.card(), *say.each_once(AYU), *say.each_once(BAGUS)])
    return desk


async def test_notices_are_found_newest_first_and_page_by_page(desk: Desk) -> None:
    """Only one's own, from before a place on, unread or read or both."""
    work = desk.works.open(OWN)
    first = await newest(work, AYU, limit=5)
    second = await newest(work, AYU, before=first[-1].place, limit=50)
    read = await newest(work, AYU, unread=False, limit=50)
    unread = await newest(work, AYU, unread=True, limit=50)

    assert list(NAMES[::-1]) == [notice.type for notice in (*first, *second)]
    assert ([], 13) == (read, len(unread))
    assert [] == await newest(work, BAGUS, limit=50)


async def test_notices_are_counted_in_scope(desk: Desk) -> None:
    """A person's own, an agency's, or all of the node's."""
    scopes = (OWN, Scope(agency=AGENCY), Scope(agency="35.72"), Scope(everything=True))
    counts = [await how_many(desk.works.open(scope), {"type": "enrolled"}) for scope in scopes]

    assert [1, 2, 0, 2] == counts


async def test_reading_all_leaves_none_unread(desk: Desk) -> None:
    """And what was read is found as read."""
    await desk.works.run(partial(note_reading_of_some, AYU), OWN)

    assert 13 == len(await newest(desk.works.open(OWN), AYU, unread=False, limit=50))


async def test_figures_follow_letters(desk: Desk) -> None:
    """Pending, sent and failed ones are counted, and the failed are listed."""
    letters, _ = await desk.works.run(partial(take_due_letters, NOW, limit=50))
    for letter in letters[:3]:
        await desk.works.run(partial(note_outcome, letter.notice_id, Outcome("sent"), NOW))
    refused = Outcome("refused", "550 5.1.1")
    await desk.works.run(partial(note_outcome, letters[3].notice_id, refused, NOW))

    work = desk.works.open()
    summary = await summarise(work, COHORT)
    failed = await undelivered(work, None, after="", limit=10)

    assert dict.fromkeys(NAMES, 2) == summary.notices
    assert {"none": 0, "pending": 22, "sent": 3, "failed": 1, "declined": 0} == summary.email
    assert [letters[3].notice_id] == [notice.id for notice in failed]


async def test_audit_rows_come_in_id_order(desk: Desk) -> None:
    """Page by page, without a gap."""
    first = await audit_rows(desk.works, "", 20)
    rest = await audit_rows(desk.works, first[-1]["id"], 20)

    ids = [row["id"] for row in (*first, *rest)]
    assert 26 == len(ids)
    assert sorted(ids) == ids


async def test_a_notice_is_read_back_as_it_was_kept(desk: Desk) -> None:
    """Every field of every type of notice survives the store."""
    work = desk.works.open()
    kept = [await work.notices.get(notice_id(fact)) for fact in say.each_once()]

    assert [Notice.of(fact) for fact in say.each_once()] == kept


async def test_only_a_changed_inbox_is_told_of(desk: Desk) -> None:
    """New and newly read notices are; a repeat and a letter's progress are not."""
    told: list[set[str]] = []
    frame = Frame(desk.store, "/corpu/35/notify")
    make = partial(NotifyWork, told=lambda learners: told.append(set(learners)))
    works = Works(make, frame, Relay(desk.store, KINDS, desk.bus.publish))
    watched = Desk(desk.store, works=works)

    await watched.hear(
        [*say.each_once(AYU), say.enrolled(AYU, "other"), say.enrolled(BAGUS, "other")]
    )
    await works.run(partial(take_due_letters, NOW, limit=50))
    await works.run(partial(note_reading_of_some, AYU), OWN)
    await works.run(partial(note_reading_of_some, AYU), OWN)

    assert [{AYU, BAGUS}, {AYU}] == told
