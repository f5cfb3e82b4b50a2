"""The inbox as a live stream: nothing is missed, and a stream ends when it should."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from sse_starlette.sse import AppStatus

from services.notify.api import live
from services.notify.api.stream import Pace
from services.notify.domain.notices import notice_id
from shared.kernel.errors import Conflict, Unavailable
from tests.support import notify as say
from tests.support.notify import AT, AYU, BAGUS
from tests.support.notify_desk import Desk, Node, Stream, Told, node
from tests.support.serving import clock, serving


@pytest.fixture
def notify() -> Node:
    """Give notify, with nothing heard."""
    return node(clock())


@pytest.fixture
async def client(notify: Node) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of it."""
    async with serving(notify.app) as client:
        yield client


def listen(notify: Node, since: str | None = None, learner: str = AYU) -> Stream:
    """Listen to an inbox, from a cursor on."""
    headers = notify.learner(learner) | ({"Last-Event-ID": since} if since else {})
    return Stream(notify.app, "/inbox/stream", headers)


async def next_of(stream: Stream) -> Told:
    """Read the next event of a stream that goes on."""
    told = await stream.next()
    assert told is not None
    return told


@pytest.mark.usefixtures("client")
async def test_a_notice_is_told_as_it_comes(notify: Node) -> None:
    """First the count of unread ones, then each new notice, in words, and the count again."""
    await notify.hear(say.enrolled())
    fact = say.phase_completed()
    async with listen(notify) as stream:
        first = await next_of(stream)
        await notify.hear(fact, say.phase_completed(BAGUS))
        notice, count = await next_of(stream), await next_of(stream)

    assert ("unread", {"unread": 1}) == (first.event, first.data)
    assert ("notice", notice_id(fact)) == (notice.event, notice.data["id"])
    assert "Tahap 1 dari 6 selesai: PKA Angkatan II Tahun 2024" == notice.data["subject"]
    assert ("unread", {"unread": 2}) == (count.event, count.data)


async def test_reading_elsewhere_changes_the_count(
    notify: Node, client: httpx2.AsyncClient
) -> None:
    """Who reads on the phone sees it on the desk."""
    await notify.hear(*say.each_once())
    async with listen(notify) as stream:
        before = await next_of(stream)
        await client.post("/inbox/read-all", headers=notify.learner())
        after = await next_of(stream)

    assert [{"unread": 13}, {"unread": 0}] == [before.data, after.data]


@pytest.mark.usefixtures("client")
async def test_a_listener_who_returns_is_told_what_they_missed(notify: Node) -> None:
    """Only that, oldest first."""
    facts = say.each_once()
    await notify.hear(*facts[:5])
    async with listen(notify) as stream:
        cursor = (await next_of(stream)).id
    await notify.hear(*facts[5:8])

    async with listen(notify, cursor) as stream:
        missed = [await next_of(stream) for _ in range(3)]

    assert [notice_id(fact) for fact in facts[5:8]] == [told.data["id"] for told in missed]


@pytest.mark.usefixtures("client")
async def test_a_late_fact_is_not_missed(notify: Node) -> None:
    """A notice that took an earlier place meanwhile is told, though others are told again."""
    facts = say.each_once()
    await notify.hear(*facts[3:6])
    async with listen(notify) as stream:
        cursor = (await next_of(stream)).id
        await notify.hear(facts[1])
        live_one = await next_of(stream)
    await notify.hear(facts[0])

    async with listen(notify, cursor) as stream:
        told = [(await next_of(stream)).data["id"] for _ in range(5)]

    assert notice_id(facts[1]) == live_one.data["id"]
    assert [notice_id(fact) for fact in (facts[0], facts[1], *facts[3:6])] == told


@pytest.mark.usefixtures("client")
async def test_the_cursor_comes_with_the_last_of_what_is_told_together(notify: Node) -> None:
    """A stream that breaks in the middle is resumed from before, so nothing is missed."""
    async with listen(notify) as stream:
        await next_of(stream)
        await notify.hear(*say.each_once()[:3])
        told: list[Told] = []
        while not (told and told[-1].id):
            told.append(await next_of(stream))

    assert [None] * (len(told) - 1) == [each.id for each in told[:-1]]
    assert "unread" == told[-1].event


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    "cursor", ["nonsense", "@", "7@", "-1@~", "99@2024", "💥".encode().decode("latin-1")]
)
async def test_a_cursor_that_is_none_tells_everything(notify: Node, cursor: str) -> None:
    """A client that sends nonsense is told its window again rather than nothing."""
    await notify.hear(*say.each_once())

    async with listen(notify, cursor) as stream:
        told = [await next_of(stream) for _ in range(13)]

    assert ["notice"] * 13 == [each.event for each in told]


@pytest.mark.usefixtures("client")
async def test_the_cursor_may_come_in_the_address(notify: Node) -> None:
    """For clients that cannot set a header the first time."""
    await notify.hear(*say.each_once())

    async with Stream(notify.app, "/inbox/stream", notify.learner(), "since=0@") as stream:
        told = await next_of(stream)

    assert "notice" == told.event


async def test_who_does_not_want_the_inbox_is_told_nothing(
    notify: Node, client: httpx2.AsyncClient
) -> None:
    """The stream is open and still."""
    choice = {"inbox": False, "email": True}
    await client.put("/preferences", json=choice, headers=notify.learner())
    notify.app.state.pace = Pace(look=0.01, length=0.1)
    await notify.hear(say.enrolled())
    async with listen(notify, "0@") as stream:
        first, end = await next_of(stream), await stream.next()

    assert ("unread", {"unread": 0}) == (first.event, first.data)
    assert end is None


@pytest.mark.usefixtures("client")
async def test_a_stream_ends_in_time_and_leaves_nothing_behind(notify: Node) -> None:
    """The listener comes back with a token that still holds."""
    notify.app.state.pace = Pace(length=0.05)
    async with listen(notify) as stream:
        while await stream.next():
            pass

    assert not notify.app.state.listeners._bells


@pytest.mark.usefixtures("client")
async def test_a_stream_finds_what_another_process_has_kept(notify: Node) -> None:
    """Nobody rings here for that, so it looks by itself."""
    notify.app.state.pace = Pace(look=0.01)
    async with listen(notify) as stream:
        await next_of(stream)
        await Desk(store=notify.engine.stores["notify"]).hear([say.enrolled()])
        told = await next_of(stream)

    assert "notice" == told.event


@pytest.mark.usefixtures("client")
async def test_a_store_that_goes_away_ends_the_stream(notify: Node) -> None:
    """Without a traceback; the listener comes back and is told then."""
    notify.app.state.pace = Pace(look=0.01)
    store = notify.engine.stores["notify"]
    async with listen(notify) as stream:
        await next_of(stream)

        async def away(*_: object, **__: object) -> int:
            raise Unavailable("the store is away (test)")

        store.count = away  # type: ignore[method-assign]  # a store that goes away
        end = await stream.next()

    assert end is None


@pytest.mark.usefixtures("client")
async def test_one_person_has_only_so_many_streams() -> None:
    """One too many is refused, and there is room again when one ends."""
    notify = node(clock())
    async with serving(notify.app):
        streams = [listen(notify) for _ in range(8)]
        for stream in streams:
            await stream.__aenter__()
            await next_of(stream)
        async with listen(notify) as refused, listen(notify, learner=BAGUS) as other:
            statuses = (refused.status, other.status)
        await streams.pop().__aexit__()
        async with listen(notify) as admitted:
            status = admitted.status
        for stream in streams:
            await stream.__aexit__()

    assert ((409, 200), 200) == (statuses, status)


async def test_many_streams_asked_for_at_one_moment_are_only_so_many() -> None:
    """All are admitted before any of them listens, and those too many end at once."""
    notify = node(clock())
    async with serving(notify.app):
        streams = [listen(notify) for _ in range(20)]
        await asyncio.gather(*(stream.__aenter__() for stream in streams))
        first = await asyncio.gather(*(stream.next() for stream in streams))
        await asyncio.gather(*(stream.__aexit__() for stream in streams))

    assert 8 == sum(told is not None for told in first)


def test_a_node_has_only_so_many_listeners() -> None:
    """One person's streams and everybody's together are bounded."""
    listeners = live.Listeners()
    listeners._count = live._ALL

    with pytest.raises(Unavailable):
        listeners.admit(AYU)

    listeners._count = 0
    listeners._bells[AYU] = {object() for _ in range(live._EACH)}  # type: ignore[misc]
    with pytest.raises(Conflict):
        listeners.admit(AYU)


@pytest.mark.usefixtures("client")
async def test_a_long_absence_is_told_by_its_newest_notices(notify: Node) -> None:
    """More than the window holds are found in the inbox."""
    facts = [
        say.phase_completed(cohort=f"cohort-{n}", at=AT + timedelta(minutes=n))
        for n in range(live.WINDOW + 5)
    ]
    await notify.hear(*facts)

    async with listen(notify, "0@") as stream:
        first = await next_of(stream)

    assert notice_id(facts[5]) == first.data["id"]


@pytest.mark.usefixtures("client")
async def test_a_service_that_ends_ends_its_streams(notify: Node) -> None:
    """With a proper end, long before the heartbeat, and nobody listens any more."""
    async with listen(notify) as stream:
        await next_of(stream)
        AppStatus.should_exit = True
        try:
            end = await stream.next()
        finally:
            AppStatus.should_exit = False

    assert end is None
    assert not notify.app.state.listeners._bells
