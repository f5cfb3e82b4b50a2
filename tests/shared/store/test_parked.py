"""What was parked and is done with is let go after its time, in both twins; what is parked never is."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

import pytest

from shared.bus.parking import PARKED, Parked, forget_done, keep_parked
from shared.kernel.errors import Unprocessable
from shared.store.kind import Document
from shared.store.port import Change, Store
from shared.store.works import Works
from tests.support.boxes import BoxWork
from tests.support.deliveries import left, parked, record, told
from tests.support.serving import NOW

_KEPT = timedelta(days=90)
_LATER = NOW + _KEPT + timedelta(seconds=1)


def _message(offset: int) -> Parked:
    return Parked.of(
        record(told(left(f"e{offset}")), offset), "boxes.note-who-left", Unprocessable("was", "so")
    )


async def _have(works: Works[BoxWork], messages: Iterable[Parked]) -> None:
    async def keep(work: BoxWork) -> None:
        parking = work.aggregates(PARKED)
        for each in messages:
            await parking.of(each.id)
            parking.keep(each)

    await works.run(keep)


async def test_what_is_done_with_is_let_go_after_its_time(works: Works[BoxWork]) -> None:
    """A replayed message goes whole, a dropped one keeps its reason only; what is parked stays as it is."""
    waiting, replayed, dropped = map(_message, range(3))
    await _have(works, [waiting, replayed.now("replayed"), dropped.now("dropped")])

    await forget_done(works, NOW, _KEPT)
    await forget_done(works, NOW + _KEPT, _KEPT)
    kept = await parked(works)
    await forget_done(works, _LATER, _KEPT)
    left_over = await parked(works)

    assert [each.raw_value for each in (waiting, replayed, dropped)] == [e.raw_value for e in kept]
    assert waiting == left_over[0]
    assert [("dropped", "was", (), None)] == [
        (each.status, each.reason, each.raw_headers, each.raw_value) for each in left_over[1:]
    ]


async def test_a_message_that_was_dropped_is_not_parked_again(works: Works[BoxWork]) -> None:
    """Its mark outlives what it held, so a restatement finds it."""
    await _have(works, [_message(1).now("dropped")])
    await forget_done(works, NOW, _KEPT)
    await forget_done(works, _LATER, _KEPT)

    await works.run(lambda work: keep_parked(work.aggregates(PARKED), _message(1)))

    assert ["dropped"] == [each.status for each in await parked(works)]


@pytest.mark.parametrize("status", ["replayed", "dropped"])
async def test_what_is_parked_again_has_its_time_again(
    works: Works[BoxWork], status: Literal["replayed", "dropped"]
) -> None:
    """Time counts from when it was last done with."""
    await _have(works, [_message(1).now(status)])
    await forget_done(works, NOW, _KEPT)
    await _have(works, [_message(1)])
    await forget_done(works, _LATER, _KEPT)
    again = await parked(works)
    await _have(works, [again[0].now(status)])
    await forget_done(works, _LATER, _KEPT)

    assert [_message(1)] == again
    assert [_message(1).raw_value] == [each.raw_value for each in await parked(works)]


async def test_what_is_parked_again_as_it_is_let_go_stays_whole(works: Works[BoxWork]) -> None:
    """Whoever has found it replayed a moment ago parks all of it, or does so again."""
    message = _message(1)
    await _have(works, [message.now("replayed")])
    await forget_done(works, NOW, _KEPT)
    work = works.open()
    await keep_parked(work.aggregates(PARKED), message)

    await forget_done(works, _LATER, _KEPT)
    kept = await work.commit()

    assert [message] == await parked(works) or kept.conflicts


async def test_more_than_a_page_is_let_go(works: Works[BoxWork], store: Store) -> None:
    """However many were done with; the ones of an older release, which noted no time, among them."""
    old: list[Document] = [PARKED.dump(_message(each).now("replayed")) for each in range(205)]
    for document in old:
        del document["done_at"], document["emptied"]
    await store.write([Change(PARKED, f"p{at}", 0, each) for at, each in enumerate(old)])

    await forget_done(works, NOW, _KEPT)
    await forget_done(works, _LATER, _KEPT)

    assert 0 == await store.count(PARKED, {})
