"""The fold of beats: any order and any repetition of records end in the same minutes."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.progress.consumers.attendance import AttendanceFold
from services.progress.domain.attendance import Attendance, attendance_id
from services.progress.domain.beats import Barrier, pack, pack_barrier, room_of
from services.progress.jobs import close_with_barrier
from services.progress.store import ATTENDANCE, CLOSINGS, CURVES, SILENT, is_closed
from shared.bus.folding import Folding
from shared.bus.memory import MemoryBus, MemoryRecord
from shared.events.fact import ATTENDANCE as TOPIC
from shared.store.memory import MemoryStore
from tests.support.deliveries import parked
from tests.support.progress import works_on

_ROOM = room_of("s")
_NAMES = [bytes([number]) * 16 for number in range(1, 6)]
_BEATS = st.lists(
    st.tuples(
        st.sampled_from(["s", "t"]), st.booleans(), st.integers(0, 1439), st.sampled_from(_NAMES)
    ),
    max_size=30,
)


def _record(value: bytes | None, partition: int = 0) -> MemoryRecord:
    return MemoryRecord(TOPIC, partition, 0, (), value)


def _beats(minute: int, *learners: bytes, partition: int = 0) -> MemoryRecord:
    return _record(pack({(_ROOM, minute): b"".join(learners)}), partition)


async def _folded(*batches: Sequence[MemoryRecord], remembered: int = 300_000) -> MemoryStore:
    """Fold batches, with a flush after each."""
    store = MemoryStore()
    folding = Folding(AttendanceFold(remembered), works_on(store, MemoryBus()))
    for batch in batches:
        await folding.deliver(batch)
        assert 0 == folding.subscription.size
    return store


async def _minutes(store: MemoryStore) -> dict[str, tuple[int, int]]:
    found = [ATTENDANCE.load(each) for each in await store.find(ATTENDANCE, {})]
    return {each.id: (each.live_minutes, each.replay_minutes) for each in found}


@given(_BEATS, st.randoms())
async def test_any_order_repetition_and_packing_end_in_the_same_minutes(
    beats: list[tuple[str, bool, int, bytes]], chance: Random
) -> None:
    """One beat a record or all in one, flushed in between or not, told twice and shuffled."""
    alone = [
        _record(pack({(room_of(session, replay=replay), minute): learner}))
        for session, replay, minute, learner in beats
    ]
    packed: dict[tuple[bytes, int], bytes] = {}
    for session, replay, minute, learner in beats:
        key = room_of(session, replay=replay), minute
        packed[key] = packed.get(key, b"") + learner
    shuffled = [*alone, *alone]
    chance.shuffle(shuffled)
    cut = chance.randint(0, len(shuffled))

    once = await _minutes(await _folded(alone))
    assert once == await _minutes(await _folded(shuffled[:cut], shuffled[cut:]))
    assert once == await _minutes(await _folded([_record(pack(packed))]))
    told: dict[str, list[int]] = {}
    for session, replay, minute, learner in beats:
        told.setdefault(attendance_id(session, learner.hex()), [0, 0])[replay] |= 1 << minute
    assert {key: tuple(bitmaps) for key, bitmaps in told.items()} == once


async def test_a_document_tells_whose_and_whence() -> None:
    """Session, learner and source stand in it."""
    store = await _folded([_beats(70, _NAMES[0])])

    who = _NAMES[0].hex()
    expected = Attendance(f"s/{who}", "s", who, {"1": 64}, {}, ("live",), due=True)
    (document,) = await store.find(ATTENDANCE, {})
    assert expected == ATTENDANCE.load(document)


async def test_the_curve_counts_the_last_minutes_viewers_once() -> None:
    """Over flushes and repetitions; what comes late for an older minute is left to the bitmaps."""
    ani, budi, citra, *_ = _NAMES
    store = await _folded(
        [_beats(1, ani), _beats(1, ani, budi), _beats(2, ani)],
        [_beats(2, budi, ani), _beats(1, citra), _beats(2, citra, partition=1)],
        [_beats(9, ani), _beats(1, _NAMES[4])],
    )

    curves = {each.id: each.viewers for each in map(CURVES.load, await store.find(CURVES, {}))}
    assert {"s/0": {"1": 3, "2": 2, "9": 1}, "s/1": {"2": 1}} == curves


async def test_a_replay_is_in_no_curve() -> None:
    """Who watches later was not there."""
    store = await _folded([_record(pack({(room_of("s", replay=True), 3): _NAMES[0]}))])

    assert [] == await store.find(CURVES, {})


async def test_rooms_are_forgotten_when_nobody_comes_or_too_many_do() -> None:
    """Counting begins anew then, and what was counted stands."""
    ani, budi, *_ = _NAMES
    empty: list[MemoryRecord] = []
    other = [_record(pack({(room_of("t"), 0): ani}))]
    slept = await _folded([_beats(1, ani)], *[other] * 70, [_beats(1, budi)])
    crowded = await _folded([_beats(1, ani, budi)], [_beats(1, budi)], empty, remembered=1)

    assert {"1": 1} == CURVES.load((await slept.load(CURVES, ["s/0"]))["s/0"]).viewers
    assert {"1": 2} == CURVES.load((await crowded.load(CURVES, ["s/0"]))["s/0"]).viewers


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "the record ends too early"),
        (b"\x07", "version 7 is not known"),
        (pack({(_ROOM, 1): _NAMES[0]})[:-3], "a block is broken"),
        (pack({(b"\x05\x01s", 1): _NAMES[0]}), "a room is broken"),
        (pack({(_ROOM, 1): _NAMES[0], (b"\x00\x01\xff", 1): _NAMES[0]}), "can't decode"),
        (pack_barrier(Barrier("s", 1, 2)), "a barrier of partition 2 came in 0"),
        (pack_barrier(Barrier("s", 1, 0))[:6], "the barrier is broken"),
    ],
    ids=["tombstone", "version", "cut", "room", "second-room", "elsewhere", "no-session"],
)
async def test_a_broken_record_is_parked_and_counts_nothing(
    value: bytes | None, reason: str
) -> None:
    """The records around it count."""
    store = MemoryStore()
    works = works_on(store, MemoryBus())
    folding = Folding(AttendanceFold(), works)
    await folding.deliver([_beats(4, _NAMES[1]), _record(value), _beats(5, _NAMES[1])])

    (one,) = await parked(works)
    assert ("beats-unreadable", True) == (one.reason, reason in one.detail)
    assert {f"s/{_NAMES[1].hex()}": (0b110000, 0)} == await _minutes(store)


async def test_a_session_is_closed_once_all_its_barriers_were_folded() -> None:
    """Each partition's barrier is seen after the beats before it, whatever was flushed with them."""
    store, bus = MemoryStore(), MemoryBus()
    works = works_on(store, bus)
    folding = Folding(AttendanceFold(), works)
    await close_with_barrier(store, bus, "s", 1)
    await close_with_barrier(store, bus, "s", 1)
    records = bus.topics[TOPIC]

    await folding.deliver([each for each in records if each.partition != 2])
    half = await is_closed(works.open(), "s", 1)
    await folding.deliver(records)

    assert not half
    assert await is_closed(works.open(), "s", 1)
    assert not await is_closed(works.open(), "s", 2)
    assert {CLOSINGS.name} == store.snapshot().keys() & {kind.name for kind in SILENT}


def test_beats_come_out_before_the_closing_that_followed_them() -> None:
    """What is taken while a drain goes on waits for the next one, its barriers too."""
    fold = AttendanceFold()
    fold.take([_beats(1, *_NAMES), _record(pack_barrier(Barrier("s", 1, 0)))])
    drain = fold.drain()
    kinds = [next(drain)[0].name]
    fold.take([_beats(2, *_NAMES), _record(pack_barrier(Barrier("s", 2, 0)))])
    kinds += [kind.name for kind, _ in drain]

    assert ["attendance", "curves", "closings"] == kinds
    assert 6 == fold.size
    assert kinds == [kind.name for kind, _ in fold.drain()]
    assert 0 == fold.size
